//! The place of one run: a home of its own, a small repository to work in, and the set-up that sends the agent to the
//! scripted service.

use super::case::BEFORE;
use agents::{Accounts, Leases, RunAs, Setup, StandIn};
use protocol::AgentId;
use rustix::fs::{CWD, FileType, Mode};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, Result};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use tokio::net::unix::pipe;
use tokio::process::Command;

pub struct Room {
    pub setup: Setup,
    pub tree: PathBuf,
    place: PathBuf,
}

impl Room {
    /// In the folder `place`, which must be new. Programs and user are those of `base`.
    pub async fn new(base: &Setup, agent: &AgentId, there: StandIn, place: &Path) -> Result<Room> {
        fs::create_dir_all(place)?;
        let place = place.canonicalize()?;
        let homes = place.join("homes");
        let home = homes.join(agent.as_str());
        let tree = place.join("tree");
        for folder in [&homes, &home, &tree, &place.join("run")] {
            fs::create_dir_all(folder)?;
        }
        for folder in [&place, &homes] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        }
        for (path, text) in &there.files {
            write(&home.join(path), text)?;
        }
        repository(&tree).await?;
        let pipe = place.join("running");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o666), 0)?;
        fs::set_permissions(&pipe, fs::Permissions::from_mode(0o666))?;
        if let Some(user) = base.run_as {
            give(&home, user)?;
            give(&tree, user)?;
        }
        let setup = Setup {
            homes: Some(homes),
            user_home: home,
            runtime: place.join("run"),
            env: BTreeMap::from([(agent.clone(), there.env)]),
            // The user's own accounts are left out of it, and each run has one of its own.
            accounts: Accounts::default(),
            leases: Leases::default(),
            ..base.clone()
        };
        Ok(Room { setup, tree, place })
    }

    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Comes back when a tool of the agent has said that it runs.
    pub async fn tool_runs(&self) -> Result<()> {
        // Open for both, so that it neither waits for a writer nor ends with the first one.
        let mut options = pipe::OpenOptions::new();
        let receiver = options.read_write(true).open_receiver(self.place.join("running"))?;
        receiver.readable().await
    }

    /// The files that differ from the first commit, by path.
    pub async fn changed(&self) -> Result<Vec<String>> {
        let text = git(&self.tree, &["status", "--porcelain", "--untracked-files=all", "--ignored"]).await?;
        Ok(text.lines().filter_map(|line| line.get(3..)).map(str::to_owned).collect())
    }
}

async fn repository(tree: &Path) -> Result<()> {
    write(&tree.join("AGENTS.md"), "# Rules\nWork in app/ only.\n")?;
    write(&tree.join("CLAUDE.md"), "@AGENTS.md\n")?;
    write(&tree.join(BEFORE.0), BEFORE.1)?;
    git(tree, &["init", "-q"]).await?;
    git(tree, &["add", "."]).await?;
    git(tree, &["commit", "-qm", "start"]).await.map(|_| ())
}

async fn git(tree: &Path, args: &[&str]) -> Result<String> {
    let settings = [
        "user.name=conformance",
        "user.email=conformance@localhost",
        "safe.directory=*",
        "core.hooksPath=/dev/null",
    ];
    let mut command = Command::new("git");
    for setting in settings {
        command.args(["-c", setting]);
    }
    let out = command.args(args).current_dir(tree).output().await?;
    if !out.status.success() {
        return Err(Error::other(format!(
            "git {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&out.stderr)
        )));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

/// The folder and all in it.
fn give(path: &Path, user: RunAs) -> Result<()> {
    chown(path, Some(user.uid), Some(user.gid))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}
