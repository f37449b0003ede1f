//! What the first look at a server found.

use serde::{Deserialize, Serialize};

/// Everything that a plan rests on. `None` is "could not be found out", never a guess.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    pub host: Option<String>,
    pub system: Option<System>,
    /// As `uname -m` says it.
    pub arch: Option<String>,
    /// The name of process 1: "systemd" where services can be made.
    pub init: Option<String>,
    /// The user that we are, and what it may do.
    pub user: Option<String>,
    pub rights: Rights,
    /// Where it may do nothing: what sudo said about it; "none" where there is no sudo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sudo_says: Option<String>,
    pub cores: Option<u32>,
    /// Bytes.
    pub memory: Option<u64>,
    pub swap: Option<u64>,
    /// Bytes free where `/var/lib` and `/opt` lie, the smaller one.
    pub disk_free: Option<u64>,
    pub read_only: bool,
    /// Server's clock minus this computer's, in seconds.
    pub clock_skew: Option<i64>,
    pub time_synced: Option<bool>,
    /// Who holds a port that the sites need.
    pub ports: Vec<PortHolder>,
    pub packages: Packages,
    /// The machine's own firewall, where one is on.
    pub firewall: Option<String>,
    /// Proxy settings of the system, as they stand.
    pub proxy: Option<String>,
    pub ipv4: bool,
    pub ipv6: bool,
    /// An installation of ours that is there already.
    pub installed: Option<Installed>,
    /// What the server printed beside our answers: a noisy profile, a banner. Shown, never parsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// `ID` of os-release: "debian".
    pub id: String,
    /// `VERSION_ID` of os-release: "12".
    pub version: String,
    /// `PRETTY_NAME`.
    pub name: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rights {
    Root,
    /// `sudo` without a question.
    Sudo,
    /// `sudo` that asks for the password.
    SudoAsks,
    #[default]
    None,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortHolder {
    pub port: u16,
    /// "nginx"; none when the system would not say.
    pub program: Option<String>,
    pub pid: Option<u32>,
}

/// The package system's state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Packages {
    /// "apt"; none where there is none that we know.
    pub kind: Option<String>,
    /// Who holds its lock.
    pub locked_by: Option<String>,
    /// Packages that are half-way installed.
    pub broken: bool,
}

/// An installation that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    pub version: String,
    /// Hex SHA-256 of its program.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Its set-up ran to the end.
    pub complete: bool,
}
