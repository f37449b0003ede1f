//! Projects, worktrees, the gate and the checks, through the public interface, on real repositories.
//! Tests that install packages are in modules that begin with `slow_`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod gate;
mod limits;
mod projects;
mod slow_react;
mod worktrees;

use deploy::{RunAs, Yard};
use protocol::{At, AttemptId, CommitId, ProjectId};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub struct Ground {
    pub yard: Yard,
    pub project: ProjectId,
    pub first: CommitId,
    pub dir: tempfile::TempDir,
}

pub const AT: At = At(1_790_000_000_000);

/// A home with one project. Run by root, agents are another user, as on a server.
pub async fn ground(starter: &str) -> Ground {
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o711)).unwrap();
    let root = rustix::process::geteuid().is_root();
    let yard = Yard {
        home: dir.path().to_owned(),
        node: std::env::var_os("LOOPWRIGHT_NODE").map(PathBuf::from),
        run_as_agent: root.then_some(RunAs { uid: 65534, gid: 65534 }),
        run_as_app: None,
        npm_cache: None,
        proxies: Default::default(),
        own_exe: "/bin/true".into(),
    };
    let project = ProjectId::new("bakery").unwrap();
    let first = yard.create_project(&project, "Bakery", starter, AT).await.unwrap();
    Ground { yard, project, first, dir }
}

pub fn attempt(name: &str) -> AttemptId {
    AttemptId::new(name).unwrap()
}

impl Ground {
    /// A worktree from the main branch with these files written into it.
    pub async fn worktree(&self, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        let head = self.yard.head(&self.project).await.unwrap();
        let root = self.yard.worktree(&self.project, &attempt(name), &head).await.unwrap();
        put(&root, files);
        root
    }

    pub async fn checkpoint(&self, name: &str) -> CommitId {
        self.yard.checkpoint(&self.project, &attempt(name), "work").await.unwrap().unwrap().0
    }

    pub async fn text(&self, at: &str, path: &str) -> Option<String> {
        let bytes = self.yard.read(&self.project, at, path).await.unwrap()?;
        Some(String::from_utf8(bytes).unwrap())
    }
}

pub fn put(root: &Path, files: &[(&str, &[u8])]) {
    for (path, data) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, data).unwrap();
    }
}
