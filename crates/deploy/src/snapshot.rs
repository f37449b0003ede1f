//! What is in a worktree right now, read by our own walk and not by git: through file descriptors that follow no
//! link, so that an agent that swaps a folder for a link while we look shows us nothing outside of its worktree; and
//! with no filter, attribute or nested repository's configuration being asked.
//!
//! What git cannot or must not hold becomes a *mark*: a gitlink to a hash that is no commit and that says what was
//! there. The landing gate turns marks into reasons.

use crate::error::{Error, Result};
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, readlinkat, statat};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Longer files are marked, not read. The gate refuses far shorter ones.
const MAX_FILE: u64 = 16 * 1024 * 1024;
/// Of all files that are new or changed, in bytes and in number.
const MAX_CHANGED: u64 = 128 * 1024 * 1024;
const MAX_ENTRIES: usize = 50_000;
const MAX_DEPTH: usize = 40;

/// Why something in a worktree has no content of its own in a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    NestedRepository,
    TooLarge,
    /// A pipe, a socket or a device.
    Special,
    TooMuch,
    Unreadable,
}

impl Mark {
    const ALL: [Mark; 5] =
        [Mark::NestedRepository, Mark::TooLarge, Mark::Special, Mark::TooMuch, Mark::Unreadable];

    pub fn object(self) -> String {
        let digit = match self {
            Mark::NestedRepository => "1",
            Mark::TooLarge => "2",
            Mark::Special => "3",
            Mark::TooMuch => "4",
            Mark::Unreadable => "5",
        };
        digit.repeat(40)
    }

    pub fn of(object: &str) -> Option<Mark> {
        Mark::ALL.into_iter().find(|mark| mark.object() == object)
    }
}

/// A path's mode and object, as in a git tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub mode: String,
    pub object: String,
}

#[derive(Debug)]
pub(crate) enum Found {
    Unchanged,
    Content { mode: &'static str, data: Vec<u8> },
    Marked(Mark),
}

pub(crate) type Snapshot = BTreeMap<Vec<u8>, Found>;

/// Everything in `root` that is not ignored, compared with what git knows. Blocking.
pub(crate) fn take(root: &Path, known: &BTreeMap<Vec<u8>, Known>) -> Result<Snapshot> {
    let failed =
        |error: rustix::io::Errno| Error::io(format!("read the worktree {}", root.display()))(error.into());
    let fd = rustix::fs::open(root, DIR, Mode::empty()).map_err(failed)?;
    let mut walk = Walk { known, found: Snapshot::new(), changed: 0 };
    walk.dir(fd, &mut Vec::new(), &mut Vec::new()).map_err(failed)?;
    Ok(walk.found)
}

/// Whether there was more than is in it, so that what it lacks need not be gone.
pub(crate) fn is_cut(found: &Snapshot) -> bool {
    found.len() > MAX_ENTRIES
}

const DIR: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

struct Walk<'a> {
    known: &'a BTreeMap<Vec<u8>, Known>,
    found: Snapshot,
    changed: u64,
}

