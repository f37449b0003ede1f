//! Installations and conformance runs that the daemon was asked for. Each is a process of its own, this very program, so
//! that nothing of it stays in the daemon's memory; what it prints is shown while it goes on.

use crate::context::{Daemon, hold, internal};
use protocol::view::{AgentJob, JobState};
use protocol::{AgentId, ApiError, Code, Response, clean};
use rustix::process::{Pid, Signal};
use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tracing::{info, warn};

/// Lines of a job that are kept.
const LINES: usize = 200;
/// What is read of a line, and of the words about a failure.
const WORDS: u64 = 16 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Install,
    Check,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Check => "check",
        }
    }
}

/// The job of each agent that goes on, else the last one.
#[derive(Default)]
pub struct Jobs {
    rows: Mutex<BTreeMap<AgentId, AgentJob>>,
    /// They are heavy: one after the other.
    turn: tokio::sync::Mutex<()>,
}

impl Jobs {
    pub fn of(&self, agent: &AgentId) -> Option<AgentJob> {
        hold(&self.rows).get(agent).cloned()
    }

    fn begin(&self, agent: &AgentId, what: What) -> Result<(), ApiError> {
        let mut rows = hold(&self.rows);
        if let Some(job) = rows.get(agent).filter(|job| job.state == JobState::Running) {
            let says = format!("`{}` of {agent} goes on already", job.what);
            return Err(ApiError::new(Code::Conflict, says).next("wait until it ended"));
        }
        let job = AgentJob {
            what: what.word().to_owned(),
            started: crate::names::now(),
            says: Vec::new(),
            state: JobState::Running,
        };
        rows.insert(agent.clone(), job);
        Ok(())
    }

    fn change(&self, agent: &AgentId, change: impl FnOnce(&mut AgentJob)) {
        if let Some(job) = hold(&self.rows).get_mut(agent) {
            change(job);
        }
    }

    fn say(&self, agent: &AgentId, line: &str) {
        let line = clean::line(line, 400);
        if !line.is_empty() {
            self.change(agent, |job| {
                if job.says.len() < LINES {
                    job.says.push(line);
                }
            });
        }
    }
}

/// Begins it; what comes of it is read in the agent's row.
pub fn begin(daemon: &Arc<Daemon>, agent: AgentId, what: What) -> Result<Response, ApiError> {
    if agents::install::pin(&agent).is_none() {
        return Err(ApiError::new(Code::NotFound, format!("there is nothing to install for `{agent}`"))
            .next("see `loopwrightd agents`"));
    }
    daemon.jobs.begin(&agent, what)?;
    let daemon = daemon.clone();
    tokio::spawn(async move {
        daemon.nudge();
        let state = tokio::select! {
            state = carry_out(&daemon, &agent, what) => state,
            () = daemon.stop.cancelled() => return,
        };
        match &state {
            JobState::Failed { reason, .. } => {
                warn!(%agent, what = what.word(), %reason, "a job on an agent failed")
            }
            JobState::Running | JobState::Done { .. } => {
                info!(%agent, what = what.word(), "a job on an agent is done")
            }
        }
        if what == What::Install {
            daemon.readiness.look_at(&agent).await;
        }
        daemon.jobs.change(&agent, |job| job.state = state);
        daemon.nudge();
    });
    Ok(Response::Done)
}

async fn carry_out(daemon: &Daemon, agent: &AgentId, what: What) -> JobState {
    let _turn = match daemon.jobs.turn.try_lock() {
        Ok(turn) => turn,
        Err(_) => {
            daemon.jobs.say(agent, "waiting for another agent's turn to end");
            daemon.nudge();
            daemon.jobs.turn.lock().await
        }
    };
    match run(daemon, agent, what).await {
        Ok(state) => state,
        Err(e) => {
            let ApiError { message, next, .. } = internal("start it", e);
            JobState::Failed { reason: message, next: next.unwrap_or_default() }
        }
    }
}

