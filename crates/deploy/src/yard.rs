//! The yard: where projects stand. Knows the layout of the home folder and who runs as whom; the rooms of projects,
//! worktrees, the gate, checks and packages add their methods to [`Yard`].
//!
//! ```text
//! HOME/projects/<project>/repo.git               bare repository, branch main; only the daemon writes it
//! HOME/projects/<project>/worktrees/<attempt>/   what an agent works in
//! HOME/deps/<key>/node_modules                   packages, installed once for a lockfile
//! ```

use crate::RunAs;
use crate::error::{Error, Result};
use crate::git::Git;
use crate::leftovers::WORK;
use protocol::{AttemptId, ProjectId};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::runtime::RuntimeFlavor;

#[derive(Debug, Clone)]
pub struct Yard {
    pub home: PathBuf,
    /// Folder of the `node` program that apps are built and run with (22.22 or newer). None: no app that needs it.
    pub node: Option<PathBuf>,
    /// Who builds and tests run as; also the owner of worktrees. None: the daemon's own user.
    pub run_as_agent: Option<RunAs>,
    pub run_as_app: Option<RunAs>,
    /// npm's download cache. None: `HOME/deps/.npm`.
    pub npm_cache: Option<PathBuf>,
    /// The machine's proxies, as variables: packages are fetched through them where npm was told of no other.
    pub proxies: BTreeMap<String, String>,
    /// This very program, for `{loopwrightd}` in `app.toml`.
    pub own_exe: PathBuf,
}

impl Yard {
    pub fn project_dir(&self, project: &ProjectId) -> PathBuf {
        self.home.join("projects").join(project.as_str())
    }

    pub fn repo_dir(&self, project: &ProjectId) -> PathBuf {
        self.project_dir(project).join("repo.git")
    }

    pub fn worktree_dir(&self, project: &ProjectId, attempt: &AttemptId) -> PathBuf {
        self.worktrees_dir(project).join(attempt.as_str())
    }

    pub(crate) fn worktrees_dir(&self, project: &ProjectId) -> PathBuf {
        self.project_dir(project).join("worktrees")
    }

    /// Git's own folder of a worktree: its HEAD and index. The agent cannot write it.
    pub(crate) fn admin_dir(&self, project: &ProjectId, attempt: &AttemptId) -> PathBuf {
        self.repo_dir(project).join("worktrees").join(attempt.as_str())
    }

    pub(crate) fn git(&self, project: &ProjectId) -> Result<Git> {
        let dir = self.repo_dir(project);
        if !dir.join("HEAD").is_file() {
            return Err(Error::NoProject(project.clone()));
        }
        Ok(Git::bare(dir).env(WORK, &self.home))
    }
}

/// Long work on files, without holding up the others on this thread. Unlike work that is handed to another thread it is
/// not left alone half way when nobody waits for it any more.
pub(crate) fn in_place<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// Who may read what of a project where agents are users of their own: its repository and the list of its worktrees and
/// releases are ours; who knows the name of a folder in them can pass through.
pub(crate) fn guard(project: &Path) -> Result<()> {
    let passed =
        [project.to_owned(), project.join("worktrees"), project.join("releases")].map(|dir| (dir, 0o711));
    for (dir, mode) in passed.into_iter().chain([(project.join("repo.git"), 0o700)]) {
        match std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(mode)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(format!("set the mode of {}", dir.display()))(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Takes a folder and all in it away; one that is not there is fine. Links are removed, never followed.
pub(crate) fn remove_all(path: &Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io(format!("remove {}", path.display()))(error)),
    }
}

pub(crate) fn make_dir(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(Error::io(format!("make {}", path.display())))
}

pub(crate) fn write(path: &Path, data: impl AsRef<[u8]>) -> Result<()> {
    std::fs::write(path, data).map_err(Error::io(format!("write {}", path.display())))
}
