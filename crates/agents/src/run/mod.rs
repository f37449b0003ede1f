//! One run: start the agent, talk ACP with it, tell what it does, and end with nothing of it alive.

mod aside;
mod asks;
mod converse;
mod desk;
mod drive;
mod ending;
mod failure;
mod ledger;
mod message;
mod minute;
mod open;
mod queue;
mod read;
mod refusals;
mod reset;
mod talk;
mod text;
mod tools;
mod transcript;
pub(crate) mod usage;
mod watch;
mod wire;

pub use read::{Read, read_events};

use crate::profile::{self, Profile};
use crate::supervise::{self, Gauge, Limits, Tree, Walls};
use crate::{Control, Event, Job, RunEnd, Setup, launch};
use aside::Aside;
use desk::Seen;
use drive::Drive;
use ending::Ending;
use protocol::At;
use protocol::fact::{AttemptEnd, Usage};
use protocol::view::LineKind;
use std::collections::VecDeque;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use transcript::Transcript;
use usage::Total;
use watch::Watch;

/// After its input is closed, an agent may put its things away for this long.
const GRACE: Duration = Duration::from_millis(400);
/// And this long when what it still has to tell is what it cost.
const LAST_WORD: Duration = Duration::from_millis(1500);
/// How long the last events wait for a reader that does not read.
const FLUSH: Duration = Duration::from_secs(5);

/// Runs one agent to its end. When this returns, no process of the attempt lives.
pub async fn run(
    setup: &Setup,
    job: Job,
    events: mpsc::Sender<Event>,
    mut control: mpsc::Receiver<Control>,
) -> RunEnd {
    let Some(profile) = profile::find(&job.agent) else {
        return RunEnd::without_words(failed(format!("there is no agent called `{}`", job.agent)));
    };
    let place = match queue::wait(setup, profile, &job, &events, &mut control).await {
        Ok(place) => place,
        Err(end) => return RunEnd::without_words(end),
    };
    let Started { mut tree, tmp, mut aside } = match start(setup, profile, &job).await {
        Ok(started) => started,
        Err(reason) => return RunEnd::without_words(failed(reason)),
    };
    let mut transcript = Transcript::new(profile);
    transcript.push(Event::Started { version: None });
    let mut seen = Seen::default();
    let gauge = Gauge::new(vec![job.worktree.clone(), tmp], job.limits.file, job.limits.growth);
    let mut watch = Watch::new(gauge, tree.watch());
    let drive = Drive {
        profile,
        job: &job,
        transcript: &mut transcript,
        seen: &mut seen,
        aside: &mut aside,
        watch: &mut watch,
        events: &events,
        control,
        steered: place.steered,
        turnstile: place.turnstile,
    };
    let ending = drive::drive(&mut tree, drive).await;
    let came_to_its_end = matches!(ending, Ending::TurnEnded);
    let (ending, status) = end(profile, tree, ending, watch, &mut transcript).await;
    drop(place.lease);
    for told in aside.rest().await {
        seen.told(told, now());
    }
    transcript.flush();
    let end = judge(ending, status, &seen, &transcript);
    let counted = count(setup, profile, &job, &seen, &transcript);
    let heard = bill_was_heard(profile, came_to_its_end, &end);
    let usage = if heard { counted.usage } else { Usage::default() };
    deliver(transcript.take_queue(), &events).await;
    RunEnd {
        end,
        model: counted.model,
        usage,
        raw: counted.raw,
        session: seen.session,
        unknown_events: transcript.unknown,
    }
}

/// Whether the whole bill of a run can have been heard; a part of it would pass for the whole. A program whose turn had
/// ended tells it, but for one that tells it last of all and was ended at once for its limits. One that was broken off in the
/// middle of a call cannot: the call is billed.
fn bill_was_heard(profile: &Profile, came_to_its_end: bool, end: &AttemptEnd) -> bool {
    let tells_last = matches!(profile.aside, profile::Aside::Telemetry { .. });
    match end {
        AttemptEnd::TurnEnded
        | AttemptEnd::Cancelled
        | AttemptEnd::HandedOver
        | AttemptEnd::Asked { .. }
        // A refused call costs nothing.
        | AttemptEnd::SignedOut { .. }
        | AttemptEnd::QuotaGone { .. } => true,
        AttemptEnd::OverLimit { .. } => came_to_its_end && !tells_last,
        AttemptEnd::Silent { .. }
        | AttemptEnd::TooLong { .. }
        | AttemptEnd::Stuck { .. }
        | AttemptEnd::Failed { .. }
        | AttemptEnd::Lost => came_to_its_end,
    }
}

impl RunEnd {
    fn without_words(end: AttemptEnd) -> RunEnd {
        let usage = Usage::default();
        RunEnd { end, model: None, usage, raw: None, session: None, unknown_events: 0 }
    }
}

struct Started {
    tree: Tree,
    tmp: PathBuf,
    aside: Aside,
}

async fn start(setup: &Setup, profile: &Profile, job: &Job) -> Result<Started, String> {
    let id = job.attempt.as_str();
    let folders = |error| format!("its folders cannot be made: {error}");
    let tmp = supervise::prepare(setup, profile, id).map_err(folders)?;
    let mut launch = launch::acp(setup, profile, &tmp).map_err(|missing| missing.next)?;
    let (aside, env) = Aside::open(setup, profile, job.resume.as_deref(), &tmp).map_err(folders)?;
    launch.env.extend(env);
    if !job.mcp.is_empty() {
        launch.env.extend(profile.mcp_env.iter().map(|(key, value)| (key.into(), value.into())));
    }
    if let Some(settings) = profile.settings {
        let path = settings_file(&tmp, settings.json).map_err(folders)?;
        launch.env.push((settings.variable.into(), path.into_os_string()));
    }
    let limits = Limits { processes: job.limits.processes, memory: job.limits.memory, file: job.limits.file };
    let walls = Walls { limits: Some(limits), ..Walls::default() };
    let tree = Tree::start(setup, id, launch, &job.worktree, walls)
        .await
        .map_err(|error| format!("its program cannot be started: {error}"))?;
    Ok(Started { tree, tmp, aside })
}

