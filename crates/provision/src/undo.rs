//! Takes one thing back, by its receipt. What changed since is not ours any more and is kept.

use crate::change::{SWAP_UNIT, said};
use crate::facts;
use crate::hands::Call;
use crate::place::paths;
use crate::run::{Order, Setup};
use crate::saved::{hash_of, original, replace};
use crate::stop::{Stop, io};
use crate::want::{State, admitted, exists, service_state, unit_file};
use protocol::setup::{Change, Receipt, Was};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is as it was before us, or gone.
    Nothing,
    Undo,
    Keep(String),
}

/// Folders whose whole content is made by the programs that we put there.
const OWN_TREES: [&str; 6] =
    [paths::VERSIONS, paths::TOOLS, paths::WORKSPACE, paths::INCOMING, paths::EXPORTS, paths::DESK];

pub(crate) fn is_own_tree(path: &str) -> bool {
    OWN_TREES.contains(&path)
}

const CHANGED: &str = "it was changed since";

/// What would be done about it. `ours`: the paths of all receipts, which do not count as somebody else's.
pub(crate) fn judge(
    setup: &Setup<'_>,
    order: &Order,
    receipt: &Receipt,
    ours: &BTreeSet<String>,
) -> Result<Verdict, Stop> {
    let root = &setup.root;
    Ok(match &receipt.change {
        Change::File { path, .. } => file(&root.at(path), receipt),
        Change::Unit { name } => file(&unit_file(root, name), receipt),
        Change::Folder { path } => folder(setup, order, path, receipt, ours),
        Change::Link { path, to } => match std::fs::read_link(root.at(path)) {
            Ok(is) if is == Path::new(to) => Verdict::Undo,
            Ok(is) if state(&receipt.before) == is.to_str() => Verdict::Nothing,
            Err(e) if e.kind() == ErrorKind::NotFound => Verdict::Nothing,
            Ok(_) | Err(_) => Verdict::Keep(CHANGED.to_owned()),
        },
        Change::User { name } => {
            if facts::user(root, name).is_some() {
                Verdict::Undo
            } else {
                Verdict::Nothing
            }
        }
        Change::Service { name, on } => {
            let is = service_state(setup, name)?;
            match before(receipt) {
                Some(was) if was == is => Verdict::Nothing,
                Some(_) if is.enabled == *on && is.active == *on => Verdict::Undo,
                _ => Verdict::Keep("it was switched since".to_owned()),
            }
        }
        Change::Swap { path, .. } => {
            let there = exists(&root.at(path)) || exists(&unit_file(root, SWAP_UNIT));
            if there { Verdict::Undo } else { Verdict::Nothing }
        }
        Change::Firewall { rule } => {
            let port = rule.trim_start_matches("allow ").trim_end_matches("/tcp").parse().ok();
            let has = admitted(setup)?;
            if port.is_some_and(|port: u16| has.contains(&port)) { Verdict::Undo } else { Verdict::Nothing }
        }
        // They lie in folders that go as a whole; packages are looked at all together.
        Change::Program { .. }
        | Change::Project { .. }
        | Change::Domain { .. }
        | Change::Port { .. }
        | Change::Package { .. } => Verdict::Nothing,
    })
}

fn state(was: &Option<Was>) -> Option<&str> {
    was.as_ref()?.state.as_deref()
}

fn before(receipt: &Receipt) -> Option<State> {
    let words = state(&receipt.before)?;
    let has = |word: &str| words.split(' ').any(|is| is == word);
    Some(State { enabled: has("enabled"), active: has("active") })
}

fn file(path: &Path, receipt: &Receipt) -> Verdict {
    if !exists(path) {
        return Verdict::Nothing;
    }
    match hash_of(path) {
        Ok(hash) if receipt.wrote.as_ref() == Some(&hash) => Verdict::Undo,
        Ok(hash) if receipt.before.as_ref().and_then(|was| was.sha256.as_ref()) == Some(&hash) => {
            Verdict::Nothing
        }
        Ok(_) | Err(_) => Verdict::Keep(CHANGED.to_owned()),
    }
}

fn folder(
    setup: &Setup<'_>,
    order: &Order,
    path: &str,
    receipt: &Receipt,
    ours: &BTreeSet<String>,
) -> Verdict {
    let at = setup.root.at(path);
    if !at.is_dir() {
        return Verdict::Nothing;
    }
    if receipt.before.is_some() {
        return Verdict::Undo;
    }
    if path == paths::WORKSPACE && order.keep_data {
        return Verdict::Keep("you asked to keep it".to_owned());
    }
    if OWN_TREES.contains(&path) {
        return Verdict::Undo;
    }
    let entries = std::fs::read_dir(&at).into_iter().flatten().flatten();
    let foreign = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let foreign: Vec<String> = foreign.filter(|name| !ours.contains(&format!("{path}/{name}"))).collect();
    match foreign.first() {
        Some(name) => Verdict::Keep(format!("other things are in it: {name}")),
        None => Verdict::Undo,
    }
}

