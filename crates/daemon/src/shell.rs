//! Runs what the engine says must be running, and nothing else: starts each pending effect once, aborts what is no
//! longer pending, and gives every end back as an input. Woken by the writer and by ended effects; it never polls.

use crate::context::{Daemon, internal};
use crate::effects;
use crate::writer::Refused;
use engine::{Effect, EffectId, Input};
use journal::NewBlob;
use protocol::{ApiError, AttemptId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tracing::{Instrument, error, info_span, warn};

/// An effect that ends this often without the loop getting any further is given up.
const RESTARTS: u32 = 5;
/// How long an end waits before it is written again while the disk is full.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(2);

pub struct Shell {
    daemon: Arc<Daemon>,
    running: HashMap<EffectId, AbortHandle>,
    starts: HashMap<EffectId, u32>,
    ended_tx: mpsc::UnboundedSender<EffectId>,
    ended: mpsc::UnboundedReceiver<EffectId>,
}

impl Shell {
    pub fn new(daemon: Arc<Daemon>) -> Self {
        let (ended_tx, ended) = mpsc::unbounded_channel();
        Self { daemon, running: HashMap::new(), starts: HashMap::new(), ended_tx, ended }
    }

    /// Goes on until the daemon stops. First it settles what the last life of the daemon left behind.
    pub async fn run(mut self) {
        self.settle().await;
        let mut pending = self.daemon.writer.pending.clone();
        loop {
            let wanted = pending.borrow_and_update().clone();
            self.follow(&wanted);
            tokio::select! {
                changed = pending.changed() => if changed.is_err() { return },
                Some(id) = self.ended.recv() => { self.running.remove(&id); }
                () = self.daemon.stop.cancelled() => return,
            }
        }
    }

    /// A run that was pending as we started belongs to a daemon that is gone: whatever is left of it is killed, and its
    /// end is unknown.
    async fn settle(&self) {
        let left = self.daemon.writer.pending.borrow().clone();
        for effect in left.iter() {
            if let Effect::RunAgent(run) = effect {
                let attempt = &run.attempt;
                if let Err(e) = agents::kill_leftovers(&self.daemon.setup, attempt) {
                    warn!(error = %e, %attempt, "failed to end what an earlier daemon left running");
                }
                deploy::preview::kill_leftovers(attempt).await;
                give(&self.daemon, Input::EffectLost { effect: effect.id() }.into()).await;
            }
        }
        if let Err(e) = self.tidy(&left).await {
            warn!(error = %e, "failed to remove what an earlier daemon left");
        }
        tokio::spawn(effects::forget_packages(self.daemon.clone()));
    }

    /// Removes the worktrees that nothing goes on in, and what was half made or half removed.
    async fn tidy(&self, left: &[Effect]) -> Result<(), ApiError> {
        let keep: Vec<AttemptId> = left.iter().filter_map(worktree_of).cloned().collect();
        for row in self.daemon.reads.ask(|r| r.projects()).await? {
            let pruned = self.daemon.yard.prune_worktrees(&row.project, &keep).await;
            pruned.map_err(|e| internal("remove old worktrees", e))?;
        }
        Ok(())
    }

    fn follow(&mut self, wanted: &[Effect]) {
        let ids: Vec<EffectId> = wanted.iter().map(Effect::id).collect();
        self.running.retain(|id, task| {
            let keep = ids.contains(id);
            if !keep {
                task.abort();
            }
            keep
        });
        self.starts.retain(|id, _| ids.contains(id));
        for effect in wanted {
            let id = effect.id();
            if !self.running.contains_key(&id) {
                self.start(effect.clone(), id);
            }
        }
    }

    fn start(&mut self, effect: Effect, id: EffectId) {
        let starts = self.starts.entry(id.clone()).or_default();
        *starts += 1;
        let spent = *starts > RESTARTS;
        let (daemon, ended) = (self.daemon.clone(), self.ended_tx.clone());
        let span = info_span!("effect", id = %id.0, request_id = %effect.request());
        let name = id.clone();
        let task = tokio::spawn(
            async move {
                let end = if spent {
                    let reason = "it ended again and again without a result".into();
                    Some(Input::EffectFailed { effect: id.clone(), reason }.into())
                } else {
                    effects::carry_out(&daemon, &effect).await
                };
                if let Some(report) = end {
                    give(&daemon, report).await;
                }
                let _ = ended.send(id);
            }
            .instrument(span),
        );
        self.running.insert(name, task.abort_handle());
    }
}

/// The bench that an effect works at, or the next one after it will.
fn worktree_of(effect: &Effect) -> Option<&AttemptId> {
    match effect {
        Effect::RunAgent(run) => Some(&run.bench),
        Effect::Brief { bench, .. } | Effect::Check { bench, .. } => Some(bench),
        // Its run is listed beside it.
        Effect::StopAgent { .. } => None,
        // What is checked again after these is laid out anew.
        Effect::Land { .. } | Effect::Switch { .. } => None,
        Effect::Orient { .. } | Effect::Record { .. } | Effect::Wake { .. } => None,
    }
}

/// What an effect came to, with the blobs that it names: both are committed together.
#[derive(Debug)]
pub struct Report {
    pub input: Input,
    pub blobs: Vec<NewBlob>,
}

impl From<Input> for Report {
    fn from(input: Input) -> Self {
        Self { input, blobs: Vec::new() }
    }
}

/// Hands an effect's end to the writer. While the disk is full the end is kept and offered again: it must not be lost.
pub async fn give(daemon: &Daemon, report: Report) {
    loop {
        match daemon.writer.decide(report.input.clone(), report.blobs.clone()).await {
            Ok(_) | Err(Refused::Stopping) => return,
            Err(Refused::Rejected(stale)) => {
                warn!(%stale, "an effect's end came too late");
                return;
            }
            Err(Refused::DiskFull | Refused::Busy) => tokio::time::sleep(FULL_DISK_PAUSE).await,
            Err(e @ Refused::Journal(_)) => {
                error!(error = %e, "failed to record an effect's end");
                tokio::time::sleep(FULL_DISK_PAUSE).await;
            }
        }
    }
}
