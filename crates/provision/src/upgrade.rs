//! Another version of the program: put beside the one in use, switched to by one rename, and back if it is not healthy.

use crate::change;
use crate::hands::Call;
use crate::place::paths;
use crate::run::{Log, Order, Setup};
use crate::saved::{hash_of, replace};
use crate::stop::{Stop, io, obstacle};
use crate::want::{Owned, UNITS, Want, unit_file};
use protocol::setup::{Change, ObstacleKind, Receipt, SetupEvent};
use protocol::version::is_older;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A program to upgrade to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fresh {
    pub path: PathBuf,
    pub version: String,
    pub sha256: String,
}

/// Where a version lies: `/opt/loopwright/versions/<version>-<hash>`.
pub(crate) fn folder(version: &str, sha256: &str) -> String {
    format!("{}/{version}-{}", paths::VERSIONS, sha256.get(..12).unwrap_or(sha256))
}

/// The version that is in use, by the link's name.
pub(crate) fn current(setup: &Setup<'_>) -> Option<(String, PathBuf)> {
    let to = std::fs::read_link(setup.root.at(paths::CURRENT)).ok()?;
    let name = to.file_name()?.to_str()?;
    Some((name.rsplit_once('-')?.0.to_owned(), to))
}

pub(crate) fn ready(setup: &Setup<'_>, order: &Order) -> Result<(), Stop> {
    let refuse = |kind, cause: String, action: &str| Err(Stop::Blocked(obstacle(kind, cause, action)));
    let Some(fresh) = &order.fresh else {
        return refuse(ObstacleKind::Other, "no program to upgrade to was named".into(), "name its file");
    };
    let Some((installed, _)) = current(setup) else {
        return refuse(ObstacleKind::Other, "nothing is installed yet".into(), "set the server up first");
    };
    if is_older(&fresh.version, &installed) {
        let cause = format!("{} is older than {installed}, which is installed", fresh.version);
        return refuse(ObstacleKind::Newer, cause, "upgrade the desktop app");
    }
    if hash_of(&fresh.path).ok().as_ref() != Some(&fresh.sha256) {
        let cause = format!("{} is not there as it was sent", fresh.path.display());
        return refuse(ObstacleKind::Other, cause, "send it again");
    }
    Ok(())
}

pub(crate) fn upgrade(setup: &Setup<'_>, order: &Order, log: &mut Log<'_>) -> Result<u32, Stop> {
    let begun = setup.hands.now();
    log.step = "upgrade".to_owned();
    let lost =
        || Stop::Failed(obstacle(ObstacleKind::Other, "no program to upgrade to was named", "name its file"));
    let fresh = order.fresh.as_ref().ok_or_else(lost)?;
    let to = folder(&fresh.version, &fresh.sha256);
    let before = before(log, &to).or_else(|| Some(current(setup)?.1.display().to_string()));
    log.say(SetupEvent::StepStarted { step: "upgrade".to_owned(), undo: false })?;
    let mut changes = 0;
    for want in [
        Want::Folder { path: to.clone(), mode: 0o755, owned: Owned::ByRoot },
        Want::Copy {
            path: format!("{to}/loopwrightd"),
            from: fresh.path.clone(),
            sha256: fresh.sha256.clone(),
        },
        Want::Link { path: paths::CURRENT.to_owned(), to: to.clone() },
    ] {
        if !want.check(setup)?.is_empty() {
            changes += change::make(setup, log, &want)?;
        }
    }
    if let Err(why) = restart(setup, log, &fresh.version) {
        back(setup, log, before.as_deref(), &to, &fresh.version, &why)?;
    }
    prune(setup, before.as_deref(), &to);
    let millis = setup.hands.now().since(begun);
    log.say(SetupEvent::StepDone { step: "upgrade".to_owned(), undo: false, millis, changes })?;
    Ok(changes)
}

/// What was in use before this run, when it was cut after it had switched.
fn before(log: &Log<'_>, to: &str) -> Option<String> {
    log.journal.entries().iter().rev().find_map(|entry| match &entry.event {
        SetupEvent::Wrote {
            receipt: Receipt { change: Change::Link { path, to: of }, before, .. }, ..
        } if path == paths::CURRENT && of == to => before.as_ref()?.state.clone(),
        _ => None,
    })
}

fn restart(setup: &Setup<'_>, log: &mut Log<'_>, version: &str) -> Result<(), Stop> {
    if !unit_file(&setup.root, "loopwright.service").exists() {
        return Ok(());
    }
    let unhealthy = |what: &str| {
        let action = "look at `journalctl -u loopwright -u loopwright-edge`";
        Stop::Failed(obstacle(ObstacleKind::Other, what, action))
    };
    log.doing(format!("starting the daemon of version {version}"))?;
    change::said(setup, &Call::new("systemctl", &["restart", "loopwright.service"]))?;
    match setup.house.daemon() {
        Some(running) if running == version => {}
        Some(running) => return Err(unhealthy(&format!("version {running} answers instead of {version}"))),
        None => return Err(unhealthy("the daemon does not answer")),
    }
    log.doing("starting the edge again; its ports stay open meanwhile")?;
    change::said(setup, &Call::new("systemctl", &["restart", "loopwright-edge.service"]))?;
    if setup.house.edge() { Ok(()) } else { Err(unhealthy("the edge does not answer")) }
}

