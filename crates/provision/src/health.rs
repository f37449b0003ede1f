//! How the server does, read at this moment.

use crate::facts;
use crate::hands::Call;
use crate::packages;
use crate::place::paths;
use crate::run::Setup;
use protocol::setup::{Health, OpenPort, Room, UnitState};

const UNITS: [&str; 3] = ["loopwright.service", "loopwright-edge.service", "loopwright-edge.socket"];

pub fn health(setup: &Setup<'_>) -> Health {
    let root = &setup.root;
    let asked = |program, args: &[&str]| setup.hands.run(&Call::new(program, args)).ok();
    let unit = |name: &&str| {
        let said = asked("systemctl", &["is-active", name])?;
        Some(UnitState { name: (*name).to_owned(), state: said.out.trim().to_owned() })
    };
    let number = |path: &str| facts::text(root, path)?.split_ascii_whitespace().next()?.parse::<f64>().ok();
    let space = setup.hands.space(&root.at(paths::STATE)).ok();
    let room = |total: &str, free: &str| {
        let (total, free) = (facts::memory(root, total)?, facts::memory(root, free)?);
        Some(Room { used: total.saturating_sub(free), total })
    };
    let synced = asked("timedatectl", &["show", "-p", "NTPSynchronized", "--value"]);
    let sandbox = asked(
        "setpriv",
        &[
            "--reuid",
            "loopwright-agent",
            "--regid",
            "loopwright-agent",
            "--clear-groups",
            "bwrap",
            "--unshare-all",
            "--ro-bind",
            "/",
            "/",
            "true",
        ],
    );
    Health {
        daemon: setup.house.daemon(),
        edge: setup.house.edge(),
        units: UNITS.iter().filter_map(unit).collect(),
        uptime: number("/proc/uptime").map(|seconds| seconds as u64),
        load: number("/proc/loadavg"),
        cores: std::thread::available_parallelism().ok().and_then(|count| u32::try_from(count.get()).ok()),
        memory: room("MemTotal", "MemAvailable"),
        swap: room("SwapTotal", "SwapFree"),
        disk: space.map(|space| Room { used: space.total.saturating_sub(space.free), total: space.total }),
        certificates: setup.house.certificates(),
        open: open(setup),
        reboot_needed: Some(root.at("/run/reboot-required").exists()),
        time_synced: synced.filter(|said| said.ok()).map(|said| said.out.trim() == "yes"),
        security_updates: updates(setup),
        sandbox: sandbox.map(|said| said.ok()),
    }
}

fn updates(setup: &Setup<'_>) -> Option<bool> {
    let said =
        setup.hands.run(&Call::new("apt-config", &["dump", "APT::Periodic::Unattended-Upgrade"])).ok()?;
    let on = said.out.split('"').nth(1).is_some_and(|value| value != "0" && !value.is_empty());
    Some(on && !packages::installed(setup, &["unattended-upgrades"]).ok()?.is_empty())
}

/// Whatever listens to the world, ours or not.
fn open(setup: &Setup<'_>) -> Vec<OpenPort> {
    let mut ports: Vec<OpenPort> = Vec::new();
    for listener in facts::listeners(&setup.root).into_iter().filter(|listener| !listener.loopback) {
        if !ports.iter().any(|known| known.port == listener.port) {
            let program = facts::holder(&setup.root, listener.inode).map(|process| process.name);
            ports.push(OpenPort { port: listener.port, program });
        }
    }
    ports.sort_by_key(|open| open.port);
    ports
}
