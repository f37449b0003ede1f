//! Stage 4: the agent is enriched. Gathers what the brief is made of and stores it with the attempt.

use super::orient::{instructions, question};
use crate::brief::{Material, pack};
use crate::context::{Daemon, internal};
use crate::relay::{self, Before};
use crate::remember;
use crate::shell::Report;
use engine::Input;
use protocol::fact::{DiffStat, Fact};
use protocol::view::{AttemptView, NoteRow, RequestView, TaskView, TranscriptLine};
use protocol::{ApiError, AttemptId, Code, CommitId, ProjectId, RequestId, TaskId, clean};

/// The attempt that is briefed.
pub struct Wanted<'a> {
    pub request: &'a RequestId,
    pub project: &'a ProjectId,
    pub task: &'a TaskId,
    pub attempt: &'a AttemptId,
    /// The attempt whose worktree it goes on in.
    pub goes_on: Option<&'a AttemptId>,
}

pub async fn brief(daemon: &Daemon, of: &Wanted<'_>) -> Result<Report, ApiError> {
    let material = gather(daemon, of).await?;
    let budget = daemon.settings.limits.brief_tokens;
    let packed = pack(&material, budget);
    let (blob, named) = daemon.blob(packed.text)?;
    let input = Input::Briefed { attempt: of.attempt.clone(), brief: named, parts: packed.parts, budget };
    Ok(Report { input, blobs: vec![blob] })
}

