//! Stage 2: Hermes wakes. Reads who and where it is, recalls, and looks at the agents.

use crate::context::{Daemon, hold, internal};
use crate::shell::Report;
use engine::Input;
use protocol::fact::{Recalled, RequestOriented, SourceRead};
use protocol::{ApiError, CommitId, ProjectId, RequestId};
use std::sync::Arc;

/// The instruction layer, in the order in which it is read.
pub const INSTRUCTIONS: [&str; 4] = ["SOUL.md", "AGENTS.md", "CLAUDE.md", "GLOSSARY.md"];

pub async fn orient(daemon: &Daemon, request: &RequestId, project: &ProjectId) -> Result<Report, ApiError> {
    let base = daemon.yard.head(project).await.map_err(|e| internal("read the project", e))?;
    let mut sources = Vec::new();
    for (path, bytes) in instructions(daemon, project, &base).await?.iter() {
        let hash = blake3::hash(bytes).to_hex().to_string();
        sources.push(SourceRead { path: (*path).into(), hash, bytes: bytes.len() as u64 });
    }
    let agents = daemon.agents_now().await?;
    let recalled = recall(daemon, request, project).await?;
    Ok(Input::Oriented(RequestOriented { request: request.clone(), sources, recalled, agents, base }).into())
}

/// The instruction files of one commit, by path. They change seldom, so the last ones read are kept.
pub type Instructions = Arc<Vec<(&'static str, Vec<u8>)>>;

pub async fn instructions(
    daemon: &Daemon,
    project: &ProjectId,
    at: &CommitId,
) -> Result<Instructions, ApiError> {
    if let Some((of, commit, kept)) = hold(&daemon.instructions).as_ref()
        && of == project
        && commit == at
    {
        return Ok(kept.clone());
    }
    let read = daemon.yard.read_many(project, at, &INSTRUCTIONS).await;
    let files = read.map_err(|e| internal("read the project", e))?;
    let found = INSTRUCTIONS.into_iter().zip(files).filter_map(|(path, file)| Some((path, file?)));
    let read = Arc::new(found.collect::<Vec<_>>());
    *hold(&daemon.instructions) = Some((project.clone(), at.clone(), read.clone()));
    Ok(read)
}

async fn recall(
    daemon: &Daemon,
    request: &RequestId,
    project: &ProjectId,
) -> Result<Vec<Recalled>, ApiError> {
    let limit = daemon.settings.memory.recall;
    let id = request.clone();
    let row = daemon.reads.ask(move |r| r.request(&id)).await?;
    let Some(text) = row.and_then(|row| row.text) else { return Ok(Vec::new()) };
    if limit == 0 {
        return Ok(Vec::new());
    }
    daemon.writer.recall(project.clone(), text, limit).await
}
