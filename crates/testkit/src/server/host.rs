//! The machine that servers are made on: its programs and rights, its mirror of Debian, the certificates that it trusts beyond
//! Debian's own, and its control groups.

use std::collections::BTreeSet;
use std::io::{Error, Result, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const DEBIANS_OWN: &str = "/usr/share/ca-certificates";

/// A program and the package of Debian that brings it.
const NEEDED: &[(&str, &str)] = &[
    ("mmdebstrap", "mmdebstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("tc", "iproute2"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mount", "mount"),
    ("nsenter", "util-linux"),
    ("unshare", "util-linux"),
    ("setsid", "util-linux"),
    ("taskset", "util-linux"),
    ("timeout", "coreutils"),
];

/// An error that says all that this machine lacks, and the one next step.
pub fn ready() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Err(Error::other("throw-away servers need root (mounts, namespaces): run this as root"));
    }
    if !cfg!(target_os = "linux") {
        return Err(Error::other("throw-away servers are Linux containers: run this on Linux"));
    }
    let missing: BTreeSet<&str> =
        NEEDED.iter().filter(|(program, _)| find(program).is_none()).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        let packages = missing.into_iter().collect::<Vec<_>>().join(" ");
        return Err(Error::other(format!(
            "throw-away servers need {packages}: apt-get install --no-install-recommends {packages}"
        )));
    }
    if Path::new("/proc/filesystems").exists()
        && !std::fs::read_to_string("/proc/filesystems")?
            .lines()
            .any(|line| line.trim_end().ends_with("overlay"))
    {
        return Err(Error::other("this kernel has no overlayfs: modprobe overlay, or use another machine"));
    }
    cgroup2().map(drop)
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(usual).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Runs a program to its end; its output, or an error with what it said.
pub fn run(argv: &[&str]) -> Result<String> {
    run_fed(argv, "")
}

/// The same with something to read.
pub fn run_fed(argv: &[&str], input: &str) -> Result<String> {
    let said = |what: &dyn std::fmt::Display| Error::other(format!("{}: {what}", argv.join(" ")));
    let Some((program, rest)) = argv.split_first() else { return Err(Error::other("no program is named")) };
    let path = find(program).ok_or_else(|| said(&"no such program"))?;
    let mut command = Command::new(path);
    command.args(rest).env("LC_ALL", "C.UTF-8").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.stdin(Stdio::piped()).spawn().map_err(|error| said(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // Whoever does not read it says at its end why.
        let _unread = stdin.write_all(input.as_bytes());
    }
    let done = child.wait_with_output()?;
    if !done.status.success() {
        let text = format!("{} ({})", String::from_utf8_lossy(&done.stderr).trim(), done.status);
        return Err(said(&text));
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// The lines of apt's sources for this suite, from the mirror that this machine's own apt uses.
pub fn apt_sources(suite: &str) -> Result<Vec<String>> {
    let mut addresses = Vec::new();
    if let Some(given) = std::env::var_os("LOOPWRIGHT_DEBIAN_MIRROR") {
        addresses.push(given.to_string_lossy().into_owned());
    }
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    files.extend(
        std::fs::read_dir("/etc/apt/sources.list.d")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path()),
    );
    files.retain(|file| file.extension().is_some_and(|ext| ext == "list" || ext == "sources"));
    files.sort();
    for file in files {
        addresses.extend(addresses_in(&std::fs::read_to_string(file).unwrap_or_default()));
    }
    sources_from(&addresses, suite).ok_or_else(|| {
        Error::other(
            "apt's sources of this machine name no mirror of Debian: set LOOPWRIGHT_DEBIAN_MIRROR to the address of one (ends in /debian)",
        )
    })
}

fn addresses_in(text: &str) -> Vec<String> {
    let lines =
        text.lines().map(str::trim).filter(|line| line.starts_with("URIs:") || line.starts_with("deb "));
    let words = lines.flat_map(str::split_whitespace).filter(|word| word.contains("://"));
    words.map(|word| word.trim_end_matches('/').to_owned()).collect()
}

fn sources_from(addresses: &[String], suite: &str) -> Option<Vec<String>> {
    let main = addresses.iter().find(|address| address.ends_with("/debian"))?;
    let mut lines = vec![format!("deb {main} {suite} main"), format!("deb {main} {suite}-updates main")];
    if let Some(security) = addresses.iter().find(|address| address.ends_with("-security")) {
        lines.push(format!("deb {security} {suite}-security main"));
    }
    Some(lines)
}

/// The certificates of this machine's bundle that no package of Debian brought: those of a proxy between it and the world.
pub fn extra_certificates() -> Result<Vec<String>> {
    let bundle = std::env::var_os("SSL_CERT_FILE").map_or_else(|| PathBuf::from(BUNDLE), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(bundle) else { return Ok(Vec::new()) };
    let mut own = String::new();
    read_all(Path::new(DEBIANS_OWN), &mut own)?;
    Ok(beyond(&text, &own))
}

fn read_all(folder: &Path, into: &mut String) -> Result<()> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_all(&path, into)?;
        } else if path.extension().is_some_and(|ext| ext == "crt") {
            into.push_str(&String::from_utf8_lossy(&std::fs::read(path)?));
            into.push('\n');
        }
    }
    Ok(())
}

