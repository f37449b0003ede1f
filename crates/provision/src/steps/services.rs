//! Services: of the system, and our own.

use super::{Look, foreign, units};
use crate::facts;
use crate::hands::Call;
use crate::packages;
use crate::run::{Order, Setup};
use crate::stop::{Stop, io, obstacle, with};
use crate::want::{Owned, Want, service_state};
use protocol::setup::{Choice, ObstacleKind};

/// With less, a build can take the server down.
const MEMORY_ENOUGH: u64 = 4 << 30;
const SWAP_ENOUGH: u64 = 1 << 30;
const SWAP: u64 = 2 << 30;
/// What must be left on the disk.
const ROOM: u64 = 4 << 30;
const SWAP_FILE: &str = "/var/lib/loopwright/swapfile";

pub(super) fn swap(setup: &Setup<'_>, order: &Order) -> Result<Look, Stop> {
    let root = &setup.root;
    let skip = |why: &str| Ok(Look::Skipped(why.to_owned()));
    let want = || Look::Wants(vec![Want::Swap { path: SWAP_FILE, bytes: SWAP }]);
    if root.at(SWAP_FILE).exists() && !facts::is_container(root) {
        return Ok(want());
    }
    if !order.wish.swap {
        return skip("you chose none");
    }
    if facts::is_container(root) {
        return skip("this is a container; its host manages the swap");
    }
    if facts::memory(root, "MemTotal").is_none_or(|has| has >= MEMORY_ENOUGH) {
        return skip("there is enough memory");
    }
    if facts::memory(root, "SwapTotal").unwrap_or(0) >= SWAP_ENOUGH {
        return skip("there is swap already");
    }
    let space = setup.hands.space(&root.at(SWAP_FILE)).map_err(io("look at the disk"))?;
    if space.free < SWAP + ROOM {
        return skip("the disk has no room for it");
    }
    Ok(want())
}

const PROFILE_PATH: &str = "/etc/apparmor.d/loopwright-bwrap";
const PROFILE: &str = "# Loopwright: lets bubblewrap make sandboxes, as the agents' programs do.
abi <abi/4.0>,
include <tunables/global>

profile loopwright-bwrap /usr/bin/bwrap flags=(unconfined) {
  userns,
}
";

