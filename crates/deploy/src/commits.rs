//! Which commit stands where: the tip of an attempt, and what a change began from.

use crate::error::{Error, Result};
use crate::git::rev;
use crate::project::clean_path;
use crate::yard::Yard;
use protocol::{AttemptId, CommitId, ProjectId};

impl Yard {
    /// The last commit of an attempt's branch.
    pub async fn tip(&self, project: &ProjectId, attempt: &AttemptId) -> Result<CommitId> {
        self.branch(project, &format!("attempt/{attempt}")).await
    }

    /// Several files of one commit by one git process; `None` for one that is not there.
    pub async fn read_many(
        &self,
        project: &ProjectId,
        at: &CommitId,
        paths: &[&str],
    ) -> Result<Vec<Option<Vec<u8>>>> {
        let mut asked = String::new();
        for path in paths {
            asked.push_str(&format!("{}:{}\n", rev(at)?, clean_path(path)?));
        }
        let out = self.git(project)?.feed(&["cat-file", "--batch"], asked.into_bytes()).await?;
        let mut rest = out.as_slice();
        paths.iter().map(|path| next_file(&mut rest).ok_or_else(|| cut_short(path))).collect()
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

/// One answer of `git cat-file --batch`: a head line, then for a file its bytes and a line end. The outer `None` is an
/// answer that ends too early, the inner one a file that is not there.
fn next_file(rest: &mut &[u8]) -> Option<Option<Vec<u8>>> {
    let end = rest.iter().position(|b| *b == b'\n')?;
    let head = String::from_utf8_lossy(&rest[..end]).into_owned();
    *rest = &rest[end + 1..];
    if head.ends_with(" missing") {
        return Some(None);
    }
    let size: usize = head.rsplit(' ').next()?.parse().ok()?;
    let file = rest.get(..size)?.to_vec();
    *rest = rest.get(size + 1..)?;
    Some(Some(file))
}

fn cut_short(path: &str) -> Error {
    let says = format!("it ended before {path}");
    Error::Git { what: "read files of a commit".into(), says }
}
