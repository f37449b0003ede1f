//! What sessions have cost so far, for agents that tell only that: one small file for each session, in the daemon's own
//! folder. A run that goes on with a session takes what was written there from what the agent tells at its end.

use super::usage::Total;
use crate::Setup;
use protocol::AgentId;
use std::fs;
use std::io;
use std::path::PathBuf;

/// None: nothing is known.
pub(super) fn before(setup: &Setup, agent: &AgentId, session: &str) -> Option<Total> {
    serde_json::from_slice(&fs::read(path(setup, agent, session)?).ok()?).ok()
}

pub(super) fn keep(setup: &Setup, agent: &AgentId, session: &str, total: &Total) -> io::Result<()> {
    let Some(path) = path(setup, agent, session) else { return Ok(()) };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, serde_json::to_vec(total)?)
}

/// An agent's name for a session is not trusted to be the name of a file.
fn path(setup: &Setup, agent: &AgentId, session: &str) -> Option<PathBuf> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let fits = !session.is_empty() && session.len() <= 128 && session.chars().all(plain);
    fits.then(|| setup.runtime.join("sessions").join(agent.as_str()).join(format!("{session}.json")))
}
