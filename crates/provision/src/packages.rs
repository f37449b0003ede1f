//! The system's packages, by apt and dpkg.

use crate::facts::{self, Process};
use crate::hands::{Call, Said};
use crate::run::Setup;
use crate::stop::{Stop, io, obstacle, with};
use protocol::setup::{Choice, Obstacle, ObstacleKind};
use std::collections::BTreeSet;
use std::time::Duration;

const TRIES: u32 = 3;
/// The system's own updates may take this long; then the user decides.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// What apt takes before it changes anything.
const LOCKS: [&str; 3] =
    ["/var/lib/dpkg/lock-frontend", "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock"];
const QUIET: [(&str, &str); 4] = [
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("NEEDRESTART_MODE", "a"),
    ("APT_LISTCHANGES_FRONTEND", "none"),
    ("SUDO_FORCE_REMOVE", "yes"),
];

/// Those of them that are not installed.
pub(crate) fn missing(setup: &Setup<'_>, names: &[&str]) -> Result<Vec<String>, Stop> {
    let there = installed(setup, names)?;
    Ok(names.iter().filter(|name| !there.contains(**name)).map(|name| (*name).to_owned()).collect())
}

pub(crate) fn installed(setup: &Setup<'_>, names: &[&str]) -> Result<BTreeSet<String>, Stop> {
    let mut args = vec!["-W", "-f", "${Package} ${db:Status-Status}\\n"];
    args.extend(names);
    // Its code says only that it does not know one of them.
    let said = setup.run(&Call::new("dpkg-query", &args))?;
    let rows = said.out.lines().filter_map(|line| line.split_once(' '));
    Ok(rows.filter(|(_, status)| *status == "installed").map(|(name, _)| name.to_owned()).collect())
}

/// Packages that are half-way installed.
pub(crate) fn broken(setup: &Setup<'_>) -> Result<Vec<String>, Stop> {
    let said = setup.run(&Call::new("dpkg-query", &["-W", "-f", "${Package} ${db:Status-Status}\\n"]))?;
    let half = ["unpacked", "half-configured", "half-installed", "triggers-awaited", "triggers-pending"];
    let rows = said.out.lines().filter_map(|line| line.split_once(' '));
    Ok(rows.filter(|(_, status)| half.contains(status)).map(|(name, _)| name.to_owned()).collect())
}

/// Who uses the package system now.
pub(crate) fn busy(setup: &Setup<'_>) -> Option<(&'static str, Process)> {
    LOCKS.iter().find_map(|lock| Some((*lock, facts::locker(&setup.root, &setup.root.at(lock))?)))
}

fn held(by: &Process) -> Obstacle {
    let own = ["unattended-upgr", "apt.systemd.dai", "apt-get", "apt", "dpkg"];
    let whose = if own.iter().any(|name| by.name.starts_with(name)) {
        "the system's own updates run"
    } else {
        "the package system is in use"
    };
    let cause = format!("{whose}: {} (process {})", by.name, by.pid);
    with(obstacle(ObstacleKind::PackageLock, cause, "wait; it goes on by itself"), &[Choice::Wait])
}

/// Waits until nobody uses the package system.
fn until_free(setup: &Setup<'_>, wait: &mut dyn FnMut(Obstacle) -> Result<(), Stop>) -> Result<(), Stop> {
    while let Some((lock, by)) = busy(setup) {
        wait(held(&by))?;
        let free = setup
            .hands
            .until_free(&setup.root.at(lock), PATIENCE)
            .map_err(io("wait for the packages' lock"))?;
        if !free {
            return Err(Stop::Blocked(held(&by)));
        }
    }
    Ok(())
}

/// Runs apt-get; again where the network or the lock came between.
fn apt(
    setup: &Setup<'_>,
    args: &[&str],
    wait: &mut dyn FnMut(Obstacle) -> Result<(), Stop>,
) -> Result<Said, Stop> {
    let mut all = vec!["-q", "-y", "-o", "DPkg::Lock::Timeout=60", "-o", "APT::Update::Error-Mode=any"];
    all.extend([
        "-o",
        "Acquire::Retries=2",
        "-o",
        "Acquire::http::Timeout=30",
        "-o",
        "Acquire::https::Timeout=30",
    ]);
    all.extend(["-o", "Dpkg::Options::=--force-confold", "-o", "Dpkg::Options::=--force-confdef"]);
    all.extend(args);
    let call = Call { env: QUIET.to_vec(), ..Call::new("apt-get", &all) };
    let mut tries = 1;
    loop {
        until_free(setup, wait)?;
        let said = setup.run(&call)?;
        if said.ok() {
            return Ok(said);
        }
        let last = tries >= TRIES;
        match why(&said) {
            trouble
                if last
                    || trouble.kind != ObstacleKind::Network && trouble.kind != ObstacleKind::PackageLock =>
            {
                return Err(Stop::Failed(trouble));
            }
            trouble => wait(trouble)?,
        }
        tries += 1;
    }
}

