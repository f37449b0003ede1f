//! How much of the machine a tree may use: processes and memory by its cgroup where that can be had, processes else and
//! the size of one file by limits that each process inherits.

use super::cgroup;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Processes and threads at a time.
    pub processes: u32,
    /// Bytes, all processes together.
    pub memory: u64,
    /// Bytes of one file.
    pub file: u64,
}

/// The groups of a tree. In version 1 of cgroups each kind of limit has a group of its own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups {
    /// The one in which a tree is killed.
    pub tree: Option<PathBuf>,
    /// Where its limits stand, which may be the same one.
    pub processes: Option<PathBuf>,
    pub memory: Option<PathBuf>,
}

impl Groups {
    pub fn make(id: &str, limits: Option<Limits>) -> Groups {
        let Some(limits) = limits else { return Groups { tree: cgroup::make(id), ..Groups::default() } };
        let tree = cgroup::make_with_controllers(id).or_else(|| cgroup::make(id));
        let set = |group: &Path, file: &str, value: u64| {
            let file = group.join(file);
            file.exists() && fs::write(file, value.to_string()).is_ok()
        };
        let in_tree = |file: &str, value: u64| tree.clone().filter(|group| set(group, file, value));
        let apart = |kind: &str, file: &str, value: u64| {
            let group = cgroup::make_of_kind(kind, id)?;
            if set(&group, file, value) {
                return Some(group);
            }
            cgroup::remove(&group);
            None
        };
        let processes = u64::from(limits.processes);
        Groups {
            processes: in_tree("pids.max", processes).or_else(|| apart("pids", "pids.max", processes)),
            memory: in_tree("memory.max", limits.memory)
                .or_else(|| apart("memory", "memory.limit_in_bytes", limits.memory)),
            tree,
        }
    }

    /// Each group once.
    pub fn all(&self) -> Vec<&Path> {
        let mut all: Vec<&Path> = Vec::new();
        for group in [&self.tree, &self.processes, &self.memory].into_iter().flatten() {
            if !all.contains(&group.as_path()) {
                all.push(group);
            }
        }
        all
    }

    /// Which limit the kernel had to enforce.
    pub fn hit(&self) -> Option<String> {
        let count = |group: &Option<PathBuf>, file: &str, name: &str| {
            let text = fs::read_to_string(group.as_ref()?.join(file)).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line?.trim().parse::<u64>().ok().filter(|count| *count > 0)
        };
        if count(&self.processes, "pids.events", "max").is_some() {
            return Some("more processes than it may have".to_owned());
        }
        let killed = count(&self.memory, "memory.events", "oom_kill")
            .or_else(|| count(&self.memory, "memory.oom_control", "oom_kill"));
        killed.map(|_| "more memory than it may use".to_owned())
    }
}

/// What goes before a program's arguments so that it begins under the limits that no group enforces.
pub(crate) fn inherited(limits: Limits, groups: &Groups, as_user: Option<u32>) -> Vec<OsString> {
    let prlimit = Path::new("/usr/bin/prlimit");
    if !prlimit.exists() {
        return Vec::new();
    }
    // Who writes past the size of a file is killed; a picture of its memory would fill the disk as well.
    let mut argv: Vec<OsString> =
        vec![prlimit.into(), format!("--fsize={}", limits.file).into(), "--core=0".into()];
    if groups.processes.is_none() {
        // This limit counts all of the user's processes, not only the tree's.
        let user = as_user.unwrap_or_else(|| rustix::process::geteuid().as_raw());
        let most = super::proc::threads_of(user).saturating_add(u64::from(limits.processes));
        argv.push(format!("--nproc={most}").into());
    }
    argv.push("--".into());
    argv
}

/// Bytes of memory that this machine has.
#[cfg(target_os = "linux")]
pub(crate) fn machine_memory() -> Option<u64> {
    let info = rustix::system::sysinfo();
    info.totalram.checked_mul(u64::from(info.mem_unit))
}

/// Other systems have no groups that would need it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn machine_memory() -> Option<u64> {
    None
}
