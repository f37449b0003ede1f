//! Follows a run's events until it ended: its transcript, its quiet moments, its questions.

use super::keep::{Album, keep_checkpoints};
use crate::context::Daemon;
use crate::shell::{Report, give};
use agents::{Control, Event, Job, RunEnd};
use engine::Input;
use engine::effect::Run;
use protocol::fact::{AskKind, AskOption};
use protocol::view::{LineKind, TranscriptLine};
use protocol::{AttemptId, clean};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tracing::warn;

/// A worktree that is quiet for this long is worth a checkpoint.
const QUIET: Duration = Duration::from_millis(400);
/// Events that may wait while the disk is slow.
const EVENTS: usize = 1024;

pub struct Watched {
    pub end: RunEnd,
    /// Wall time without the waits for a person.
    pub worked: Duration,
}

pub async fn watch(
    daemon: &Arc<Daemon>,
    run: &Run,
    job: Job,
    control: mpsc::Receiver<Control>,
    album: &mut Album,
) -> Watched {
    let (events_tx, mut events) = mpsc::channel(EVENTS);
    let (moments_tx, moments) = mpsc::channel(1);
    let mut scribe = Scribe::open(daemon, &run.attempt).await;
    let keeper = keep_checkpoints(daemon, run, moments, album);
    let follow = async move {
        let agent = agents::run(&daemon.setup, job, events_tx, control);
        tokio::pin!(agent);
        let mut quiet_at: Option<tokio::time::Instant> = None;
        let mut end = None;
        loop {
            let quiet = async {
                match quiet_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(event) => {
                        if scribe.note(event, &mut events).await {
                            quiet_at = Some(tokio::time::Instant::now() + QUIET);
                        }
                    }
                    None => {
                        let end = match end.take() {
                            Some(end) => end,
                            None => agent.await,
                        };
                        break Watched { end, worked: scribe.clock.worked() };
                    }
                },
                ended = &mut agent, if end.is_none() => end = Some(ended),
                () = quiet => {
                    quiet_at = None;
                    // A keeper that is still busy with the last one sees this change too.
                    let _ = moments_tx.try_send(scribe.says.clone());
                }
            }
        }
    };
    let (watched, ()) = tokio::join!(follow, keeper);
    watched
}

/// Stands still while the agent waits for a person, or for its account to be free.
struct Clock {
    begun: Instant,
    waited: Duration,
    waits: Option<Instant>,
    /// What it waits for: questions that are open.
    open: BTreeSet<String>,
}

impl Clock {
    fn start() -> Self {
        Self { begun: Instant::now(), waited: Duration::ZERO, waits: None, open: BTreeSet::new() }
    }

    fn stand(&mut self, for_what: &str) {
        self.open.insert(for_what.to_owned());
        self.waits.get_or_insert_with(Instant::now);
    }

    fn go_on(&mut self, with: &str) {
        self.open.remove(with);
        if self.open.is_empty()
            && let Some(since) = self.waits.take()
        {
            self.waited += since.elapsed();
        }
    }

    /// The program has started: it waits for nothing.
    fn go(&mut self) {
        self.open.clear();
        self.go_on("");
    }

    fn worked(&self) -> Duration {
        let waits = self.waits.map(|since| since.elapsed()).unwrap_or_default();
        self.begun.elapsed().saturating_sub(self.waited + waits)
    }
}

/// Keeps the transcript: numbered lines, written in the batches in which they come.
struct Scribe {
    daemon: Arc<Daemon>,
    attempt: AttemptId,
    seq: u64,
    /// The last thing the agent said or did: a checkpoint's caption.
    says: String,
    clock: Clock,
}

impl Scribe {
    async fn open(daemon: &Arc<Daemon>, attempt: &AttemptId) -> Self {
        let id = attempt.clone();
        let seq = daemon.reads.ask(move |r| r.transcript_head(&id)).await.unwrap_or(0);
        let (daemon, attempt) = (daemon.clone(), attempt.clone());
        Self { daemon, attempt, seq, says: String::new(), clock: Clock::start() }
    }

    /// Writes this event and those that already wait behind it. True when a tool finished.
    async fn note(&mut self, first: Event, events: &mut mpsc::Receiver<Event>) -> bool {
        let mut lines = Vec::new();
        let mut touched = self.take(first, &mut lines).await;
        while let Ok(event) = events.try_recv() {
            touched |= self.take(event, &mut lines).await;
        }
        if !lines.is_empty()
            && let Err(e) = self.daemon.writer.transcript(lines).await
        {
            warn!(error = %e, "failed to keep transcript lines");
        }
        self.daemon.nudge();
        touched
    }

    async fn take(&mut self, event: Event, lines: &mut Vec<(AttemptId, TranscriptLine)>) -> bool {
        match event {
            Event::Touched => return true,
            Event::Waiting { for_ } => self.clock.stand(&for_),
            Event::Started { .. } => self.clock.go(),
            Event::Line { kind, text } => {
                if matches!(kind, LineKind::Text | LineKind::Tool) {
                    self.says = clean::line(&text, 160);
                }
                self.seq += 1;
                let line = TranscriptLine { seq: self.seq, at: crate::names::now(), kind, text };
                lines.push((self.attempt.clone(), line));
            }
            Event::Asked { ask, kind, question, options } => {
                self.clock.stand(&ask);
                self.pass_on(ask, kind, question, options).await;
            }
            Event::Answered { ask } => self.clock.go_on(&ask),
        }
        false
    }

    /// The question becomes a fact: from then on it can be seen and answered, also after a restart.
    async fn pass_on(&self, ask: String, kind: AskKind, question: String, options: Vec<AskOption>) {
        match self.daemon.blob(question) {
            Ok((blob, question)) => {
                let input = Input::Asked { attempt: self.attempt.clone(), ask, kind, question, options };
                give(&self.daemon, Report { input, blobs: vec![blob] }).await;
            }
            Err(e) => warn!(error = %e, "failed to pass a question on; the run ends without an answer"),
        }
    }
}