/// The folder is new, and nobody else was in it yet.
fn settings_file(tmp: &Path, json: &str) -> std::io::Result<PathBuf> {
    let path = tmp.join("settings.json");
    // The folder is the agent's already: what somebody put there in the meantime is not followed.
    std::fs::File::create_new(&path)?.write_all(json.as_bytes())?;
    Ok(path)
}

/// Ends its processes, and looks whether it stayed within its part of the machine.
async fn end<H>(
    profile: &Profile,
    tree: Tree,
    ending: Ending,
    watch: Watch<H>,
    transcript: &mut Transcript,
) -> (Ending, Option<ExitStatus>)
where
    H: Fn() -> Option<String> + Clone + Send + 'static,
{
    let settled = matches!(ending, Ending::Stopped { .. } | Ending::OverLimit(_));
    let enforced = if settled { None } else { watch.enforced().await };
    let grace = match &ending {
        Ending::Stopped { forced: true } | Ending::OverLimit(_) => Duration::ZERO,
        _ if enforced.is_some() => Duration::ZERO,
        Ending::Stopped { forced: false } => GRACE,
        _ if matches!(profile.aside, profile::Aside::Telemetry { .. }) => LAST_WORD,
        _ => GRACE,
    };
    let status = match tree.end(grace).await {
        Ok(status) => status,
        Err(error) => {
            transcript.say(LineKind::Daemon, &format!("its processes could not all be ended: {error}"));
            None
        }
    };
    let over = match enforced {
        None if !settled && transcript.tools.used > 0 => watch.written().await,
        enforced => enforced,
    };
    (over.map_or(ending, Ending::OverLimit), status)
}

fn count(setup: &Setup, profile: &Profile, job: &Job, seen: &Seen, said: &Transcript) -> usage::Counted {
    let session = seen.session.as_deref().unwrap_or_default();
    let before =
        if seen.resumed { ledger::before(setup, &job.agent, session) } else { Some(Total::default()) };
    let counted = usage::count(
        profile,
        &usage::Told { said, calls: &seen.calls, refused: seen.refusals.any(), before },
    );
    if let Some(total) = usage::total_now(said) {
        // Without it the next run of this session does not know what it cost.
        let _ = ledger::keep(setup, &job.agent, session, &total);
    }
    counted
}

fn judge(ending: Ending, status: Option<ExitStatus>, seen: &Seen, said: &Transcript) -> AttemptEnd {
    let refused = || seen.refusals.verdict(now());
    match ending {
        Ending::TurnEnded => refused()
            .or_else(|| failure::in_words(said, &seen.stderr, now()))
            .unwrap_or(AttemptEnd::TurnEnded),
        Ending::Stopped { .. } if seen.handed_over => AttemptEnd::HandedOver,
        Ending::Stopped { .. } => AttemptEnd::Cancelled,
        Ending::Silent(after) => refused().unwrap_or(AttemptEnd::Silent { ms: millis(after) }),
        Ending::TooLong(after) => AttemptEnd::TooLong { ms: millis(after) },
        Ending::RefusedTooLong => refused().unwrap_or_else(|| failed("its service refused it".to_owned())),
        Ending::Stuck(what) => AttemptEnd::Stuck { what },
        Ending::OverLimit(what) => AttemptEnd::OverLimit { what },
        Ending::Unanswered(question) => AttemptEnd::Asked { question },
        Ending::Judged(end) => end,
        Ending::Refused { code, text } => match failure::of_error(code, &text, now()) {
            failed @ AttemptEnd::Failed { .. } => refused().unwrap_or(failed),
            told => told,
        },
        Ending::Broken(reason) => failed(with_stderr(reason, &seen.stderr)),
        Ending::Gone => {
            let how = status
                .map_or_else(|| "its program went away".to_owned(), |s| format!("its program ended ({s})"));
            refused().unwrap_or_else(|| {
                failed(with_stderr(format!("{how} before its turn was over"), &seen.stderr))
            })
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

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::AgentId;

    #[test]
    fn a_bill_is_whole_or_it_is_none() {
        let over = || AttemptEnd::OverLimit { what: "more processes than it may have".into() };
        // The agent, whether its turn had ended, how the run ended, whether the bill is whole.
        let table = [
            ("gemini-cli", true, over(), false),
            ("claude-code", true, over(), true),
            ("claude-code", false, over(), false),
            ("gemini-cli", true, AttemptEnd::TurnEnded, true),
            ("gemini-cli", false, AttemptEnd::Cancelled, true),
            ("claude-code", false, AttemptEnd::Lost, false),
            ("claude-code", true, AttemptEnd::Failed { reason: "it said so".into() }, true),
        ];
        for (agent, ended, end, heard) in table {
            let agent = AgentId::new(agent).unwrap();
            let profile = profile::find(&agent).unwrap();
            assert_eq!(bill_was_heard(profile, ended, &end), heard, "{agent} {end:?}");
        }
    }
}
