//! A bench: a worktree that several attempts at one task work in, one after the other. The next one goes on from what the
//! one before left, and nothing that was committed on the way is lost.

use crate::error::{Error, Result};
use crate::git::{Git, commit_id, failed, rev};
use crate::worktree::Head;
use crate::yard::{Yard, make_dir, write};
use protocol::{AttemptId, CommitId, ProjectId};
use std::path::{Path, PathBuf};

impl Yard {
    /// The worktree of `bench` for the next attempt, which begins at `from`. One that stands there, or further on, is left
    /// as it is, with files that no commit has; any other is made anew. Only for when nothing runs in it any more.
    pub async fn bench(&self, project: &ProjectId, bench: &AttemptId, from: &CommitId) -> Result<PathBuf> {
        let git = self.git(project)?;
        let path = self.worktree_dir(project, bench);
        let admin = self.admin_dir(project, bench);
        let tip = self.tip(project, bench).await.ok();
        if let Some(tip) = tip.as_ref().filter(|tip| *tip != from) {
            self.keep(project, tip)?;
        }
        let there = path.join(".git").exists() && admin.join("index").exists();
        let stands = if there { stands_at(&admin)?.or(tip) } else { None };
        let goes_on = match stands {
            Some(at) if at == *from => true,
            Some(at) => is_ancestor(&git, from, &at).await?,
            None => false,
        };
        if !goes_on {
            return self.lay_out(project, bench, from, Head::Branch).await;
        }
        let branch = format!("refs/heads/attempt/{bench}");
        write(&self.repo_dir(project).join(&branch), format!("{}\n", rev(from)?))?;
        write(&admin.join("HEAD"), format!("ref: {branch}\n"))?;
        // What was built here before is not what the next attempt leaves.
        match std::fs::remove_file(admin.join(crate::check::BUILT)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("forget what was built")(error))
            }
            Ok(()) | Err(_) => Ok(path),
        }
    }

    /// A commit that no branch will hold any more stays: the journal names it. Without this, a person's own `git gc`
    /// would lose it.
    pub(crate) fn keep(&self, project: &ProjectId, commit: &CommitId) -> Result<()> {
        let kept = self.repo_dir(project).join("refs/loopwright/kept");
        make_dir(&kept)?;
        let hex = rev(commit)?;
        write(&kept.join(hex), format!("{hex}\n"))
    }
}

/// The commit that a worktree stands at while it is on no branch.
fn stands_at(admin: &Path) -> Result<Option<CommitId>> {
    let head = admin.join("HEAD");
    let text = std::fs::read_to_string(&head).map_err(Error::io(format!("read {}", head.display())))?;
    if text.starts_with("ref:") { Ok(None) } else { commit_id(&text).map(Some) }
}

async fn is_ancestor(git: &Git, old: &CommitId, new: &CommitId) -> Result<bool> {
    let said = git.run(&["merge-base", "--is-ancestor", rev(old)?, rev(new)?], Vec::new()).await?;
    match said.code {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(failed(&["merge-base"], &said)),
    }
}
