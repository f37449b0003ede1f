//! One run: start the agent, talk ACP with it, tell what it does, and end with nothing of it alive.

mod drive;
mod failure;
mod talk;
mod transcript;
pub(crate) mod usage;
mod wire;

use crate::profile::{self, Profile};
use crate::supervise::{self, Tree, Walls};
use crate::{Control, Event, Job, RunEnd, Setup, launch};
use drive::Ending;
use protocol::At;
use protocol::fact::{AttemptEnd, Usage};
use protocol::view::LineKind;
use std::collections::VecDeque;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use transcript::Transcript;

/// After its input is closed, an agent may put its things away for this long.
const GRACE: Duration = Duration::from_millis(400);
/// How long the last events wait for a reader that does not read.
const FLUSH: Duration = Duration::from_secs(5);

/// Runs one agent to its end. When this returns, no process of the attempt lives.
pub async fn run(
    setup: &Setup,
    job: Job,
    events: mpsc::Sender<Event>,
    control: mpsc::Receiver<Control>,
) -> RunEnd {
    let Some(profile) = profile::find(&job.agent) else {
        return RunEnd::without_words(failed(format!("there is no agent called `{}`", job.agent)));
    };
    let mut tree = match start(setup, profile, &job).await {
        Ok(tree) => tree,
        Err(reason) => return RunEnd::without_words(failed(reason)),
    };
    let mut transcript = Transcript::new();
    transcript.push(Event::Started { version: None });
    let driven = drive::drive(&mut tree, profile, &job, &mut transcript, &events, control).await;
    let grace = if matches!(driven.ending, Ending::Cancelled) { Duration::ZERO } else { GRACE };
    let status = match tree.end(grace).await {
        Ok(status) => status,
        Err(error) => {
            transcript.say(LineKind::Daemon, &format!("its processes could not all be ended: {error}"));
            None
        }
    };
    transcript.flush();
    let end = judge(driven.ending, status, &driven.stderr, &transcript);
    let counted = usage::count(profile, &transcript);
    deliver(transcript.take_queue(), &events).await;
    RunEnd { end, model: counted.model, usage: counted.usage, raw: counted.raw }
}

impl RunEnd {
    fn without_words(end: AttemptEnd) -> RunEnd {
        RunEnd { end, model: None, usage: Usage::default(), raw: None }
    }
}

async fn start(setup: &Setup, profile: &Profile, job: &Job) -> Result<Tree, String> {
    let id = job.attempt.as_str();
    let tmp =
        supervise::prepare(setup, profile, id).map_err(|e| format!("its folders cannot be made: {e}"))?;
    let launch = launch::acp(setup, profile, &tmp).map_err(|missing| missing.next)?;
    Tree::start(setup, id, launch, &job.worktree, Walls::default())
        .await
        .map_err(|error| format!("its program cannot be started: {error}"))
}

fn judge(
    ending: Ending,
    status: Option<ExitStatus>,
    stderr: &VecDeque<String>,
    said: &Transcript,
) -> AttemptEnd {
    match ending {
        Ending::TurnEnded => failure::in_words(said, now()).unwrap_or(AttemptEnd::TurnEnded),
        Ending::Cancelled => AttemptEnd::Cancelled,
        Ending::Silent(after) => AttemptEnd::Silent { ms: millis(after) },
        Ending::TooLong(after) => AttemptEnd::TooLong { ms: millis(after) },
        Ending::Refused { code, text } => failure::of_error(code, &text, now()),
        Ending::Broken(reason) => failed(with_stderr(reason, stderr)),
        Ending::Gone => {
            let how = status
                .map_or_else(|| "its program went away".to_owned(), |s| format!("its program ended ({s})"));
            failed(with_stderr(format!("{how} before its turn was over"), stderr))
        }
    }
}

fn with_stderr(reason: String, stderr: &VecDeque<String>) -> String {
    if stderr.is_empty() {
        return reason;
    }
    let lines: Vec<&str> = stderr.iter().map(String::as_str).collect();
    format!("{reason}; its last words: {}", lines.join(" / "))
}

async fn deliver(queue: VecDeque<Event>, events: &mpsc::Sender<Event>) {
    let all = async {
        for event in queue {
            if events.send(event).await.is_err() {
                return;
            }
        }
    };
    // A reader that does not read must not hold the run's end back.
    let _ = tokio::time::timeout(FLUSH, all).await;
}

fn failed(reason: String) -> AttemptEnd {
    AttemptEnd::Failed { reason }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Only for "the quota is back in three hours": agents say that relative to now.
fn now() -> At {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    At(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
