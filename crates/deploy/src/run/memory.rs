//! A memory limit for a process tree: a cgroup of its own (v2, else v1) where one can be made, else a limit for each
//! process by prlimit(1).

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Where cgroups of ours are made.
const V2: &str = "/sys/fs/cgroup";
const V1: &str = "/sys/fs/cgroup/memory";
/// A process reserves address space that it never uses; a limit for it has to leave room.
const SLACK_MB: u64 = 768;

/// Vite's bundler takes a gigabyte at once and uses little of it (measured: 1.8 GB counted, 0.3 GB used; 1.0 GB with this).
const LAZY: &str = "MIMALLOC_ARENA_EAGER_COMMIT=0";

pub(super) enum Cage {
    Group { dir: PathBuf },
    Each { memory_mb: u64 },
}

impl Cage {
    pub fn new(memory_mb: u64) -> Cage {
        let bytes = (memory_mb * 1024 * 1024).to_string();
        make_v2(&bytes)
            .or_else(|| make_v1(&bytes))
            .map_or(Cage::Each { memory_mb }, |dir| Cage::Group { dir })
    }

    /// What goes before a program's arguments, so that it begins inside.
    pub fn wrapper(&self) -> Vec<OsString> {
        match self {
            Cage::Group { dir } => {
                let join = "echo 0 >\"$0\" && exec \"$@\"";
                vec!["/bin/sh".into(), "-c".into(), join.into(), dir.join("cgroup.procs").into()]
            }
            Cage::Each { memory_mb } => {
                let limit = format!("--data={}", (memory_mb + SLACK_MB) * 1024 * 1024);
                vec!["prlimit".into(), limit.into(), "--".into(), "env".into(), LAZY.into()]
            }
        }
    }

    /// Whether the kernel killed something in it for want of memory.
    pub fn was_hit(&self) -> bool {
        let Cage::Group { dir } = self else { return false };
        ["memory.events", "memory.oom_control"].iter().any(|file| {
            let text = fs::read_to_string(dir.join(file)).unwrap_or_default();
            let count =
                text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok());
            count.is_some_and(|count| count > 0)
        })
    }

    /// Ends whatever is still in it, also what left the process group.
    pub fn kill(&self) {
        let Cage::Group { dir } = self else { return };
        if fs::write(dir.join("cgroup.kill"), "1").is_ok() {
            return;
        }
        // A few rounds: something may fork while we read.
        for _ in 0..8 {
            let text = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
            let pids: Vec<i32> = text.lines().filter_map(|line| line.parse().ok()).collect();
            if pids.is_empty() {
                return;
            }
            for pid in pids.into_iter().filter_map(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        self.kill();
        if let Cage::Group { dir } = self {
            // One that still has a dying process in it stays, empty; the next `sweep` takes it.
            let _ = fs::remove_dir(dir);
        }
    }
}

fn name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("run-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn make_v2(bytes: &str) -> Option<PathBuf> {
    let root = Path::new(V2);
    let has_memory = |dir: &Path| {
        let text = fs::read_to_string(dir.join("cgroup.controllers")).unwrap_or_default();
        text.split_whitespace().any(|controller| controller == "memory")
    };
    if !has_memory(root) {
        return None;
    }
    let ours = root.join("loopwright");
    if !ours.is_dir() {
        let _ = fs::write(root.join("cgroup.subtree_control"), "+memory");
        fs::create_dir(&ours).ok()?;
    }
    if !has_memory(&ours) {
        return None;
    }
    let _ = fs::write(ours.join("cgroup.subtree_control"), "+memory");
    limited(&ours, &[("memory.max", bytes), ("memory.swap.max", "0")], "memory.max")
}

fn make_v1(bytes: &str) -> Option<PathBuf> {
    let root = Path::new(V1);
    if !root.join("memory.limit_in_bytes").is_file() && !root.join("cgroup.procs").is_file() {
        return None;
    }
    let ours = root.join("loopwright");
    if !ours.is_dir() {
        fs::create_dir(&ours).ok()?;
    }
    limited(
        &ours,
        &[("memory.limit_in_bytes", bytes), ("memory.memsw.limit_in_bytes", bytes)],
        "memory.limit_in_bytes",
    )
}

fn limited(parent: &Path, settings: &[(&str, &str)], needed: &str) -> Option<PathBuf> {
    sweep(parent);
    // A daemon in another process namespace may have our number, and its groups our names.
    let dir = (0..64).map(|_| parent.join(name())).find(|dir| fs::create_dir(dir).is_ok())?;
    for (file, value) in settings {
        if fs::write(dir.join(file), value).is_err() && *file == needed {
            let _ = fs::remove_dir(&dir);
            return None;
        }
    }
    Some(dir)
}

/// Takes away empty groups of runs that are over. The kernel refuses for one that has a process in it.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let owner = name.strip_prefix("run-").and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner.to_string()).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}
