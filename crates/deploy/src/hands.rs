//! Trees that pass from hand to hand: from us to the agents' user and back. That user may be at work while we walk, and
//! swap a folder for a link at any moment, so nothing here follows a link or looks twice at a path: all is done through
//! descriptors.

use crate::RunAs;
use crate::error::{Error, Result};
use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid};
use rustix::fs::{chownat, fchmod, fchown, fstat, openat, readlinkat, renameat, statat, symlinkat, unlinkat};
use rustix::io::Errno;
use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

const DIR: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// NONBLOCK: a named pipe must not hold us.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

fn failed(doing: &str, path: &Path) -> impl FnOnce(Errno) -> Error {
    let what = format!("{doing} {}", path.display());
    move |errno| Error::io(what)(errno.into())
}

/// A folder itself, not one that a link at its place leads to.
pub(crate) fn open_dir(path: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(path, DIR, Mode::empty())
}

/// A plain file of a folder, if it is one and not longer than `most`.
pub(crate) fn read_plain(dir: impl AsFd, name: &str, most: u64) -> Option<Vec<u8>> {
    let file = openat(dir, name, FILE, Mode::empty()).ok()?;
    let about = fstat(&file).ok()?;
    if !FileType::from_raw_mode(about.st_mode).is_file() || u64::try_from(about.st_size).ok()? > most {
        return None;
    }
    let mut bytes = Vec::new();
    File::from(file).take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Gives a tree to a user. The top comes last: nothing in it can be moved about before all of it is given.
pub(crate) fn give(path: &Path, to: RunAs) -> Result<()> {
    let owner = (Some(Uid::from_raw(to.uid)), Some(Gid::from_raw(to.gid)));
    let given = || {
        let dir = open_dir(path)?;
        give_inside(&dir, owner)?;
        fchown(&dir, owner.0, owner.1)
    };
    given().map_err(failed("give away", path))
}

fn give_inside(dir: &OwnedFd, owner: (Option<Uid>, Option<Gid>)) -> rustix::io::Result<()> {
    each(dir, |name| {
        match openat(dir, name, DIR, Mode::empty()) {
            Ok(inner) => {
                give_inside(&inner, owner)?;
                return fchown(&inner, owner.0, owner.1);
            }
            Err(Errno::NOTDIR | Errno::LOOP) => {}
            Err(errno) => return Err(errno),
        }
        let about = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
        // A second name of a file may be somebody else's first one.
        if FileType::from_raw_mode(about.st_mode).is_file() && about.st_nlink > 1 {
            return Ok(());
        }
        chownat(dir, name, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)
    })
}

/// Makes a tree ours and read-only for everybody. The top comes first: from then on nobody else moves anything in it.
pub(crate) fn close(path: &Path) -> Result<()> {
    let closed = || {
        let dir = open_dir(path)?;
        close_dir(&dir)?;
        // It must be movable by us.
        fchmod(&dir, Mode::from_raw_mode(0o755))
    };
    closed().map_err(failed("close", path))
}

fn close_dir(dir: &OwnedFd) -> rustix::io::Result<()> {
    own(dir)?;
    fchmod(dir, Mode::from_raw_mode(0o755))?;
    each(dir, |name| {
        let about = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(about.st_mode) {
            FileType::Directory => close_dir(&openat(dir, name, DIR, Mode::empty())?),
            FileType::RegularFile => close_file(&openat(dir, name, FILE, Mode::empty())?),
            FileType::Symlink => Ok(()),
            // No package holds such a thing.
            _ => unlinkat(dir, name, AtFlags::empty()),
        }
    })?;
    fchmod(dir, Mode::from_raw_mode(0o555))
}

fn close_file(file: &OwnedFd) -> rustix::io::Result<()> {
    let about = fstat(file)?;
    // With a second name it could be written from elsewhere, or be a file of ours that was put here.
    if !FileType::from_raw_mode(about.st_mode).is_file() || about.st_nlink > 1 {
        return Err(Errno::MLINK);
    }
    own(file)?;
    let execute = if about.st_mode & 0o111 != 0 { 0o111 } else { 0 };
    fchmod(file, Mode::from_raw_mode(0o444 | execute))
}

/// Takes away what [`close`] has closed: only root may remove something from a read-only folder.
pub(crate) fn remove_closed(path: &Path) -> Result<()> {
    match open_dir(path).and_then(|dir| open_up(&dir)) {
        Ok(()) | Err(Errno::NOENT) => crate::yard::remove_all(path),
        Err(errno) => Err(failed("open", path)(errno)),
    }
}

fn open_up(dir: &OwnedFd) -> rustix::io::Result<()> {
    fchmod(dir, Mode::from_raw_mode(0o755))?;
    each(dir, |name| match openat(dir, name, DIR, Mode::empty()) {
        Ok(inner) => open_up(&inner),
        Err(Errno::NOTDIR | Errno::LOOP) => Ok(()),
        Err(errno) => Err(errno),
    })
}

fn own(what: &OwnedFd) -> rustix::io::Result<()> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    if fstat(what)?.st_uid == uid.as_raw() { Ok(()) } else { fchown(what, Some(uid), Some(gid)) }
}

