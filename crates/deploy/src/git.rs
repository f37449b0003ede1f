//! The git command line, hardened. Every call names its repository by `--git-dir`, so that nothing an agent wrote (a
//! worktree's `.git` file, a nested repository, an environment) decides what git reads. No hooks, no user or system
//! configuration, no prompt, no background work. Git filters and merge drivers need configuration, which only the
//! daemon's user can write: an agent's `.gitattributes` alone runs nothing.

use crate::error::{Error, Result};
use protocol::CommitId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Where programs of the system are looked for.
pub(crate) const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin";
pub(crate) const AUTHOR: &str = "Loopwright";
pub(crate) const EMAIL: &str = "loopwright@localhost";

const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.symlinks=true",
    "core.autocrlf=false",
    "core.quotePath=false",
    // A commit that a fact names must be on the disk before the fact is.
    "core.fsync=objects,reference",
    "core.fsyncMethod=batch",
    "safe.directory=*",
    "protocol.allow=never",
    "protocol.file.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
    "commit.gpgsign=false",
    "submodule.recurse=false",
    "diff.ignoreSubmodules=all",
];

/// One repository, or one worktree's part of it.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    dir: PathBuf,
    work_tree: Option<PathBuf>,
    env: Vec<(&'static str, OsString)>,
}

pub(crate) struct Said {
    pub code: Option<i32>,
    pub out: Vec<u8>,
    pub err: String,
}

impl Git {
    pub fn bare(dir: impl Into<PathBuf>) -> Git {
        Git { dir: dir.into(), work_tree: None, env: Vec::new() }
    }

    pub fn with_work_tree(dir: impl Into<PathBuf>, work_tree: &Path) -> Git {
        Git { dir: dir.into(), work_tree: Some(work_tree.to_owned()), env: Vec::new() }
    }

    pub fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Git {
        self.env.push((name, value.into()));
        self
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.env_clear().env("PATH", SYSTEM_PATH).env("HOME", "/nonexistent").env("LC_ALL", "C");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.env("GIT_ATTR_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0");
        command.env("GIT_NO_REPLACE_OBJECTS", "1").env("GIT_LITERAL_PATHSPECS", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), AUTHOR).env(format!("GIT_{role}_EMAIL"), EMAIL);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.arg("--git-dir").arg(&self.dir);
        if let Some(work_tree) = &self.work_tree {
            command.arg("--work-tree").arg(work_tree).args(["-c", "core.bare=false"]).current_dir(work_tree);
        } else {
            command.current_dir(&self.dir);
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Runs to the end, whatever the exit code.
    pub async fn run(&self, args: &[&str], input: Vec<u8>) -> Result<Said> {
        let what = || format!("run git {}", args.first().copied().unwrap_or_default());
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .spawn()
            .map_err(Error::io(format!("{} (is git installed?)", what())))?;
        let stdin = child.stdin.take();
        // Both ends at once, or a full pipe stops the two.
        let feed = async move {
            if let Some(mut stdin) = stdin
                && !input.is_empty()
            {
                // A git that ends early says why on stderr; the broken pipe says nothing more.
                let _ = stdin.write_all(&input).await;
            }
        };
        let (_, output) = tokio::join!(feed, child.wait_with_output());
        let output = output.map_err(Error::io(what()))?;
        Ok(Said {
            code: output.status.code(),
            out: output.stdout,
            err: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Runs with input; a non-zero exit is an error.
    pub async fn feed(&self, args: &[&str], input: Vec<u8>) -> Result<Vec<u8>> {
        let said = self.run(args, input).await?;
        match said.code {
            Some(0) => Ok(said.out),
            _ => Err(failed(args, &said)),
        }
    }

    pub async fn out(&self, args: &[&str]) -> Result<Vec<u8>> {
        self.feed(args, Vec::new()).await
    }

    /// The output's one line.
    pub async fn line(&self, args: &[&str]) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.out(args).await?).trim().to_owned())
    }

    pub async fn commit_of(&self, args: &[&str]) -> Result<CommitId> {
        commit_id(&self.line(args).await?)
    }
}

pub(crate) fn failed(args: &[&str], said: &Said) -> Error {
    let says = if said.err.is_empty() {
        format!("exit code {:?}", said.code)
    } else {
        said.err.chars().take(500).collect()
    };
    Error::Git { what: format!("run git {}", args.first().copied().unwrap_or_default()), says }
}

/// Takes git's word for a commit: 40 (or 64) hex digits.
pub(crate) fn commit_id(text: &str) -> Result<CommitId> {
    let text = text.trim();
    let hex = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let bad = || Error::Git { what: "read a commit".into(), says: text.chars().take(100).collect() };
    if !hex {
        return Err(bad());
    }
    CommitId::new(text).map_err(|_| bad())
}

/// Only full hashes go to git as a revision: no option, range or reflog can be slipped in.
pub(crate) fn rev(commit: &CommitId) -> Result<&str> {
    commit_id(commit.as_str()).map(|_| commit.as_str())
}

/// A path as git's fast-import takes it: quoted, so that any byte can be in it.
pub(crate) fn quoted(path: &[u8]) -> String {
    let mut out = String::with_capacity(path.len() + 2);
    out.push('"');
    for &byte in path {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            0x20..=0x7e => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\{byte:03o}")),
        }
    }
    out.push('"');
    out
}