fn back(
    setup: &Setup<'_>,
    log: &mut Log<'_>,
    before: Option<&str>,
    to: &str,
    version: &str,
    why: &Stop,
) -> Result<(), Stop> {
    let cause = &why.obstacle().cause;
    let Some(before) = before.filter(|before| *before != to) else {
        return Err(Stop::Failed(why.obstacle().clone()));
    };
    log.doing(format!("version {version} is not healthy ({cause}); going back"))?;
    change::make(setup, log, &Want::Link { path: paths::CURRENT.to_owned(), to: before.to_owned() })?;
    for unit in ["loopwright.service", "loopwright-edge.service"] {
        // Whether they run is asked below; one that fails must not keep the other from its start.
        setup.run(&Call::new("systemctl", &["restart", unit]))?;
    }
    let runs =
        setup.house.daemon().map_or_else(|| "nothing".to_owned(), |version| format!("version {version}"));
    let cause = format!("version {version} did not pass its health check ({cause}); {runs} runs again");
    let action = "nothing was lost; report it with `journalctl -u loopwright`";
    Err(Stop::Failed(obstacle(ObstacleKind::Other, cause, action)))
}

/// Versions before the last one are of no use any more.
fn prune(setup: &Setup<'_>, before: Option<&str>, to: &str) {
    let root = setup.root.at(paths::VERSIONS);
    let kept: Vec<PathBuf> =
        [Some(to), before].into_iter().flatten().map(|path| setup.root.at(path)).collect();
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        if !kept.contains(&entry.path()) {
            // It is only room; the next upgrade tries again.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// By the program that began: the one that an upgrade switches to may not even start.
fn resume(setup: &Setup<'_>) -> String {
    let own = setup.program.strip_prefix(setup.root.path()).ok().and_then(Path::to_str);
    let own = own.map(|own| format!("/{own}")).filter(|own| own.starts_with(paths::VERSIONS));
    let program = own.unwrap_or_else(|| paths::PROGRAM.to_owned());
    format!(
        "[Unit]
Description=Loopwright: goes on with a set-up that was cut short
After=network-online.target
Wants=network-online.target
ConditionPathExists={program}

[Service]
Type=oneshot
Restart=on-abnormal
RestartSec=1
ExecStart={program} setup resume

[Install]
WantedBy=multi-user.target
"
    )
}

/// The same unit as the last act of a removal, which no program of ours can do any more: these lines, then itself, which
/// systemd forgets with the next look at its files.
pub(crate) fn set_sweep(setup: &Setup<'_>, lines: &[String]) -> Result<(), Stop> {
    let lines: String = lines.iter().map(|line| format!("ExecStart={line}\n")).collect();
    let text = format!(
        "[Unit]\nDescription=Loopwright: takes its last files away\n\n[Service]\nType=oneshot\n{lines}ExecStart=/bin/rm -f {WANTS}/{unit} {UNITS}/{unit}\nExecStart=-/bin/systemctl daemon-reload\n\n[Install]\nWantedBy=multi-user.target\n",
        unit = paths::RESUME_UNIT
    );
    let unit = unit_file(&setup.root, paths::RESUME_UNIT);
    replace(&unit, &mut text.as_bytes(), 0o644, |_| Ok(())).map_err(io("write the last act of the removal"))
}

const WANTS: &str = "/etc/systemd/system/multi-user.target.wants";

/// Only files, so that it works at any moment: systemd reads them when the machine starts.
pub(crate) fn set_resume(setup: &Setup<'_>, on: bool) -> Result<(), Stop> {
    let unit = unit_file(&setup.root, paths::RESUME_UNIT);
    let wants = setup.root.at(WANTS);
    let link = wants.join(paths::RESUME_UNIT);
    let failed = || io("let a start of the machine go on with the set-up");
    if !on {
        for file in [link, unit] {
            match std::fs::remove_file(&file) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(failed()(e)),
                _ => {}
            }
        }
        return Ok(());
    }
    if !wants.is_dir() {
        // No systemd, which the plan says in words.
        return Ok(());
    }
    replace(&unit, &mut resume(setup).as_bytes(), 0o644, |_| Ok(())).map_err(failed())?;
    change::link(&link, &format!("{UNITS}/{}", paths::RESUME_UNIT)).map_err(failed())
}
