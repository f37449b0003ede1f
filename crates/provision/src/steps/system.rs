//! Whether this is a server that can be set up. Changes nothing.

use super::{Look, is_installed};
use crate::facts;
use crate::hands::Call;
use crate::place::paths;
use crate::run::{Order, Setup};
use crate::stop::{Stop, io, obstacle};
use protocol::setup::{Obstacle, ObstacleKind};

/// What is sold as 512 MB shows less: the kernel keeps some for itself.
const MEMORY: u64 = 430 << 20;
const ROOM: u64 = 2 << 30;
/// Once it is installed, this much is enough to go on.
const ROOM_LATER: u64 = 100 << 20;
const ROOM_TEMPORARY: u64 = 16 << 20;
/// A clock that is off by this much breaks certificates.
const SKEW: u64 = 12 * 3600 * 1000;

type Check = fn(&Setup<'_>) -> Result<Option<Obstacle>, Stop>;

pub(super) fn look(setup: &Setup<'_>, _: &Order) -> Result<Look, Stop> {
    let checks: [Check; 6] = [rights, kind, init, memory, room, earlier];
    for check in checks {
        if let Some(obstacle) = check(setup)? {
            return Ok(Look::Blocked(obstacle));
        }
    }
    Ok(match network(setup)? {
        Some(obstacle) => Look::Blocked(obstacle),
        None => Look::Wants(Vec::new()),
    })
}

fn rights(setup: &Setup<'_>) -> Result<Option<Obstacle>, Stop> {
    let missing = || obstacle(ObstacleKind::Rights, "a server is set up by root", "run it with sudo");
    Ok((!setup.hands.is_root()).then(missing))
}

fn kind(setup: &Setup<'_>) -> Result<Option<Obstacle>, Stop> {
    let of = |field| facts::os_release(&setup.root, field);
    let (id, version) = (of("ID").unwrap_or_default(), of("VERSION_ID").unwrap_or_default());
    let number = |text: &str| text.split('.').map(|part| part.parse().unwrap_or(0)).collect::<Vec<u32>>();
    let known = match id.as_str() {
        "debian" => ["12", "13"].contains(&version.as_str()),
        "ubuntu" => version == "22.04" || number(&version) >= vec![24, 4],
        _ => false,
    };
    let name = of("PRETTY_NAME").unwrap_or_else(|| "this system".to_owned());
    let cause = format!("{name} is not a system that this version sets up");
    let action = "use a server with Debian 12 or 13, or Ubuntu 22.04, 24.04 or newer";
    Ok((!known).then(|| obstacle(ObstacleKind::System, cause, action)))
}

fn init(setup: &Setup<'_>) -> Result<Option<Obstacle>, Stop> {
    let first = facts::text(&setup.root, "/proc/1/comm").unwrap_or_default();
    let runs = first.trim() == "systemd" && setup.root.at("/run/systemd/system").is_dir();
    let cause = format!("services cannot be made here: process 1 is {}, not systemd", first.trim());
    let action = "use a whole server or a container that starts with systemd";
    Ok((!runs).then(|| obstacle(ObstacleKind::System, cause, action)))
}

fn memory(setup: &Setup<'_>) -> Result<Option<Obstacle>, Stop> {
    let has = facts::memory(&setup.root, "MemTotal").filter(|has| *has < MEMORY);
    Ok(has.map(|has| {
        let cause = format!(
            "this server has {} MB of memory; a server that is sold with 512 MB is the least",
            has >> 20
        );
        obstacle(ObstacleKind::Memory, cause, "use a server with 1 GB or more")
    }))
}

fn room(setup: &Setup<'_>) -> Result<Option<Obstacle>, Stop> {
    let least = if is_installed(setup) { ROOM_LATER } else { ROOM };
    for path in [paths::STATE, paths::OPT] {
        let space =
            setup.hands.space(&setup.root.at(path)).map_err(io(format!("look at the disk of {path}")))?;
        if space.read_only {
            let cause = format!("{path} lies on a file system that cannot be written");
            let action = "look at `dmesg` for disk errors, then `mount -o remount,rw /`";
            return Ok(Some(obstacle(ObstacleKind::ReadOnly, cause, action)));
        }
        if space.free < least {
            let cause = format!(
                "{} MB are free where {path} lies, and {} MB are needed",
                space.free >> 20,
                least >> 20
            );
            let action = "make room (`apt-get clean`, old logs), or use a larger disk";
            return Ok(Some(obstacle(ObstacleKind::Disk, cause, action)));
        }
    }
    // apt checks its lists' signatures with files in there.
    let space = setup.hands.space(&setup.root.at("/tmp")).map_err(io("look at the disk of /tmp"))?;
    Ok((space.free < ROOM_TEMPORARY).then(|| {
        let cause = format!(
            "/tmp is full: {} MB are free, and {} MB are needed",
            space.free >> 20,
            ROOM_TEMPORARY >> 20
        );
        obstacle(ObstacleKind::Disk, cause, "delete what lies in /tmp, or give it more room")
    }))
}

/// Folders of ours that no journal knows of.
fn earlier(setup: &Setup<'_>) -> Result<Option<Obstacle>, Stop> {
    let known = !crate::journal::read(&setup.root)?.is_empty();
    let there =
        [paths::VERSIONS, paths::CURRENT].iter().find(|path| crate::want::exists(&setup.root.at(path)));
    Ok(there.filter(|_| !known).map(|path| {
        let cause = format!("{path} is there from an earlier installation whose records are gone");
        obstacle(ObstacleKind::Taken, cause, format!("move it away: `mv {0} {0}.old`", paths::OPT))
    }))
}

/// Whether packages can be fetched, and the clock: by asking the system's own package source.
fn network(setup: &Setup<'_>) -> Result<Option<Obstacle>, Stop> {
    if is_installed(setup) {
        return Ok(None);
    }
    let Some((host, port)) = source(setup) else { return Ok(None) };
    let date = match setup.hands.reach(&host, port) {
        Ok(date) => date,
        Err(_) if has_proxy(setup)? => return Ok(None),
        Err(e) => {
            let cause = format!("the server does not reach its package source {host}: {e}");
            let action = "see whether it has a network and a DNS server (`ping`, /etc/resolv.conf), or set apt's proxy";
            return Ok(Some(obstacle(ObstacleKind::Network, cause, action)));
        }
    };
    let there = date.and_then(|date| httpdate::parse_http_date(&date).ok());
    let there =
        there.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok()).map(|since| since.as_millis());
    let here = u128::from(setup.hands.now().0.unsigned_abs());
    let off = there.map(|there| there.abs_diff(here)).filter(|off| *off > u128::from(SKEW));
    Ok(off.map(|off| {
        let hours = off / 3_600_000;
        let which = if there.is_some_and(|there| there > here) { "behind" } else { "ahead" };
        let cause = format!("the server's clock is {hours} hours {which}");
        obstacle(ObstacleKind::Clock, cause, "set it: `timedatectl set-ntp true`, or `date -s`")
    }))
}

