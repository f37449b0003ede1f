//! Stage 5: the agent works. Starts it on its bench, keeps its transcript, passes its questions on, and commits what it
//! leaves at each quiet moment.

mod keep;
mod watch;

use crate::context::{Daemon, internal};
use crate::settings::Permissions;
use crate::shell::{Report, give};
use agents::{Control, Job, RunEnd};
use engine::effect::{Run, Stop};
use engine::input::Ended;
use engine::{Effect, Input};
use journal::NewBlob;
use keep::Album;
use protocol::fact::{AttemptEnd, BlobRef, DiffStat};
use protocol::{AgentId, ApiError, AttemptId, BlobId, Code};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::warn;
use watch::{Watched, watch};

pub async fn run_agent(daemon: &Arc<Daemon>, run: &Run) -> Result<Report, ApiError> {
    let brief = read_brief(daemon, run).await?;
    let worktree = bench(daemon, run).await?;
    let (control_tx, control) = mpsc::channel(16);
    daemon.runs.begin(run, control_tx);
    let ended = work(daemon, run, brief, worktree, control).await;
    daemon.runs.end(&run.attempt);
    daemon.forget_memory_guest(&run.attempt);
    ended
}

async fn work(
    daemon: &Arc<Daemon>,
    run: &Run,
    mut brief: String,
    worktree: PathBuf,
    control: mpsc::Receiver<Control>,
) -> Result<Report, ApiError> {
    // Looked at after the run can be reached: what is said from now on is told to it directly.
    for said in run.said.iter().map(|said| said.blob.clone()).chain(said_since(daemon, run)) {
        if let Some(text) = text_of(daemon, said).await? {
            let _ = write!(brief, "# Said since\n\n{text}\n\n");
        }
    }
    let version = daemon.readiness.last(&run.agent).and_then(|seen| seen.version().map(str::to_owned));
    let started = Input::Started {
        attempt: run.attempt.clone(),
        version,
        base: run.from.clone(),
        paid: daemon.paid(&run.agent),
    };
    give(daemon, started.into()).await;
    daemon.previews.show(daemon, run);
    let mut album = Album::default();
    let watched = watch(daemon, run, job(daemon, run, brief, worktree), control, &mut album).await;
    learn(daemon, &run.agent, &watched.end.end);
    finish(daemon, run, watched, album).await
}

/// The folder to work in. Where another attempt worked before, nothing of it may run any more.
async fn bench(daemon: &Daemon, run: &Run) -> Result<PathBuf, ApiError> {
    let made = match &run.goes_on {
        Some(before) => {
            let ended = agents::kill_leftovers(&daemon.setup, before);
            ended.map_err(|e| internal("end what ran here before", e))?;
            daemon.yard.bench(&run.project, &run.bench, &run.from).await
        }
        None => daemon.yard.worktree(&run.project, &run.bench, &run.from).await,
    };
    made.map_err(|e| internal("make the worktree", e))
}

/// Passes a stop on to the running agent. Its end comes from the run itself, so there is nothing to report: this goes on
/// until the run has ended, and is aborted then. A run that only begins is not here yet; the fact of its start wakes us.
pub async fn stop_agent(daemon: &Daemon, attempt: &AttemptId, why: Stop) -> Option<Report> {
    let mut head = daemon.writer.head.clone();
    loop {
        head.borrow_and_update();
        if let Some(control) = daemon.runs.control(attempt) {
            let stop = match why {
                Stop::HandedOver => Control::HandOver,
                Stop::Cancelled | Stop::OutOfRace => Control::Cancel,
            };
            let _ = control.send(stop).await;
            std::future::pending::<()>().await;
        }
        // The writer is gone, and with it everybody who waits for a run.
        head.changed().await.ok()?;
    }
}

async fn read_brief(daemon: &Daemon, run: &Run) -> Result<String, ApiError> {
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

/// What the user said between the moment this run was asked for and the moment it can be reached.
fn said_since(daemon: &Daemon, run: &Run) -> Vec<BlobId> {
    let pending = daemon.writer.pending.borrow().clone();
    let now = pending.iter().find_map(|effect| match effect {
        Effect::RunAgent(now) if now.attempt == run.attempt => Some(&now.said),
        _ => None,
    });
    let said = now.into_iter().flatten().map(|said| said.blob.clone());
    said.filter(|said| daemon.runs.is_news(&run.attempt, said)).collect()
}

/// None once it was forgotten.
async fn text_of(daemon: &Daemon, blob: BlobId) -> Result<Option<String>, ApiError> {
    let bytes = daemon.reads.ask(move |r| r.blob(&blob)).await?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn job(daemon: &Daemon, run: &Run, brief: String, worktree: PathBuf) -> Job {
    let limits = &daemon.settings.limits;
    let set = daemon.settings.agents.get(&run.agent);
    Job {
        attempt: run.attempt.clone(),
        agent: run.agent.clone(),
        worktree,
        brief,
        limits: agents::RunLimits::new(
            Duration::from_secs(limits.idle_s),
            Duration::from_secs(limits.wall_s),
        ),
        mcp: daemon.memory_mcp(run).into_iter().collect(),
        resume: run.resume.clone(),
        permissions: match set.map(|set| set.permissions).unwrap_or_default() {
            Permissions::Allow => agents::Permissions::Allow,
            Permissions::Ask => agents::Permissions::Ask,
        },
    }
}

/// A run whose account was not good gives reason to look at it again; what it ended with is read from the journal.
fn learn(daemon: &Daemon, agent: &AgentId, end: &AttemptEnd) {
    if matches!(end, AttemptEnd::SignedOut { .. } | AttemptEnd::QuotaGone { .. }) {
        daemon.readiness.doubt(agent);
    }
}

/// The run's end as we saw it: what is in the worktree now, how long it took, what the program reported.
async fn finish(daemon: &Arc<Daemon>, run: &Run, watched: Watched, album: Album) -> Result<Report, ApiError> {
    let Watched { end, worked } = watched;
    let commit = keep::last_checkpoint(daemon, run, album).await?;
    let diff = if commit == run.from {
        DiffStat::default()
    } else {
        let counted = daemon.yard.diffstat(&run.project, &run.from, &commit).await;
        counted.map_err(|e| internal("count the change", e))?
    };
    let RunEnd { end, model, usage, raw, session, unknown_events, .. } = end;
    let (blobs, raw): (Vec<NewBlob>, Option<BlobRef>) = match raw.map(|raw| daemon.blob(raw)).transpose()? {
        Some((blob, named)) => (vec![blob], Some(named)),
        None => (Vec::new(), None),
    };
    if unknown_events > 0 {
        warn!(unknown_events, attempt = %run.attempt, agent = %run.agent, "events that we do not know were kept raw");
    }
    let ended = Ended {
        end,
        commit: Some(commit),
        diff,
        model,
        usage: protocol::fact::Usage { raw, ..usage },
        duration_ms: u64::try_from(worked.as_millis()).ok(),
        session,
        unknown_events: Some(unknown_events),
    };
    Ok(Report { input: Input::Finished { attempt: run.attempt.clone(), ended }, blobs })
}