impl Walk<'_> {
    fn dir(&mut self, fd: OwnedFd, path: &mut Vec<u8>, rules: &mut Vec<Gitignore>) -> rustix::io::Result<()> {
        let own_rules = rules_of(fd.as_fd(), path);
        let pushed = own_rules.is_some();
        rules.extend(own_rules);
        let mut names = Vec::new();
        for entry in Dir::read_from(&fd)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        names.sort();
        for name in names {
            let before = path.len();
            if !path.is_empty() {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            self.entry(fd.as_fd(), &name, path, rules)?;
            path.truncate(before);
        }
        if pushed {
            rules.pop();
        }
        Ok(())
    }

    fn entry(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &[u8],
        path: &mut Vec<u8>,
        rules: &mut Vec<Gitignore>,
    ) -> rustix::io::Result<()> {
        // The worktree's own link to its repository, and the link to the shared packages.
        if path == b".git" || name == b"node_modules" {
            return Ok(());
        }
        let Ok(stat) = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) else {
            return Ok(()); // gone since it was listed
        };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if ignored(rules, path, kind.is_dir()) && !self.is_known(path, kind.is_dir()) {
            return Ok(());
        }
        if self.found.len() >= MAX_ENTRIES {
            // One mark says it; a million of them would be a burden of their own.
            if !is_cut(&self.found) {
                self.found.insert(path.clone(), Found::Marked(Mark::TooMuch));
            }
            return Ok(());
        }
        if is_dot_git(name) {
            // Git takes no such name: told under a neighbouring one.
            path.extend_from_slice(b"-nested");
            self.found.insert(path.clone(), Found::Marked(Mark::NestedRepository));
            return Ok(());
        }
        match kind {
            FileType::Directory => {
                let depth = path.iter().filter(|byte| **byte == b'/').count();
                match openat(parent, name, DIR, Mode::empty()) {
                    Ok(fd) if depth < MAX_DEPTH => self.dir(fd, path, rules),
                    Ok(_) => self.mark(path, Mark::TooMuch),
                    Err(_) => self.mark(path, Mark::Unreadable),
                }
            }
            FileType::RegularFile => self.file(parent, name, path),
            FileType::Symlink => match readlinkat(parent, name, Vec::new()) {
                Ok(target) => self.content(path, "120000", target.into_bytes()),
                Err(_) => self.mark(path, Mark::Unreadable),
            },
            _ => self.mark(path, Mark::Special),
        }
    }

    fn file(&mut self, parent: BorrowedFd<'_>, name: &[u8], path: &[u8]) -> rustix::io::Result<()> {
        let Ok(fd) = openat(parent, name, FILE, Mode::empty()) else {
            return self.mark(path, Mark::Unreadable);
        };
        // Asked of the open file: the name may mean something else by now.
        let stat = rustix::fs::fstat(&fd)?;
        if !FileType::from_raw_mode(stat.st_mode).is_file() {
            return self.mark(path, Mark::Special);
        }
        let mut data = Vec::new();
        let read = File::from(fd).take(MAX_FILE + 1).read_to_end(&mut data);
        match read {
            Ok(read) if read as u64 > MAX_FILE => self.mark(path, Mark::TooLarge),
            Ok(_) => self.content(path, if stat.st_mode & 0o100 != 0 { "100755" } else { "100644" }, data),
            Err(_) => self.mark(path, Mark::Unreadable),
        }
    }

    fn content(&mut self, path: &[u8], mode: &'static str, data: Vec<u8>) -> rustix::io::Result<()> {
        if self.known.get(path).is_some_and(|known| known.mode == mode && known.object == blob_id(&data)) {
            self.found.insert(path.to_vec(), Found::Unchanged);
            return Ok(());
        }
        self.changed = self.changed.saturating_add(data.len() as u64);
        if self.changed > MAX_CHANGED {
            return self.mark(path, Mark::TooMuch);
        }
        self.found.insert(path.to_vec(), Found::Content { mode, data });
        Ok(())
    }

    fn mark(&mut self, path: &[u8], mark: Mark) -> rustix::io::Result<()> {
        self.found.insert(path.to_vec(), Found::Marked(mark));
        Ok(())
    }

    /// What git holds already is looked at even where a rule would ignore it.
    fn is_known(&self, path: &[u8], dir: bool) -> bool {
        if !dir {
            return self.known.contains_key(path);
        }
        let mut inside = path.to_vec();
        inside.push(b'/');
        self.known.range(inside.clone()..).next().is_some_and(|(first, _)| first.starts_with(&inside))
    }
}

/// `.git` in any spelling that some file system takes for it.
fn is_dot_git(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b".git") || name.eq_ignore_ascii_case(b"git~1")
}

/// The rules of a folder's `.gitignore`, if it is a plain file of a sensible size.
fn rules_of(dir: BorrowedFd<'_>, path: &[u8]) -> Option<Gitignore> {
    let fd = openat(dir, ".gitignore", FILE, Mode::empty()).ok()?;
    if !FileType::from_raw_mode(rustix::fs::fstat(&fd).ok()?.st_mode).is_file() {
        return None;
    }
    let mut text = String::new();
    File::from(fd).take(64 * 1024).read_to_string(&mut text).ok()?;
    let root = Path::new("/").join(Path::new(std::str::from_utf8(path).ok()?));
    let mut rules = GitignoreBuilder::new(root);
    for line in text.lines().take(1000) {
        // A rule that cannot be read ignores nothing.
        let _ = rules.add_line(None, line);
    }
    rules.build().ok()
}

fn ignored(rules: &[Gitignore], path: &[u8], dir: bool) -> bool {
    let Ok(path) = std::str::from_utf8(path) else { return false };
    let path = Path::new("/").join(path);
    // The nearest folder's rules decide.
    for rules in rules.iter().rev() {
        match rules.matched(&path, dir) {
            ignore::Match::None => {}
            ignore::Match::Ignore(_) => return true,
            ignore::Match::Whitelist(_) => return false,
        }
    }
    false
}

/// Git's name for a file's content.
pub(crate) fn blob_id(data: &[u8]) -> String {
    use sha1::{Digest, Sha1};
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", data.len()).as_bytes());
    hash.update(data);
    protocol::hex(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_files_is_cut_with_one_mark() {
        let dir = tempfile::tempdir().unwrap();
        for name in 0..MAX_ENTRIES + 20 {
            std::fs::write(dir.path().join(format!("{name:06}")), "").unwrap();
        }
        let found = take(dir.path(), &BTreeMap::new()).unwrap();
        let marked = found.values().filter(|found| matches!(found, Found::Marked(Mark::TooMuch))).count();
        assert!(is_cut(&found));
        assert_eq!((found.len(), marked), (MAX_ENTRIES + 1, 1));
    }
}
