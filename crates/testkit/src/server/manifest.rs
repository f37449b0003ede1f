//! What lies on a server's disk, for comparing before and after: every path with its kind, mode, owner and content, but for what
//! changes of itself on a running system.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Result;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Not looked at, neither they nor what is under them.
pub const LEFT_OUT: &[&str] = &[
    "/dev",
    "/proc",
    "/sys",
    "/run",
    "/tmp",
    "/var/tmp",
    "/var/log",
    "/var/cache",
    "/var/lib/apt/lists",
    "/var/lib/apt/periodic",
    "/var/lib/systemd/random-seed",
    "/var/lib/systemd/timers",
    "/var/lib/systemd/timesync",
    "/etc/machine-id",
];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// As `ls` shows it: `-`, `d`, `l`, `c`, `b`, `p`, `s`.
    pub kind: char,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// A file's SHA-256, a link's target; of others nothing.
    pub content: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest(pub BTreeMap<String, Thing>);

impl Manifest {
    /// Reads a server's disk from outside of it.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut manifest = Self::default();
        manifest.walk(root, "")?;
        Ok(manifest)
    }

    fn walk(&mut self, root: &Path, folder: &str) -> Result<()> {
        for entry in fs::read_dir(root.join(folder.trim_start_matches('/')))? {
            let entry = entry?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if LEFT_OUT.contains(&path.as_str()) {
                continue;
            }
            let thing = match thing(&entry.path()) {
                // It was there a moment ago: the server runs.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                other => other?,
            };
            let inside = thing.kind == 'd';
            self.0.insert(path.clone(), thing);
            if inside {
                self.walk(root, &path)?;
            }
        }
        Ok(())
    }

    /// One line for each path that is not the same in both: `+ PATH`, `- PATH`, `~ PATH (what differs)`.
    pub fn changes(&self, after: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for (path, was) in &self.0 {
            match after.0.get(path) {
                None => lines.push(format!("- {path}")),
                Some(is) if is != was => lines.push(format!("~ {path} ({})", was.differs(is))),
                Some(_) => {}
            }
        }
        lines.extend(
            after.0.keys().filter(|path| !self.0.contains_key(*path)).map(|path| format!("+ {path}")),
        );
        lines.sort_by(|one, two| one.get(2..).cmp(&two.get(2..)));
        lines
    }
}

impl Thing {
    fn differs(&self, other: &Self) -> String {
        let mut parts = Vec::new();
        if self.kind != other.kind {
            parts.push(format!("kind {} -> {}", self.kind, other.kind));
        }
        if self.mode != other.mode {
            parts.push(format!("mode {:04o} -> {:04o}", self.mode, other.mode));
        }
        if (self.uid, self.gid) != (other.uid, other.gid) {
            parts.push(format!("owner {}:{} -> {}:{}", self.uid, self.gid, other.uid, other.gid));
        }
        if self.content != other.content {
            parts.push("content".to_owned());
        }
        parts.join(", ")
    }
}

fn thing(path: &Path) -> Result<Thing> {
    let meta = fs::symlink_metadata(path)?;
    let kind = meta.file_type();
    let (kind, content) = if kind.is_file() {
        ('-', hash(path)?)
    } else if kind.is_symlink() {
        ('l', fs::read_link(path)?.to_string_lossy().into_owned())
    } else {
        let word = match () {
            () if kind.is_dir() => 'd',
            () if kind.is_char_device() => 'c',
            () if kind.is_block_device() => 'b',
            () if kind.is_fifo() => 'p',
            () => 's',
        };
        (word, String::new())
    };
    Ok(Thing { kind, mode: meta.mode() & 0o7777, uid: meta.uid(), gid: meta.gid(), content })
}

fn hash(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let length = std::io::Read::read(&mut file, &mut buffer)?;
        if length == 0 {
            break;
        }
        hasher.update(buffer.get(..length).unwrap_or_default());
    }
    Ok(protocol::hex(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn every_kind_of_change_is_told() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let root = folder.path();
        fs::create_dir_all(root.join("etc"))?;
        fs::create_dir_all(root.join("var/log"))?;
        for name in ["etc/kept", "etc/gone", "etc/written", "etc/moded"] {
            fs::write(root.join(name), "one")?;
        }
        let before = Manifest::read(root)?;
        fs::remove_file(root.join("etc/gone"))?;
        fs::write(root.join("etc/written"), "two")?;
        fs::set_permissions(root.join("etc/moded"), fs::Permissions::from_mode(0o600))?;
        std::os::unix::fs::symlink("kept", root.join("etc/new"))?;
        fs::write(root.join("var/log/syslog"), "much")?;
        let changes = before.changes(&Manifest::read(root)?);
        let wanted =
            ["- /etc/gone", "~ /etc/moded (mode 0644 -> 0600)", "+ /etc/new", "~ /etc/written (content)"];
        assert_eq!(changes, wanted);
        Ok(())
    }
}
