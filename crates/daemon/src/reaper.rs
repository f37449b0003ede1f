//! Orphans that the daemon has adopted (it is the subreaper of what agents, dev servers and browsers start) are taken from
//! the process table once they are dead. Our own children are waited for by who started them, within moments; so only
//! what is still there, dead, after two looks is nobody's.

use rustix::process::{Pid, WaitOptions, waitpid};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Between the two looks: far longer than any waiter of ours takes.
const PAUSE: Duration = Duration::from_secs(5);

/// Goes on until it is aborted. Woken by the death of a child, never by a clock.
pub async fn reap_orphans() {
    let Ok(mut deaths) = signal(SignalKind::child()) else { return };
    while deaths.recv().await.is_some() {
        let mut dead = dead_children();
        while !dead.is_empty() {
            tokio::time::sleep(PAUSE).await;
            let still = dead_children();
            dead.intersection(&still).for_each(|pid| take(*pid));
            dead = still.difference(&dead).copied().collect();
        }
    }
}

fn take(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // Gone meanwhile is as good.
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

/// Children of this process that are dead and not yet waited for. None where there is no /proc: nobody is adopted there.
fn dead_children() -> BTreeSet<i32> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let Ok(entries) = std::fs::read_dir("/proc") else { return BTreeSet::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| is_dead_child(*pid, own) == Some(true)).collect()
}

fn is_dead_child(pid: i32, of: i32) -> Option<bool> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and brackets: what follows is counted from the last one.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let (state, parent) = (fields.next()?, fields.next()?);
    Some(state == "Z" && parent.parse::<i32>().ok()? == of)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_dead_orphan_is_seen_and_taken() {
        agents::adopt_orphans().unwrap();
        // The shell ends without waiting for what it started: that is then ours.
        let outer = Command::new("sh").args(["-c", "sleep 0.2 >/dev/null & echo $!"]).output().unwrap();
        let orphan: i32 = String::from_utf8(outer.stdout).unwrap().trim().parse().unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while !dead_children().contains(&orphan) {
            assert!(std::time::Instant::now() < deadline, "the orphan did not end");
            std::thread::yield_now();
        }
        take(orphan);
        assert!(!dead_children().contains(&orphan));
    }
}
