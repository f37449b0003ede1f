//! One release's process: started, watched, restarted after a crash while it serves, and ended with all that it started.

use super::state::SavedProcess;
use super::{EdgeConfig, Phase, ReleaseSpec};
use crate::RunAs;
use crate::process::{self, CappedLog, Ending, LogPump};
use crate::relay::Peer;
use protocol::id::ReleaseId;
use rustix::process::Signal;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::process::Child;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Where a release's requests go, and how many are on their way.
#[derive(Debug)]
pub(super) struct Upstream {
    pub peer: Peer,
    /// One token per request or tunnel; closed while draining.
    pub in_flight: TaskTracker,
    /// How the process is.
    pub view: watch::Receiver<View>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub phase: Phase,
    pub process: Option<SavedProcess>,
    pub restarts: u32,
    pub says: Option<String>,
}

/// A release that has, or had, a process.
#[derive(Debug)]
pub(super) struct Running {
    pub spec: ReleaseSpec,
    pub port: Option<u16>,
    pub upstream: Arc<Upstream>,
    pub view: watch::Sender<View>,
    stop: CancellationToken,
    ended: CancellationToken,
}

impl Running {
    /// Starts keeping the release. `found`: its process from before the edge's own restart. `changed` is told when its
    /// process is another one.
    pub(super) fn start(
        spec: ReleaseSpec,
        port: Option<u16>,
        phase: Phase,
        found: Option<SavedProcess>,
        config: &Arc<EdgeConfig>,
        changed: Arc<Notify>,
    ) -> io::Result<Arc<Running>> {
        let port = match (&spec.socket, port) {
            (Some(_), _) => None,
            (None, Some(port)) => Some(port),
            (None, None) => Some(process::free_port()?),
        };
        let peer = match (&spec.socket, port) {
            (Some(path), _) => Peer::Unix { path: path.clone(), owner: owner_of(spec.run_as) },
            (None, port) => Peer::Tcp(SocketAddr::from(([127, 0, 0, 1], port.unwrap_or_default()))),
        };
        let (view, seen) = watch::channel(View { phase, process: None, restarts: 0, says: None });
        let running = Arc::new(Running {
            upstream: Arc::new(Upstream { peer, in_flight: TaskTracker::new(), view: seen }),
            spec,
            port,
            view,
            stop: CancellationToken::new(),
            ended: CancellationToken::new(),
        });
        tokio::spawn(keep(running.clone(), found, config.clone(), changed));
        Ok(running)
    }

    pub(super) fn phase(&self) -> Phase {
        self.view.borrow().phase
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        self.view.send_if_modified(|view| std::mem::replace(&mut view.phase, phase) != phase);
    }

    /// Asks for its end: SIGTERM, grace, SIGKILL of the group.
    pub(super) fn stop(&self) {
        self.set_phase(Phase::Stopping);
        self.stop.cancel();
    }

    /// Returns when no process of it is left.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

fn owner_of(run_as: Option<RunAs>) -> u32 {
    run_as.map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid)
}

const MARKER: &str = "LOOPWRIGHT_RELEASE";

/// What a process of `release` carries in its environment, and no other: not even one of a release of the same name under
/// another edge of this machine.
fn marker_of(release: &ReleaseId, config: &EdgeConfig) -> String {
    format!("{release}@{}", config.state.display())
}

/// Kills what is left of a release, such as what has moved out of its process group.
pub(super) async fn sweep(release: &ReleaseId, config: &EdgeConfig) {
    process::sweep(&format!("{MARKER}={}", marker_of(release, config))).await;
}

struct Life {
    ending: Ending,
    /// None: found alive by a restarted edge, so not our child.
    child: Option<Child>,
    pump: Option<LogPump>,
}

async fn keep(
    running: Arc<Running>,
    mut found: Option<SavedProcess>,
    config: Arc<EdgeConfig>,
    changed: Arc<Notify>,
) {
    let _ended = running.ended.clone().drop_guard();
    let mut crashes = VecDeque::new();
    loop {
        let life = match alive(&running, found.take(), &config).await {
            Ok(life) => life,
            Err(cause) => return fail(&running, format!("could not be started: {cause}"), &changed),
        };
        let process = SavedProcess { pid: life.ending.pid, started: life.ending.started };
        running.view.send_modify(|view| view.process = Some(process));
        changed.notify_one();
        let how = watch_over(life, &running, &config).await;
        running.view.send_modify(|view| view.process = None);
        if running.stop.is_cancelled() {
            return;
        }
        match running.phase() {
            Phase::Live => {}
            Phase::Draining => return running.set_phase(Phase::Stopping),
            Phase::Starting | Phase::Healthy | Phase::Stopping | Phase::Failed => {
                let says = format!("{how} before it was live{}", last_words(&running, &config));
                return fail(&running, says, &changed);
            }
        }
        crashes.push_back(Instant::now());
        crashes.retain(|at: &Instant| at.elapsed() <= config.limits.crash_window);
        if crashes.len() > config.limits.crashes {
            let within = config.limits.crash_window.as_secs();
            let times = crashes.len();
            let says = format!(
                "{how}; crashed {times} times within {within} s, stays down{}",
                last_words(&running, &config)
            );
            return fail(&running, says, &changed);
        }
        let doubled = u32::try_from(crashes.len() - 1).unwrap_or(u32::MAX).min(6);
        tracing::warn!(release = %running.spec.release, %how, "a live release crashed, starting it again");
        running.view.send_modify(|view| {
            view.restarts += 1;
            view.says = Some(format!("{how}; started again"));
        });
        tokio::select! {
            () = tokio::time::sleep(config.limits.backoff * 2_u32.pow(doubled)) => {}
            () = running.stop.cancelled() => return,
        }
    }
}

