//! The home folder: where everything of one workspace lies, and who may read what.

use anyhow::{Context, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Room for `/<release>.sock` behind the folder of the apps' sockets.
const RELEASE_NAME: usize = 50;
/// Longest path that fits a unix socket address on every system that we run on.
const SOCKET_PATH_MAX: usize = 100;

#[derive(Debug, Clone)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Makes the folder and its parts if they are missing. The root can be passed through by other users (an agent has
    /// its worktree below it), what is in it is ours.
    pub fn prepare(root: &Path) -> Result<Self> {
        let home = Self::at(root)?;
        for (dir, mode) in [
            (home.root.clone(), 0o711),
            (home.projects(), 0o711),
            (home.run(), 0o711),
            (home.agents(), 0o711),
            (home.deps(), 0o755),
            (home.secrets(), 0o700),
            (home.memory(), 0o700),
        ] {
            std::fs::create_dir_all(&dir).with_context(|| format!("failed to make {}", dir.display()))?;
            std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(mode))
                .with_context(|| format!("failed to set the mode of {}", dir.display()))?;
        }
        // Keys lie in the one, and who can open the other could hold it; an agent knows both their names.
        for file in [home.settings(), home.lock(), home.bridge_token(), home.memory_key()] {
            close(&file)?;
        }
        Ok(home)
    }

    /// The same without making anything: for the command line.
    pub fn at(root: &Path) -> Result<Self> {
        let root =
            std::path::absolute(root).with_context(|| format!("failed to resolve {}", root.display()))?;
        Ok(Self { root })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.db")
    }
    pub fn memory(&self) -> PathBuf {
        self.root.join("memory")
    }
    /// The embedding models that were fetched.
    pub fn models(&self) -> PathBuf {
        self.root.join("models")
    }
    /// A second memory, while it is compared with the first.
    pub fn memory_beside(&self) -> PathBuf {
        self.root.join("memory.beside")
    }
    /// What held the notes in earlier versions.
    pub fn memory_before(&self) -> [PathBuf; 3] {
        ["memory.db", "memory.db-wal", "memory.db-shm"].map(|file| self.root.join(file))
    }
    pub fn settings(&self) -> PathBuf {
        self.root.join("loopwright.toml")
    }
    pub fn projects(&self) -> PathBuf {
        self.root.join("projects")
    }
    pub fn deps(&self) -> PathBuf {
        self.root.join("deps")
    }
    pub fn agents(&self) -> PathBuf {
        self.root.join("agents")
    }
    /// Programs that belong to this workspace; a link where the daemon was told of another folder.
    pub fn tools(&self) -> PathBuf {
        self.root.join("tools")
    }
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }
    pub fn sessions(&self) -> PathBuf {
        self.run().join("sessions.json")
    }
    /// The keys that the user gave for agents.
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }
    /// What MCP clients show at the bridges.
    pub fn bridge_token(&self) -> PathBuf {
        self.root.join("bridge.token")
    }
    /// What clients of the memory show.
    pub fn memory_key(&self) -> PathBuf {
        self.root.join("memory.key")
    }
    pub fn lock(&self) -> PathBuf {
        self.run().join("daemon.lock")
    }
    pub fn edge_log(&self) -> PathBuf {
        self.run().join("edge.log")
    }
    /// The control socket. A home with a long path gets a socket in a private folder under the temp folder, named by
    /// the home, since a socket's path has a hard limit.
    pub fn control(&self) -> PathBuf {
        self.socket("control.sock")
    }
    pub fn edge_control(&self) -> PathBuf {
        self.socket("edge.sock")
    }
    /// A folder for the sockets of the live apps, short enough for a release's name.
    pub fn app_sockets(&self) -> PathBuf {
        let plain = self.run().join("app");
        if plain.as_os_str().len() + RELEASE_NAME <= SOCKET_PATH_MAX {
            plain
        } else {
            self.short_run().join("app")
        }
    }

    fn socket(&self, name: &str) -> PathBuf {
        let plain = self.run().join(name);
        if plain.as_os_str().len() <= SOCKET_PATH_MAX { plain } else { self.short_run().join(name) }
    }

    fn short_run(&self) -> PathBuf {
        let uid = rustix::process::geteuid().as_raw();
        let name = blake3::hash(self.root.as_os_str().as_encoded_bytes()).to_hex();
        PathBuf::from(format!("/tmp/loopwright-{uid}-{}", name.get(..12).unwrap_or("home")))
    }

    /// Makes the folder of the short sockets, if this home needs it: ours alone, or it is refused. The folder of the
    /// apps' sockets is made by the edge, for the apps' user.
    pub fn prepare_sockets(&self) -> Result<()> {
        if self.app_sockets().starts_with(&self.root) && self.control().starts_with(&self.root) {
            return Ok(());
        }
        let dir = self.short_run();
        std::fs::create_dir_all(&dir).with_context(|| format!("failed to make {}", dir.display()))?;
        let meta = std::fs::symlink_metadata(&dir)?;
        use std::os::unix::fs::MetadataExt;
        anyhow::ensure!(
            meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw(),
            "{} belongs to somebody else; remove it, or choose a --home with a shorter path",
            dir.display()
        );
        std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o711))?;
        Ok(())
    }
}

/// Takes a file away from everybody else, if it is there.
fn close(file: &Path) -> Result<()> {
    let failed = || format!("failed to set the mode of {}", file.display());
    match std::fs::metadata(file) {
        Ok(meta) if meta.permissions().mode() & 0o077 == 0 => Ok(()),
        Ok(_) => std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).with_context(failed),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e).with_context(failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_keys_is_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::prepare(dir.path()).unwrap();
        for file in [home.settings(), home.lock(), home.bridge_token(), home.memory_key()] {
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        Home::prepare(dir.path()).unwrap();
        for file in [home.settings(), home.lock(), home.bridge_token(), home.memory_key()] {
            assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
