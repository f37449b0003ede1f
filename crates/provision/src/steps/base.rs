//! The program, the desktop's way in, the users and the folders.

use super::{Look, is_installed};
use crate::facts;
use crate::place::paths;
use crate::run::{Order, Setup};
use crate::saved::hash_of;
use crate::stop::{Stop, obstacle};
use crate::upgrade;
use crate::want::{Owned, Want};
use protocol::setup::{ObstacleKind, Work};
use protocol::version::is_older;

fn folder(path: &str, mode: u32) -> Want {
    Want::Folder { path: path.to_owned(), mode, owned: Owned::ByRoot }
}

pub(super) fn binary(setup: &Setup<'_>, order: &Order) -> Result<Look, Stop> {
    let mut to = upgrade::folder(&setup.version, &setup.sha256);
    if let Some((installed, current)) = upgrade::current(setup) {
        if is_older(&setup.version, &installed) {
            let cause =
                format!("Loopwright {installed} is installed, and this is the older {}", setup.version);
            return Ok(Look::Blocked(obstacle(ObstacleKind::Newer, cause, "upgrade the desktop app")));
        }
        // A daemon that runs is only changed by an upgrade, which sees to its health.
        if is_installed(setup) || order.work != Work::Begin {
            to = current.display().to_string();
        }
    }
    let program = format!("{to}/loopwrightd");
    let mut wants = vec![folder(paths::OPT, 0o755), folder(paths::VERSIONS, 0o755), folder(&to, 0o755)];
    // What is in use there stays as it is, whatever runs this.
    if hash_of(&setup.root.at(&program)).is_err() || to == upgrade::folder(&setup.version, &setup.sha256) {
        let (from, sha256) = (setup.program.clone(), setup.sha256.clone());
        wants.push(Want::Copy { path: program, from, sha256 });
    }
    wants.push(Want::Link { path: paths::CURRENT.to_owned(), to });
    wants.push(Want::Link { path: paths::COMMAND.to_owned(), to: paths::PROGRAM.to_owned() });
    Ok(Look::Wants(wants))
}

/// The desktop's user runs this one program as root, and nothing else.
const SUDOERS: &str = "# Loopwright: what the desktop app may do as root.
Defaults:loopwright-desk !requiretty
loopwright-desk ALL=(root) NOPASSWD: /opt/loopwright/current/loopwrightd setup *
";

pub(super) fn desk(setup: &Setup<'_>, order: &Order) -> Result<Look, Stop> {
    let name = paths::DESK_USER;
    let mut wants = Vec::new();
    if facts::program(&setup.root, "sudo").is_none() {
        wants.push(Want::Packages(vec!["sudo"]));
    }
    let ssh = format!("{}/.ssh", paths::DESK);
    wants.extend([
        folder(paths::DESK, 0o755),
        Want::User { name, home: paths::DESK.to_owned(), shell: "/bin/sh" },
        // The user cannot change who may sign in as it.
        folder(&ssh, 0o755),
        Want::Folder { path: paths::INCOMING.to_owned(), mode: 0o700, owned: Owned::By(name) },
        Want::Folder { path: paths::EXPORTS.to_owned(), mode: 0o750, owned: Owned::ForGroup(name) },
        Want::File {
            path: "/etc/sudoers.d/loopwright".to_owned(),
            content: SUDOERS.as_bytes().to_vec(),
            mode: 0o440,
            owned: Owned::ByRoot,
        },
    ]);
    let path = format!("{ssh}/authorized_keys");
    let has = facts::text(&setup.root, &path).unwrap_or_default();
    let content = match &order.key {
        None => has,
        Some(key) => match entry(key, limits(setup)) {
            Some(entry) if has.lines().any(|line| line == entry) => has,
            Some(entry) => format!("{has}{entry}\n"),
            None => {
                let cause = "the key is not the line of an ssh-ed25519 public key";
                return Ok(Look::Blocked(obstacle(ObstacleKind::Other, cause, "give the desktop's own key")));
            }
        },
    };
    if !content.is_empty() {
        wants.push(Want::File { path, content: content.into_bytes(), mode: 0o644, owned: Owned::ByRoot });
    }
    Ok(Look::Wants(wants))
}

/// All but forwarding, as OpenSSH says it; and by the words that Dropbear knows too, which refuses a key with any other.
fn limits(setup: &Setup<'_>) -> &'static str {
    match facts::program(&setup.root, "dropbear") {
        Some(_) if facts::program(&setup.root, "sshd").is_none() => {
            "no-agent-forwarding,no-X11-forwarding,no-pty"
        }
        Some(_) | None => "restrict,port-forwarding",
    }
}

/// One line for the SSH server: this key runs one program, and may forward to what listens here.
fn entry(key: &str, limits: &str) -> Option<String> {
    let mut words = key.split_ascii_whitespace();
    let (kind, data) = (words.next()?, words.next()?);
    let plain = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let sound =
        kind == "ssh-ed25519" && data.len() > 40 && data.chars().all(plain) && key.lines().count() == 1;
    let comment: String = words
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| c.is_alphanumeric() || " ._@-".contains(*c))
        .take(80)
        .collect();
    let runs = format!("{} ssh-entry", paths::PROGRAM);
    sound.then(|| format!("{limits},command=\"{runs}\" {kind} {data} {comment}").trim().to_owned())
}

pub(super) fn users(_: &Setup<'_>, _: &Order) -> Result<Look, Stop> {
    let user = |name: &'static str| Want::User {
        name,
        home: format!("{}/{name}", paths::STATE),
        shell: "/usr/sbin/nologin",
    };
    Ok(Look::Wants(vec![user("loopwright-agent"), user("loopwright-app")]))
}

pub(super) fn folders(_: &Setup<'_>, _: &Order) -> Result<Look, Stop> {
    Ok(Look::Wants(vec![folder(paths::WORKSPACE, 0o711), folder(paths::TOOLS, 0o755)]))
}
