//! Stage 2: Hermes wakes. Reads who and where it is, recalls, and looks at the agents.

use crate::context::{Daemon, hold, internal};
use crate::shell::Report;
use engine::Input;
use protocol::fact::{Recalled, RequestOriented, SourceRead};
use protocol::{ApiError, ProjectId, RequestId};

/// The instruction layer, in the order in which it is read.
pub const INSTRUCTIONS: [&str; 4] = ["SOUL.md", "AGENTS.md", "CLAUDE.md", "GLOSSARY.md"];

pub async fn orient(daemon: &Daemon, request: &RequestId, project: &ProjectId) -> Result<Report, ApiError> {
    let base = daemon.yard.head(project).await.map_err(|e| internal("read the project", e))?;
    let mut sources = Vec::new();
    for path in INSTRUCTIONS {
        let read = daemon
            .yard
            .read(project, base.as_str(), path)
            .await
            .map_err(|e| internal("read the project", e))?;
        if let Some(bytes) = read {
            let hash = blake3::hash(&bytes).to_hex().to_string();
            sources.push(SourceRead { path: path.into(), hash, bytes: bytes.len() as u64 });
        }
    }
    let agents = daemon.agents_now().await?;
    let recalled = recall(daemon, request, project).await?;
    Ok(Input::Oriented(RequestOriented { request: request.clone(), sources, recalled, agents, base }).into())
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
    let memory = hold(&daemon.writer.memory);
    memory.recall(project, &text, limit as usize).map_err(|e| internal("recall from memory", e))
}
