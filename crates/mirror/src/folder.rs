//! The folder of one copy.

use crate::Error;
use protocol::view::{AgentRow, Hello};
use protocol::{At, JournalId};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// One copy's place on the disk. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
}

/// Whose copy it is and how it stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// What the source said of itself when it was last as new as this copy.
    pub hello: Option<Hello>,
    /// When that was.
    pub at: Option<At>,
    /// The source is behind, is another one now, or its chain does not hold.
    pub warning: Option<String>,
    /// The source's agents as of then, without what is only live.
    pub agents: Vec<AgentRow>,
}

impl Folder {
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    pub fn path(&self) -> &Path {
        &self.dir
    }
    pub(crate) fn journal(&self) -> PathBuf {
        self.dir.join("journal.db")
    }
    pub(crate) fn memory(&self) -> PathBuf {
        self.dir.join("memory")
    }
    fn state_file(&self) -> PathBuf {
        self.dir.join("state.json")
    }

    /// The journal of the copy and the number of its newest entry; none when nothing was copied yet.
    pub fn head(&self) -> Result<Option<(JournalId, u64)>, Error> {
        if !self.journal().exists() {
            return Ok(None);
        }
        let reader = journal::Reader::open(&self.journal())?;
        let (head, _) = reader.head()?;
        if head == 0 { Ok(None) } else { Ok(Some((reader.id()?, head))) }
    }

    /// How it stood when it was last filled. A file that cannot be read says nothing.
    pub fn state(&self) -> State {
        let read = std::fs::read(self.state_file()).ok();
        read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// It was found to be as new as its source at this moment.
    pub fn seen(&self, at: At) -> Result<(), Error> {
        self.keep(&State { at: Some(at), ..self.state() })
    }

    /// Written beside and moved into place.
    pub(crate) fn keep(&self, state: &State) -> Result<(), Error> {
        let failed = |source| Error::Io { path: self.state_file(), source };
        let next = self.dir.join("state.json.next");
        let text = serde_json::to_vec(state).map_err(|e| failed(e.into()))?;
        std::fs::write(&next, text).map_err(failed)?;
        std::fs::rename(&next, self.state_file()).map_err(failed)
    }

    pub(crate) fn prepare(&self) -> Result<(), Error> {
        std::fs::create_dir_all(&self.dir).map_err(|source| Error::Io { path: self.dir.clone(), source })
    }

    /// Throws the copy away. What it is a copy of is not touched.
    pub fn wipe(&self) -> Result<(), Error> {
        match std::fs::remove_dir_all(&self.dir) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::Io { path: self.dir.clone(), source: e }),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
