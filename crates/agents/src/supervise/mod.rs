//! An agent's process tree: started behind walls, ended as a whole, found again after a crash of ours.
//!
//! The walls, where the machine has them: a cgroup of its own, another user, no new privileges, death with its parent.
//! After [`Tree::end`] nothing of the tree lives, whatever it did to get away.

mod cgroup;
mod growth;
mod limits;
mod proc;
mod record;
mod spawner;
mod sweep;

use crate::Setup;
use crate::launch::{self, Launch};
pub(crate) use growth::Gauge;
use limits::Groups;
pub(crate) use limits::{Limits, machine_memory};
use protocol::AttemptId;
use record::Record;
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use sweep::Target;
use tokio::process::{Child, Command};

/// How long the kernel is given to let killed processes go.
const PATIENCE: Duration = Duration::from_millis(1500);

/// A running process tree.
pub(crate) struct Tree {
    pub child: Child,
    id: String,
    runtime: PathBuf,
    pid: i32,
    groups: Groups,
    over: bool,
}

/// How to wall a tree in; everything by default.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walls {
    pub cgroup: bool,
    /// What it may use of the machine.
    pub limits: Option<Limits>,
}

impl Default for Walls {
    fn default() -> Self {
        Self { cgroup: true, limits: None }
    }
}

impl Tree {
    /// Starts a program as a tree of its own. All three standard streams are pipes.
    pub async fn start(
        setup: &Setup,
        id: &str,
        launch: Launch,
        cwd: &Path,
        walls: Walls,
    ) -> io::Result<Tree> {
        Self::start_on(setup, id, launch, cwd, walls, None).await
    }

    /// The same with all three streams on a terminal, where one is given.
    pub async fn start_on(
        setup: &Setup,
        id: &str,
        launch: Launch,
        cwd: &Path,
        walls: Walls,
        terminal: Option<&OwnedFd>,
    ) -> io::Result<Tree> {
        let groups = if walls.cgroup && can_enter(setup) {
            Groups::make(&group_name(setup, id), walls.limits)
        } else {
            Groups::default()
        };
        let runtime = setup.runtime.clone();
        record(&groups, None).write(&runtime, id)?;
        let mut command = command(setup, id, launch, cwd, walls.limits, &groups);
        if let Some(terminal) = terminal {
            command.stdin(terminal.try_clone()?).stdout(terminal.try_clone()?).stderr(terminal.try_clone()?);
        }
        let spawned = spawner::spawn(command).await.and_then(|child| match child.id() {
            Some(pid) => Ok((child, pid.cast_signed())),
            None => Err(io::Error::other("the process ended before it began")),
        });
        let (child, pid) = match spawned {
            Ok(spawned) => spawned,
            Err(error) => {
                clean(&runtime, id, &groups.all());
                return Err(error);
            }
        };
        record(&groups, Some(pid)).write(&runtime, id)?;
        Ok(Tree { child, id: id.to_owned(), runtime, pid, groups, over: false })
    }

    /// Tells which limit it has run into so far. It reads files: not for the loop.
    pub fn watch(&self) -> impl Fn() -> Option<String> + Clone + Send + 'static {
        let groups = self.groups.clone();
        move || groups.hit()
    }

    /// Gives the first process `grace` to leave by itself (its standard input must be closed), then kills the tree.
    pub async fn end(mut self, grace: Duration) -> io::Result<Option<ExitStatus>> {
        // A status that cannot be had is no reason not to kill.
        let left = tokio::time::timeout(grace, self.child.wait()).await.ok().and_then(Result::ok);
        let (id, pid, cgroup) = (self.id.clone(), self.pid, self.groups.tree.clone());
        let killed = tokio::task::spawn_blocking(move || {
            sweep::kill(Target { mark: &id, root: Some(pid), cgroup: cgroup.as_deref() }, PATIENCE)
        });
        killed.await.map_err(io::Error::other)??;
        let status = match left {
            Some(status) => Some(status),
            None => tokio::time::timeout(PATIENCE, self.child.wait()).await.ok().and_then(Result::ok),
        };
        self.over = true;
        let (runtime, id, groups) = (self.runtime.clone(), self.id.clone(), self.groups.clone());
        let cleaned = tokio::task::spawn_blocking(move || clean(&runtime, &id, &groups.all()));
        cleaned.await.map_err(io::Error::other)?;
        Ok(status)
    }
}

impl Drop for Tree {
    /// A run whose task was dropped leaves nothing behind either.
    fn drop(&mut self) {
        if !self.over {
            let cgroup = self.groups.tree.as_deref();
            let target = Target { mark: &self.id, root: Some(self.pid), cgroup };
            if sweep::kill(target, PATIENCE).is_ok() {
                clean(&self.runtime, &self.id, &self.groups.all());
            }
        }
    }
}

