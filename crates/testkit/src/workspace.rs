//! A throw-away home for a whole daemon, and what else a whole-system test puts beside it.
//!
//! The folder lies under `/var/tmp` with mode 0711, because agents may run as another user: they must pass through it but
//! not look around. Programs that such a user starts are copied here, since the build folder may be closed to it.
//! When it is dropped, every process that still stands in it or was started with it is killed.

use crate::acp::{self, Script};
use std::fs::{self, Permissions};
use std::io::{Error, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub struct Workspace {
    folder: TempDir,
}

impl Workspace {
    pub fn new() -> Result<Workspace> {
        let folder = tempfile::Builder::new().prefix("loopwright-").tempdir_in("/var/tmp")?;
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711))?;
        let workspace = Workspace { folder };
        workspace.open_folder("home", 0o711)?;
        Ok(workspace)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What the daemon gets as `--home`.
    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// `HOME/loopwright.toml`.
    pub fn settings(&self, toml: &str) -> Result<()> {
        fs::write(self.home().join("loopwright.toml"), toml)
    }

    /// A folder beside the home with this mode, made if it is not there.
    pub fn open_folder(&self, name: &str, mode: u32) -> Result<PathBuf> {
        let folder = self.path().join(name);
        fs::create_dir_all(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(mode))?;
        Ok(folder)
    }

    /// The scripted ACP agent with this script, as a command line for a setting or a profile. With `counted`, each prompt
    /// of a scene is one attempt further; else the brief decides.
    pub fn scripted_agent(&self, script: &Script, counted: bool) -> Result<Vec<String>> {
        let program = self.copy_program(&built("scripted-acp-agent")?)?;
        let scenario = self.path().join("script.json");
        script.write(&scenario)?;
        fs::set_permissions(&scenario, Permissions::from_mode(0o644))?;
        let state = if counted { Some(self.open_folder("attempts", 0o777)?) } else { None };
        Ok(acp::command_line(&program, &scenario, state.as_deref()))
    }

    /// A copy of a program that every user may run.
    pub fn copy_program(&self, program: &Path) -> Result<PathBuf> {
        let name = program.file_name().ok_or_else(|| Error::other("not a program"))?;
        let copy = self.open_folder("bin", 0o755)?.join(name);
        // Not over one that runs.
        let fresh = copy.with_extension("fresh");
        fs::copy(program, &fresh)?;
        fs::set_permissions(&fresh, Permissions::from_mode(0o755))?;
        fs::rename(&fresh, &copy)?;
        Ok(copy)
    }

    /// Kills every process that stands in this folder or names it on its command line, and tells how many there were.
    pub fn sweep(&self) -> usize {
        let own = std::process::id();
        let here = self.path().as_os_str().as_encoded_bytes();
        let mut killed = 0;
        for pid in numbers_of_processes().into_iter().filter(|pid| *pid != own) {
            let process = PathBuf::from(format!("/proc/{pid}"));
            let named = fs::read(process.join("cmdline")).is_ok_and(|line| contains(&line, here));
            let stands = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(self.path()));
            if named || stands {
                killed += usize::from(kill(pid));
            }
        }
        killed
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // A process may start another one while it is being swept.
        for _ in 0..10 {
            if self.sweep() == 0 {
                break;
            }
        }
    }
}

/// A program of this workspace as it was built with the tests: beside the test program, one folder up.
pub fn built(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folders = test.ancestors().skip(1).take(2);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        Error::other(format!("{name} is not built beside {}; run `cargo build --workspace`", test.display()))
    })
}

fn numbers_of_processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}

fn kill(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn what_stands_in_the_workspace_is_swept() {
        let workspace = Workspace::new().unwrap();
        let mut sleep = Command::new("setsid")
            .args(["sleep", "600"])
            .current_dir(workspace.home())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        drop(workspace);
        assert!(!sleep.wait().unwrap().success());
    }

    #[test]
    fn others_may_pass_through_but_not_look_around() {
        let workspace = Workspace::new().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(workspace.path()), mode(&workspace.home())), (0o711, 0o711));
    }
}
