//! Waiting for a run: a long poll that is woken by the journal's head, and short enough for clients that give up on a call
//! after a minute.

use super::events::event;
use super::run::{self, Run};
use super::tools::{MOST_WAIT_S, RunWaited, Until, WaitRun};
use crate::context::Daemon;
use protocol::{AgentId, ApiError};
use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Events in one answer. A run has some tens of them.
const EVENTS: usize = 100;

pub async fn wait(
    daemon: &Arc<Daemon>,
    agent: &AgentId,
    asked: WaitRun,
    context: &RequestContext<RoleServer>,
) -> Result<RunWaited, ApiError> {
    let seconds = asked.max_wait_s.unwrap_or(MOST_WAIT_S).min(MOST_WAIT_S);
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let mut progress = context.meta.get_progress_token().map(|token| Progress {
        peer: context.peer.clone(),
        token,
        told: asked.after_seq,
    });
    let mut heads = daemon.writer.head.clone();
    loop {
        // Marked as seen before it is read: what is appended meanwhile wakes us.
        heads.borrow_and_update();
        let run = run::find(daemon, agent, &asked.run_id).await?;
        if let Some(progress) = &mut progress {
            progress.tell(&run).await;
        }
        let news = run.newest() > asked.after_seq && asked.until == Until::Event;
        if news || run.rests() || Instant::now() >= deadline {
            return Ok(told(&run, asked.after_seq));
        }
        tokio::select! {
            changed = heads.changed() => if changed.is_err() { return Ok(told(&run, asked.after_seq)) },
            () = tokio::time::sleep_until(deadline) => {}
            // The client went away, or the daemon ends: what is known is the answer.
            () = context.ct.cancelled() => return Ok(told(&run, asked.after_seq)),
            () = daemon.stop.cancelled() => return Ok(told(&run, asked.after_seq)),
        }
    }
}

fn told(run: &Run, after: u64) -> RunWaited {
    let new: Vec<_> = run.entries.iter().filter(|entry| entry.seq > after).collect();
    let events: Vec<_> = new.iter().take(EVENTS).map(|entry| event(entry)).collect();
    RunWaited {
        run_id: run.id(),
        state: run.state(),
        now: run.view.now.clone(),
        next_seq: events.last().map_or(after, |event| event.seq),
        more: new.len() > EVENTS,
        events,
    }
}

/// Where a client wants progress, it gets each event as it comes.
struct Progress {
    peer: Peer<RoleServer>,
    token: ProgressToken,
    told: u64,
}

impl Progress {
    async fn tell(&mut self, run: &Run) {
        for (done, entry) in (1_u32..).zip(&run.entries).filter(|(_, entry)| entry.seq > self.told) {
            let event = event(entry);
            let note =
                ProgressNotificationParam::new(self.token.clone(), f64::from(done)).with_message(event.says);
            if self.peer.notify_progress(note).await.is_err() {
                return;
            }
        }
        self.told = self.told.max(run.newest());
    }
}
