//! What must be known to kill a tree after the daemon itself was killed: written when the tree is made, removed when
//! nothing of it is left.

use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub pid: Option<i32>,
    /// The process's start in clock ticks since boot: a pid alone may have been given to another process.
    pub start: Option<u64>,
    pub cgroup: Option<PathBuf>,
    /// Groups that only hold limits.
    #[serde(default)]
    pub limits: Vec<PathBuf>,
}

impl Record {
    pub fn write(&self, runtime: &Path, id: &str) -> io::Result<()> {
        let path = path(runtime, id);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, serde_json::to_vec(self)?)
    }

    /// A record that is not there or cannot be read says nothing; the sweep by marker works without it.
    pub fn read(runtime: &Path, id: &str) -> Option<Record> {
        serde_json::from_slice(&fs::read(path(runtime, id)).ok()?).ok()
    }

    pub fn remove(runtime: &Path, id: &str) -> io::Result<()> {
        match fs::remove_file(path(runtime, id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn path(runtime: &Path, id: &str) -> PathBuf {
    runtime.join("attempts").join(format!("{id}.json"))
}
