//! The edge: the process that keeps the live sites up. It outlives the daemon, owns the release processes, listens on one
//! port per project and switches a project from one release to the next without a failed request.
//!
//! - `state`: what survives the edge's own death, written before a switch is acknowledged.
//! - `supervisor`: one release process: start, crash and restart, drain, end.
//! - `sites`: the table of projects and releases, and every command on it.
//! - `server`: HTTP in front of a project; `tls`: the same, encrypted. `names`: which project a name is for.
//! - `control`: the commands on a unix socket; `client`: the daemon's side of it.
//!
//! Every command is idempotent. A release that was never seen healthy is never made live.

mod client;
mod control;
mod names;
mod server;
mod sites;
mod state;
mod supervisor;
mod tls;

pub use client::{EdgeClient, EdgeLaunch, spawn_edge};

use crate::RunAs;
use crate::certificates::Authority;
use protocol::id::{ProjectId, ReleaseId};
use protocol::setup::{Certificate, CertificateState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Everything the edge is told at its start.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// The unix socket of the commands, made with mode 0600.
    pub control: PathBuf,
    /// The state file; `<state>.lock` beside it keeps a second edge away.
    pub state: PathBuf,
    /// Folder of the releases' logs and log pipes.
    pub logs: PathBuf,
    pub listen: IpAddr,
    /// Where a project without a wish gets its port from; none free there: any free one.
    pub ports: RangeInclusive<u16>,
    pub limits: EdgeLimits,
    /// The world's ports, opened by whoever started us: the first project is behind them. They outlive us.
    pub doors: Vec<Arc<std::net::TcpListener>>,
    /// Which of the doors speaks TLS.
    pub https: u16,
    /// Folder of the certificates and their keys.
    pub certificates: PathBuf,
    pub authority: Authority,
    /// At SIGTERM the releases go on, for the next edge to take over.
    pub leaves: bool,
    /// Called once when commands and requests are taken.
    pub ready: fn(),
}

impl EdgeConfig {
    /// The usual edge of a home: all its files in `run`.
    pub fn in_folder(run: &std::path::Path) -> EdgeConfig {
        EdgeConfig {
            control: run.join("edge.sock"),
            state: run.join("edge.json"),
            logs: run.join("apps"),
            listen: IpAddr::from([127, 0, 0, 1]),
            ports: 4300..=4999,
            limits: EdgeLimits::default(),
            doors: Vec::new(),
            https: 443,
            certificates: run.join("certificates"),
            authority: Authority::default(),
            leaves: false,
            ready: || (),
        }
    }
}

impl EdgeConfig {
    /// Whether one of the doors is the one for TLS.
    fn https_door(&self) -> bool {
        let of = |door: &Arc<std::net::TcpListener>| door.local_addr().map(|address| address.port()).ok();
        self.doors.iter().any(|door| of(door) == Some(self.https))
    }
}

#[derive(Debug, Clone)]
pub struct EdgeLimits {
    /// How long requests and web sockets of a replaced release may go on.
    pub drain: Duration,
    /// Between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// For a request's head, and for a kept connection between two requests.
    pub head: Duration,
    /// Between two pieces of a request's body.
    pub body_idle: Duration,
    /// From a request's head to its answer's head.
    pub answer: Duration,
    /// How long a request waits for a live release that is being restarted.
    pub patience: Duration,
    /// Open connections per project.
    pub connections: usize,
    /// For a TLS handshake, its wait for a place included.
    pub handshake: Duration,
    /// Handshakes at one time.
    pub handshakes: usize,
    /// Of one log file of one release; two are kept.
    pub log_bytes: u64,
    /// A live release that crashed more often than `crashes` within `crash_window` stays down.
    pub crashes: usize,
    pub crash_window: Duration,
    /// Before the first restart; doubled with each further crash within the window.
    pub backoff: Duration,
}

impl Default for EdgeLimits {
    fn default() -> EdgeLimits {
        EdgeLimits {
            drain: Duration::from_secs(30),
            grace: Duration::from_secs(5),
            head: Duration::from_secs(30),
            body_idle: Duration::from_secs(60),
            answer: Duration::from_secs(300),
            patience: Duration::from_secs(3),
            connections: 1024,
            handshake: Duration::from_secs(10),
            handshakes: 128,
            log_bytes: 1024 * 1024,
            crashes: 5,
            crash_window: Duration::from_secs(60),
            backoff: Duration::from_millis(100),
        }
    }
}

/// How a release is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseSpec {
    pub release: ReleaseId,
    pub project: ProjectId,
    pub argv: Vec<String>,
    pub cwd: PathBuf,
    /// Beside PATH, HOME (= `cwd`), NODE_ENV=production and PORT, which it may replace (PORT excepted).
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub run_as: Option<RunAs>,
    /// The unix socket that the app listens on, given as PORT. Its folder is made for the app's user where it is missing.
    /// None: a free loopback port.
    #[serde(default)]
    pub socket: Option<PathBuf>,
    /// Private memory of each of its processes.
    #[serde(default)]
    pub memory_mb: Option<u64>,
}