/// The certificates of `all` that are not in `known`.
pub fn beyond(all: &str, known: &str) -> Vec<String> {
    let bare = |pem: &&str| pem.split_whitespace().collect::<String>();
    let known: BTreeSet<String> = certificates(known).iter().map(bare).collect();
    let mut seen = BTreeSet::new();
    let new =
        certificates(all).into_iter().filter(|pem| !known.contains(&bare(pem)) && seen.insert(bare(pem)));
    new.map(str::to_owned).collect()
}

fn certificates(text: &str) -> Vec<&str> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(BEGIN) {
        rest = rest.get(start..).unwrap_or_default();
        let Some(end) = rest.find(END) else { break };
        let (one, after) = rest.split_at(end + END.len());
        found.push(one);
        rest = after;
    }
    found
}

/// Where the version-2 control groups are; beside the older ones on machines that have both.
pub fn cgroup2() -> Result<PathBuf> {
    let both = Path::new("/sys/fs/cgroup/unified");
    for root in [both, Path::new("/sys/fs/cgroup")] {
        if root.join("cgroup.subtree_control").exists() {
            return Ok(root.to_owned());
        }
    }
    Err(Error::other(
        "no cgroup2 is mounted under /sys/fs/cgroup: mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified",
    ))
}

/// Ends every process in a group and removes it with all that is in it.
pub fn remove_cgroup(group: &Path) -> Result<()> {
    if group.join("cgroup.kill").exists() {
        // A frozen process dies only when it may run again.
        std::fs::write(group.join("cgroup.freeze"), "0")?;
        std::fs::write(group.join("cgroup.kill"), "1")?;
    }
    // A killed process leaves its group a moment after the kill.
    let deadline = Instant::now() + Duration::from_secs(10);
    while let Err(error) = remove_groups(group) {
        if Instant::now() > deadline {
            return Err(Error::other(format!("cannot remove {}: {error}", group.display())));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn remove_groups(group: &Path) -> Result<()> {
    for entry in std::fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path())?;
        }
    }
    match std::fs::remove_dir(group) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_read_from_both_forms_of_sources() {
        let new = "Types: deb\n# http://old.test/archive\nURIs: http://a.test/debian/\nSuites: x\n\nURIs: http://a.test/debian-security\n";
        let old = "# deb http://no.test/debian x main\ndeb [signed-by=/x] http://b.test/debian x main\n";
        assert_eq!(addresses_in(new), ["http://a.test/debian", "http://a.test/debian-security"]);
        assert_eq!(addresses_in(old), ["http://b.test/debian"]);
        let lines = sources_from(&addresses_in(new), "trixie").unwrap();
        assert_eq!(lines.last().unwrap(), "deb http://a.test/debian-security trixie-security main");
        assert!(sources_from(&["http://c.test/ubuntu".into()], "trixie").is_none());
    }

    #[test]
    fn only_certificates_that_are_not_known_are_extra() {
        let pem = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        let all = format!("# a\n{}{}{}", pem("AA\nBB"), pem("CC"), pem("CC"));
        assert_eq!(beyond(&all, &pem("AABB")), [pem("CC").trim_end()]);
    }

    #[test]
    fn what_a_program_said_is_in_the_error() {
        let error = run(&["sh", "-c", "echo oh >&2; exit 3"]).unwrap_err().to_string();
        assert!(error.contains("oh") && error.contains('3'), "{error}");
    }
}
