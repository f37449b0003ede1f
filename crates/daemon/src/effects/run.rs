//! Stage 5: the agent works. Starts it in a worktree of its own, keeps its transcript, and commits what it leaves at
//! each quiet moment.

use crate::context::{Daemon, internal};
use crate::shell::{Report, give};
use agents::{Event, Job, RunEnd};
use engine::Input;
use engine::input::Ended;
use journal::NewBlob;
use protocol::fact::{AttemptEnd, BlobRef, DiffStat, Readiness};
use protocol::view::{LineKind, TranscriptLine};
use protocol::{AgentId, ApiError, AttemptId, Code, CommitId, ProjectId, RequestId, clean};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tracing::warn;

/// A worktree that is quiet for this long is worth a checkpoint.
const QUIET: Duration = Duration::from_millis(400);
/// Pictures are large: between two of one attempt passes at least this, but for the last one.
const PICTURES: Duration = Duration::from_secs(3);
/// Before the agent's work is tried to be kept again.
const AGAIN: Duration = Duration::from_secs(1);
/// Events that may wait while the disk is slow.
const EVENTS: usize = 1024;

pub struct Run<'a> {
    pub request: &'a RequestId,
    pub project: &'a ProjectId,
    pub attempt: &'a AttemptId,
    pub agent: &'a AgentId,
    pub from: &'a CommitId,
}

pub async fn run_agent(daemon: &Arc<Daemon>, run: &Run<'_>) -> Result<Report, ApiError> {
    let brief = read_brief(daemon, run).await?;
    let worktree = daemon
        .yard
        .worktree(run.project, run.attempt, run.from)
        .await
        .map_err(|e| internal("make the worktree", e))?;
    let (control_tx, control) = mpsc::channel(16);
    daemon.note_run(run.attempt, control_tx);
    let version = version_of(daemon, run.agent).await;
    let started =
        Input::Started { attempt: run.attempt.clone(), version, base: run.from.clone(), paid: None };
    give(daemon, started.into()).await;
    let clock = Instant::now();
    daemon.previews.show(daemon, run.request, run.project, run.attempt);
    let mut album = Album::default();
    let end = watch(daemon, run, job(daemon, run, brief, worktree), control, &mut album).await;
    daemon.forget_run(run.attempt);
    learn(daemon, run.agent, &end.end);
    finish(daemon, run, end, clock, album).await
}

/// Passes a cancel on to the running agent. Its end comes from the run itself, so there is nothing to report: this goes on
/// until the run has ended, and is aborted then. A run that only begins is not here yet; the fact of its start wakes us.
pub async fn stop_agent(daemon: &Daemon, attempt: &AttemptId) -> Option<Report> {
    let mut head = daemon.writer.head.clone();
    loop {
        head.borrow_and_update();
        if let Some(control) = daemon.run(attempt) {
            let _ = control.send(agents::Control::Cancel).await;
            std::future::pending::<()>().await;
        }
        // The writer is gone, and with it everybody who waits for a run.
        head.changed().await.ok()?;
    }
}

