//! A checkpoint: what is in the worktree becomes a commit on the attempt's branch, made by us. Forbidden things are in
//! it too, so that the gate sees them.

use crate::error::{Error, Result};
use crate::git::Git;
use crate::project::{Change, What, import, numstat};
use crate::snapshot::{self, Found, Known};
use crate::yard::Yard;
use protocol::fact::DiffStat;
use protocol::{AttemptId, CommitId, ProjectId, clean};
use std::collections::BTreeMap;

impl Yard {
    /// Commits all changes since the last checkpoint; none if nothing changed. The size is that of this checkpoint
    /// alone; [`Yard::diffstat`] from the attempt's base gives the whole.
    pub async fn checkpoint(
        &self,
        project: &ProjectId,
        attempt: &AttemptId,
        message: &str,
    ) -> Result<Option<(CommitId, DiffStat)>> {
        let git = self.git(project)?;
        let head = self.branch(project, &format!("attempt/{attempt}")).await?;
        let known = tree(&git, &head).await?;
        let root = self.worktree_dir(project, attempt);
        let known_paths: Vec<Vec<u8>> = known.keys().cloned().collect();
        let marks = known.clone();
        let found = tokio::task::spawn_blocking(move || snapshot::take(&root, &known))
            .await
            .map_err(|error| Error::io("read the worktree")(std::io::Error::other(error)))??;
        let objects: BTreeMap<&[u8], String> = found
            .iter()
            .filter_map(|(path, found)| match found {
                Found::Marked(mark) => Some((path.as_slice(), mark.object())),
                Found::Unchanged | Found::Content { .. } => None,
            })
            .collect();
        let mut changes = Vec::new();
        for (path, found) in &found {
            match found {
                Found::Unchanged => {}
                Found::Content { mode, data } => {
                    changes.push(Change { path, what: What::Put { mode, data } })
                }
                Found::Marked(_) => {
                    if let Some(object) = objects.get(path.as_slice())
                        && marks.get(path).is_none_or(|known| known.object != *object)
                    {
                        changes.push(Change { path, what: What::Point { mode: "160000", object } });
                    }
                }
            }
        }
        let cut = snapshot::is_cut(&found);
        let gone = known_paths.iter().filter(|path| !cut && !found.contains_key(*path));
        changes.extend(gone.map(|path| Change { path, what: What::Remove }));
        if changes.is_empty() {
            return Ok(None);
        }
        let message = clean::line(message, 200);
        let branch = format!("refs/heads/attempt/{attempt}");
        let commit = import(&git, &branch, Some(&head), &message, "now", &changes).await?;
        let stat = numstat(&git, &head, &commit).await?;
        Ok(Some((commit, stat)))
    }
}

/// All files of a commit.
pub(crate) async fn tree(git: &Git, commit: &CommitId) -> Result<BTreeMap<Vec<u8>, Known>> {
    let out = git.out(&["ls-tree", "-r", "-z", "--full-tree", crate::git::rev(commit)?]).await?;
    let mut tree = BTreeMap::new();
    for line in out.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { continue };
        let (meta, path) = (String::from_utf8_lossy(&line[..tab]), &line[tab + 1..]);
        let mut words = meta.split(' ');
        if let (Some(mode), _, Some(object)) = (words.next(), words.next(), words.next()) {
            tree.insert(path.to_vec(), Known { mode: mode.to_owned(), object: object.to_owned() });
        }
    }
    Ok(tree)
}