/// After a restart of the daemon: kills what an attempt left, and returns when nothing of it lives.
pub fn kill_leftovers(setup: &Setup, attempt: &AttemptId) -> io::Result<()> {
    let id = attempt.as_str();
    let record = Record::read(&setup.runtime, id);
    let cgroup = record.as_ref().and_then(|record| record.cgroup.clone());
    let same = |record: &Record| {
        let pid = record.pid?;
        // The number may belong to another process by now.
        (record.start.is_some() && proc::start_of(pid) == record.start).then_some(pid)
    };
    let root = record.as_ref().and_then(same);
    sweep::kill(Target { mark: id, root, cgroup: cgroup.as_deref() }, PATIENCE)?;
    let limits = record.map(|record| record.limits).unwrap_or_default();
    let groups: Vec<&Path> = cgroup.iter().chain(&limits).map(PathBuf::as_path).collect();
    clean(&setup.runtime, id, &groups);
    Ok(())
}

/// Whether there is a record of a tree of this name: it runs, or was running when the daemon died.
pub(crate) fn is_recorded(setup: &Setup, id: &str) -> bool {
    Record::read(&setup.runtime, id).is_some()
}

/// Called once by the daemon where it may be the first process of a container: orphans come to it, so that a run's end
/// can take their exit status. Elsewhere the system does that.
#[cfg(target_os = "linux")]
pub fn adopt_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Other systems have no such thing.
#[cfg(not(target_os = "linux"))]
pub fn adopt_orphans() -> io::Result<()> {
    Ok(())
}

/// Another daemon on this machine may have given an attempt the same name.
fn group_name(setup: &Setup, id: &str) -> String {
    let mut hasher = DefaultHasher::new();
    setup.runtime.hash(&mut hasher);
    format!("{id}-{:08x}", hasher.finish() & 0xffff_ffff)
}

fn record(groups: &Groups, pid: Option<i32>) -> Record {
    let limits = groups.all().into_iter().filter(|group| Some(*group) != groups.tree.as_deref());
    Record {
        pid,
        start: pid.and_then(proc::start_of),
        cgroup: groups.tree.clone(),
        limits: limits.map(Path::to_owned).collect(),
    }
}

fn clean(runtime: &Path, id: &str, groups: &[&Path]) {
    for group in groups {
        cgroup::remove(group);
    }
    // The record of what could not be removed stays, so that the next start of the daemon tries again.
    if remove(&runtime.join("tmp").join(id)) {
        let _ = Record::remove(runtime, id);
    }
}

/// True when it is gone. By rm(1): the library's own way uses the stack and an open file for each level, and an agent may
/// have nested folders by the thousand.
fn remove(folder: &Path) -> bool {
    let rm =
        std::process::Command::new("/bin/rm").args(["-rf", "--"]).arg(folder).stderr(Stdio::null()).status();
    rm.is_ok_and(|status| status.success())
}

/// A cgroup is entered by the child itself before it becomes another user; that needs setpriv(1) when a user is set.
fn can_enter(setup: &Setup) -> bool {
    setup.run_as.is_none() || setpriv().is_some()
}

fn setpriv() -> Option<&'static Path> {
    tool("/usr/bin/setpriv")
}

fn tool(path: &'static str) -> Option<&'static Path> {
    (cfg!(target_os = "linux") && Path::new(path).exists()).then_some(Path::new(path))
}

/// `setsid` takes it away from the terminal that the daemon was perhaps started in, `sh` joins the groups, `prlimit` sets
/// what no group limits, `setpriv` drops what can be dropped, and each replaces itself by the next: one process in the end.
fn command(
    setup: &Setup,
    id: &str,
    launch: Launch,
    cwd: &Path,
    limits: Option<Limits>,
    groups: &Groups,
) -> Command {
    let mut argv: Vec<OsString> = Vec::new();
    let setsid = tool("/usr/bin/setsid");
    argv.extend(setsid.map(OsString::from));
    for group in groups.all() {
        argv.extend(["/bin/sh", "-c", r#"echo $$ > "$0"/cgroup.procs; exec "$@""#].map(OsString::from));
        argv.push(group.into());
    }
    if let Some(limits) = limits {
        argv.extend(limits::inherited(limits, groups, setup.run_as.map(|user| user.uid)));
    }
    let setpriv = setpriv();
    if let Some(setpriv) = setpriv {
        argv.push(setpriv.into());
        if let Some(user) = setup.run_as {
            argv.push(format!("--reuid={}", user.uid).into());
            argv.push(format!("--regid={}", user.gid).into());
            argv.push("--clear-groups".into());
        }
        argv.extend(["--no-new-privs", "--pdeathsig=KILL", "--"].map(OsString::from));
    }
    argv.extend(launch.argv);
    let mut words = argv.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command
        .args(words)
        .current_dir(cwd)
        .env_clear()
        .envs(launch.env)
        .env(sweep::MARK, id)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if setsid.is_none() {
        // The leader of a group cannot become a session's without another process.
        command.process_group(0);
    }
    if let (None, Some(user)) = (setpriv, setup.run_as) {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

/// The folders of a run: its temporary one, and the agent's home.
pub(crate) fn prepare(setup: &Setup, profile: &crate::Profile, id: &str) -> io::Result<PathBuf> {
    launch::ensure_home(setup, profile)?;
    launch::temporary(setup, id)
}

#[cfg(test)]
mod tests;