fn has_proxy(setup: &Setup<'_>) -> Result<bool, Stop> {
    let said = setup.run(&Call::new("apt-config", &["dump", "Acquire::http::Proxy"]))?;
    let env = std::env::var_os("http_proxy").is_some_and(|value| !value.is_empty());
    Ok(env || !facts::proxies(&setup.root).is_empty() || said.out.contains("://"))
}

/// The first package source that is reached by the network.
fn source(setup: &Setup<'_>) -> Option<(String, u16)> {
    let folder = setup.root.at("/etc/apt/sources.list.d");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<_> = files.chain([setup.root.at("/etc/apt/sources.list")]).collect();
    files.sort();
    files.iter().find_map(|file| {
        let text = std::fs::read_to_string(file).ok()?;
        let lines =
            text.lines().map(str::trim).filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"));
        lines.flat_map(str::split_ascii_whitespace).find_map(address).or(None)
    })
}

fn address(word: &str) -> Option<(String, u16)> {
    let (rest, port) = match word.strip_prefix("http://") {
        Some(rest) => (rest, 80),
        None => (word.strip_prefix("https://")?, 443),
    };
    let host = rest.split('/').next()?;
    match host.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') => Some((host.to_owned(), port.parse().ok()?)),
        _ => Some((host.to_owned(), port)),
    }
}
