//! Stage 2: Hermes wakes. Reads who and where it is, recalls, and looks at the agents.

use crate::context::{Daemon, hold, internal};
use crate::remember::{self, asked::without_the_notes_words};
use crate::shell::Report;
use engine::Input;
use memory::Query;
use protocol::fact::{MemoryMeter, Recalled, RequestOriented, SourceRead};
use protocol::{ApiError, CommitId, ProjectId, RequestId};
use std::sync::Arc;
use tracing::warn;

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
    let (recalled, memory) = recalled(daemon, request, project).await?;
    let request = request.clone();
    Ok(Input::Oriented(RequestOriented { request, sources, recalled, agents, base, memory }).into())
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

/// What the request is told of the memory. A memory that cannot be asked holds nothing up.
async fn recalled(
    daemon: &Daemon,
    request: &RequestId,
    project: &ProjectId,
) -> Result<(Vec<Recalled>, Option<MemoryMeter>), ApiError> {
    // Another server is asked when the brief is made: what it tells are no notes of the journal.
    if daemon.settings.memory.recall == 0 || daemon.elsewhere.is_set() {
        return Ok((Vec::new(), None));
    }
    let id = request.clone();
    let row = daemon.reads.ask(move |r| r.request(&id)).await?;
    let Some(text) = row.and_then(|row| row.text) else { return Ok((Vec::new(), None)) };
    // What the request before left is told to this one.
    daemon.memory.settled().await;
    let found = match remember::recall(daemon, project, question(daemon, &text)).await {
        Ok(found) => found,
        Err(e) => {
            warn!(error = %e, "failed to recall; the request goes on without");
            return Ok((Vec::new(), None));
        }
    };
    let meter = MemoryMeter { tokens: found.tokens, of_tokens: found.of_tokens };
    let told = found.hits.into_iter().map(|hit| Recalled {
        note: hit.note,
        score: hit.score,
        why: without_the_notes_words(&hit.why, &text),
    });
    Ok((told.collect(), Some(meter)))
}

/// A request's words as a question to the memory.
pub fn question(daemon: &Daemon, text: &str) -> Query {
    let set = &daemon.settings.memory;
    Query { limit: set.recall as usize, tokens: set.tokens.into(), ..Query::new(text, crate::names::now()) }
}
