//! Makes one thing as it should be: a record of what it was, the effect, a record that it is done.

use crate::facts;
use crate::hands::{Call, Said};
use crate::packages;
use crate::run::{Log, Setup};
use crate::saved::{self, hash_of, keep, replace};
use crate::stop::{Stop, io, obstacle};
use crate::want::{Owned, Want, admitted, exists, mode_of, numbers, service_state, unit_file};
use protocol::setup::{Change, ObstacleKind, Receipt, SetupEvent, Was};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Gives how many things were changed.
pub(crate) fn make(setup: &Setup<'_>, log: &mut Log<'_>, want: &Want) -> Result<u32, Stop> {
    match want {
        Want::Packages(_) => return add_packages(setup, log, want),
        Want::Firewall { .. } => return open_firewall(setup, log, want),
        Want::Whole { .. } => {
            log.doing("letting the package system finish what it was half-way through")?;
            packages::finish(setup, &mut |obstacle| log.waiting(obstacle))?;
            return Ok(1);
        }
        _ => {}
    }
    let Some(change) = want.check(setup)?.into_iter().next() else { return Ok(0) };
    let before = was(setup, want)?;
    let receipt = Receipt { change, before, wrote: want.mark() };
    log.intent(&receipt)?;
    effect(setup, log, want, receipt.before.is_some())?;
    log.wrote(receipt)?;
    Ok(1)
}

/// What is there now; the content of a file that will be replaced is kept.
fn was(setup: &Setup<'_>, want: &Want) -> Result<Option<Was>, Stop> {
    let root = &setup.root;
    let of_file = |path: &Path, content: bool| -> Result<Option<Was>, Stop> {
        if !exists(path) {
            return Ok(None);
        }
        let sha256 = if content { Some(keep(root, path)?) } else { None };
        let owner = setup.hands.owner(path).ok();
        Ok(Some(Was { sha256, mode: mode_of(path), owner, state: None }))
    };
    let state = |state: String| Some(Was { sha256: None, mode: None, owner: None, state: Some(state) });
    Ok(match want {
        Want::Folder { path, .. } => of_file(&root.at(path), false)?,
        Want::File { path, .. } | Want::Copy { path, .. } => of_file(&root.at(path), true)?,
        Want::Profile { path, .. } => of_file(&root.at(path), true)?,
        Want::Unit { name, .. } => of_file(&unit_file(root, name), true)?,
        Want::Link { path, .. } => match std::fs::read_link(root.at(path)) {
            Ok(to) => state(to.display().to_string()),
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(_) => {
                let cause = format!("{path} is there and was not made by Loopwright");
                let action = format!("move it away, then go on: `mv {path} {path}.old`");
                return Err(Stop::Blocked(obstacle(ObstacleKind::Taken, cause, action)));
            }
        },
        Want::Service { name, .. } => state(service_state(setup, name)?.words()),
        Want::Program { name, .. } => setup.house.installed(name).and_then(state),
        Want::User { .. }
        | Want::Packages(_)
        | Want::Whole { .. }
        | Want::Swap { .. }
        | Want::Firewall { .. }
        | Want::Project { .. }
        | Want::Domain { .. } => None,
    })
}

