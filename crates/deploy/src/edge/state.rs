//! What survives the edge's own death: one small JSON file, replaced whole, and a lock that keeps a second edge away.

use super::{EdgeError, ReleaseSpec};
use crate::certificates::{Consent, Domain};
use protocol::id::{ProjectId, ReleaseId};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Saved {
    pub version: u32,
    pub projects: BTreeMap<ProjectId, SavedProject>,
    /// All that have a process, the live ones first of all.
    pub releases: BTreeMap<ReleaseId, SavedRelease>,
    /// The project behind the world's ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front: Option<ProjectId>,
    /// Names of the user's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub domains: BTreeMap<Domain, SavedDomain>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedDomain {
    /// None: the project behind the world's ports, whichever that is.
    pub project: Option<ProjectId>,
    #[serde(flatten)]
    pub consent: Consent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedProject {
    pub port: u16,
    pub live: Option<ReleaseId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedRelease {
    pub spec: ReleaseSpec,
    /// Where it listens when not on its socket.
    pub port: Option<u16>,
    pub process: Option<SavedProcess>,
}

/// One process and no later one of the same number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedProcess {
    pub pid: u32,
    pub started: u64,
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Held as long as the returned file is open.
pub(super) fn lock(state: &Path) -> Result<File, EdgeError> {
    let doing = || EdgeError::io(format!("lock {}", state.display()));
    if let Some(folder) = state.parent() {
        std::fs::create_dir_all(folder).map_err(doing())?;
    }
    let path = beside(state, ".lock");
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(doing())?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(EdgeError::AlreadyRunning(state.to_owned())),
        Err(cause) => Err(doing()(cause.into())),
    }
}

pub(super) fn load(path: &Path) -> Result<Saved, EdgeError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Saved::default()),
        Err(cause) => return Err(EdgeError::io(format!("read {}", path.display()))(cause)),
    };
    let broken = |says: String| EdgeError::State { path: path.to_owned(), says };
    let saved: Saved = serde_json::from_slice(&bytes).map_err(|cause| broken(cause.to_string()))?;
    if saved.version > VERSION {
        return Err(broken(format!("written by a newer program (state {}, known {VERSION})", saved.version)));
    }
    Ok(saved)
}

/// On the disk when it returns: written beside, synced, renamed over, and the folder synced.
pub(super) fn save(path: &Path, saved: &Saved) -> io::Result<()> {
    let saved = Saved { version: VERSION, ..saved.clone() };
    let bytes = serde_json::to_vec(&saved)?;
    let fresh = beside(path, ".new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_is_loaded_and_a_newer_or_broken_state_is_refused_in_words() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("edge.json");
        assert_eq!(load(&path).unwrap(), Saved::default());
        let mut saved = Saved { version: VERSION, ..Saved::default() };
        saved.projects.insert(ProjectId::new("shop").unwrap(), SavedProject { port: 4300, live: None });
        save(&path, &saved).unwrap();
        assert_eq!(load(&path).unwrap(), saved);
        for (text, part) in [(r#"{"version":99,"projects":{},"releases":{}}"#, "newer program"), ("{", "EOF")]
        {
            std::fs::write(&path, text).unwrap();
            let says = load(&path).unwrap_err().to_string();
            assert!(says.contains(part), "{says}");
        }
    }

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("edge.json");
        let first = lock(&path).unwrap();
        assert!(matches!(lock(&path), Err(EdgeError::AlreadyRunning(_))));
        drop(first);
        lock(&path).unwrap();
    }
}
