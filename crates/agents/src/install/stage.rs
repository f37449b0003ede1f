//! Makes a version beside what is in use. It gets its final name, by one rename, when every file of it is there.

use super::error::Error;
use super::fetch::Registry;
use super::folder::{self, Folder, Lock};
use super::lockfile::Package;
use super::npmrc::Source;
use super::pins::Pin;
use super::platform::Platform;
use super::unpack::{make_folder, unpack};
use super::{Room, node};
use crate::Setup;
use protocol::AgentId;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A version that is whole, and perhaps not in use yet. Nobody else installs while this is held.
#[derive(Debug)]
pub(super) struct Staged {
    pub in_use: bool,
    folder: Folder,
    agent: AgentId,
    name: String,
    _lock: Lock,
}

pub(super) fn stage(room: &Room, pin: &Pin) -> Result<Staged, Error> {
    let folder = Folder::new(&room.folder);
    let lock = folder.lock()?;
    let (agent, name) = (pin.agent.clone(), pin.folder_name());
    let in_use = folder.current(&agent).as_ref() == Some(&name);
    let whole = folder.agent(&agent).join(&name).is_dir();
    let wants_node = !node::is_there(room, &folder);
    let need_mb = if whole { 0 } else { pin.need_mb } + if wants_node { node::NEED_MB } else { 0 };
    has_room(&folder, need_mb)?;
    if wants_node {
        node::install(room, &folder)?;
    }
    if !whole {
        build(room, &folder, pin, &name)?;
    }
    if in_use {
        folder.link_programs(&agent, &name)?;
    }
    // Only now: an installation that was interrupted goes on with what it had.
    folder::remove_tree(&folder.downloads())?;
    Ok(Staged { in_use, folder, agent, name, _lock: lock })
}

/// Node alone, for a machine that has no agent yet.
pub(super) fn stage_node(room: &Room) -> Result<(), Error> {
    let folder = Folder::new(&room.folder);
    let _lock = folder.lock()?;
    if !node::is_there(room, &folder) {
        has_room(&folder, node::NEED_MB)?;
        node::install(room, &folder)?;
    }
    folder::remove_tree(&folder.downloads())
}

impl Staged {
    /// The set-up that finds this version's programs first.
    pub fn setup(&self, setup: &Setup) -> Setup {
        let mut setup = super::with_installed(self.folder.path(), setup.clone());
        setup.path.insert(0, self.folder.agent(&self.agent).join(&self.name).join("bin"));
        setup
    }

    /// A folder for what its programs write while they are tried.
    pub fn scratch(&self) -> PathBuf {
        self.folder.scratch()
    }

    pub fn adopt(self) -> Result<(), Error> {
        folder::remove_tree(&self.folder.scratch())?;
        self.folder.adopt(&self.agent, &self.name)
    }

    /// Keeps it for inspection, out of use.
    pub fn refuse(self, failed: Vec<String>) -> Error {
        // What is left of it goes with the next installation.
        let _ = folder::remove_tree(&self.folder.scratch());
        let version = folder::version_of(&self.name);
        let in_use = self.folder.current(&self.agent).map(|name| folder::version_of(&name));
        match self.folder.mark_failed(&self.agent, &self.name, &failed) {
            Ok(kept) => Error::Check { version, failed, kept, in_use },
            Err(e) => e,
        }
    }
}

pub(super) fn registry(room: &Room, folder: &Folder) -> Result<Registry, Error> {
    let downloads = folder.downloads();
    make_folder(&downloads)?;
    Registry::new(Source::read(&room.machine)?, downloads)
}