fn effect(setup: &Setup<'_>, log: &mut Log<'_>, want: &Want, was_there: bool) -> Result<(), Stop> {
    let root = &setup.root;
    match want {
        Want::Folder { path, mode, owned } => {
            let at = root.at(path);
            let failed = || io(format!("make {path}"));
            match std::fs::create_dir(&at) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists && at.is_dir() => {}
                made => made.map_err(failed())?,
            }
            // Nobody's hands are in it before it has its owner.
            own(setup, &at, owned).map_err(failed())?;
            std::fs::set_permissions(&at, std::fs::Permissions::from_mode(*mode)).map_err(failed())
        }
        Want::File { path, content, mode, owned } => {
            let finish = |fresh: &Path| own(setup, fresh, owned);
            replace(&root.at(path), &mut content.as_slice(), *mode, finish)
                .map_err(io(format!("write {path}")))
        }
        Want::Copy { path, from, .. } => {
            let failed = || io(format!("copy {} to {path}", from.display()));
            let mut from = std::fs::File::open(from).map_err(failed())?;
            let finish = |fresh: &Path| own(setup, fresh, &Owned::ByRoot);
            replace(&root.at(path), &mut from, 0o755, finish).map_err(failed())
        }
        Want::Link { path, to } => link(&root.at(path), to).map_err(io(format!("link {path}"))),
        Want::User { name, home, shell } => {
            let args = ["--system", "--user-group", "--no-create-home", "--home-dir", home, "--shell", shell];
            // No password at all: one that is locked keeps some sshd from taking keys, too.
            let rest = ["--password", "*", name];
            said(setup, &Call::new("useradd", &[&args[..], &rest[..]].concat()))
        }
        Want::Unit { name, content, on } => {
            let at = unit_file(root, name);
            let finish = |fresh: &Path| own(setup, fresh, &Owned::ByRoot);
            replace(&at, &mut content.as_bytes(), 0o644, finish).map_err(io(format!("write {name}")))?;
            said(setup, &Call::new("systemctl", &["daemon-reload"]))?;
            if !on {
                return Ok(());
            }
            log.doing(format!("starting {name}"))?;
            said(setup, &Call::new("systemctl", &["enable", name]))?;
            // One that runs with other words takes the new ones.
            let verb = if was_there { "restart" } else { "start" };
            said(setup, &Call::new("systemctl", &[verb, name]))
                .map_err(|stop| with_its_log(setup, name, stop))
        }
        Want::Service { name, on } => {
            let verb = if *on { "enable" } else { "disable" };
            said(setup, &Call::new("systemctl", &[verb, "--now", name]))
        }
        Want::Swap { path, bytes } => swap(setup, path, *bytes),
        Want::Program { name, version } => {
            log.doing(format!("installing {name} {version}"))?;
            let mut told = Ok(());
            let mut tell = |line: String| {
                if told.is_ok() {
                    told = log.doing(line);
                }
            };
            setup.house.install(name, &mut tell).map_err(Stop::Failed)?;
            told
        }
        Want::Project { name, starter } => {
            log.doing(format!("making the project {name}"))?;
            setup.house.create_project(name, starter.as_deref()).map_err(Stop::Failed)
        }
        Want::Domain { name, agreed, contact } => {
            log.doing(format!("giving the site the name {name}"))?;
            setup.house.set_domain(name, *agreed, contact.as_deref()).map_err(Stop::Failed)
        }
        Want::Profile { path, content } => {
            let finish = |fresh: &Path| own(setup, fresh, &Owned::ByRoot);
            let wrote = replace(&root.at(path), &mut content.as_bytes(), 0o644, finish);
            wrote.map_err(io(format!("write {path}")))?;
            said(setup, &Call::new("apparmor_parser", &["-r", path]))
        }
        Want::Packages(_) | Want::Whole { .. } | Want::Firewall { .. } => Ok(()),
    }
}

fn own(setup: &Setup<'_>, path: &Path, owned: &Owned) -> std::io::Result<()> {
    let missing = || std::io::Error::new(ErrorKind::NotFound, "its owner is no user of this system");
    setup.hands.own(path, numbers(&setup.root, owned).ok_or_else(missing)?)
}

/// A link that is the old one or the new one.
pub(crate) fn link(at: &Path, to: &str) -> std::io::Result<()> {
    let fresh = saved::beside(at);
    match std::fs::remove_file(&fresh) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    std::os::unix::fs::symlink(to, &fresh)?;
    std::fs::rename(&fresh, at)?;
    at.parent().map_or(Ok(()), crate::journal::sync_folder)
}

/// Runs a program that must succeed.
pub(crate) fn said(setup: &Setup<'_>, call: &Call<'_>) -> Result<(), Stop> {
    let said: Said = setup.run(call)?;
    if said.ok() {
        return Ok(());
    }
    let line = format!("{} {}", call.program, call.args.join(" "));
    let action = format!("run `{line}` as root and look at what it says, then go on");
    Err(Stop::Failed(obstacle(ObstacleKind::Other, format!("`{line}` failed: {}", said.why()), action)))
}

/// A service that does not start says why in the system's log, not to who started it.
fn with_its_log(setup: &Setup<'_>, name: &str, stop: Stop) -> Stop {
    let args = ["-u", name, "-n", "4", "-o", "cat", "--no-pager"];
    let words = setup.hands.run(&Call::new("journalctl", &args)).map(|said| said.out).unwrap_or_default();
    let words = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" / ");
    let mut obstacle = stop.obstacle().clone();
    if !words.is_empty() {
        obstacle.cause = format!("{name} does not start: {words}");
    }
    obstacle.action = format!("look at `journalctl -u {name}`, then go on");
    Stop::Failed(obstacle)
}

fn add_packages(setup: &Setup<'_>, log: &mut Log<'_>, want: &Want) -> Result<u32, Stop> {
    let missing: Vec<String> = want
        .check(setup)?
        .into_iter()
        .filter_map(|change| if let Change::Package { name } = change { Some(name) } else { None })
        .collect();
    log.doing(format!("fetching the list of packages, then {}", missing.join(", ")))?;
    let all = packages::added(setup, &missing, &mut |obstacle| log.waiting(obstacle))?;
    let receipts: Vec<Receipt> = all
        .into_iter()
        .map(|name| Receipt { change: Change::Package { name }, before: None, wrote: None })
        .collect();
    for receipt in &receipts {
        log.intent(receipt)?;
    }
    log.doing(format!("installing {} packages: {}", receipts.len(), missing.join(", ")))?;
    packages::install(setup, &missing, &mut |obstacle| log.waiting(obstacle))?;
    let count = receipts.len();
    for receipt in receipts {
        log.wrote(receipt)?;
    }
    Ok(u32::try_from(count.max(1)).unwrap_or(u32::MAX))
}