/// Where a release stands. One that was stopped is no longer listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Started, not yet seen healthy.
    Starting,
    Healthy,
    Live,
    /// Replaced; its last requests go on.
    Draining,
    Stopping,
    /// Ended and stays down; `says` tells why.
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseState {
    pub release: ReleaseId,
    pub project: ProjectId,
    pub phase: Phase,
    pub pid: Option<u32>,
    /// Crashes it was restarted after.
    pub restarts: u32,
    /// Requests and tunnels open now.
    pub in_flight: usize,
    pub says: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectState {
    pub project: ProjectId,
    pub port: u16,
    pub live: Option<ReleaseId>,
    /// Such as that the port had to change.
    pub says: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeState {
    /// Of the program that runs.
    pub version: String,
    pub pid: u32,
    pub projects: Vec<ProjectState>,
    pub releases: Vec<ReleaseState>,
    /// The project that the world sees first.
    #[serde(default)]
    pub front: Option<ProjectId>,
    /// Names of the user's own.
    #[serde(default)]
    pub domains: Vec<DomainState>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainState {
    /// None: the project that the world sees first.
    pub project: Option<ProjectId>,
    pub agreed: bool,
    pub certificate: Certificate,
}

impl EdgeState {
    /// The domain of a project.
    pub fn domain_of(&self, project: &ProjectId) -> Option<&DomainState> {
        let is_front = self.front.as_ref() == Some(project);
        self.domains.iter().find(|domain| match &domain.project {
            Some(of) => of == project,
            None => is_front,
        })
    }
}

impl DomainState {
    /// Where the world reaches the site by this name now; none while the name leads elsewhere.
    pub fn address(&self) -> Option<String> {
        let name = &self.certificate.name;
        match self.certificate.state {
            CertificateState::Standing => Some(format!("https://{name}/")),
            CertificateState::Blocked | CertificateState::Unknown => None,
            CertificateState::NotAsked
            | CertificateState::Ordering
            | CertificateState::Failed
            | CertificateState::Expired => Some(format!("http://{name}/")),
        }
    }
}

/// What the edge refused a command for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No such project or release.
    Unknown,
    /// It does not answer as it should, or was never seen to.
    NotHealthy,
    /// The command makes no sense.
    Invalid,
    /// The machine: disk, ports, processes.
    Machine,
}

#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    #[error("reach the edge at {}", .socket.display())]
    Unreachable { socket: PathBuf, source: io::Error },
    #[error("do that on the edge: {says}")]
    Refused { why: Refusal, says: String },
    #[error("understand the edge's answer")]
    Answer(#[source] serde_json::Error),
    #[error("start the edge: {says}")]
    NotStarted { says: String },
    #[error("start a second edge on {}", .0.display())]
    AlreadyRunning(PathBuf),
    #[error("read the edge's state of {}: {says}", .path.display())]
    State { path: PathBuf, says: String },
    #[error("{doing}")]
    Io { doing: String, source: io::Error },
}

impl EdgeError {
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> EdgeError {
        let doing = doing.into();
        move |source| EdgeError::Io { doing, source }
    }

    pub(crate) fn refused(why: Refusal, says: impl Into<String>) -> EdgeError {
        EdgeError::Refused { why, says: says.into() }
    }
}

/// Runs the edge until SIGTERM, SIGINT or the command `quit`; then ends its releases with it, unless it leaves them.
pub async fn edge_main(config: EdgeConfig) -> Result<(), EdgeError> {
    let _lock = sole(&config).await?;
    for folder in [config.control.parent(), Some(config.logs.as_path())].into_iter().flatten() {
        std::fs::create_dir_all(folder).map_err(EdgeError::io(format!("make {}", folder.display())))?;
    }
    let saved = state::load(&config.state)?;
    let control = control::bind(&config.control)?;
    let sites = sites::Sites::new(config);
    sites.restore(saved).await?;
    sites.open_doors()?;
    let serving = tokio::spawn(control::serve(control, sites.clone()));
    sites.ready();
    let quit = end_asked_for(&sites).await.map_err(EdgeError::io("listen for signals"))?;
    // Nobody shall find an edge that is about to end.
    serving.abort();
    if quit {
        sites.end().await
    } else {
        sites.leave().await
    }
    Ok(())
}

/// The lock of the state. An edge that holds it but takes no commands any more is ending, and waited for.
async fn sole(config: &EdgeConfig) -> Result<std::fs::File, EdgeError> {
    let until = tokio::time::Instant::now() + config.limits.grace * 2 + Duration::from_secs(1);
    loop {
        match state::lock(&config.state) {
            Err(EdgeError::AlreadyRunning(state)) => {
                let answers = tokio::net::UnixStream::connect(&config.control).await.is_ok();
                if answers || tokio::time::Instant::now() > until {
                    return Err(EdgeError::AlreadyRunning(state));
                }
                // A lock cannot be awaited together with a deadline.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            locked => return locked,
        }
    }
}

/// Whether it was asked for by the command.
async fn end_asked_for(sites: &sites::Sites) -> io::Result<bool> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::select! {
        _ = term.recv() => false,
        _ = interrupt.recv() => false,
        () = sites.quit_asked() => true,
    })
}
