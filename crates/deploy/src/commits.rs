//! Which commit stands where: the tip of an attempt, and what a change began from.

use crate::error::Result;
use crate::git::rev;
use crate::yard::Yard;
use protocol::{AttemptId, CommitId, ProjectId};

impl Yard {
    /// The last commit of an attempt's branch.
    pub async fn tip(&self, project: &ProjectId, attempt: &AttemptId) -> Result<CommitId> {
        self.branch(project, &format!("attempt/{attempt}")).await
    }

    /// The commit that this one was made on.
    pub async fn parent(&self, project: &ProjectId, commit: &CommitId) -> Result<CommitId> {
        let parent = format!("{}^", rev(commit)?);
        self.git(project)?.commit_of(&["rev-parse", "--verify", &parent]).await
    }

    /// Where the work at `commit` left the main branch.
    pub async fn merge_base(&self, project: &ProjectId, commit: &CommitId) -> Result<CommitId> {
        self.git(project)?.commit_of(&["merge-base", "refs/heads/main", rev(commit)?]).await
    }
}
