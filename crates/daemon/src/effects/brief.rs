//! Stage 4: the agent is enriched. Gathers what the brief is made of and stores it with the attempt.

use super::orient::instructions;
use crate::brief::{Material, pack};
use crate::context::{Daemon, internal};
use crate::shell::Report;
use engine::Input;
use protocol::view::{NoteRow, RequestView};
use protocol::{ApiError, AttemptId, Code, ProjectId, RequestId};

pub async fn brief(
    daemon: &Daemon,
    request: &RequestId,
    project: &ProjectId,
    attempt: &AttemptId,
) -> Result<Report, ApiError> {
    let material = gather(daemon, request, project).await?;
    let budget = daemon.settings.limits.brief_tokens;
    let packed = pack(&material, budget);
    let (blob, named) = daemon.blob(packed.text)?;
    let input = Input::Briefed { attempt: attempt.clone(), brief: named, parts: packed.parts, budget };
    Ok(Report { input, blobs: vec![blob] })
}

async fn gather(daemon: &Daemon, request: &RequestId, project: &ProjectId) -> Result<Material, ApiError> {
    let (id, of) = (request.clone(), project.clone());
    let read = daemon.reads.ask(move |r| {
        let view = r.show(&id)?;
        let (_, completed) = r.steps(&of)?;
        let mut notes = Vec::new();
        for recalled in view.iter().flat_map(|v| &v.recalled) {
            if let Some(note) = r.note(&recalled.note)? {
                notes.push(NoteRow { why: Some(recalled.why.clone()), score: Some(recalled.score), ..note });
            }
        }
        Ok((view, completed, notes))
    });
    let (view, steps, notes) = read.await?;
    let view = view.ok_or_else(|| ApiError::new(Code::NotFound, format!("there is no request {request}")))?;
    let mut material = Material { source: format!("request {request}"), steps, notes, ..Material::default() };
    tell_story(&view, &mut material);
    let main = daemon.yard.head(project).await.map_err(|e| internal("read the project", e))?;
    for (path, bytes) in instructions(daemon, project, &main).await?.iter() {
        let text = String::from_utf8_lossy(bytes).into_owned();
        match *path {
            "GLOSSARY.md" => material.glossary = text,
            // It only says `@AGENTS.md`, for the agent that reads no other name.
            "CLAUDE.md" => {}
            _ => material.instructions.push(((*path).into(), text)),
        }
    }
    Ok(material)
}

/// What was asked, said since, and what failed so far.
fn tell_story(view: &RequestView, material: &mut Material) {
    material.task =
        view.row.text.clone().unwrap_or_else(|| "(the text of this request was forgotten)".into());
    material.steering = view.steering.clone();
    material.diagnoses = view.attempts.iter().filter_map(|a| a.diagnosis.clone()).collect();
}