/// What apt's words mean.
fn why(said: &Said) -> Obstacle {
    let text = format!("{}\n{}", said.out, said.err);
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let says = said.why();
    if has(&["No space left on device", "don't have enough free space", "not enough free space"]) {
        return obstacle(ObstacleKind::Disk, format!("the disk is full: {says}"), "make room, then go on");
    }
    if has(&["Could not get lock", "Unable to lock", "is another process using it"]) {
        return obstacle(ObstacleKind::PackageLock, "the package system is in use", "wait, then go on");
    }
    if has(&["dpkg was interrupted", "Sub-process /usr/bin/dpkg returned an error", "Unmet dependencies"]) {
        let broken = obstacle(
            ObstacleKind::PackagesBroken,
            format!("the package system could not finish: {says}"),
            "let it finish what it was half-way through, or run `dpkg --configure -a` and look at what it says",
        );
        return with(broken, &[Choice::RepairPackages]);
    }
    if has(&["is not valid yet", "not valid yet (invalid for another"]) {
        let action = "set the clock (`timedatectl set-ntp true`), then go on";
        return obstacle(
            ObstacleKind::Clock,
            "the server's clock is behind: the packages' lists are not valid yet",
            action,
        );
    }
    if has(&["Unable to locate package", "has no installation candidate"]) {
        let action = "look at the package sources in /etc/apt, then go on";
        return obstacle(ObstacleKind::Other, format!("a package is not to be had here: {says}"), action);
    }
    if has(&[
        "Failed to fetch",
        "Could not resolve",
        "Connection timed out",
        "Could not connect",
        "Unable to connect",
    ]) {
        let action = "see whether the server reaches its package sources (DNS, firewall, proxy), then go on";
        return obstacle(ObstacleKind::Network, format!("packages cannot be fetched: {says}"), action);
    }
    obstacle(
        ObstacleKind::Other,
        format!("apt-get failed: {says}"),
        "run it by hand and look at what it says, then go on",
    )
}

/// All that an installation would add, with what they need.
pub(crate) fn added(
    setup: &Setup<'_>,
    names: &[String],
    wait: &mut dyn FnMut(Obstacle) -> Result<(), Stop>,
) -> Result<Vec<String>, Stop> {
    apt(setup, &["update"], wait)?;
    let mut args = vec!["-s", "--no-install-recommends", "install"];
    args.extend(names.iter().map(String::as_str));
    let said = apt(setup, &args, wait)?;
    let new = said.out.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    let names: Vec<&str> = new.collect();
    let there = installed(setup, &names)?;
    Ok(names.into_iter().filter(|name| !there.contains(*name)).map(str::to_owned).collect())
}

pub(crate) fn install(
    setup: &Setup<'_>,
    names: &[String],
    wait: &mut dyn FnMut(Obstacle) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut args = vec!["--no-install-recommends", "install"];
    args.extend(names.iter().map(String::as_str));
    apt(setup, &args, wait).map(drop)
}

pub(crate) fn finish(
    setup: &Setup<'_>,
    wait: &mut dyn FnMut(Obstacle) -> Result<(), Stop>,
) -> Result<(), Stop> {
    until_free(setup, wait)?;
    let call = Call {
        env: QUIET.to_vec(),
        ..Call::new("dpkg", &["--force-confold", "--force-confdef", "--configure", "-a"])
    };
    let said = setup.run(&call)?;
    if said.ok() && broken(setup)?.is_empty() {
        return Ok(());
    }
    apt(setup, &["--fix-broken", "install"], wait).map(drop)
}

/// Packages that stay, each with the reason.
type Kept = Vec<(String, String)>;

/// Which of our packages can go, and which somebody else needs now.
pub(crate) fn removable(setup: &Setup<'_>, ours: &[String]) -> Result<(Vec<String>, Kept), Stop> {
    let names: Vec<&str> = ours.iter().map(String::as_str).collect();
    let there = installed(setup, &names)?;
    let mut go: Vec<String> = ours.iter().filter(|name| there.contains(*name)).cloned().collect();
    let mut kept = Vec::new();
    while !go.is_empty() {
        if others(setup, &go, &go)?.is_empty() {
            break;
        }
        let mut stay = Vec::new();
        for name in &go {
            if let Some(other) = others(setup, std::slice::from_ref(name), &go)?.first() {
                stay.push((name.clone(), format!("{other} needs it")));
            }
        }
        if stay.is_empty() {
            stay = go.iter().map(|name| (name.clone(), "other packages need it".to_owned())).collect();
        }
        go.retain(|name| !stay.iter().any(|(kept, _)| kept == name));
        kept.extend(stay);
    }
    Ok((go, kept))
}

/// What would go with them and is not among `ours`.
fn others(setup: &Setup<'_>, names: &[String], ours: &[String]) -> Result<Vec<String>, Stop> {
    let mut args = vec!["-s", "purge"];
    args.extend(names.iter().map(String::as_str));
    let said = setup.run(&Call { env: QUIET.to_vec(), ..Call::new("apt-get", &args) })?;
    if !said.ok() {
        return Ok(vec![format!("the package system ({})", said.why())]);
    }
    let gone = said.out.lines().filter_map(|line| {
        let rest = line.strip_prefix("Purg ").or_else(|| line.strip_prefix("Remv "))?;
        rest.split(' ').next()
    });
    Ok(gone.filter(|name| !ours.iter().any(|our| our == name)).map(str::to_owned).collect())
}

pub(crate) fn purge(
    setup: &Setup<'_>,
    names: &[String],
    wait: &mut dyn FnMut(Obstacle) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if names.is_empty() {
        return Ok(());
    }
    let mut args = vec!["purge"];
    args.extend(names.iter().map(String::as_str));
    apt(setup, &args, wait).map(drop)
}
