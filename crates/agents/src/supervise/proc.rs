//! Looking at processes. On Linux by `/proc` and pidfds; elsewhere a process group is all that is known.

#[cfg(target_os = "linux")]
pub(crate) use linux::{family, kill_and_wait, marked, reap, start_of, threads_of};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{family, kill_and_wait, marked, reap, start_of, threads_of};

#[cfg(target_os = "linux")]
mod linux {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid};
    use std::collections::BTreeSet;
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::time::Instant;

    struct Stat {
        parent: i32,
        group: i32,
        zombie: bool,
        start: u64,
    }

    /// When the process was started, in clock ticks since boot.
    pub(crate) fn start_of(pid: i32) -> Option<u64> {
        stat(pid).map(|stat| stat.start)
    }

    /// Living processes that carry `mark=value` in the environment that they were started with.
    pub(crate) fn marked(mark: &str, value: &str) -> Vec<i32> {
        let wanted = format!("{mark}={value}").into_bytes();
        let carries = |pid: &i32| {
            fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == wanted))
        };
        all().into_iter().filter(carries).collect()
    }

    /// The living process `root`, its process group and its descendants.
    pub(crate) fn family(root: i32) -> Vec<i32> {
        let table: Vec<(i32, Stat)> = all().into_iter().filter_map(|pid| Some((pid, stat(pid)?))).collect();
        let mut family: BTreeSet<i32> = table
            .iter()
            .filter(|(pid, stat)| *pid == root || stat.group == root)
            .map(|(pid, _)| *pid)
            .collect();
        loop {
            let more: Vec<i32> = table
                .iter()
                .filter(|(pid, stat)| family.contains(&stat.parent) && !family.contains(pid))
                .map(|(pid, _)| *pid)
                .collect();
            if more.is_empty() {
                break;
            }
            family.extend(more);
        }
        table.iter().filter(|(pid, stat)| family.contains(pid) && !stat.zombie).map(|(pid, _)| *pid).collect()
    }

    /// Kills each of them and waits until all are dead or the deadline has come. A pidfd cannot hit another process
    /// that was given the same number meanwhile.
    pub(crate) fn kill_and_wait(pids: &BTreeSet<i32>, deadline: Instant) {
        let fds: Vec<_> = pids
            .iter()
            .filter_map(|pid| pidfd_open(Pid::from_raw(*pid)?, PidfdFlags::empty()).ok())
            .inspect(|fd| {
                // One that is dead already is what we want.
                let _ = pidfd_send_signal(fd, Signal::KILL);
            })
            .collect();
        let mut waiting: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        while !waiting.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(timeout) = Timespec::try_from(left) else { return };
            match poll(&mut waiting, Some(&timeout)) {
                Ok(0) => return,
                Ok(_) => waiting.retain(|fd| fd.revents().is_empty()),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Takes the exit status of those that became our children because their parent died, so that no zombie stays.
    /// The root is left to who spawned it.
    pub(crate) fn reap(killed: &BTreeSet<i32>, root: Option<i32>) {
        let own = std::process::id().cast_signed();
        let orphans = all().into_iter().filter_map(|pid| Some((pid, stat(pid)?))).filter(|(pid, stat)| {
            stat.zombie && stat.parent == own && (killed.contains(pid) || Some(stat.group) == root)
        });
        for (pid, _) in orphans.filter(|(pid, _)| Some(*pid) != root) {
            let _ = waitpid(Pid::from_raw(pid), WaitOptions::NOHANG);
        }
    }

    /// How many threads a user has now.
    pub(crate) fn threads_of(user: u32) -> u64 {
        let threads = |pid: i32| {
            let meta = fs::metadata(format!("/proc/{pid}")).ok()?;
            (meta.uid() == user)
                .then(|| fs::read_dir(format!("/proc/{pid}/task")).map_or(1, |all| all.count()))
        };
        all().into_iter().filter_map(threads).map(|count| count as u64).sum()
    }

    fn all() -> Vec<i32> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
    }

    fn stat(pid: i32) -> Option<Stat> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in brackets and may hold anything, brackets included.
        let fields: Vec<&str> = text.get(text.rfind(')')? + 2..)?.split(' ').collect();
        Some(Stat {
            zombie: matches!(*fields.first()?, "Z" | "X"),
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            start: fields.get(19)?.parse().ok()?,
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::collections::BTreeSet;
    use std::time::Instant;

    pub(crate) fn start_of(_pid: i32) -> Option<u64> {
        None
    }
    pub(crate) fn threads_of(_user: u32) -> u64 {
        0
    }
    pub(crate) fn marked(_mark: &str, _value: &str) -> Vec<i32> {
        Vec::new()
    }
    pub(crate) fn family(_root: i32) -> Vec<i32> {
        Vec::new()
    }
    pub(crate) fn kill_and_wait(_pids: &BTreeSet<i32>, _deadline: Instant) {}
    pub(crate) fn reap(_killed: &BTreeSet<i32>, _root: Option<i32>) {}
}
