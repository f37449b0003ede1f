//! Release folders: what a build made, copied out of the worktree into a folder that never changes again.
//!
//! The worktree belongs to the agent's user, who may be hostile: no link is followed while it is read, and nothing but plain
//! files and folders is taken.

use protocol::id::ReleaseId;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

/// What becomes a release.
#[derive(Debug, Clone)]
pub struct StageSpec {
    pub worktree: PathBuf,
    /// Files and folders to take, relative to the worktree, such as `app/build` and `app/package.json`.
    pub files: Vec<PathBuf>,
    /// The project's `releases` folder.
    pub releases: PathBuf,
    pub release: ReleaseId,
    /// Place of a link in the release, such as `app/node_modules`, and the shared folder it leads to.
    pub node_modules: Option<(PathBuf, PathBuf)>,
    /// Files of our own, by their place in the release.
    pub ours: Vec<(PathBuf, Vec<u8>)>,
    /// Bytes that may be taken, the least that a file or folder needs on a disk included.
    pub most: u64,
    /// The group that may read it besides us; none: everybody may.
    pub readers: Option<u32>,
}

/// What a file or folder takes on a disk at least.
const BLOCK: u64 = 4096;

#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    #[error("take {} into a release: {why}", .path.display())]
    Refused { path: PathBuf, why: &'static str },
    #[error("{doing} {}", .path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ReleaseError {
    let path = path.to_owned();
    move |source| ReleaseError::Io { doing, path, source }
}

fn os_error(doing: &'static str, path: &Path) -> impl FnOnce(rustix::io::Errno) -> ReleaseError {
    let with = io_error(doing, path);
    move |errno| with(errno.into())
}

/// Makes the release's folder, whole or not at all, and returns it. One that is there already is returned as it is.
/// Blocking.
pub fn stage(spec: &StageSpec) -> Result<PathBuf, ReleaseError> {
    let place = spec.releases.join(spec.release.as_str());
    if place.is_dir() {
        return Ok(place);
    }
    let fresh = spec.releases.join(format!("{}.tmp", spec.release));
    remove(&fresh)?;
    if let Err(cause) = fill(spec, &fresh) {
        // It may be large, and nobody comes back to it.
        let _ = remove(&fresh);
        return Err(cause);
    }
    // One sync of the file system instead of one per file: a build has thousands of them.
    let folder = File::open(&spec.releases).map_err(io_error("open", &spec.releases))?;
    rustix::fs::syncfs(&folder).map_err(os_error("sync", &spec.releases))?;
    std::fs::rename(&fresh, &place).map_err(io_error("rename", &fresh))?;
    folder.sync_all().map_err(io_error("sync", &spec.releases))?;
    Ok(place)
}