async fn read_brief(daemon: &Daemon, run: &Run<'_>) -> Result<String, ApiError> {
    let (request, attempt) = (run.request.clone(), run.attempt.clone());
    let read = daemon.reads.ask(move |r| {
        let view = r.show(&request)?;
        let named =
            view.and_then(|v| v.attempts.into_iter().find(|a| a.attempt == attempt)).and_then(|a| a.brief);
        named.map_or(Ok(None), |named| r.blob(&named.blob))
    });
    let bytes = read.await?.ok_or_else(|| ApiError::new(Code::NotFound, "the brief is gone"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn version_of(daemon: &Daemon, agent: &AgentId) -> Option<String> {
    let states = daemon.readiness.get(&daemon.setup).await;
    states.into_iter().find(|s| &s.agent == agent).and_then(|s| match s.readiness {
        Readiness::SignedIn { version } | Readiness::Worked { version, .. } => Some(version),
        _ => None,
    })
}

fn job(daemon: &Daemon, run: &Run<'_>, brief: String, worktree: PathBuf) -> Job {
    let limits = &daemon.settings.limits;
    Job {
        attempt: run.attempt.clone(),
        agent: run.agent.clone(),
        worktree,
        brief,
        limits: agents::RunLimits {
            idle: Duration::from_secs(limits.idle_s),
            wall: Duration::from_secs(limits.wall_s),
        },
    }
}

/// Runs the agent and follows its events until it ended.
async fn watch(
    daemon: &Arc<Daemon>,
    run: &Run<'_>,
    job: Job,
    control: mpsc::Receiver<agents::Control>,
    album: &mut Album,
) -> RunEnd {
    let (events_tx, mut events) = mpsc::channel(EVENTS);
    let (moments_tx, moments) = mpsc::channel(1);
    let mut scribe = Scribe::open(daemon, run.attempt).await;
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
                    None => match end.take() {
                        Some(end) => break end,
                        None => break agent.await,
                    },
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
    let (end, ()) = tokio::join!(follow, keeper);
    end
}

/// The pictures of one attempt.
#[derive(Debug, Default)]
struct Album {
    last: Option<Instant>,
    /// The newest checkpoint has none.
    owed: bool,
}

impl Album {
    fn is_due(&self) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= PICTURES)
    }

    async fn picture(&mut self, daemon: &Daemon, attempt: &AttemptId) -> Option<(NewBlob, BlobRef)> {
        let png = daemon.previews.picture(daemon, attempt).await;
        self.last = Some(Instant::now());
        self.owed = png.is_none();
        png.and_then(|png| daemon.blob(png).ok())
    }
}

/// Commits the worktree at each quiet moment, one after the other.
async fn keep_checkpoints(
    daemon: &Arc<Daemon>,
    run: &Run<'_>,
    mut moments: mpsc::Receiver<String>,
    album: &mut Album,
) {
    while let Some(says) = moments.recv().await {
        let kept = commit(daemon, run, &says).await.unwrap_or_else(|e| {
            // The next moment sees the same change again, and the last one is not let go.
            warn!(error = %e, "failed to keep a checkpoint");
            None
        });
        if let Some((commit, diff)) = kept {
            album.owed = true;
            let picture = if album.is_due() { album.picture(daemon, run.attempt).await } else { None };
            checkpoint(daemon, run, commit, diff, says, picture).await;
        }
    }
}

/// What the agent left, with a picture: also when only the picture is missing.
async fn last_checkpoint(
    daemon: &Arc<Daemon>,
    run: &Run<'_>,
    mut album: Album,
) -> Result<CommitId, ApiError> {
    let says = "the agent ended its turn";
    let changed = commit_for_sure(daemon, run, says).await?;
    let tip =
        daemon.yard.tip(run.project, run.attempt).await.map_err(|e| internal("read the worktree", e))?;
    if changed.is_some() || album.owed {
        let picture = album.picture(daemon, run.attempt).await;
        let diff = changed.as_ref().map(|(_, diff)| *diff);
        if let Some(diff) = diff.or(picture.as_ref().map(|_| DiffStat::default())) {
            checkpoint(daemon, run, tip.clone(), diff, says.into(), picture).await;
        }
    }
    Ok(tip)
}

/// Commits the worktree, if anything changed in it.
async fn commit(daemon: &Daemon, run: &Run<'_>, says: &str) -> deploy::Result<Option<(CommitId, DiffStat)>> {
    let message = format!("checkpoint: {}", clean::line(says, 60));
    daemon.yard.checkpoint(run.project, run.attempt, &message).await
}

/// The same at the end of a run, where a failure must not pass for "the agent changed nothing": a full disk is waited for,
/// anything else is tried again before it is the machine's failure.
async fn commit_for_sure(
    daemon: &Daemon,
    run: &Run<'_>,
    says: &str,
) -> Result<Option<(CommitId, DiffStat)>, ApiError> {
    let mut tries = 3;
    loop {
        match commit(daemon, run, says).await {
            Ok(kept) => return Ok(kept),
            Err(e) if e.is_disk_full() => warn!(error = %e, "the agent's work waits for room on the disk"),
            Err(e) if tries == 0 => return Err(internal("keep the agent's work", e)),
            Err(e) => {
                tries -= 1;
                warn!(error = %e, "failed to keep the agent's work; it is tried again");
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn checkpoint(
    daemon: &Arc<Daemon>,
    run: &Run<'_>,
    commit: CommitId,
    diff: DiffStat,
    says: String,
    picture: Option<(NewBlob, BlobRef)>,
) {
    let (blobs, screenshot) = match picture {
        Some((blob, named)) => (vec![blob], Some(named)),
        None => (Vec::new(), None),
    };
    let input = Input::Checkpoint { attempt: run.attempt.clone(), commit, diff, says, screenshot };
    give(daemon, Report { input, blobs }).await;
}

/// What the next choice of an agent should know of this one.
fn learn(daemon: &Daemon, agent: &AgentId, end: &AttemptEnd) {
    match end {
        AttemptEnd::SignedOut { reason } => {
            let next = "sign it in again in a terminal, then press \"look again\"".to_owned();
            daemon.readiness.learned(agent, Readiness::Broken { reason: reason.clone(), next });
        }
        AttemptEnd::QuotaGone { until } => {
            daemon.readiness.learned(agent, Readiness::QuotaGone { version: String::new(), until: *until });
        }
        AttemptEnd::TurnEnded
        | AttemptEnd::Cancelled
        | AttemptEnd::Silent { .. }
        | AttemptEnd::TooLong { .. }
        | AttemptEnd::Asked { .. }
        | AttemptEnd::Stuck { .. }
        | AttemptEnd::OverLimit { .. }
        | AttemptEnd::HandedOver
        | AttemptEnd::Failed { .. }
        | AttemptEnd::Lost => {}
    }
}

/// The run's end as we saw it: what is in the worktree now, how long it took, what the program reported.
async fn finish(
    daemon: &Arc<Daemon>,
    run: &Run<'_>,
    end: RunEnd,
    clock: Instant,
    album: Album,
) -> Result<Report, ApiError> {
    let duration_ms = u64::try_from(clock.elapsed().as_millis()).ok();
    let commit = last_checkpoint(daemon, run, album).await?;
    let diff = if &commit == run.from {
        DiffStat::default()
    } else {
        daemon
            .yard
            .diffstat(run.project, run.from, &commit)
            .await
            .map_err(|e| internal("count the change", e))?
    };
    let (blobs, raw): (Vec<NewBlob>, Option<BlobRef>) =
        match end.raw.map(|raw| daemon.blob(raw)).transpose()? {
            Some((blob, named)) => (vec![blob], Some(named)),
            None => (Vec::new(), None),
        };
    let usage = protocol::fact::Usage { raw, ..end.usage };
    let ended = Ended {
        end: end.end,
        commit: Some(commit),
        diff,
        model: end.model,
        usage,
        duration_ms,
        session: None,
        unknown_events: None,
    };
    Ok(Report { input: Input::Finished { attempt: run.attempt.clone(), ended }, blobs })
}

/// Keeps the transcript: numbered lines, written in the batches in which they come.
struct Scribe {
    daemon: Arc<Daemon>,
    attempt: AttemptId,
    seq: u64,
    /// The last thing the agent said or did: a checkpoint's caption.
    says: String,
}

impl Scribe {
    async fn open(daemon: &Arc<Daemon>, attempt: &AttemptId) -> Self {
        let id = attempt.clone();
        let seq = daemon.reads.ask(move |r| r.transcript_head(&id)).await.unwrap_or(0);
        Self { daemon: daemon.clone(), attempt: attempt.clone(), seq, says: String::new() }
    }

    /// Writes this event and those that already wait behind it. True when a tool finished.
    async fn note(&mut self, first: Event, events: &mut mpsc::Receiver<Event>) -> bool {
        let mut lines = Vec::new();
        let mut touched = self.take(first, &mut lines);
        while let Ok(event) = events.try_recv() {
            touched |= self.take(event, &mut lines);
        }
        if !lines.is_empty()
            && let Err(e) = self.daemon.writer.transcript(lines).await
        {
            warn!(error = %e, "failed to keep transcript lines");
        }
        self.daemon.nudge();
        touched
    }

    fn take(&mut self, event: Event, lines: &mut Vec<(AttemptId, TranscriptLine)>) -> bool {
        match event {
            Event::Touched => return true,
            Event::Started { .. } => {}
            Event::Line { kind, text } => {
                if matches!(kind, LineKind::Text | LineKind::Tool) {
                    self.says = clean::line(&text, 160);
                }
                self.seq += 1;
                let line = TranscriptLine { seq: self.seq, at: crate::names::now(), kind, text };
                lines.push((self.attempt.clone(), line));
            }
        }
        false
    }
}
