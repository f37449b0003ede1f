//! Packages that nothing uses any more are taken away: a lockfile changes often, and each one's packages take hundreds
//! of megabytes.
//!
//! Who asks for packages touches their folder first and then looks whether it is still there; who takes them away moves
//! them aside first and then looks whether they were touched. Either sees the other.

use super::{lock, read_both};
use crate::error::{Error, Result};
use crate::hands;
use crate::starter::starters;
use crate::yard::Yard;
use protocol::ProjectId;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Packages that were asked for this lately stay: their link may not be there yet.
const LATELY: Duration = Duration::from_secs(60 * 60);

impl Yard {
    /// Removes the packages that no release, worktree, main branch or starter uses, and gives their keys. Where it cannot
    /// be told what is used, nothing is removed.
    pub async fn prune_deps(&self, now: SystemTime) -> Result<Vec<String>> {
        if self.node.is_none() {
            return Ok(Vec::new());
        }
        let deps = self.home.join("deps");
        let _held = lock(&deps).await?;
        let used = self.used_deps().await?;
        tokio::task::spawn_blocking(move || sweep(&deps, &used, now))
            .await
            .map_err(|error| Error::io("remove old packages")(std::io::Error::other(error)))?
    }

    async fn used_deps(&self) -> Result<BTreeSet<String>> {
        let mut used = BTreeSet::new();
        for starter in starters() {
            let file = |path| starter.file(path).map(<[u8]>::to_vec);
            if let (Some(package), Some(lock)) = (file("app/package.json"), file("app/package-lock.json")) {
                used.insert(self.wanted(package, lock).await?.key);
            }
        }
        for name in names(&self.home.join("projects"))? {
            let Ok(project) = ProjectId::new(name) else { continue };
            let main = self.head(&project).await?;
            let paths = ["app/package.json", "app/package-lock.json"];
            let mut files = self.read_many(&project, &main, &paths).await?.into_iter().flatten();
            if let (Some(package), Some(lock)) = (files.next(), files.next()) {
                used.insert(self.wanted(package, lock).await?.key);
            }
            for place in [self.project_dir(&project).join("releases"), self.worktrees_dir(&project)] {
                for name in names(&place)? {
                    used.extend(self.used_by(&place.join(name).join("app")).await?);
                }
            }
        }
        Ok(used)
    }

    /// What an app is linked to, and what it will be linked to at the next check.
    async fn used_by(&self, app: &Path) -> Result<Vec<String>> {
        let mut used: Vec<String> =
            std::fs::read_link(app.join("node_modules")).iter().filter_map(|link| key_of(link)).collect();
        let files = hands::open_dir(app).ok().and_then(|dir| read_both(&dir));
        if let Some((package, lock)) = files {
            used.push(self.wanted(package, lock).await?.key);
        }
        Ok(used)
    }
}

/// Whether packages are there; if they are, they stay for a while.
pub(super) fn is_ready(target: &Path) -> bool {
    if let Some(folder) = target.parent()
        && let Ok(folder) = File::open(folder)
    {
        // Another user's folder cannot be touched, and is not ours to take away either.
        let _ = folder.set_modified(SystemTime::now());
    }
    target.is_dir()
}

fn sweep(deps: &Path, used: &BTreeSet<String>, now: SystemTime) -> Result<Vec<String>> {
    let mut gone = Vec::new();
    for name in names(deps)? {
        let place = deps.join(&name);
        // What an install or a removal left half done; whoever does either holds the lock.
        if [".new-", ".gone-", ".scratch"].iter().any(|begin| name.starts_with(begin)) {
            hands::remove_closed(&place)?;
        } else if !name.starts_with('.') && !used.contains(&name) && !is_fresh(&place, now)? {
            let aside = deps.join(format!(".gone-{name}"));
            let moved = |from: &Path, to: &Path| {
                std::fs::rename(from, to).map_err(Error::io(format!("move {} away", from.display())))
            };
            moved(&place, &aside)?;
            if is_fresh(&aside, now)? {
                moved(&aside, &place)?;
            } else {
                hands::remove_closed(&aside)?;
                gone.push(name);
            }
        }
    }
    Ok(gone)
}

fn is_fresh(folder: &Path, now: SystemTime) -> Result<bool> {
    let made = std::fs::metadata(folder).and_then(|about| about.modified());
    let made = made.map_err(Error::io(format!("read {}", folder.display())))?;
    // One from the future is fresh as well.
    Ok(now.duration_since(made).is_ok_and(|age| age < LATELY) || made > now)
}

/// The key in a link to `HOME/deps/<key>/node_modules`.
fn key_of(link: &Path) -> Option<String> {
    Some(link.parent()?.file_name()?.to_str()?.to_owned())
}

fn names(folder: &Path) -> Result<Vec<String>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::io(format!("read {}", folder.display()))(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_or_was_asked_for_lately_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str| dir.path().join(name);
        let now = SystemTime::now();
        for name in ["used", "old", "touched", ".new-x", ".gone-y", ".npm"] {
            std::fs::create_dir_all(folder(name).join("node_modules/x")).unwrap();
            hands::close(&folder(name)).unwrap();
            File::open(folder(name)).unwrap().set_modified(now - 2 * LATELY).unwrap();
        }
        assert!(is_ready(&folder("touched").join("node_modules")));
        assert!(!is_ready(&folder("none").join("node_modules")));
        let used = BTreeSet::from(["used".to_owned()]);
        assert_eq!(sweep(dir.path(), &used, now).unwrap(), ["old"]);
        let mut left = names(dir.path()).unwrap();
        left.sort();
        assert_eq!(left, [".npm", "touched", "used"]);
    }
}