async fn gather(daemon: &Daemon, of: &Wanted<'_>) -> Result<Material, ApiError> {
    let (id, project) = (of.request.clone(), of.project.clone());
    let read = daemon.reads.ask(move |r| {
        let view = r.show(&id)?;
        let (_, completed) = r.steps(&project)?;
        let mut notes = Vec::new();
        for recalled in view.iter().flat_map(|v| &v.recalled) {
            if let Some(note) = r.note(&recalled.note)? {
                notes.push(NoteRow { why: Some(recalled.why.clone()), score: Some(recalled.score), ..note });
            }
        }
        Ok((view, completed, notes, r.entries_of(&id)?))
    });
    let (view, steps, mut notes, entries) = read.await?;
    let missing = || ApiError::new(Code::NotFound, format!("there is no request {}", of.request));
    let view = view.ok_or_else(missing)?;
    to_the_point(daemon, of.project, view.row.text.as_deref(), &mut notes).await;
    if let (true, Some(text)) = (daemon.elsewhere.is_set(), view.row.text.as_deref()) {
        notes = remember::elsewhere::told(daemon, of.project, text).await;
    }
    let source = format!("request {}", of.request);
    let memory_tokens = daemon.settings.memory.tokens.into();
    let mut material = Material { source, steps, notes, memory_tokens, ..Material::default() };
    tell_task(&view, of.task, &mut material);
    let mine = |attempt: &&AttemptView| attempt.task == *of.task && attempt.attempt != *of.attempt;
    let before: Vec<&AttemptView> = view.attempts.iter().filter(mine).collect();
    material.diagnoses = before.iter().filter_map(|a| a.diagnosis.clone()).collect();
    material.answers =
        answers(daemon, &entries.into_iter().map(|e| e.fact).collect::<Vec<_>>(), &before).await?;
    if of.goes_on.is_some() {
        material.so_far = so_far(daemon, of, &before).await?;
    }
    let main = daemon.yard.head(of.project).await.map_err(|e| internal("read the project", e))?;
    for (path, bytes) in instructions(daemon, of.project, &main).await?.iter() {
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

/// Bytes of a note that is told as a whole.
const SHORT: usize = 2000;

/// The notes are looked up once more for what the journal does not keep of them: of long ones the passages that have to do
/// with the request, and why they were recalled, in words of their own.
async fn to_the_point(daemon: &Daemon, project: &ProjectId, text: Option<&str>, notes: &mut [NoteRow]) {
    let Some(text) = text.filter(|_| !notes.is_empty()) else { return };
    let found = remember::recall(daemon, project, question(daemon, text)).await.unwrap_or_default();
    for note in notes {
        let Some(hit) = found.hits.iter().find(|hit| hit.note == note.note) else { continue };
        note.why = Some(hit.why.clone());
        if note.text.len() > SHORT {
            note.text = hit.passages.join("\n[…]\n");
        }
    }
}

const GONE: &str = "(the text of this request was forgotten)";

/// What was asked and said since; of a request that is split, this part of it and what the others are.
fn tell_task(view: &RequestView, task: &TaskId, material: &mut Material) {
    let whole = view.row.text.clone().unwrap_or_else(|| GONE.into());
    material.steering = view.steering.clone();
    let split = view.tasks.len() > 1;
    let part = view.tasks.iter().find(|part| part.task == *task).filter(|_| split);
    let Some(part) = part else {
        material.task = whole;
        return;
    };
    material.task = part.text.clone().unwrap_or_else(|| part.title.clone());
    material.common = Some(whole);
    material.siblings = view.tasks.iter().filter(|other| other.task != *task).map(sibling).collect();
}

fn sibling(part: &TaskView) -> String {
    let text = part.text.as_deref().unwrap_or(&part.title);
    format!("part {}: {}", part.number, clean::line(text, 160))
}

/// Questions of the attempts before, with what the user answered.
pub async fn answers(
    daemon: &Daemon,
    facts: &[Fact],
    before: &[&AttemptView],
) -> Result<Vec<(String, String)>, ApiError> {
    let mine = |attempt: &AttemptId| before.iter().any(|known| known.attempt == *attempt);
    let mut pairs = Vec::new();
    for answered in facts.iter().filter_map(|fact| match fact {
        Fact::AttemptAnswered(answered) if mine(&answered.attempt) => Some(answered),
        _ => None,
    }) {
        let asked = facts.iter().find_map(|fact| match fact {
            Fact::AttemptAsked(asked) if asked.attempt == answered.attempt && asked.ask == answered.ask => {
                Some(asked)
            }
            _ => None,
        });
        let Some(asked) = asked else { continue };
        let label = asked.options.iter().find(|option| Some(&option.id) == answered.option.as_ref());
        let blobs = [Some(asked.question.blob.clone()), answered.text.as_ref().map(|text| text.blob.clone())];
        let read = daemon.reads.ask(move |r| {
            let texts = blobs.map(|blob| blob.map_or(Ok(None), |blob| r.blob(&blob)));
            texts.into_iter().collect::<Result<Vec<_>, _>>()
        });
        let mut texts =
            read.await?.into_iter().map(|text| text.map(|b| String::from_utf8_lossy(&b).into_owned()));
        let question = texts.next().flatten();
        let said = texts.next().flatten().or_else(|| label.map(|option| option.label.clone()));
        pairs.extend(question.zip(said));
    }
    Ok(pairs)
}

/// The work that this attempt goes on with.
async fn so_far(
    daemon: &Daemon,
    of: &Wanted<'_>,
    before: &[&AttemptView],
) -> Result<Option<crate::brief::SoFar>, ApiError> {
    let mut told = Vec::with_capacity(before.len());
    for attempt in before {
        told.push(Before { attempt, transcript: transcript(daemon, &attempt.attempt).await? });
    }
    let left = before.iter().rev().find_map(|a| {
        let finished = a.finished.as_ref().and_then(|end| end.commit.clone());
        finished.or_else(|| a.checkpoints.last().map(|point| point.commit.clone()))
    });
    let (changed, diff) = match left {
        Some(left) => change(daemon, of.project, &left).await?,
        None => (Vec::new(), DiffStat::default()),
    };
    Ok(relay::digest(&told, &changed, diff))
}

/// What the work at `commit` changed since it left the main branch.
async fn change(
    daemon: &Daemon,
    project: &ProjectId,
    commit: &CommitId,
) -> Result<(Vec<(String, DiffStat)>, DiffStat), ApiError> {
    const MOST: usize = 60;
    let failed = |e| internal("read the work so far", e);
    let base = daemon.yard.merge_base(project, commit).await.map_err(failed)?;
    let diff = daemon.yard.diffstat(project, &base, commit).await.map_err(failed)?;
    Ok((daemon.yard.changed(project, &base, commit, MOST).await.map_err(failed)?, diff))
}

async fn transcript(daemon: &Daemon, attempt: &AttemptId) -> Result<Vec<TranscriptLine>, ApiError> {
    let attempt = attempt.clone();
    let read = daemon.reads.ask(move |r| {
        let head = r.transcript_head(&attempt)?;
        r.transcript(&attempt, head.saturating_sub(u64::from(relay::LINES)), relay::LINES)
    });
    read.await
}
