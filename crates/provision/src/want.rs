//! One thing that must be so on the server: whether it is, and what would be changed to make it so.

use crate::facts;
use crate::hands::Call;
use crate::packages;
use crate::place::Root;
use crate::run::Setup;
use crate::saved::{hash, hash_of};
use crate::stop::{Stop, io};
use protocol::setup::Change;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owned {
    ByRoot,
    /// By a user and the group of the same name.
    By(&'static str),
    /// By root; that user's group may read it.
    ForGroup(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Want {
    Folder {
        path: String,
        mode: u32,
        owned: Owned,
    },
    File {
        path: String,
        content: Vec<u8>,
        mode: u32,
        owned: Owned,
    },
    /// A copy of a file with this hash, which others may run.
    Copy {
        path: String,
        from: PathBuf,
        sha256: String,
    },
    Link {
        path: String,
        to: String,
    },
    User {
        name: &'static str,
        home: String,
        shell: &'static str,
    },
    Packages(Vec<&'static str>),
    /// The package system finishes what it was half-way through.
    Whole {
        names: Vec<String>,
    },
    /// A unit of ours, there with this text; on where it is to run.
    Unit {
        name: &'static str,
        content: String,
        on: bool,
    },
    /// A service of the system, on or off.
    Service {
        name: String,
        on: bool,
    },
    Swap {
        path: &'static str,
        bytes: u64,
    },
    /// The firewall's program admits these ports, and is on.
    Firewall {
        ports: Vec<u16>,
    },
    Program {
        name: String,
        version: String,
    },
    Project {
        name: String,
        starter: Option<String>,
    },
    /// The first project's site has this name.
    Domain {
        name: String,
        /// To the terms of the authority that gives its certificate.
        agreed: bool,
        contact: Option<String>,
    },
    /// An AppArmor profile is loaded.
    Profile {
        path: &'static str,
        content: &'static str,
    },
}

impl Want {
    /// What would be changed; nothing where it is as it should be.
    pub fn check(&self, setup: &Setup<'_>) -> Result<Vec<Change>, Stop> {
        let root = &setup.root;
        let one = |so: bool, change: Change| Ok(if so { Vec::new() } else { vec![change] });
        match self {
            Want::Folder { path, mode, owned } => {
                let at = root.at(path);
                let so = at.is_dir() && mode_of(&at) == Some(*mode) && is_owned(setup, &at, owned);
                one(so, Change::Folder { path: path.clone() })
            }
            Want::File { path, content, mode, owned } => {
                let at = root.at(path);
                let same = std::fs::read(&at).is_ok_and(|is| is == *content);
                let so = same && mode_of(&at) == Some(*mode) && is_owned(setup, &at, owned);
                one(so, Change::File { path: path.clone(), replaces: exists(&at) })
            }
            Want::Copy { path, sha256, .. } => {
                let at = root.at(path);
                let so = hash_of(&at).is_ok_and(|is| is == *sha256) && mode_of(&at) == Some(0o755);
                one(so, Change::File { path: path.clone(), replaces: exists(&at) })
            }
            Want::Link { path, to } => {
                let so = std::fs::read_link(root.at(path)).is_ok_and(|is| is == Path::new(to));
                one(so, Change::Link { path: path.clone(), to: to.clone() })
            }
            Want::User { name, .. } => {
                one(facts::user(root, name).is_some(), Change::User { name: (*name).to_owned() })
            }
            Want::Packages(names) => {
                let missing = packages::missing(setup, names)?;
                Ok(missing.into_iter().map(|name| Change::Package { name }).collect())
            }
            Want::Whole { names } => {
                let so = packages::broken(setup)?.is_empty();
                one(so, Change::Package { name: names.join(", ") })
            }
            Want::Unit { name, content, on } => {
                let so = std::fs::read(unit_file(root, name)).is_ok_and(|is| is == content.as_bytes())
                    && (!on || service_state(setup, name)? == State { enabled: true, active: true });
                one(so, Change::Unit { name: (*name).to_owned() })
            }
            Want::Service { name, on } => {
                let is = service_state(setup, name)?;
                let so = if *on { is.enabled && is.active } else { !is.enabled && !is.active };
                one(so, Change::Service { name: name.clone(), on: *on })
            }
            Want::Swap { path, bytes } => {
                let so = facts::text(root, "/proc/swaps").is_some_and(|text| text.contains(path));
                one(so, Change::Swap { path: (*path).to_owned(), bytes: *bytes })
            }
            Want::Firewall { ports } => {
                let has = admitted(setup)?;
                let missing = ports.iter().filter(|port| !has.contains(port));
                Ok(missing.map(|port| Change::Firewall { rule: format!("allow {port}/tcp") }).collect())
            }
            Want::Program { name, version } => {
                let so = setup.house.installed(name).as_ref() == Some(version);
                one(so, Change::Program { name: name.clone(), version: version.clone() })
            }
            Want::Project { name, .. } => {
                let has = setup.house.projects().is_some_and(|names| names.contains(name));
                one(has, Change::Project { name: name.clone() })
            }
            Want::Domain { name, agreed, .. } => {
                // What was agreed to by hand since stays so.
                let has = setup.house.domain().is_some_and(|(is, has)| is == *name && (has || !agreed));
                one(has, Change::Domain { name: name.clone() })
            }
            Want::Profile { path, content } => {
                let at = root.at(path);
                let same = std::fs::read(&at).is_ok_and(|is| is == content.as_bytes());
                one(same, Change::File { path: (*path).to_owned(), replaces: exists(&at) })
            }
        }
    }

    /// The version or hash that a receipt names; for what has none, nothing.
    pub fn mark(&self) -> Option<String> {
        match self {
            Want::File { content, .. } => Some(hash(content)),
            Want::Profile { content, .. } => Some(hash(content.as_bytes())),
            Want::Unit { content, .. } => Some(hash(content.as_bytes())),
            Want::Copy { sha256, .. } => Some(sha256.clone()),
            Want::Program { version, .. } => Some(version.clone()),
            Want::Folder { .. }
            | Want::Link { .. }
            | Want::User { .. }
            | Want::Packages(_)
            | Want::Whole { .. }
            | Want::Service { .. }
            | Want::Swap { .. }
            | Want::Firewall { .. }
            | Want::Project { .. }
            | Want::Domain { .. } => None,
        }
    }
}

/// Whether anything is there, a dangling link too.
pub(crate) fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

pub(crate) fn mode_of(path: &Path) -> Option<u32> {
    Some(std::fs::symlink_metadata(path).ok()?.permissions().mode() & 0o7777)
}

pub(crate) const UNITS: &str = "/etc/systemd/system";

pub(crate) fn unit_file(root: &Root, name: &str) -> PathBuf {
    root.at(UNITS).join(name)
}

/// The numbers of an owner; none while the user is not there.
pub(crate) fn numbers(root: &Root, owned: &Owned) -> Option<(u32, u32)> {
    match owned {
        Owned::ByRoot => Some((0, 0)),
        Owned::By(name) => facts::user(root, name),
        Owned::ForGroup(name) => facts::user(root, name).map(|(_, gid)| (0, gid)),
    }
}

fn is_owned(setup: &Setup<'_>, path: &Path, owned: &Owned) -> bool {
    let wanted = numbers(&setup.root, owned);
    wanted.is_some() && setup.hands.owner(path).ok() == wanted
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    pub enabled: bool,
    pub active: bool,
}

impl State {
    pub fn words(self) -> String {
        let of = |yes, word: &str, not: &str| if yes { word.to_owned() } else { not.to_owned() };
        format!("{} {}", of(self.enabled, "enabled", "disabled"), of(self.active, "active", "inactive"))
    }
}

pub(crate) fn service_state(setup: &Setup<'_>, name: &str) -> Result<State, Stop> {
    let asks = |verb: &str| setup.run(&Call::new("systemctl", &[verb, name]));
    let enabled = asks("is-enabled")?;
    let active = asks("is-active")?;
    // A unit that something else starts, such as a socket, needs no enabling; a masked one is off.
    let is_on = ["enabled", "enabled-runtime", "static", "alias", "indirect", "generated"];
    Ok(State {
        enabled: is_on.contains(&enabled.out.trim()),
        active: ["active", "activating", "reloading"].contains(&active.out.trim()),
    })
}

/// Ports that the firewall admits while it is on.
pub(crate) fn admitted(setup: &Setup<'_>) -> Result<Vec<u16>, Stop> {
    if facts::program(&setup.root, "ufw").is_none() {
        return Ok(Vec::new());
    }
    let said = setup.run(&Call::new("ufw", &["status"]))?;
    if !said.out.starts_with("Status: active") {
        return Ok(Vec::new());
    }
    let allowed = said.out.lines().filter(|line| line.contains("ALLOW"));
    Ok(allowed.filter_map(|line| line.split(['/', ' ']).next()?.parse().ok()).collect())
}

impl Setup<'_> {
    /// Runs a program; that it could not be started is a failure in words.
    pub(crate) fn run(&self, call: &Call<'_>) -> Result<crate::hands::Said, Stop> {
        self.hands.run(call).map_err(io(format!("run {}", call.program)))
    }
}