fn build(room: &Room, folder: &Folder, pin: &Pin, name: &str) -> Result<(), Error> {
    let platform = Platform::here();
    let wrong = |reason| Error::Table { agent: pin.agent.to_string(), reason };
    let packages = pin.packages(platform).map_err(wrong)?;
    let registry = registry(room, folder)?;
    // One that belongs in several places is one file, which two fetches at once would write both.
    let mut hashes = BTreeSet::new();
    let all =
        packages.iter().map(|(_, package)| package.clone()).filter(|package| hashes.insert(package.hash));
    let all: Vec<Package> = all.collect();
    (room.tell)(format!("fetching {} {}: {} packages", pin.agent, pin.version, all.len()));
    let told = |there: usize| {
        // A line for each of a hundred would say no more.
        if there == all.len() || there.is_multiple_of(10) {
            (room.tell)(format!("fetched and checked {there} of {} packages", all.len()));
        }
    };
    registry.fetch_all(&all, &told)?;
    (room.tell)("unpacking".to_owned());
    let fresh = folder.beside();
    make_folder(&fresh)?;
    for (part, package) in &packages {
        lay_out(&registry, package, &fresh, &part.folder)?;
    }
    link_programs(&fresh, pin, platform)?;
    put_in_place(&fresh, &folder.agent(&pin.agent), name)
}

fn lay_out(registry: &Registry, package: &Package, fresh: &Path, part: &str) -> Result<(), Error> {
    let mut place = fresh.to_owned();
    for step in Path::new(part).components().chain(package.place.components()) {
        place.push(step);
        make_folder(&place)?;
    }
    unpack(&registry.fetch(package)?, &place, &package.label())?;
    for program in &package.programs {
        // A program of this name need not be in the archive; npm does not mind either.
        executable(&place.join(program), false)?;
    }
    Ok(())
}

fn link_programs(fresh: &Path, pin: &Pin, platform: Platform) -> Result<(), Error> {
    let bin = fresh.join("bin");
    make_folder(&bin)?;
    for entry in &pin.programs {
        let missing = || Error::NoProgram { program: entry.name.to_string(), platform: platform.to_string() };
        // Two that fit are no better than none: it would be chance which one is started.
        let [file] = matching(fresh, &entry.file).try_into().map_err(|_| missing())?;
        executable(&fresh.join(&file), true)?;
        folder::link(&Path::new("..").join(&file), &bin.join(entry.name.as_ref()))?;
    }
    for pattern in &pin.executable {
        for file in matching(fresh, pattern) {
            executable(&fresh.join(&file), true)?;
        }
    }
    Ok(())
}

fn executable(file: &Path, must_be: bool) -> Result<(), Error> {
    match fs::set_permissions(file, fs::Permissions::from_mode(0o755)) {
        Err(e) if must_be || e.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::at("make executable", file, e))
        }
        _ => Ok(()),
    }
}

/// Files below the folder that fit a pattern with at most one `*` in each of its parts, as paths below it.
fn matching(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.split('/') {
        found = match part.split_once('*') {
            None => found.iter().map(|path| path.join(part)).collect(),
            Some((start, end)) => found.iter().flat_map(|path| named(folder, path, start, end)).collect(),
        };
    }
    found.retain(|path| folder.join(path).is_file());
    found.sort();
    found
}

fn named(folder: &Path, path: &Path, start: &str, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join(path)) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let fits = |name: &String| {
        name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
    };
    names.filter(fits).map(|name| path.join(name)).collect()
}

/// From here on it counts. It is on the disk before, so that a power cut leaves no version with empty files.
pub(super) fn put_in_place(fresh: &Path, parent: &Path, name: &str) -> Result<(), Error> {
    flush(fresh)?;
    make_folder(parent)?;
    let to = parent.join(name);
    fs::rename(fresh, &to).map_err(|e| Error::at("put in place", &to, e))
}

#[cfg(target_os = "linux")]
fn flush(folder: &Path) -> Result<(), Error> {
    let opened = fs::File::open(folder).map_err(|e| Error::at("open", folder, e))?;
    rustix::fs::syncfs(&opened).map_err(|e| Error::at("write", folder, e.into()))
}

#[cfg(not(target_os = "linux"))]
fn flush(_: &Path) -> Result<(), Error> {
    rustix::fs::sync();
    Ok(())
}

fn has_room(folder: &Folder, need_mb: u64) -> Result<(), Error> {
    let path = folder.path();
    let room = rustix::fs::statvfs(path).map_err(|e| Error::at("look at the disk of", path, e.into()))?;
    let free_mb = room.f_bavail.saturating_mul(room.f_frsize) >> 20;
    if free_mb < need_mb {
        return Err(Error::NoRoom { need_mb, free_mb, folder: path.to_owned() });
    }
    Ok(())
}
