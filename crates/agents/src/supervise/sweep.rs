//! Finds and kills what is left of a process tree: by cgroup, by process group, by descent, and by a private mark in
//! the environment that children inherit wherever they flee to.

use super::cgroup;
use super::proc;
use rustix::process::{Pid, Signal};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// The variable that marks every process of an attempt.
pub(crate) const MARK: &str = "LOOPWRIGHT_ATTEMPT";

/// A tree to be killed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    pub mark: &'a str,
    /// Its first process, which is also its process group; only if it is known to be still ours.
    pub root: Option<i32>,
    pub cgroup: Option<&'a Path>,
}

/// Kills all of it and waits until it is gone. An error says what is still there.
pub(crate) fn kill(target: Target<'_>, patience: Duration) -> io::Result<()> {
    let deadline = Instant::now() + patience;
    let mut reaped = BTreeSet::new();
    loop {
        let alive = processes(target);
        if let Some(cgroup) = target.cgroup {
            cgroup::kill(cgroup)?;
        }
        if let Some(group) = target.root.and_then(Pid::from_raw) {
            // No such group is what we want.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        if alive.is_empty() {
            break;
        }
        proc::kill_and_wait(&alive, deadline);
        reaped.extend(alive);
        if Instant::now() >= deadline {
            let left = processes(target);
            if left.is_empty() {
                break;
            }
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("processes do not die: {left:?}")));
        }
    }
    proc::reap(&reaped, target.root);
    if let Some(cgroup) = target.cgroup {
        cgroup::remove(cgroup);
    }
    Ok(())
}

/// Every living process of the tree.
pub(crate) fn processes(target: Target<'_>) -> BTreeSet<i32> {
    let mut found: BTreeSet<i32> =
        target.cgroup.map(cgroup::processes).unwrap_or_default().into_iter().collect();
    found.extend(proc::marked(MARK, target.mark));
    if let Some(root) = target.root {
        found.extend(proc::family(root));
    }
    found
}
