//! What the kernel says of a process.

use anyhow::{Context, Result};
use std::path::Path;
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

/// Seconds of processor time that all its threads have used, in steps of a hundredth.
pub fn processor(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).context("the process is gone")?;
    // The name in brackets may hold anything.
    let (_, fields) = stat.rsplit_once(')').context("no name in stat")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    let ticks: f64 = ticks.collect::<Result<Vec<f64>, _>>()?.iter().sum();
    Ok(ticks / 100.0)
}

/// The same once it does nothing any more for a while, or after ten seconds.
pub fn processor_at_rest(pid: u32) -> Result<f64> {
    const CALM: Duration = Duration::from_millis(400);
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut last = processor(pid)?;
    let mut since = Instant::now();
    while since.elapsed() < CALM && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
        let now = processor(pid)?;
        if now > last {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(last)
}

/// Bytes that it made the kernel write to a disk.
pub fn written(pid: u32) -> Result<u64> {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).context("the process is gone")?;
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:")).context("no write_bytes")?;
    Ok(line.trim().parse()?)
}

/// Resident memory of the process and of all that descend from it, in MB.
pub fn family_resident(pid: u32) -> Result<f64> {
    // One that ended meanwhile holds nothing.
    Ok(family(pid)?.into_iter().filter_map(|one| resident(one).ok()).sum())
}

/// The process, and all that descend from it.
pub fn family(pid: u32) -> Result<Vec<u32>> {
    let parents: Vec<(u32, u32)> =
        all()?.into_iter().filter_map(|child| Some((child, parent(child)?))).collect();
    let mut family = vec![pid];
    let mut seen = 0;
    while let Some(one) = family.get(seen).copied() {
        family.extend(parents.iter().filter(|(_, parent)| *parent == one).map(|(child, _)| *child));
        seen += 1;
    }
    Ok(family)
}

/// Every process of this machine.
pub fn all() -> Result<Vec<u32>> {
    let entries = std::fs::read_dir("/proc")?.flatten();
    Ok(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

/// The one that runs this program and stands in this folder.
pub fn running(program: &Path, folder: &Path) -> Result<Option<u32>> {
    let is = |pid: &u32, link: &str, path: &Path| {
        std::fs::read_link(format!("/proc/{pid}/{link}")).is_ok_and(|to| to == path)
    };
    Ok(all()?.into_iter().find(|pid| is(pid, "exe", program) && is(pid, "cwd", folder)))
}

/// As the kernel cuts it: fifteen letters.
pub fn name(pid: u32) -> Option<String> {
    Some(std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned())
}

/// Memory in MB of which what is shared is divided among those that share it.
pub fn proportional(pid: u32) -> Result<f64> {
    let all = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).context("the process is gone")?;
    let line = all.lines().find_map(|line| line.strip_prefix("Pss:")).context("no Pss")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024.0 / 1e6)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
