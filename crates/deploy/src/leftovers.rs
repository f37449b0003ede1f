//! What a daemon that was killed left at work: its gits, builds and dev servers live on, and those that died with it left
//! git's lock files. All of it carries the home in its environment, so that it is found again.

use crate::error::{Error, Result};
use crate::process;
use crate::yard::{Yard, guard, remove_all};
use std::path::Path;

/// Names the home that a process works for.
pub(crate) const WORK: &str = "LOOPWRIGHT_WORK";

impl Yard {
    /// Once at the daemon's start, before anything is begun: afterwards nobody else works in the yard, and no lock is held.
    pub async fn recover(&self) -> Result<()> {
        process::sweep(&format!("{WORK}={}", self.home.display())).await;
        let projects = self.home.join("projects");
        for project in folders(&projects)? {
            guard(&projects.join(&project))?;
            let repo = projects.join(project).join("repo.git");
            unlock(&repo)?;
            unlock(&repo.join("refs/heads"))?;
            unlock(&repo.join("refs/heads/attempt"))?;
            for worktree in folders(&repo.join("worktrees"))? {
                unlock(&repo.join("worktrees").join(worktree))?;
            }
            // Refs of commits that were being made: the next daemon makes them anew, perhaps under the same name.
            remove_all(&repo.join("refs/loopwright"))?;
        }
        Ok(())
    }
}

/// Takes git's lock files in this very folder away.
fn unlock(folder: &Path) -> Result<()> {
    for name in names(folder)?.into_iter().filter(|name| name.as_encoded_bytes().ends_with(b".lock")) {
        let lock = folder.join(name);
        std::fs::remove_file(&lock).map_err(Error::io(format!("remove {}", lock.display())))?;
    }
    Ok(())
}

fn folders(of: &Path) -> Result<Vec<std::ffi::OsString>> {
    Ok(names(of)?.into_iter().filter(|name| of.join(name).is_dir()).collect())
}

fn names(of: &Path) -> Result<Vec<std::ffi::OsString>> {
    match std::fs::read_dir(of) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.file_name()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io(format!("read {}", of.display()))(error)),
    }
}
