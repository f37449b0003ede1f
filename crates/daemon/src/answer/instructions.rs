//! The instruction layer: four files that the user edits and agents read, with their history.

use crate::context::{Daemon, internal};
use crate::effects::orient::INSTRUCTIONS;
use engine::Input;
use protocol::fact::InstructionEdited;
use protocol::view::InstructionRow;
use protocol::*;

const PURPOSES: [&str; 4] = [
    "who Hermes is and how it speaks",
    "how agents work in this project",
    "the same for an agent that reads only this name",
    "words that mean one thing here",
];

fn known(path: &str) -> Result<(), ApiError> {
    if INSTRUCTIONS.contains(&path) {
        return Ok(());
    }
    Err(ApiError::new(Code::BadInput, format!("{} is no instruction file", clean::line(path, 60)))
        .next(format!("choose one of {}", INSTRUCTIONS.join(", "))))
}

pub async fn list(daemon: &Daemon, project: Option<ProjectId>) -> Result<Response, ApiError> {
    let project = daemon.project_or_active(project).await?;
    let mut rows = Vec::new();
    for (path, purpose) in INSTRUCTIONS.into_iter().zip(PURPOSES) {
        let text =
            daemon.yard.read(&project, "main", path).await.map_err(|e| internal("read the project", e))?;
        let history =
            daemon.yard.history(&project, path).await.map_err(|e| internal("read the history", e))?;
        let newest = history.into_iter().next();
        rows.push(InstructionRow {
            path: path.into(),
            purpose: purpose.into(),
            bytes: text.map_or(0, |t| t.len() as u64),
            commit: newest.as_ref().map(|e| e.commit.clone()),
            at: newest.map(|e| e.at),
        });
    }
    Ok(Response::Instructions { rows })
}

pub async fn read(
    daemon: &Daemon,
    project: Option<ProjectId>,
    path: &str,
    at: Option<CommitId>,
) -> Result<Response, ApiError> {
    known(path)?;
    let project = daemon.project_or_active(project).await?;
    let base = daemon.yard.head(&project).await.map_err(|e| internal("read the project", e))?;
    let of = at.as_ref().unwrap_or(&base);
    let bytes =
        daemon.yard.read(&project, of.as_str(), path).await.map_err(|e| internal("read the project", e))?;
    let history = daemon.yard.history(&project, path).await.map_err(|e| internal("read the history", e))?;
    let text = bytes.map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    Ok(Response::Instruction { path: path.into(), text, base, history })
}

/// Writes the file unless it has changed since `base`.
pub async fn write(
    daemon: &Daemon,
    project: Option<ProjectId>,
    path: &str,
    text: &str,
    base: &CommitId,
) -> Result<Response, ApiError> {
    known(path)?;
    if text.len() > clean::MAX_REQUEST {
        return Err(ApiError::new(Code::BadInput, "the file is longer than 64 KiB").next("shorten it"));
    }
    let project = daemon.project_or_active(project).await?;
    let _main = daemon.repository.lock().await;
    let read = async |at: &str| {
        daemon.yard.read(&project, at, path).await.map_err(|e| internal("read the project", e))
    };
    if read(base.as_str()).await? != read("main").await? {
        return Err(ApiError::new(Code::Conflict, format!("{path} has changed since you opened it"))
            .next("open it again and put your change in once more"));
    }
    let files = [(path, Some(text.as_bytes()))];
    let message = format!("edit {path}");
    let commit = daemon.yard.commit_files(&project, &files, &message, None).await;
    let commit = commit.map_err(|e| internal("write the file", e))?;
    daemon.decide(Input::InstructionEdited(InstructionEdited { project, path: path.into(), commit })).await?;
    Ok(Response::Done)
}