/// The process that was found, if it still lives, else a new one.
async fn alive(running: &Running, found: Option<SavedProcess>, config: &EdgeConfig) -> io::Result<Life> {
    if let Some(process) = found {
        match find(running, process, config) {
            Ok(life) => return Ok(life),
            Err(cause) => {
                tracing::info!(release = %running.spec.release, %cause, "not found alive, starting it again");
            }
        }
    }
    begin(running, config).await
}

fn fail(running: &Running, says: String, changed: &Notify) {
    tracing::warn!(release = %running.spec.release, %says, "a release is down");
    running.view.send_modify(|view| {
        view.phase = Phase::Failed;
        view.process = None;
        view.says = Some(says);
    });
    changed.notify_one();
}

fn last_words(running: &Running, config: &EdgeConfig) -> String {
    match process::tail(&log_path(config, &running.spec), 10) {
        words if words.is_empty() => String::new(),
        words => format!(":\n{words}"),
    }
}

/// Waits for the process's end, or brings it about when asked to stop. Says how it ended.
async fn watch_over(mut life: Life, running: &Running, config: &EdgeConfig) -> String {
    tokio::select! {
        _ = life.ending.wait() => {}
        () = running.stop.cancelled() => {
            life.ending.signal_group(Signal::TERM);
            let _ = tokio::time::timeout(config.limits.grace, life.ending.wait()).await;
        }
    }
    // Not reaped yet, so the group's number is still its own.
    life.ending.signal_group(Signal::KILL);
    let how = match life.child.as_mut() {
        Some(child) => {
            child.wait().await.map_or_else(|cause| cause.to_string(), |status| format!("ended with {status}"))
        }
        None => "ended".to_owned(),
    };
    sweep(&running.spec.release, config).await;
    if let Some(pump) = life.pump {
        pump.finish().await;
    }
    how
}

fn log_path(config: &EdgeConfig, spec: &ReleaseSpec) -> PathBuf {
    config.logs.join(format!("{}.log", spec.release))
}

fn pump(config: &EdgeConfig, spec: &ReleaseSpec) -> io::Result<(LogPump, std::fs::File)> {
    let log = CappedLog::open(&log_path(config, spec), config.limits.log_bytes)?;
    LogPump::named(&config.logs.join(format!("{}.pipe", spec.release)), log, spec.run_as)
}

/// Takes a process of the edge before this one over, so that its death is not the site's.
fn find(running: &Running, process: SavedProcess, config: &EdgeConfig) -> io::Result<Life> {
    let ending = Ending::of(process.pid, Some(process.started))?;
    let (pump, _) = pump(config, &running.spec)?;
    Ok(Life { ending, child: None, pump: Some(pump) })
}

async fn begin(running: &Running, config: &EdgeConfig) -> io::Result<Life> {
    let spec = &running.spec;
    // One that an earlier edge started and lost would hold the socket.
    sweep(&spec.release, config).await;
    if let Some(socket) = &spec.socket {
        clear_the_way(socket, spec.run_as)?;
    }
    let (pump, output) = pump(config, spec)?;
    let argv =
        spec.memory_mb.map_or_else(|| spec.argv.clone(), |mb| process::with_memory_limit(&spec.argv, mb));
    let argv = process::without_new_privileges(&argv);
    let mut command =
        process::command(&argv, &spec.cwd, &environment(spec, running.port, config), spec.run_as)?;
    // Should a later line here fail, no process stays behind without a keeper; one that shall outlive us is found by its
    // marker.
    command.stdout(output.try_clone()?).stderr(output).kill_on_drop(!config.leaves);
    let child = command.spawn()?;
    let pid = child.id().ok_or_else(|| io::Error::other("it has no process number"))?;
    Ok(Life { ending: Ending::of(pid, None)?, child: Some(child), pump: Some(pump) })
}

fn environment(spec: &ReleaseSpec, port: Option<u16>, config: &EdgeConfig) -> BTreeMap<String, String> {
    let port = match (&spec.socket, port) {
        (Some(path), _) => path.display().to_string(),
        (None, port) => port.unwrap_or_default().to_string(),
    };
    let mut env: BTreeMap<String, String> = [
        ("PATH", process::PLAIN_PATH.to_owned()),
        ("HOME", spec.cwd.display().to_string()),
        ("NODE_ENV", "production".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    env.extend(spec.env.clone());
    env.insert("PORT".into(), port);
    env.insert(MARKER.into(), marker_of(&spec.release, config));
    env
}

fn clear_the_way(socket: &Path, run_as: Option<RunAs>) -> io::Result<()> {
    // The kernel's limit of sockaddr_un, said in words instead of by the app's stack trace.
    if socket.as_os_str().len() > 107 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "its socket's path is longer than 107 bytes",
        ));
    }
    if let Some(folder) = socket.parent().filter(|folder| !folder.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o711).create(folder)?;
        if let Some(RunAs { uid, gid }) = run_as {
            std::os::unix::fs::chown(folder, Some(uid), Some(gid))?;
        }
    }
    match std::fs::symlink_metadata(socket) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(socket),
        Ok(_) => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, "something else is where its socket should be"))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(cause),
    }
}
