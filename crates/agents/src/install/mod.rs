//! Installing coding agents: one table of pinned versions ([`pins`]), each fetched from the registry that this machine's
//! npm is set to, every package checked against the hash in our own lock file before anything of it is unpacked.
//!
//! No code of a package runs while it is installed: no install script, no npm. What is unpacked is plain files that only
//! the owner may write. A version counts from one rename on, is in use from another one on, and the last good one stays.
//! What a folder of installed agents looks like stands in [`folder`].
//!
//! Never here: readiness, sign-in, what a check of a new version consists of.

mod error;
mod fetch;
mod folder;
mod in_use;
mod lockfile;
mod node;
mod npmrc;
mod pins;
mod platform;
mod stage;
mod start;
mod unpack;
pub mod wheel;

#[cfg(test)]
mod tests;

pub use error::Error;
pub(crate) use folder::settled;
pub use npmrc::Machine;
pub use pins::{Entry, Part, Pin, pin, pins};

use crate::Setup;
use folder::Folder;
use protocol::AgentId;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is told while an installation goes on: one line each.
pub type Tell = Arc<dyn Fn(String) + Send + Sync>;

/// Where agents are installed, and with what.
#[derive(Clone)]
pub struct Room {
    /// The folder of installed agents. Its `bin` is what belongs on a path.
    pub folder: PathBuf,
    /// As whom and how programs are started, to see whether they do.
    pub setup: Setup,
    pub machine: Machine,
    pub tell: Tell,
}

/// What an agent's folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// In use.
    pub version: String,
    /// The last good one before it, to which one can go back.
    pub previous: Option<String>,
}

/// What came of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    pub version: String,
    /// It was in use already, and nothing was done.
    pub was_there: bool,
    /// What the check said of it.
    pub check: Option<String>,
}

/// What a version must pass before it is used: its programs are those that the given set-up finds. The error names what
/// failed, a line each.
pub trait Check {
    fn check(&self, setup: &Setup, agent: &AgentId) -> impl Future<Output = Result<String, Vec<String>>>;
}

/// No check but that its programs start and say their version.
#[derive(Debug, Clone, Copy)]
pub struct Unchecked;

impl Check for Unchecked {
    async fn check(&self, _: &Setup, _: &AgentId) -> Result<String, Vec<String>> {
        Ok(String::new())
    }
}

/// Installs a version and puts it in use. It is fetched and unpacked beside what is in use; then its programs must start
/// and pass the check. If they do not, it is kept with the mark `.failed`, and what was in use stays in use.
pub async fn install(room: &Room, pin: &Pin, check: &impl Check) -> Result<Done, Error> {
    let staged = {
        let (room, pin) = (room.clone(), pin.clone());
        blocking(move || stage::stage(&room, &pin)).await?
    };
    let done = |was_there, check| Done { version: pin.version.to_string(), was_there, check };
    if staged.in_use {
        return Ok(done(true, None));
    }
    let setup = staged.setup(&room.setup);
    (room.tell)("starting its programs".to_owned());
    let started = start::says_version(&setup, pin, &staged.scratch()).await.map_err(|reason| vec![reason]);
    let checked = match started {
        Ok(()) => check.check(&setup, &pin.agent).await,
        Err(failed) => Err(failed),
    };
    match checked {
        Ok(says) => {
            blocking(move || staged.adopt()).await?;
            Ok(done(false, Some(says).filter(|says| !says.is_empty())))
        }
        Err(failed) => blocking(move || Err(staged.refuse(failed))).await,
    }
}

/// Node's version, where one is found that is new enough for sites and agents.
pub fn node_installed(room: &Room) -> Option<String> {
    node::found(room, &Folder::new(&room.folder))
}

/// The version of Node that is installed where there is none; none where there is no packaged one for this machine.
pub fn node_wanted() -> Option<&'static str> {
    node::wanted()
}

/// Installs Node with its npm, where none is found that is new enough.
pub async fn install_node(room: &Room) -> Result<(), Error> {
    let room = room.clone();
    blocking(move || stage::stage_node(&room)).await
}

/// Goes back to the last good version; the one that was in use becomes the one to go back to. Gives the version that is
/// in use then.
pub async fn rollback(folder: &Path, agent: &AgentId) -> Result<String, Error> {
    let (folder, agent) = (Folder::new(folder), agent.clone());
    blocking(move || {
        let _lock = folder.lock()?;
        folder.rollback(&agent)
    })
    .await
}

/// Removes an agent with all its versions. What is not there is no error.
pub async fn remove(folder: &Path, agent: &AgentId) -> Result<(), Error> {
    let (folder, agent) = (Folder::new(folder), agent.clone());
    blocking(move || {
        let _lock = folder.lock()?;
        folder.remove(&agent)
    })
    .await
}

/// What is installed of an agent in the folder; `None`: nothing that is in use.
pub fn installed(folder: &Path, agent: &AgentId) -> Option<Installed> {
    let folder = Folder::new(folder);
    let version = folder.current(agent).map(|name| folder::version_of(&name))?;
    Some(Installed { version, previous: folder.previous(agent).map(|name| folder::version_of(&name)) })
}

/// The set-up with the programs of the version that is in use, whatever else is on the path.
pub fn with_installed(folder: &Path, mut setup: Setup) -> Setup {
    let bin = folder.join("bin");
    if setup.path.first() != Some(&bin) {
        setup.path.retain(|other| *other != bin);
        setup.path.insert(0, bin);
    }
    setup
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| Err(Error::io("carry it out", std::io::Error::other(e))))
}
