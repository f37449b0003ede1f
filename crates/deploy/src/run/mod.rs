//! One program, under limits: its own environment, its own process group (and memory cgroup where one can be made), a
//! deadline after which all of it is killed, and output that is kept in bounds. What it says or returns is reported,
//! not judged.

mod memory;
mod output;

use crate::RunAs;
use crate::error::{Error, Result};
use crate::process;
use memory::Cage;
use output::Kept;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

pub(crate) use output::relevant;

/// How long a program has between being asked to end and being killed.
const GRACE: Duration = Duration::from_millis(1500);

pub(crate) struct Run {
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    /// All of it: nothing is inherited.
    pub env: Vec<(String, OsString)>,
    pub run_as: Option<RunAs>,
    pub timeout: Duration,
    pub memory_mb: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Exit(i32),
    Signal(i32),
    TimedOut,
    OutOfMemory,
    NotFound,
}

pub(crate) struct Ran {
    pub ended: Ended,
    /// Both streams as they came; the middle of a very long one is left out.
    pub log: Vec<u8>,
}

/// What every process of a run carries in its environment, with the run's folder as its value.
const MARK: &str = "LOOPWRIGHT_RUN";

impl Run {
    pub async fn run(&self) -> Result<Ran> {
        let mark = self.mark();
        // Of the same run in an earlier life of the daemon: nobody keeps its deadline any more.
        process::sweep(&mark).await;
        let cage = Cage::new(self.memory_mb);
        let mut child = match self.command(&cage).spawn() {
            Ok(child) => child,
            Err(error) => return Err(Error::io(format!("start {}", self.program()))(error)),
        };
        let group = child.id();
        let tree = Tree { group, mark };
        let mut kept = Kept::default();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let ended = tokio::time::timeout(self.timeout, drain(&mut child, out, err, &mut kept)).await;
        let status = match ended {
            Ok(status) => Some(status.map_err(Error::io(format!("wait for {}", self.program())))?),
            Err(_) => {
                end_group(&mut child, group).await;
                None
            }
        };
        // What it left behind must not live on: it could change what was checked.
        kill_group(group);
        cage.kill();
        process::sweep(&tree.mark).await;
        let log = kept.into_bytes();
        let ended = match status {
            None => Ended::TimedOut,
            Some(status) => self.classify(status, &cage, &log),
        };
        Ok(Ran { ended, log })
    }

    fn mark(&self) -> String {
        format!("{MARK}={}", self.cwd.display())
    }

    fn program(&self) -> &str {
        self.argv.first().map_or("", String::as_str)
    }

    fn command(&self, cage: &Cage) -> Command {
        // From the outside in: join the cage (as ourselves), lay limits, become the other user, be the program.
        let mut argv: Vec<OsString> = cage.wrapper();
        if let Some(user) = self.run_as {
            let ids = [format!("--reuid={}", user.uid), format!("--regid={}", user.gid)];
            argv.push("setpriv".into());
            argv.extend(ids.map(OsString::from));
            argv.extend(["--clear-groups", "--no-new-privs", "--"].map(OsString::from));
        }
        // `env` finds the program in its own PATH and says 127 when there is none.
        argv.push("env".into());
        argv.extend(self.argv.iter().map(OsString::from));
        let mut command = Command::new(argv.first().cloned().unwrap_or_default());
        command.args(argv.iter().skip(1)).current_dir(&self.cwd).env_clear();
        command.envs(self.env.iter().map(|(name, value)| (name, value))).env(MARK, &self.cwd);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
    }

    fn classify(&self, status: ExitStatus, cage: &Cage, log: &[u8]) -> Ended {
        use std::os::unix::process::ExitStatusExt;
        let tail = String::from_utf8_lossy(log.get(log.len().saturating_sub(16 * 1024)..).unwrap_or(log))
            .into_owned();
        let says_memory =
            ["heap out of memory", "Cannot allocate memory", "std::bad_alloc", "ENOMEM", "out of memory"]
                .iter()
                .any(|words| tail.contains(words));
        match (status.code(), status.signal()) {
            (Some(0), _) => Ended::Exit(0),
            _ if cage.was_hit() || says_memory => Ended::OutOfMemory,
            (Some(127), _)
                if tail.contains(&format!("‘{}’", self.program()))
                    || tail.contains(&format!("'{}'", self.program())) =>
            {
                Ended::NotFound
            }
            (Some(code), _) => Ended::Exit(code),
            (None, Some(signal)) => Ended::Signal(signal),
            (None, None) => Ended::Exit(-1),
        }
    }
}

/// Also when nobody waits for the run any more (a cancel): nothing of it stays.
struct Tree {
    group: Option<u32>,
    mark: String,
}

impl Drop for Tree {
    fn drop(&mut self) {
        kill_group(self.group);
        process::kill_marked(&self.mark);
    }
}

/// Reads both streams until the program has ended. A grandchild that keeps a stream open is not waited for.
async fn drain(
    child: &mut Child,
    mut out: Option<impl AsyncRead + Unpin>,
    mut err: Option<impl AsyncRead + Unpin>,
    kept: &mut Kept,
) -> std::io::Result<ExitStatus> {
    let (mut from_out, mut from_err) = ([0u8; 16 * 1024], [0u8; 16 * 1024]);
    let mut status = None;
    loop {
        if out.is_none() && err.is_none() && status.is_some() {
            break;
        }
        tokio::select! {
            biased;
            read = read(&mut out, &mut from_out), if out.is_some() => match read {
                0 => out = None,
                read => kept.push(&from_out[..read]),
            },
            read = read(&mut err, &mut from_err), if err.is_some() => match read {
                0 => err = None,
                read => kept.push(&from_err[..read]),
            },
            ended = child.wait(), if status.is_none() => {
                status = Some(ended?);
                break;
            }
        }
    }
    // What was written before the end is in the pipes already.
    let rest = async {
        while out.is_some() || err.is_some() {
            tokio::select! {
                biased;
                read = read(&mut out, &mut from_out), if out.is_some() => match read {
                    0 => out = None,
                    read => kept.push(&from_out[..read]),
                },
                read = read(&mut err, &mut from_err), if err.is_some() => match read {
                    0 => err = None,
                    read => kept.push(&from_err[..read]),
                },
            }
        }
    };
    // A deadline, since somebody else may hold the pipe open.
    let _ = tokio::time::timeout(Duration::from_millis(200), rest).await;
    status.map_or_else(|| Err(std::io::Error::other("it ended without a status")), Ok)
}

async fn read(from: &mut Option<impl AsyncRead + Unpin>, into: &mut [u8]) -> usize {
    match from {
        Some(from) => from.read(into).await.unwrap_or(0),
        None => 0,
    }
}

async fn end_group(child: &mut Child, group: Option<u32>) {
    signal_group(group, rustix::process::Signal::TERM);
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        kill_group(group);
        let _ = child.wait().await;
    }
}

fn kill_group(group: Option<u32>) {
    signal_group(group, rustix::process::Signal::KILL);
}

fn signal_group(group: Option<u32>, signal: rustix::process::Signal) {
    let group = group.and_then(|group| rustix::process::Pid::from_raw(i32::try_from(group).ok()?));
    if let Some(group) = group {
        // An error means that nobody of the group lives: what was wanted.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}
