//! What this machine is, read where the kernel and the system tell it.

use crate::place::Root;
use std::path::{Path, PathBuf};

pub(crate) fn text(root: &Root, path: &str) -> Option<String> {
    std::fs::read_to_string(root.at(path)).ok()
}

pub(crate) fn os_release(root: &Root, field: &str) -> Option<String> {
    let text = text(root, "/etc/os-release").or_else(|| text(root, "/usr/lib/os-release"))?;
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix('='))?;
    Some(value.trim_matches('"').to_owned())
}

/// Bytes, of a line of /proc/meminfo.
pub(crate) fn memory(root: &Root, field: &str) -> Option<u64> {
    let text = text(root, "/proc/meminfo")?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The proxy settings of the whole machine, as a sign-in would get them: sudo and services do not.
pub fn proxies(root: &Root) -> Vec<(String, String)> {
    let text = text(root, "/etc/environment").unwrap_or_default();
    let lines = text.lines().filter_map(|line| {
        let (name, value) = line.trim().trim_start_matches("export ").split_once('=')?;
        let lower = name.to_lowercase();
        let value = value.trim().trim_matches(['"', '\'']);
        (lower.ends_with("_proxy") && !value.is_empty()).then(|| (lower, value.to_owned()))
    });
    lines.collect()
}

/// Its kernel, swap and clock are its host's.
pub(crate) fn is_container(root: &Root) -> bool {
    root.at("/run/systemd/container").exists()
}

/// A user's numbers.
pub(crate) fn user(root: &Root, name: &str) -> Option<(u32, u32)> {
    let text = text(root, "/etc/passwd")?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let (_, uid, gid) = (fields.next()?, fields.next()?, fields.next()?);
        Some((uid.parse().ok()?, gid.parse().ok()?))
    })
}

/// Looks for a program where the system's own lie.
pub(crate) fn program(root: &Root, name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin"]
        .iter()
        .map(|dir| root.at(dir).join(name))
        .find(|path| path.exists())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub pid: u32,
    pub name: String,
    /// The systemd unit that it belongs to.
    pub unit: Option<String>,
}

/// A port on which something listens for the world or for this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listener {
    pub port: u16,
    pub loopback: bool,
    pub inode: u64,
}

pub(crate) fn listeners(root: &Root) -> Vec<Listener> {
    let of = |file: &str| {
        let text = text(root, file).unwrap_or_default();
        text.lines().skip(1).filter_map(listener).collect::<Vec<_>>()
    };
    let mut all = of("/proc/net/tcp");
    all.extend(of("/proc/net/tcp6"));
    all
}

/// `sl local_address rem_address st … inode`: addresses in hexadecimal, the state 0A is listening.
fn listener(line: &str) -> Option<Listener> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    (*fields.get(3)? == "0A").then_some(())?;
    let (address, port) = fields.get(1)?.split_once(':')?;
    let loopback = match address.len() {
        // The bytes of each 32-bit word are in the machine's order, which is little-endian on all that we run on.
        8 => address.ends_with("7F"),
        _ => {
            address == "00000000000000000000000001000000"
                || (address.starts_with("0000000000000000FFFF0000") && address.ends_with("7F"))
        }
    };
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(Listener { port, loopback, inode: fields.get(9)?.parse().ok()? })
}

/// Who holds a socket. Process 1 holds those that wait for their service.
pub(crate) fn holder(root: &Root, inode: u64) -> Option<Process> {
    let wanted = format!("socket:[{inode}]");
    let has = |pid: &u32| {
        let fds = std::fs::read_dir(root.at(&format!("/proc/{pid}/fd")));
        fds.into_iter()
            .flatten()
            .flatten()
            .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|to| to.as_os_str() == wanted.as_str()))
    };
    let mut holders: Vec<u32> = processes(root).filter(has).collect();
    // Not process 1 where it has passed the socket on.
    holders.sort_by_key(|pid| *pid == 1);
    holders.first().and_then(|pid| process(root, *pid))
}

pub(crate) fn processes(root: &Root) -> impl Iterator<Item = u32> + use<> {
    let entries = std::fs::read_dir(root.at("/proc")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

pub(crate) fn process(root: &Root, pid: u32) -> Option<Process> {
    let name = text(root, &format!("/proc/{pid}/comm"))?.trim().to_owned();
    let groups = text(root, &format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let unit = groups.lines().find_map(|line| {
        let last = line.rsplit('/').next()?;
        last.ends_with(".service").then(|| last.to_owned())
    });
    Some(Process { pid, name, unit })
}

/// Who holds a lock on a file, by the kernel's list.
pub(crate) fn locker(root: &Root, path: &Path) -> Option<Process> {
    use std::os::unix::fs::MetadataExt;
    let inode = std::fs::metadata(path).ok()?.ino();
    let locks = text(root, "/proc/locks")?;
    let pid = locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        // `1: POSIX ADVISORY WRITE 812 08:01:4242 0 EOF`; one that only waits has an arrow before its kind.
        let at = fields.iter().position(|field| field.matches(':').count() == 2)?;
        let held = fields.get(1) != Some(&"->");
        let ours = fields.get(at)?.rsplit(':').next()?.parse() == Ok(inode);
        (held && ours).then(|| fields.get(at - 1)?.parse().ok())?
    })?;
    process(root, pid)
}