fn fill(spec: &StageSpec, fresh: &Path) -> Result<(), ReleaseError> {
    make_folder(fresh)?;
    let root =
        rustix::fs::open(&spec.worktree, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(os_error("open", &spec.worktree))?;
    let mut room = Room { left: spec.most };
    for file in &spec.files {
        take(&root, file, fresh, &mut room)?;
    }
    if let Some((place, target)) = &spec.node_modules {
        let link = inside(fresh, place)?;
        std::os::unix::fs::symlink(target, &link).map_err(io_error("link", &link))?;
    }
    for (place, data) in &spec.ours {
        let file = inside(fresh, place)?;
        std::fs::write(&file, data).map_err(io_error("write", &file))?;
    }
    if let Some(group) = spec.readers {
        std::os::unix::fs::chown(fresh, None, Some(group)).map_err(io_error("give", fresh))?;
        std::fs::set_permissions(fresh, std::fs::Permissions::from_mode(0o750))
            .map_err(io_error("protect", fresh))?;
    }
    Ok(())
}

/// A place in the release whose folder is there.
fn inside(fresh: &Path, place: &Path) -> Result<PathBuf, ReleaseError> {
    plain(place)?;
    let path = fresh.join(place);
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    Ok(path)
}

/// What may still be taken.
struct Room {
    left: u64,
}

impl Room {
    fn need(&mut self, bytes: u64, shown: &Path) -> Result<(), ReleaseError> {
        let left = self.left.checked_sub(bytes.max(BLOCK));
        self.left = left.ok_or_else(|| refused(shown, "the release is too large with it"))?;
        Ok(())
    }
}

/// Removes all releases but the `keep` newest and those in `live`. Returns what was removed. Blocking.
pub fn prune(releases: &Path, keep: usize, live: &[ReleaseId]) -> Result<Vec<ReleaseId>, ReleaseError> {
    let mut removed = Vec::new();
    for id in kept(releases)?.into_iter().rev().skip(keep) {
        if !live.contains(&id) {
            remove(&releases.join(id.as_str()))?;
            removed.push(id);
        }
    }
    Ok(removed)
}

/// The releases that can be started, oldest first. Blocking.
pub fn kept(releases: &Path) -> Result<Vec<ReleaseId>, ReleaseError> {
    let entries = match std::fs::read_dir(releases) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(io_error("read", releases)(cause)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error("read", releases))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(id) = ReleaseId::new(name.clone()) else { continue };
        let meta = entry.metadata().map_err(io_error("read", &entry.path()))?;
        if meta.is_dir() && !name.ends_with(".tmp") {
            let made = meta.modified().map_err(io_error("read", &entry.path()))?;
            found.push((made, id));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

/// Takes a release away that never came to anything. Blocking.
pub fn unstage(releases: &Path, release: &ReleaseId) -> Result<(), ReleaseError> {
    remove(&releases.join(release.as_str()))
}

fn remove(folder: &Path) -> Result<(), ReleaseError> {
    match std::fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(io_error("remove", folder)(cause)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whatever the umask: the app's user reads it, only we write it.
fn make_folder(folder: &Path) -> Result<(), ReleaseError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)
        .and_then(|()| std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)))
        .map_err(io_error("make", folder))
}

fn refused(path: &Path, why: &'static str) -> ReleaseError {
    ReleaseError::Refused { path: path.to_owned(), why }
}

fn plain(path: &Path) -> Result<(), ReleaseError> {
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if inside && path.components().next().is_some() { Ok(()) } else { Err(refused(path, "it leads outside")) }
}

/// Copies `file` (from the folder `root`) to the same place under `to`.
fn take(root: &OwnedFd, file: &Path, to: &Path, room: &mut Room) -> Result<(), ReleaseError> {
    plain(file)?;
    let mut from = root.try_clone().map_err(io_error("open", file))?;
    if let Some(folder) = file.parent() {
        let mut made = to.to_owned();
        for part in folder.components() {
            from = open(&from, Path::new(part.as_os_str()), file)?;
            made.push(part);
            make_folder(&made)?;
        }
    }
    let name = file.file_name().map(Path::new).ok_or_else(|| refused(file, "it has no name"))?;
    copy(&from, name, file, &to.join(file), room)
}

fn open(folder: &impl AsFd, name: &Path, shown: &Path) -> Result<OwnedFd, ReleaseError> {
    // NONBLOCK: a named pipe must not hold us.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(|errno| match errno {
        rustix::io::Errno::LOOP => refused(shown, "it is a link"),
        rustix::io::Errno::NOENT => refused(shown, "it is not there"),
        errno => os_error("open", shown)(errno),
    })
}

fn copy(
    folder: &impl AsFd,
    name: &Path,
    shown: &Path,
    to: &Path,
    room: &mut Room,
) -> Result<(), ReleaseError> {
    let source = open(folder, name, shown)?;
    let meta = rustix::fs::fstat(&source).map_err(os_error("read", shown))?;
    match FileType::from_raw_mode(meta.st_mode) {
        FileType::Directory => copy_folder(&source, shown, to, room),
        FileType::RegularFile => {
            let mode = if meta.st_mode & 0o111 == 0 { 0o444 } else { 0o555 };
            let mut options = std::fs::OpenOptions::new();
            let mut target =
                options.write(true).create_new(true).mode(mode).open(to).map_err(io_error("make", to))?;
            let size = u64::try_from(meta.st_size).unwrap_or(u64::MAX);
            room.need(size, shown)?;
            // No more than was counted, should it grow meanwhile.
            io::copy(&mut File::from(source).take(size), &mut target).map_err(io_error("copy", shown))?;
            target.set_permissions(std::fs::Permissions::from_mode(mode)).map_err(io_error("protect", to))
        }
        _ => Err(refused(shown, "it is neither a file nor a folder")),
    }
}

