//! Where this program finds what it needs. Read once, at start; everything below is passed what it needs of it.

use std::env;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where this program keeps its own things; none: where the system wants it.
    pub data: Option<PathBuf>,
    /// The daemon's program; none: there is no workspace on this computer.
    pub daemon: Option<PathBuf>,
    /// The local workspace's folder; none: `local` in the folder of Loopwright's data.
    pub home: Option<PathBuf>,
    /// Installed tools, and the folder of `node`, passed on to the daemon.
    pub tools: Option<PathBuf>,
    pub node: Option<PathBuf>,
    /// Builds of the server's program, in a bundle.
    pub programs: Option<PathBuf>,
    /// The user's own list of hosts, and where their SSH agent listens.
    pub known_hosts: Option<PathBuf>,
    pub ssh_agent: Option<PathBuf>,
    /// Further words of the daemon's command line, by which a test keeps its daemon off the fixed ports.
    pub serve: Vec<String>,
}

impl Config {
    /// From the environment: `LOOPWRIGHT_DESKTOP`, `LOOPWRIGHT_DAEMON`, `LOOPWRIGHT_HOME`, `LOOPWRIGHT_TOOLS`,
    /// `LOOPWRIGHT_NODE`, `LOOPWRIGHT_SERVER_PROGRAMS`, `LOOPWRIGHT_SERVE`; and what every SSH client reads. What a bundle
    /// brings needs no variable.
    pub fn from_env() -> Self {
        let path = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let serve = env::var("LOOPWRIGHT_SERVE").unwrap_or_default();
        Self {
            data: path("LOOPWRIGHT_DESKTOP"),
            daemon: path("LOOPWRIGHT_DAEMON").or_else(beside_us),
            home: path("LOOPWRIGHT_HOME"),
            tools: path("LOOPWRIGHT_TOOLS"),
            node: path("LOOPWRIGHT_NODE"),
            programs: path("LOOPWRIGHT_SERVER_PROGRAMS").or_else(bundled),
            known_hosts: path("HOME").map(|home| home.join(".ssh").join("known_hosts")),
            ssh_agent: path("SSH_AUTH_SOCK"),
            serve: serve.split_whitespace().map(str::to_owned).collect(),
        }
    }
}

/// The daemon lies beside this program, in a bundle and in a target folder alike.
fn beside_us() -> Option<PathBuf> {
    let us = env::current_exe().ok()?;
    let daemon = us.parent()?.join(if cfg!(windows) { "loopwrightd.exe" } else { "loopwrightd" });
    daemon.is_file().then_some(daemon)
}

/// Where a bundle has its resources, seen from its program.
const RESOURCES: &str = if cfg!(windows) {
    "."
} else if cfg!(target_os = "macos") {
    "../Resources"
} else {
    "../lib/Loopwright"
};

fn bundled() -> Option<PathBuf> {
    let us = env::current_exe().ok()?;
    let servers = us.parent()?.join(RESOURCES).join("servers");
    servers.is_dir().then_some(servers)
}

/// The local workspace's control socket. Its path has a hard limit, above which the daemon takes another place that only
/// it knows.
pub fn control_socket(home: &Path) -> Option<PathBuf> {
    const LONGEST: usize = 100;
    let socket = home.join("run").join("control.sock");
    (socket.as_os_str().len() <= LONGEST).then_some(socket)
}