/// Carries a verdict of [`Verdict::Undo`] out. Can be done again after a cut.
pub(crate) fn undo(setup: &Setup<'_>, receipt: &Receipt) -> Result<Verdict, Stop> {
    let root = &setup.root;
    match &receipt.change {
        Change::File { path, .. } => {
            restore(setup, &root.at(path), &receipt.before)?;
            let profile = path.starts_with("/etc/apparmor.d/") && receipt.before.is_none();
            if profile {
                // The kernel keeps it until then; a name that it does not know is no matter.
                let name = path.trim_start_matches("/etc/apparmor.d/");
                let _ = setup.run(&Call::new("apparmor_parser", &["-R", name]));
            }
        }
        Change::Unit { name } => {
            if receipt.before.is_none() {
                // What is not on is no matter.
                setup.run(&Call::new("systemctl", &["disable", "--now", name]))?;
            }
            restore(setup, &unit_file(root, name), &receipt.before)?;
            said(setup, &Call::new("systemctl", &["daemon-reload"]))?;
            setup.run(&Call::new("systemctl", &["reset-failed", name]))?;
        }
        Change::Folder { path } => return remove_folder(setup, path, receipt),
        Change::Link { path, .. } => match state(&receipt.before) {
            Some(to) => crate::change::link(&root.at(path), to).map_err(io(format!("link {path}")))?,
            None => remove_file(&root.at(path))?,
        },
        Change::User { name } => {
            if let Some((uid, _)) = facts::user(root, name).filter(|(uid, _)| *uid != 0) {
                setup.hands.end_user(uid).map_err(io(format!("end the programs of {name}")))?;
                // Forced: the connection that asked for this may still be open. The home is not removed by it.
                said(setup, &Call::new("userdel", &["--force", name]))?;
            }
        }
        Change::Service { name, .. } => {
            if let Some(was) = before(receipt) {
                let enable = if was.enabled { "enable" } else { "disable" };
                let start = if was.active { "start" } else { "stop" };
                said(setup, &Call::new("systemctl", &[enable, name]))?;
                said(setup, &Call::new("systemctl", &[start, name]))?;
            }
        }
        Change::Swap { path, .. } => {
            setup.run(&Call::new("systemctl", &["disable", "--now", SWAP_UNIT]))?;
            remove_file(&unit_file(root, SWAP_UNIT))?;
            remove_file(&root.at(path))?;
            said(setup, &Call::new("systemctl", &["daemon-reload"]))?;
        }
        Change::Firewall { rule } => {
            said(setup, &Call::new("ufw", &["delete", "allow", rule.trim_start_matches("allow ")]))?;
            if state(&receipt.before) == Some("inactive") {
                said(setup, &Call::new("ufw", &["--force", "disable"]))?;
            }
        }
        Change::Program { .. }
        | Change::Project { .. }
        | Change::Domain { .. }
        | Change::Port { .. }
        | Change::Package { .. } => {}
    }
    Ok(Verdict::Undo)
}

fn remove_folder(setup: &Setup<'_>, path: &str, receipt: &Receipt) -> Result<Verdict, Stop> {
    let at = setup.root.at(path);
    let failed = || io(format!("remove {path}"));
    if let Some(was) = &receipt.before {
        if let Some(owner) = was.owner {
            setup.hands.own(&at, owner).map_err(failed())?;
        }
        if let Some(mode) = was.mode {
            std::fs::set_permissions(&at, std::fs::Permissions::from_mode(mode)).map_err(failed())?;
        }
        return Ok(Verdict::Undo);
    }
    let removed =
        if OWN_TREES.contains(&path) { std::fs::remove_dir_all(&at) } else { std::fs::remove_dir(&at) };
    match removed {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(Verdict::Undo),
        Err(e) if e.kind() == ErrorKind::DirectoryNotEmpty => {
            Ok(Verdict::Keep("other things are in it".to_owned()))
        }
        removed => removed.map(|()| Verdict::Undo).map_err(failed()),
    }
}

/// Puts the original back, or takes away what had none.
fn restore(setup: &Setup<'_>, path: &Path, was: &Option<Was>) -> Result<(), Stop> {
    let kept = was.as_ref().and_then(|was| Some((was, was.sha256.as_ref()?)));
    let Some((was, sha256)) = kept else { return remove_file(path) };
    let failed = || io(format!("put the original of {} back", path.display()));
    let mut content = original(&setup.root, sha256).map_err(failed())?;
    let finish = |fresh: &Path| was.owner.map_or(Ok(()), |owner| setup.hands.own(fresh, owner));
    replace(path, &mut content, was.mode.unwrap_or(0o644), finish).map_err(failed())
}

fn remove_file(path: &Path) -> Result<(), Stop> {
    for file in [path.to_owned(), crate::saved::beside(path)] {
        match std::fs::remove_file(&file) {
            Err(e) if e.kind() != ErrorKind::NotFound && e.kind() != ErrorKind::NotADirectory => {
                return Err(io(format!("remove {}", file.display()))(e));
            }
            _ => {}
        }
    }
    Ok(())
}