/// Every name in a folder. One that is gone by the time it is come to is fine.
fn each(dir: &OwnedFd, mut visit: impl FnMut(&CStr) -> rustix::io::Result<()>) -> rustix::io::Result<()> {
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        match visit(name) {
            Err(Errno::NOENT) | Ok(()) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Puts a link to `target` into a folder; what was there under its name goes by way of `aside`, a free path of ours.
pub(crate) fn link_in(dir: &OwnedFd, name: &str, target: &Path, aside: &Path) -> Result<()> {
    if readlinkat(dir, name, Vec::new())
        .is_ok_and(|there| there.as_bytes() == target.as_os_str().as_encoded_bytes())
    {
        return Ok(());
    }
    let linked = || {
        match unlinkat(dir, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR | Errno::PERM) => renameat(dir, name, rustix::fs::CWD, aside)?,
            Err(errno) => return Err(errno),
        }
        symlinkat(target, dir, name)
    };
    linked().map_err(failed("link", target))?;
    crate::yard::remove_all(aside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn us() -> RunAs {
        RunAs { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_link_inside_and_a_link_at_the_top_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (tree, outside) = (dir.path().join("tree"), dir.path().join("outside"));
        std::fs::create_dir_all(tree.join("a")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("secret"), "x").unwrap();
        std::fs::set_permissions(outside.join("secret"), std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(tree.join("a/run"), "x").unwrap();
        std::fs::set_permissions(tree.join("a/run"), std::fs::Permissions::from_mode(0o4777)).unwrap();
        symlink(&outside, tree.join("folder")).unwrap();
        symlink(outside.join("secret"), tree.join("file")).unwrap();
        close(&tree).unwrap();
        assert_eq!((mode(&tree), mode(&tree.join("a")), mode(&tree.join("a/run"))), (0o755, 0o555, 0o555));
        assert_eq!((mode(&outside.join("secret")), mode(&outside)), (0o600, 0o755));
        remove_closed(&tree).unwrap();
        assert!(!tree.exists() && outside.join("secret").exists());
        remove_closed(&tree).unwrap();
        std::fs::create_dir(&tree).unwrap();
        symlink(&tree, dir.path().join("top")).unwrap();
        close(&dir.path().join("top")).unwrap_err();
        give(&dir.path().join("top"), us()).unwrap_err();
    }

    #[test]
    fn a_file_with_a_second_name_is_neither_given_nor_closed() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(dir.path().join("ours"), "x").unwrap();
        std::fs::hard_link(dir.path().join("ours"), tree.join("theirs")).unwrap();
        close(&tree).unwrap_err();
        if us().uid == 0 {
            std::fs::write(tree.join("plain"), "x").unwrap();
            give(&tree, RunAs { uid: 12_345, gid: 12_345 }).unwrap();
            let owner = |name: &str| std::fs::metadata(tree.join(name)).unwrap().uid();
            assert_eq!((owner("theirs"), owner("plain"), owner(".")), (0, 12_345, 12_345));
        }
    }

    #[test]
    fn a_link_takes_the_place_of_whatever_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let (app, aside) = (dir.path().join("app"), dir.path().join("aside"));
        std::fs::create_dir_all(app.join("node_modules/x")).unwrap();
        let opened = open_dir(&app).unwrap();
        // The folder that was opened is meant, whatever stands at its path by now.
        std::fs::rename(&app, dir.path().join("moved")).unwrap();
        std::fs::create_dir_all(dir.path().join("other/node_modules")).unwrap();
        symlink(dir.path().join("other"), &app).unwrap();
        for target in ["/deps/a", "/deps/a", "/deps/b"] {
            link_in(&opened, "node_modules", Path::new(target), &aside).unwrap();
            let link = std::fs::read_link(dir.path().join("moved/node_modules")).unwrap();
            assert_eq!(link, Path::new(target));
        }
        assert!(dir.path().join("other/node_modules").is_dir() && !aside.exists());
    }

    #[test]
    fn only_a_plain_short_file_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let opened = open_dir(dir.path()).unwrap();
        std::fs::write(dir.path().join("plain"), "12345").unwrap();
        symlink("plain", dir.path().join("link")).unwrap();
        rustix::fs::mknodat(&opened, "pipe", FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(read_plain(&opened, "plain", 5).unwrap(), b"12345");
        for (name, most) in [("plain", 4), ("link", 9), ("pipe", 9), ("none", 9)] {
            assert_eq!(read_plain(&opened, name, most), None);
        }
    }
}