fn copy_folder(source: &OwnedFd, shown: &Path, to: &Path, room: &mut Room) -> Result<(), ReleaseError> {
    room.need(0, shown)?;
    make_folder(to)?;
    for entry in Dir::read_from(source).map_err(os_error("read", shown))? {
        let entry = entry.map_err(os_error("read", shown))?;
        let name = Path::new(std::ffi::OsStr::new(
            entry.file_name().to_str().map_err(|_| refused(shown, "a name in it is not UTF-8"))?,
        ))
        .to_owned();
        if name == Path::new(".") || name == Path::new("..") {
            continue;
        }
        let link = rustix::fs::statat(source, &name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|meta| FileType::from_raw_mode(meta.st_mode) == FileType::Symlink);
        let shown = shown.join(&name);
        if link {
            return Err(refused(&shown, "it is a link"));
        }
        copy(source, &name, &shown, &to.join(&name), room)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        dir: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Place {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir_all(dir.path().join("work/app/build/assets")).unwrap();
            std::fs::create_dir(dir.path().join("releases")).unwrap();
            std::fs::write(dir.path().join("work/app/build/assets/a.js"), "a").unwrap();
            std::fs::write(dir.path().join("work/app/package.json"), "{}").unwrap();
            std::fs::write(dir.path().join("work/app/secret"), "not listed").unwrap();
            Place { dir }
        }

        fn spec(&self, release: &str, files: &[&str]) -> StageSpec {
            StageSpec {
                worktree: self.dir.path().join("work"),
                files: files.iter().map(PathBuf::from).collect(),
                releases: self.dir.path().join("releases"),
                release: ReleaseId::new(release).unwrap(),
                node_modules: None,
                ours: vec![("release.json".into(), b"plan".to_vec())],
                most: 1 << 20,
                readers: None,
            }
        }
    }

    #[test]
    fn a_release_holds_what_is_listed_and_is_made_once() {
        let place = Place::new();
        let mut spec = place.spec("r1", &["app/build", "app/package.json"]);
        spec.node_modules = Some(("app/node_modules".into(), "/deps/x/node_modules".into()));
        // A half copy of a crash before.
        std::fs::create_dir_all(place.dir.path().join("releases/r1.tmp/app/build/assets/a.js")).unwrap();
        let made = stage(&spec).unwrap();
        assert_eq!(std::fs::read_to_string(made.join("app/build/assets/a.js")).unwrap(), "a");
        assert_eq!(
            std::fs::read_link(made.join("app/node_modules")).unwrap(),
            Path::new("/deps/x/node_modules")
        );
        assert!(!made.join("app/secret").exists());
        assert_eq!(std::fs::read(made.join("release.json")).unwrap(), b"plan");
        let mode = |path: &str| std::fs::metadata(made.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("app"), mode("app/package.json")), (0o755, 0o444));
        std::fs::write(place.dir.path().join("work/app/package.json"), "changed").unwrap();
        assert_eq!(stage(&spec).unwrap(), made);
        assert_eq!(std::fs::read_to_string(made.join("app/package.json")).unwrap(), "{}");
    }

    #[test]
    fn links_pipes_and_ways_out_are_refused_and_leave_no_release() {
        let place = Place::new();
        let work = place.dir.path().join("work");
        std::os::unix::fs::symlink("/etc/passwd", work.join("app/build/link")).unwrap();
        std::os::unix::fs::symlink("/etc", work.join("app/etc")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, work.join("app/pipe"), FileType::Fifo, 0o600.into(), 0).unwrap();
        for file in
            ["app/build", "app/build/link", "app/etc", "app/etc/passwd", "app/pipe", "../x", "/etc", ""]
        {
            stage(&place.spec("r1", &[file])).unwrap_err();
        }
        let missing = stage(&place.spec("r1", &["app/dist"])).unwrap_err();
        assert_eq!(missing.to_string(), "take app/dist into a release: it is not there");
        assert!(kept(&place.dir.path().join("releases")).unwrap().is_empty());
    }

    #[test]
    fn a_release_that_is_too_large_is_refused_and_leaves_nothing() {
        let place = Place::new();
        let build = place.dir.path().join("work/app/build");
        let mut spec = place.spec("r1", &["app/build"]);
        File::create(build.join("big")).unwrap().set_len(spec.most + 1).unwrap();
        let says = stage(&spec).unwrap_err().to_string();
        assert_eq!(says, "take app/build/big into a release: the release is too large with it");
        std::fs::remove_file(build.join("big")).unwrap();
        // Names alone fill a disk too: build, assets, assets/a.js.
        spec.most = 3 * BLOCK - 1;
        assert!(matches!(stage(&spec).unwrap_err(), ReleaseError::Refused { .. }));
        assert_eq!(std::fs::read_dir(place.dir.path().join("releases")).unwrap().count(), 0);
        spec.most = 3 * BLOCK;
        stage(&spec).unwrap();
    }

    #[test]
    fn the_newest_and_the_live_ones_are_kept() {
        let place = Place::new();
        let releases = place.dir.path().join("releases");
        let names = ["f", "e", "d", "c", "b", "a"];
        for (age, name) in names.iter().enumerate() {
            let made = stage(&place.spec(name, &["app/package.json"])).unwrap();
            let at = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age as u64);
            File::open(made).unwrap().set_modified(at).unwrap();
        }
        let id = |name: &str| ReleaseId::new(name).unwrap();
        assert_eq!(prune(&releases, 3, &[id("f")]).unwrap(), [id("d"), id("e")]);
        assert_eq!(kept(&releases).unwrap(), ["f", "c", "b", "a"].map(id));
        unstage(&releases, &id("a")).unwrap();
        unstage(&releases, &id("a")).unwrap();
        assert_eq!(kept(&releases).unwrap(), ["f", "c", "b"].map(id));
    }
}