fn open_firewall(setup: &Setup<'_>, log: &mut Log<'_>, want: &Want) -> Result<u32, Stop> {
    let was_on = !admitted(setup)?.is_empty();
    let mut count = 0;
    for change in want.check(setup)? {
        let Change::Firewall { rule } = &change else { continue };
        let port = rule.trim_start_matches("allow ").to_owned();
        let state = Some(if was_on { "active" } else { "inactive" }.to_owned());
        let before = Some(Was { sha256: None, mode: None, owner: None, state });
        let receipt = Receipt { change, before, wrote: None };
        log.intent(&receipt)?;
        said(setup, &Call::new("ufw", &["allow", &port]))?;
        log.wrote(receipt)?;
        count += 1;
    }
    // Last, so that nobody is locked out between two rules.
    said(setup, &Call::new("ufw", &["--force", "enable"]))?;
    Ok(count)
}

pub(crate) const SWAP_UNIT: &str = "var-lib-loopwright-swapfile.swap";

fn swap(setup: &Setup<'_>, path: &str, bytes: u64) -> Result<(), Stop> {
    let at = setup.root.at(path);
    let text = at.display().to_string();
    said(setup, &Call::new("fallocate", &["-l", &bytes.to_string(), &text]))?;
    std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o600))
        .map_err(io(format!("close {path}")))?;
    said(setup, &Call::new("mkswap", &[&text]))?;
    let unit = format!(
        "[Unit]\nDescription=Loopwright: swap\n\n[Swap]\nWhat={path}\n\n[Install]\nWantedBy=swap.target\n"
    );
    let to = unit_file(&setup.root, SWAP_UNIT);
    replace(&to, &mut unit.as_bytes(), 0o644, |_| Ok(())).map_err(io(format!("write {SWAP_UNIT}")))?;
    said(setup, &Call::new("systemctl", &["daemon-reload"]))?;
    said(setup, &Call::new("systemctl", &["enable", "--now", SWAP_UNIT]))
}

/// After a cut: what was announced and not reported is looked at. What came about is reported now, so that a removal
/// finds it.
pub(crate) fn settle(setup: &Setup<'_>, log: &mut Log<'_>) -> Result<(), Stop> {
    let mut open: Vec<(String, Receipt)> = Vec::new();
    for entry in log.journal.entries() {
        match &entry.event {
            SetupEvent::Intent { step, receipt } => open.push((step.clone(), receipt.clone())),
            SetupEvent::Wrote { step, receipt } => {
                open.retain(|(s, r)| s != step || r.change != receipt.change)
            }
            _ => {}
        }
    }
    for (step, receipt) in open {
        if came_about(setup, &receipt)? {
            log.step = step;
            log.wrote(receipt)?;
        }
    }
    log.step = String::new();
    Ok(())
}

fn came_about(setup: &Setup<'_>, receipt: &Receipt) -> Result<bool, Stop> {
    let root = &setup.root;
    let has_hash = |path: &Path| hash_of(path).ok() == receipt.wrote;
    Ok(match &receipt.change {
        Change::File { path, .. } => has_hash(&root.at(path)),
        Change::Unit { name } => has_hash(&unit_file(root, name)),
        Change::Folder { path } => root.at(path).is_dir(),
        Change::Link { path, to } => std::fs::read_link(root.at(path)).is_ok_and(|is| is == Path::new(to)),
        Change::User { name } => facts::user(root, name).is_some(),
        Change::Package { name } => !packages::installed(setup, &[name])?.is_empty(),
        Change::Service { name, on } => {
            let is = service_state(setup, name)?;
            is.enabled == *on && is.active == *on
        }
        Change::Swap { path, .. } => exists(&root.at(path)),
        Change::Firewall { rule } => {
            let port = rule.trim_start_matches("allow ").trim_end_matches("/tcp").parse().ok();
            port.is_some_and(|port| admitted(setup).is_ok_and(|all| all.contains(&port)))
        }
        Change::Program { name, version } => setup.house.installed(name).as_ref() == Some(version),
        Change::Project { name } => setup.house.projects().is_some_and(|all| all.contains(name)),
        Change::Domain { name } => setup.house.domain().is_some_and(|(is, _)| is == *name),
        Change::Port { .. } => false,
    })
}
