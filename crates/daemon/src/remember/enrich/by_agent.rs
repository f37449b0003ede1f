//! Asks a signed-in coding agent, in a call that is stripped to the question: an empty folder, no tool servers, and no to
//! whatever it wants to do. It is driven as every run is, so that its usage is measured the same way.

use super::Said;
use super::prompt::Prompt;
use crate::context::Daemon;
use crate::remember::service::Failed;
use agents::{Control, Event, Job, Permissions, RunEnd, RunLimits};
use engine::Effect;
use protocol::fact::{AttemptEnd, Usage};
use protocol::view::LineKind;
use protocol::{AgentId, AttemptId};
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

/// The one run of this kind: by this name what a crash left of it is found.
const RUN: &str = "reading.1";
/// What is kept of its words.
const MOST_WORDS: usize = 256 << 10;

/// Ends what an earlier daemon left running.
pub fn end_leftovers(daemon: &Daemon) {
    if let Ok(run) = AttemptId::new(RUN)
        && let Err(e) = agents::kill_leftovers(&daemon.setup, &run)
    {
        tracing::warn!(error = %e, "failed to end what an earlier daemon left running");
    }
}

/// Returns once no request's agent works or is about to: those come first.
pub async fn quiet(daemon: &Daemon) {
    let mut pending = daemon.writer.pending.clone();
    let busy = |effects: &[Effect]| {
        effects.iter().any(|effect| matches!(effect, Effect::RunAgent(_) | Effect::Brief { .. }))
    };
    // An error means that the daemon stops.
    let _ = pending.wait_for(|effects| !busy(effects)).await.map(drop);
}

/// One call. It is called off when a request's agent is to work.
pub async fn ask(daemon: &Daemon, agent: &AgentId, prompt: &Prompt, limit: Duration) -> Result<Said, Failed> {
    let passing = |why: String| Failed::Passing { why, after: None };
    let folder = scratch(daemon).map_err(|e| passing(format!("its folder cannot be made: {e}")))?;
    let attempt = AttemptId::new(RUN).map_err(|e| passing(e.to_string()))?;
    let job = Job {
        attempt,
        agent: agent.clone(),
        worktree: folder,
        brief: prompt.whole(),
        limits: RunLimits::new(limit, limit),
        mcp: Vec::new(),
        resume: None,
        permissions: Permissions::Ask,
    };
    let (events_tx, mut events) = mpsc::channel(64);
    let (control_tx, control) = mpsc::channel(16);
    let run = agents::run(&daemon.setup, job, events_tx, control);
    let listen = async {
        let mut words = String::new();
        let mut pending = daemon.writer.pending.clone();
        let mut interrupted = false;
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    None => return (words, interrupted),
                    Some(Event::Line { kind: LineKind::Text, text }) if words.len() < MOST_WORDS => {
                        words.push_str(&text);
                        words.push('\n');
                    }
                    // The person is not asked for this: whatever it wants, the answer is no.
                    Some(Event::Asked { ask, .. }) => {
                        let _ = control_tx.send(Control::Answer { ask, option: None, text: None }).await;
                    }
                    Some(_) => {}
                },
                changed = pending.changed(), if !interrupted => {
                    let asked = pending.borrow_and_update().iter().any(|effect| matches!(effect, Effect::RunAgent(_)));
                    if changed.is_err() || asked {
                        interrupted = true;
                        let _ = control_tx.send(Control::Cancel).await;
                    }
                }
            }
        }
    };
    let (end, (words, interrupted)) = tokio::join!(run, listen);
    if interrupted {
        return Err(passing("a request's agent came first".to_owned()));
    }
    judge(agent, end, words)
}

fn judge(agent: &AgentId, end: RunEnd, text: String) -> Result<Said, Failed> {
    let passing = |why: String| Err(Failed::Passing { why, after: None });
    match end.end {
        // What it said instead of an answer is judged by its reader; what it cost is told either way.
        AttemptEnd::TurnEnded
        | AttemptEnd::Asked { .. }
        | AttemptEnd::Stuck { .. }
        | AttemptEnd::OverLimit { .. } => {
            Ok(Said { text, usage: Usage { requests: end.usage.requests.or(Some(1)), ..end.usage } })
        }
        AttemptEnd::SignedOut { reason } => {
            Err(Failed::Refused { why: format!("{agent} is not signed in: {reason}") })
        }
        AttemptEnd::QuotaGone { until } => {
            let after = until.map(|until| Duration::from_millis(until.since(crate::names::now())));
            Err(Failed::Passing { why: format!("the quota of {agent} is used up"), after })
        }
        AttemptEnd::Silent { .. } | AttemptEnd::TooLong { .. } => {
            passing(format!("{agent} gave no answer in time"))
        }
        AttemptEnd::Failed { reason } => passing(format!("{agent} failed: {reason}")),
        AttemptEnd::Cancelled | AttemptEnd::HandedOver | AttemptEnd::Lost => {
            passing(format!("{agent} was stopped"))
        }
    }
}

/// An empty folder that is the agents' user's.
fn scratch(daemon: &Daemon) -> std::io::Result<PathBuf> {
    let folder = daemon.home.run().join("reading");
    match std::fs::remove_dir_all(&folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    std::fs::create_dir(&folder)?;
    if let Some(user) = daemon.setup.run_as {
        std::os::unix::fs::chown(&folder, Some(user.uid), Some(user.gid))?;
    }
    Ok(folder)
}
