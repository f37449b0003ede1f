//! A worktree per attempt: made quickly, given to the agent's user, taken away again. Laid out aside as the daemon's
//! user and then moved into place, so that no process of an agent can put a link under git's feet while it writes.

use crate::deps;
use crate::error::{Error, Result};
use crate::git::{Git, rev};
use crate::hands::give;
use crate::leftovers::WORK;
use crate::yard::{Yard, in_place, make_dir, remove_all, write};
use protocol::{AttemptId, CommitId, ProjectId};
use std::path::{Path, PathBuf};

impl Yard {
    /// The attempt's worktree, made from `from` if it is not there yet: an existing one is left as it is.
    pub async fn worktree(
        &self,
        project: &ProjectId,
        attempt: &AttemptId,
        from: &CommitId,
    ) -> Result<PathBuf> {
        let path = self.worktree_dir(project, attempt);
        if path.join(".git").exists() && self.admin_dir(project, attempt).join("index").exists() {
            return Ok(path);
        }
        self.lay_out(project, attempt, from, Head::Branch).await
    }

    /// The worktree again from nothing, at `commit`: what the agent left beside it (ignored files, caches, other
    /// forbidden things) is gone. The attempt's branch stays where it is.
    pub async fn reset_worktree(
        &self,
        project: &ProjectId,
        attempt: &AttemptId,
        commit: &CommitId,
    ) -> Result<PathBuf> {
        self.lay_out(project, attempt, commit, Head::Detached).await
    }

    /// Takes the worktree away; its branch and commits stay: the journal names them, and their diffs can be asked for at
    /// any time. Without the branch they would still be here, since nothing is collected as garbage (`gc.auto=0`), but a
    /// person's own `git gc` would lose them. One that is not there is fine.
    pub async fn drop_worktree(&self, project: &ProjectId, attempt: &AttemptId) -> Result<()> {
        // Out of the way first: what is half removed is never found under its name.
        let path = self.worktree_dir(project, attempt);
        let aside = self.worktrees_dir(project).join(format!(".old-{attempt}"));
        in_place(|| remove_all(&aside))?;
        match std::fs::rename(&path, &aside) {
            Ok(()) => in_place(|| remove_all(&aside))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(format!("move {} away", path.display()))(error)),
        }
        remove_all(&self.admin_dir(project, attempt))
    }

    /// The attempts that have a worktree.
    pub fn worktrees(&self, project: &ProjectId) -> Result<Vec<AttemptId>> {
        let dir = self.worktrees_dir(project);
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io(format!("read {}", dir.display()))(error)),
        };
        // An id does not begin with a dot, so half-made and half-removed ones are no attempts.
        let ids =
            entries.flatten().filter_map(|entry| AttemptId::new(entry.file_name().into_string().ok()?).ok());
        Ok(ids.collect())
    }

    /// Drops every worktree but those of `keep`, and what an interrupted call left behind.
    pub async fn prune_worktrees(&self, project: &ProjectId, keep: &[AttemptId]) -> Result<()> {
        for attempt in self.worktrees(project)?.iter().filter(|attempt| !keep.contains(attempt)) {
            self.drop_worktree(project, attempt).await?;
        }
        let dir = self.worktrees_dir(project);
        for entry in std::fs::read_dir(&dir).map_err(Error::io(format!("read {}", dir.display())))?.flatten()
        {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                in_place(|| remove_all(&entry.path()))?;
            }
        }
        Ok(())
    }

    pub(crate) async fn lay_out(
        &self,
        project: &ProjectId,
        attempt: &AttemptId,
        at: &CommitId,
        head: Head,
    ) -> Result<PathBuf> {
        self.git(project)?;
        let path = self.worktree_dir(project, attempt);
        let fresh = self.worktrees_dir(project).join(format!(".new-{attempt}"));
        let old = self.worktrees_dir(project).join(format!(".old-{attempt}"));
        in_place(|| remove_all(&fresh).and_then(|()| remove_all(&old)))?;
        make_dir(&fresh)?;
        let admin = self.write_admin(project, attempt, at, head)?;
        let git = Git::with_work_tree(&admin, &fresh).env(WORK, &self.home);
        git.out(&["read-tree", "--reset", "-u", rev(at)?]).await?;
        write(&fresh.join(".git"), format!("gitdir: {}\n", admin.display()))?;
        deps::link(self, &fresh.join("app")).await?;
        if let Some(agent) = self.run_as_agent {
            // The guarded files stay ours; the agent may make files beside them, and the gate says what it thinks of it.
            in_place(|| give(&fresh.join("app"), agent))?;
            std::os::unix::fs::lchown(&fresh, Some(agent.uid), Some(agent.gid))
                .map_err(Error::io(format!("give {} to the agents' user", fresh.display())))?;
        }
        match std::fs::rename(&path, &old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(format!("move {} away", path.display()))(error));
            }
            _ => std::fs::rename(&fresh, &path)
                .map_err(Error::io(format!("move {} into place", path.display())))?,
        }
        in_place(|| remove_all(&old))?;
        Ok(path)
    }

    /// What `git worktree add` would write, without its processes.
    fn write_admin(
        &self,
        project: &ProjectId,
        attempt: &AttemptId,
        at: &CommitId,
        head: Head,
    ) -> Result<PathBuf> {
        let admin = self.admin_dir(project, attempt);
        let branch = format!("refs/heads/attempt/{attempt}");
        let reference = self.repo_dir(project).join(&branch);
        remove_all(&admin)?;
        make_dir(&admin)?;
        write(&admin.join("commondir"), "../..\n")?;
        write(
            &admin.join("gitdir"),
            format!("{}\n", self.worktree_dir(project, attempt).join(".git").display()),
        )?;
        match head {
            Head::Branch => {
                make_dir(reference.parent().unwrap_or(Path::new("")))?;
                write(&reference, format!("{}\n", rev(at)?))?;
                write(&admin.join("HEAD"), format!("ref: {branch}\n"))?;
            }
            Head::Detached => write(&admin.join("HEAD"), format!("{}\n", rev(at)?))?,
        }
        Ok(admin)
    }
}

pub(crate) enum Head {
    Branch,
    Detached,
}