pub(super) fn apparmor(setup: &Setup<'_>, _: &Order) -> Result<Look, Stop> {
    let root = &setup.root;
    let limit = facts::text(root, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
    if limit.is_none_or(|limit| limit.trim() != "1") {
        return Ok(Look::Skipped("this system lets programs make sandboxes".to_owned()));
    }
    // The system's own profile does the same, and two would be in each other's way.
    if root.at("/etc/apparmor.d/bwrap-userns-restrict").exists() {
        return Ok(Look::Skipped("the system has a profile for it".to_owned()));
    }
    Ok(Look::Wants(vec![Want::Profile { path: PROFILE_PATH, content: PROFILE }]))
}

pub(super) fn time(setup: &Setup<'_>, _: &Order) -> Result<Look, Stop> {
    if facts::is_container(&setup.root) {
        return Ok(Look::Skipped("this is a container; its host keeps the time".to_owned()));
    }
    for name in ["chrony.service", "ntpsec.service", "ntp.service", "openntpd.service"] {
        if service_state(setup, name)?.active {
            return Ok(Look::Wants(Vec::new()));
        }
    }
    let on = Want::Service { name: "systemd-timesyncd.service".to_owned(), on: true };
    Ok(Look::Wants(vec![Want::Packages(vec!["systemd-timesyncd"]), on]))
}

const UPDATES_PATH: &str = "/etc/apt/apt.conf.d/52loopwright-updates";
const UPDATES: &str = "// Loopwright: the system's security updates install themselves.
APT::Periodic::Update-Package-Lists \"1\";
APT::Periodic::Unattended-Upgrade \"1\";
";

pub(crate) fn updates_on(setup: &Setup<'_>) -> Result<bool, Stop> {
    let said = setup.run(&Call::new("apt-config", &["dump", "APT::Periodic::Unattended-Upgrade"]))?;
    let on = said.out.lines().any(|line| {
        let value = line.split('"').nth(1).unwrap_or("0");
        value != "0" && !value.is_empty()
    });
    Ok(on && !packages::installed(setup, &["unattended-upgrades"])?.is_empty())
}

pub(super) fn security(setup: &Setup<'_>, order: &Order) -> Result<Look, Stop> {
    if !order.wish.security_updates {
        return Ok(Look::Skipped("they are left as they are".to_owned()));
    }
    let ours = setup.root.at(UPDATES_PATH).exists();
    if !ours && updates_on(setup)? {
        return Ok(Look::Wants(Vec::new()));
    }
    let file = Want::File {
        path: UPDATES_PATH.to_owned(),
        content: UPDATES.as_bytes().to_vec(),
        mode: 0o644,
        owned: Owned::ByRoot,
    };
    Ok(Look::Wants(vec![Want::Packages(vec!["unattended-upgrades"]), file]))
}

pub(super) fn units(setup: &Setup<'_>, order: &Order) -> Result<Look, Stop> {
    let mut wants = Vec::new();
    let behind = order.chose("units", Choice::BehindProxy);
    for (port, holder) in if behind { Vec::new() } else { foreign(setup) } {
        let unit = holder.as_ref().and_then(|process| process.unit.clone());
        match unit {
            Some(name) if order.chose("units", Choice::StopService) => {
                let off = Want::Service { name, on: false };
                if !wants.contains(&off) {
                    wants.push(off);
                }
            }
            unit => {
                let who = holder.map_or_else(
                    || "another program".to_owned(),
                    |process| format!("{} (pid {})", process.name, process.pid),
                );
                let cause = format!("port {port} is held by {who}");
                let (action, choices): (_, &[Choice]) = match unit {
                    Some(_) => {
                        ("put Loopwright behind it, or stop it", &[Choice::BehindProxy, Choice::StopService])
                    }
                    None => ("put Loopwright behind it, or end it", &[Choice::BehindProxy]),
                };
                let blocked = obstacle(ObstacleKind::Port, cause, action);
                return Ok(Look::Blocked(with(blocked, choices)));
            }
        }
    }
    let unit = |name, content| Want::Unit { name, content, on: true };
    // A socket is not opened for a service that systemd does not know.
    wants.push(Want::Unit { name: "loopwright-edge.service", content: units::edge(), on: false });
    let address = setup.hands.address();
    wants.push(unit("loopwright-edge.socket", units::socket(behind)));
    wants.push(unit("loopwright-edge.service", units::edge()));
    wants.push(unit("loopwright.service", units::daemon(address)));
    Ok(Look::Wants(wants))
}

pub(super) fn firewall(setup: &Setup<'_>, order: &Order) -> Result<Look, Stop> {
    if !order.wish.firewall {
        return Ok(Look::Skipped("it is left as it is".to_owned()));
    }
    for (service, name) in [("firewalld.service", "firewalld"), ("nftables.service", "nftables")] {
        if service_state(setup, service)?.active {
            let cause = format!("{name} is this server's firewall already");
            let action = format!("let 22, 80 and 443 in with {name} and go on without this step");
            return Ok(Look::Blocked(with(obstacle(ObstacleKind::Taken, cause, action), &[Choice::Skip])));
        }
    }
    let mut ports = sign_in_ports(setup);
    ports.extend([80, 443]);
    let mut wants = Vec::new();
    if facts::program(&setup.root, "ufw").is_none() {
        wants.push(Want::Packages(vec!["ufw"]));
    }
    wants.push(Want::Firewall { ports });
    Ok(Look::Wants(wants))
}

/// Where sshd listens, so that nobody is locked out.
fn sign_in_ports(setup: &Setup<'_>) -> Vec<u16> {
    let root = &setup.root;
    let outside = facts::listeners(root).into_iter().filter(|listener| !listener.loopback);
    let by_sshd = outside.filter(|listener| {
        let holder = facts::holder(root, listener.inode);
        holder.is_some_and(|process| {
            process.name.starts_with("sshd") || (process.pid == 1 && listener.port == 22)
        })
    });
    let mut ports: Vec<u16> = by_sshd.map(|listener| listener.port).collect();
    ports.push(22);
    ports.sort_unstable();
    ports.dedup();
    ports
}
