//! One cgroup (version 2) per process tree, where one can be made. Killing it cannot be escaped by `setsid` or by
//! forking away, which is more than a process group gives.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Makes a cgroup below our own, or says that none can be made here.
pub(crate) fn make(id: &str) -> Option<PathBuf> {
    let base = base()?;
    sweep(&base);
    let path = base.join(format!("loopwright-{id}"));
    match fs::create_dir(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(_) => return None,
    }
    // Kernels before 5.14 cannot kill a cgroup in one write; there the other way is used.
    if path.join("cgroup.kill").exists() {
        return Some(path);
    }
    remove(&path);
    None
}

/// The same in a place where limits can be set: below our own cgroup when that was left to us, else in one at the root.
pub(crate) fn make_with_controllers(id: &str) -> Option<PathBuf> {
    let shared = mount()?.join("loopwright");
    let places = [base(), Some(shared.clone())];
    for place in places.into_iter().flatten() {
        if place == shared && !place.exists() {
            enable(place.parent()?);
            fs::create_dir(&place).ok()?;
        }
        if !enable(&place) {
            continue;
        }
        sweep(&place);
        let path = place.join(format!("loopwright-{id}"));
        if fs::create_dir(&path).is_ok() || path.is_dir() {
            if path.join("cgroup.kill").exists() {
                return Some(path);
            }
            remove(&path);
        }
    }
    None
}

/// Lets the groups below it have limits. Refused where processes of ours are in it.
fn enable(path: &Path) -> bool {
    let control = path.join("cgroup.subtree_control");
    let on =
        |text: String| ["memory", "pids"].iter().all(|kind| text.split_whitespace().any(|on| on == *kind));
    if fs::read_to_string(&control).is_ok_and(on) {
        return true;
    }
    fs::write(&control, "+memory +pids").is_ok() && fs::read_to_string(&control).is_ok_and(on)
}

/// A group of one kind of limit, in version 1.
pub(crate) fn make_of_kind(kind: &str, id: &str) -> Option<PathBuf> {
    let root = Path::new("/sys/fs/cgroup").join(kind);
    if !root.join("cgroup.procs").exists() {
        return None;
    }
    sweep(&root.join("loopwright"));
    let path = root.join("loopwright").join(format!("loopwright-{id}"));
    fs::create_dir_all(&path).ok()?;
    Some(path)
}

/// Kills every process in it. A cgroup that is gone holds none.
pub(crate) fn kill(path: &Path) -> io::Result<()> {
    match fs::write(path.join("cgroup.kill"), "1") {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The processes in it and in the cgroups that they made below it.
pub(crate) fn processes(path: &Path) -> Vec<i32> {
    let mut pids: Vec<i32> = fs::read_to_string(path.join("cgroup.procs"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect();
    for child in children(path) {
        pids.extend(processes(&child));
    }
    pids
}

pub(crate) fn remove(path: &Path) {
    for child in children(path) {
        remove(&child);
    }
    // It stays when something still lives in it; the next sweep takes it away.
    let _ = fs::remove_dir(path);
}

fn children(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    entries.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_dir())).map(|e| e.path()).collect()
}

/// Our own cgroup: below it a daemon that owns it may make others, and its service manager still sees all of them.
fn base() -> Option<PathBuf> {
    let mount = mount()?;
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(mount.join(own.trim_start_matches('/')))
}

fn mount() -> Option<&'static Path> {
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        .into_iter()
        .map(Path::new)
        .find(|mount| mount.join("cgroup.controllers").exists())
}

/// Takes away what a daemon that was killed left. The kernel refuses for a group that has a process in it, and one that is
/// young may be waiting for its first.
fn sweep(place: &Path) {
    for group in children(place) {
        let ours = group.file_name().is_some_and(|name| name.to_string_lossy().starts_with("loopwright-"));
        let made = fs::metadata(&group).and_then(|meta| meta.modified()).ok();
        let age = made.and_then(|made| made.elapsed().ok());
        if ours && age.is_some_and(|age| age > Duration::from_secs(600)) {
            remove(&group);
        }
    }
}