async fn run(daemon: &Daemon, agent: &AgentId, what: What) -> std::io::Result<JobState> {
    let mut child = command(daemon, agent, what).spawn()?;
    let group = Group::of(&child);
    let stderr = child.stderr.take();
    let words = tokio::spawn(words(stderr));
    let last = follow(daemon, agent, &mut child).await;
    let success = child.wait().await?.success();
    group.ended();
    let words = words.await.unwrap_or_default();
    if success {
        return Ok(JobState::Done { says: clean::line(&last, 400) });
    }
    let (reason, next) = cause(&words, &last);
    Ok(JobState::Failed { reason, next })
}

fn command(daemon: &Daemon, agent: &AgentId, what: What) -> Command {
    let mut command = Command::new(&daemon.yard.own_exe);
    command.arg("--home").arg(daemon.home.root()).args(["agents", what.word(), agent.as_str(), "--here"]);
    command.arg("--into").arg(&daemon.agents_folder);
    if let Some(node) = &daemon.setup.node {
        command.arg("--node").arg(node);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.process_group(0);
    command
}

/// The processes of a job, killed together when it is dropped before its end: the one that plays the check would go on
/// alone.
pub struct Group(Option<Pid>);

impl Group {
    pub fn of(child: &Child) -> Self {
        Self(child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())))
    }

    /// Its number may be another group's from now on.
    pub fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // No such group is what we want.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }
}

/// Shows its lines as they come; gives the last one.
async fn follow(daemon: &Daemon, agent: &AgentId, child: &mut Child) -> String {
    let mut last = String::new();
    let Some(stdout) = child.stdout.take() else { return last };
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        daemon.jobs.say(agent, &line);
        daemon.nudge();
        last = line;
    }
    last
}

pub async fn words(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // What came before an error still says something; what is too much is read and dropped.
        let _ = (&mut stream).take(WORDS).read_to_end(&mut bytes).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Our own command line says `reason`, then `next: …`.
pub fn cause(words: &str, last: &str) -> (String, String) {
    let (reason, next) = words.trim().rsplit_once("next: ").unwrap_or((words.trim(), ""));
    let reason = if reason.is_empty() { last } else { reason };
    let reason = if reason.is_empty() { "it ended without a word" } else { reason };
    let next = if next.is_empty() { "see `loopwrightd doctor` and the daemon's log" } else { next };
    (clean::line(reason, 2000), clean::line(next, 400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_job_of_an_agent_at_a_time() {
        let jobs = Jobs::default();
        let agent = agents::install::pins().remove(0).agent;
        jobs.begin(&agent, What::Install).unwrap();
        let error = jobs.begin(&agent, What::Check).unwrap_err();
        assert_eq!(error.code, Code::Conflict);
        assert!(error.message.contains("install"), "{}", error.message);
        jobs.say(&agent, "  fetched \u{1b}[1m1 of 2\n");
        jobs.change(&agent, |job| job.state = JobState::Done { says: "done".into() });
        jobs.begin(&agent, What::Check).unwrap();
        assert_eq!(jobs.of(&agent).unwrap().what, "check");
    }

    #[tokio::test]
    async fn a_job_that_is_dropped_takes_its_children_along() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap();
        let group = Group::of(&child);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.next_line().await.unwrap().is_some(), "its child runs");
        drop(group);
        assert_eq!(lines.next_line().await.unwrap(), None, "its child has let go of the pipe");
        child.wait().await.unwrap();
    }

    #[test]
    fn what_went_wrong_is_told_in_the_words_of_the_command_line() {
        let (reason, next) = cause("failed to fetch x@1: gone\n  next: be online\n", "last line");
        assert_eq!((reason.as_str(), next.as_str()), ("failed to fetch x@1: gone", "be online"));
        let (reason, next) = cause("", "scenario resume: wrong");
        assert_eq!(reason, "scenario resume: wrong");
        assert!(next.contains("doctor"));
        assert!(!cause("", "").0.is_empty());
    }
}
