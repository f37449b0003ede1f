//! What the kernel says of a process.

use anyhow::{Context, Result};
use std::time::{Duration, Instant};

/// Resident memory in MB (10^6 bytes).
pub fn resident(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the process is gone")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024.0 / 1e6)
}

/// Resident memory of each process once none of them has changed for a while.
pub fn settled(pids: &[u32]) -> Result<Vec<f64>> {
    const CALM: Duration = Duration::from_millis(1500);
    let deadline = Instant::now() + Duration::from_secs(20);
    let read = || pids.iter().map(|pid| resident(*pid)).collect::<Result<Vec<f64>>>();
    let mut last = read()?;
    let mut since = Instant::now();
    while since.elapsed() < CALM && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
        let now = read()?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(last)
}
