//! The folder of installed agents:
//!
//! ```text
//! bin/claude                      → ../claude-code/current/bin/claude
//! claude-code/current             → 2.1.330-1f0c…     the version in use, switched by a rename
//! claude-code/previous            → 2.1.329-77aa…     the last good one
//! claude-code/2.1.330-1f0c…/      a version, named by what it consists of; there as a whole or not at all
//!     bin/claude                  → ../cli/node_modules/…
//!     cli/ acp/                   the program and its ACP adapter, as npm would lay them out
//!     .failed                     why it was not taken into use, if it was not
//! node/24.21.0-…/                 Node, where the machine has none that is new enough
//! .new/ .old/ .tried/ .downloads/ only while something is installed
//! ```

use super::error::Error;
use super::in_use;
use protocol::AgentId;
use rustix::fs::FlockOperation;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";
const FAILED: &str = ".failed";

#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

/// Held while something is changed. The system lets it go when its holder dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Folder {
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// One at a time. What an interrupted one left is removed, except for whole files that were fetched.
    pub fn lock(&self) -> Result<Lock, Error> {
        if let Some(parent) = self.0.parent() {
            fs::create_dir_all(parent).map_err(|e| Error::at("make", parent, e))?;
        }
        super::unpack::make_folder(&self.0)?;
        let path = self.0.join(".lock");
        let open = File::options().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let file = open.map_err(|e| Error::at("open", &path, e))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(Error::Busy { folder: self.0.clone() }),
            Err(e) => return Err(Error::at("lock", &path, e.into())),
        }
        for litter in [self.beside(), self.trash(), self.scratch()] {
            remove_tree(&litter)?;
        }
        Ok(Lock { _file: file })
    }

    /// Where a version is made before it counts.
    pub fn beside(&self) -> PathBuf {
        self.0.join(".new")
    }

    /// What a version that is tried may write.
    pub fn scratch(&self) -> PathBuf {
        self.0.join(".tried")
    }

    pub fn downloads(&self) -> PathBuf {
        self.0.join(".downloads")
    }

    pub fn agent(&self, agent: &AgentId) -> PathBuf {
        self.0.join(agent.as_str())
    }

    fn trash(&self) -> PathBuf {
        self.0.join(".old")
    }

    /// The name of the version in use, if it is whole.
    pub fn current(&self, agent: &AgentId) -> Option<String> {
        self.named(agent, CURRENT)
    }

    pub fn previous(&self, agent: &AgentId) -> Option<String> {
        self.named(agent, PREVIOUS)
    }

    fn named(&self, agent: &AgentId, link: &str) -> Option<String> {
        let folder = self.agent(agent);
        let name = fs::read_link(folder.join(link)).ok()?.to_str()?.to_owned();
        folder.join(&name).is_dir().then_some(name)
    }

    /// Puts a version in use; the one before it becomes the last good one, and older ones go.
    pub fn adopt(&self, agent: &AgentId, name: &str) -> Result<(), Error> {
        let folder = self.agent(agent);
        remove_file(&folder.join(name).join(FAILED))?;
        if let Some(before) = self.current(agent).filter(|before| before != name) {
            link(Path::new(&before), &folder.join(PREVIOUS))?;
        }
        link(Path::new(name), &folder.join(CURRENT))?;
        self.link_programs(agent, name)?;
        self.prune(agent)
    }

    pub fn rollback(&self, agent: &AgentId) -> Result<String, Error> {
        let nothing = || Error::NothingBefore { agent: agent.to_string() };
        let to = self.previous(agent).ok_or_else(nothing)?;
        let folder = self.agent(agent);
        let from = self.current(agent);
        link(Path::new(&to), &folder.join(CURRENT))?;
        match from {
            Some(from) => link(Path::new(&from), &folder.join(PREVIOUS))?,
            None => remove_file(&folder.join(PREVIOUS))?,
        }
        self.link_programs(agent, &to)?;
        Ok(version_of(&to))
    }

    /// Out of use first, so that nothing finds half of it.
    pub fn remove(&self, agent: &AgentId) -> Result<(), Error> {
        let folder = self.agent(agent);
        if let Some(pid) = in_use::by(&folder) {
            return Err(Error::InUse { agent: agent.to_string(), pid });
        }
        for link in [CURRENT, PREVIOUS] {
            remove_file(&folder.join(link))?;
        }
        self.unlink_programs(agent, &[])?;
        self.discard(&folder)
    }

    pub fn mark_failed(&self, agent: &AgentId, name: &str, why: &[String]) -> Result<PathBuf, Error> {
        let version = self.agent(agent).join(name);
        let mark = version.join(FAILED);
        fs::write(&mark, why.join("\n") + "\n").map_err(|e| Error::at("write", &mark, e))?;
        Ok(version)
    }

    /// A link in `bin` for every program of the version in use, and none for those that it lacks.
    pub fn link_programs(&self, agent: &AgentId, name: &str) -> Result<(), Error> {
        let bin = self.0.join("bin");
        super::unpack::make_folder(&bin)?;
        let programs = names_in(&self.agent(agent).join(name).join("bin"))?;
        for program in &programs {
            let to = Path::new("..").join(agent.as_str()).join(CURRENT).join("bin").join(program);
            link(&to, &bin.join(program))?;
        }
        self.unlink_programs(agent, &programs)
    }

    fn unlink_programs(&self, agent: &AgentId, keep: &[std::ffi::OsString]) -> Result<(), Error> {
        let bin = self.0.join("bin");
        let own = Path::new("..").join(agent.as_str());
        for program in names_in(&bin)? {
            let path = bin.join(&program);
            if !keep.contains(&program) && fs::read_link(&path).is_ok_and(|to| to.starts_with(&own)) {
                remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn prune(&self, agent: &AgentId) -> Result<(), Error> {
        let folder = self.agent(agent);
        let kept = [self.current(agent), self.previous(agent)];
        for name in names_in(&folder)? {
            let link = [CURRENT, PREVIOUS].iter().any(|link| name == *link);
            if link || kept.iter().flatten().any(|kept| name == kept.as_str()) {
                continue;
            }
            // A run goes on with the version that it began with; the next installation removes it.
            let version = folder.join(&name);
            if in_use::by(&version).is_none() {
                self.discard(&version)?;
            }
        }
        Ok(())
    }

    /// Gone at once, whatever happens while its files are removed.
    pub fn discard(&self, path: &Path) -> Result<(), Error> {
        let trash = self.trash();
        remove_tree(&trash)?;
        match fs::rename(path, &trash) {
            Ok(()) => remove_tree(&trash),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(Error::at("remove", path, e)),
        }
    }
}

/// The agent's own version in a folder's name, which ends in what tells two builds of it apart.
pub(super) fn version_of(name: &str) -> String {
    name.rsplit_once('-').map_or(name, |(version, _)| version).to_owned()
}

/// A program through `current` as it is at this moment: a run that began with one version goes on with it.
pub(crate) fn settled(program: PathBuf) -> PathBuf {
    let through = |program: &Path| -> Option<PathBuf> {
        let to = fs::read_link(program).ok()?;
        let version = to.parent()?.parent()?;
        let ours = to.is_relative() && version.file_name() == Some(OsStr::new(CURRENT));
        let version = program.parent()?.join(version).canonicalize().ok().filter(|_| ours)?;
        Some(version.join("bin").join(to.file_name()?)).filter(|settled| settled.exists())
    };
    through(&program).unwrap_or(program)
}

/// A link that is there as a whole or is the old one.
pub(super) fn link(to: &Path, at: &Path) -> Result<(), Error> {
    let failed = |e| Error::at("link", at, e);
    if fs::read_link(at).is_ok_and(|is| is == to) {
        return Ok(());
    }
    let mut name = OsStr::new(".").to_owned();
    name.push(at.file_name().unwrap_or_default());
    let fresh = at.with_file_name(name);
    remove_file(&fresh)?;
    symlink(to, &fresh).map_err(failed)?;
    fs::rename(&fresh, at).map_err(failed)
}

fn names_in(folder: &Path) -> Result<Vec<std::ffi::OsString>, Error> {
    let failed = |e| Error::at("read", folder, e);
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(failed)?.file_name())).collect(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(e) => Err(failed(e)),
    }
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::at("remove", path, e)),
        _ => Ok(()),
    }
}

pub(super) fn remove_tree(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::at("remove", path, e)),
        _ => Ok(()),
    }
}
