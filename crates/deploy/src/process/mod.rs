//! Child processes with nothing inherited: started in a group of their own, watched by pidfd, and killed with all they started.
//!
//! A process that left its group is found by its marker, an environment variable that every descendant carries.

mod log;

pub(crate) use log::{CappedLog, LogPump, tail};

use crate::RunAs;
use rustix::process::{Pid, PidfdFlags, Signal};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::process::Command;

/// Where programs are looked for unless the caller says otherwise.
pub(crate) const PLAIN_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A command with exactly this environment, in its own process group, as `run_as`.
pub(crate) fn command(
    argv: &[String],
    cwd: &Path,
    env: &BTreeMap<String, String>,
    run_as: Option<RunAs>,
) -> io::Result<Command> {
    let (program, args) = argv
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program to start"))?;
    let mut command = Command::new(program);
    command.args(args).current_dir(cwd).env_clear().envs(env).stdin(Stdio::null()).process_group(0);
    if let Some(RunAs { uid, gid }) = run_as {
        command.uid(uid).gid(gid);
    }
    Ok(command)
}

/// What a JavaScript engine reserves at its start without ever using it; it counts against the limit all the same.
const RESERVED_MB: u64 = 768;

/// The same program under a limit on what it, and each process that it starts, may allocate. By prlimit(1), inside the new process: from outside, the
/// limits of another user's process take a capability that a container's root often has not. Where there is no such
/// program (macOS), no limit is set.
pub(crate) fn with_memory_limit(argv: &[String], mb: u64) -> Vec<String> {
    const PRLIMIT: &str = "/usr/bin/prlimit";
    if !Path::new(PRLIMIT).is_file() {
        return argv.to_vec();
    }
    let limit = format!("--data={}", mb.saturating_add(RESERVED_MB).saturating_mul(1024 * 1024));
    [PRLIMIT.to_owned(), limit, "--".to_owned()].into_iter().chain(argv.iter().cloned()).collect()
}

/// The same program, which no set-user-id file can give more rights than its user has, nor anything that it starts. By
/// setpriv(1), which becomes the program: number and signals are its own. Where there is no such program, as it was.
pub(crate) fn without_new_privileges(argv: &[String]) -> Vec<String> {
    const SETPRIV: &str = "/usr/bin/setpriv";
    if !cfg!(target_os = "linux") || !Path::new(SETPRIV).is_file() {
        return argv.to_vec();
    }
    let words = [SETPRIV, "--no-new-privs", "--"].map(str::to_owned);
    words.into_iter().chain(argv.iter().cloned()).collect()
}

fn as_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// When a process started, in the kernel's ticks: with the pid it names one process and no later one.
pub(crate) fn started_at(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name may hold spaces and brackets; the fields are counted from the last one.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// The end of one process, awaited without reaping it: its number stays taken while its group is killed.
pub(crate) struct Ending {
    fd: AsyncFd<OwnedFd>,
    pub(crate) pid: u32,
    pub(crate) started: u64,
}

impl Ending {
    /// Of the process `pid`; of none other than the one started at `expected`, where that is given.
    pub(crate) fn of(pid: u32, expected: Option<u64>) -> io::Result<Ending> {
        let gone = || io::Error::from(io::ErrorKind::NotFound);
        let fd = rustix::process::pidfd_open(as_pid(pid).ok_or_else(gone)?, PidfdFlags::NONBLOCK)?;
        let started = started_at(pid).ok_or_else(gone)?;
        if expected.is_some_and(|expected| expected != started) {
            return Err(gone());
        }
        Ok(Ending { fd: watched(fd)?, pid, started })
    }

    pub(crate) async fn wait(&self) -> io::Result<()> {
        self.fd.readable().await.map(drop)
    }

    /// Signals the group that this process leads.
    pub(crate) fn signal_group(&self, signal: Signal) {
        signal_group(self.pid, signal);
    }
}

#[expect(
    deprecated,
    reason = "its successor is unsafe for the sake of types that do not own their descriptor; OwnedFd does, and is not replaced"
)]
fn watched(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(fd, tokio::io::Interest::READABLE)
}

/// Signals a whole group. That none is left is no error.
pub(crate) fn signal_group(leader: u32, signal: Signal) {
    if let Some(pid) = as_pid(leader) {
        let _ = rustix::process::kill_process_group(pid, signal);
    }
}

/// Kills every process whose environment holds `marker` (`NAME=value`), and returns when none is left.
pub(crate) async fn sweep(marker: &str) {
    // A fork between two looks is found by the next one.
    for _ in 0..5 {
        let found = marked(marker);
        if found.is_empty() {
            return;
        }
        let ending: Vec<Ending> =
            found.iter().filter_map(|pid| Ending::of(pid_number(*pid), None).ok()).collect();
        kill_marked(marker);
        for one in ending {
            // Only one that hangs in the kernel takes longer.
            let _ = tokio::time::timeout(Duration::from_secs(2), one.wait()).await;
        }
    }
}

/// The same, without waiting for the end of what was killed.
pub(crate) fn kill_marked(marker: &str) {
    for pid in marked(marker) {
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
}

fn pid_number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

fn marked(marker: &str) -> Vec<Pid> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let own = rustix::process::getpid().as_raw_nonzero().get();
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            // We ourselves may have been started by something marked.
            *pid != own
                && std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environ| {
                    environ.split(|byte| *byte == 0).any(|entry| entry == marker.as_bytes())
                })
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// A loopback port that was free a moment ago.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
