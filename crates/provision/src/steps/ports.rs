//! Who listens where.

use super::{Look, is_installed};
use crate::facts::{self, Process};
use crate::run::{Order, Setup};
use crate::stop::{Stop, obstacle};
use protocol::setup::{ObstacleKind, OpenPort};

/// What the world is meant to reach of ours.
const SITES: [u16; 2] = [80, 443];

fn is_ours(process: &Process) -> bool {
    process.name.starts_with("loopwrightd")
        || process.unit.as_ref().is_some_and(|unit| unit.starts_with("loopwright"))
}

/// Another program that holds a port which the sites need, on any address that would be in their way.
pub(super) fn foreign(setup: &Setup<'_>) -> Vec<(u16, Option<Process>)> {
    let root = &setup.root;
    let waits = crate::want::unit_file(root, "loopwright-edge.socket").exists();
    let mut found = Vec::new();
    for listener in facts::listeners(root).iter().filter(|listener| SITES.contains(&listener.port)) {
        let holder = facts::holder(root, listener.inode);
        let ours = match &holder {
            Some(process) => is_ours(process) || (process.pid == 1 && waits),
            None => waits,
        };
        if !ours && !found.iter().any(|(port, _)| *port == listener.port) {
            found.push((listener.port, holder));
        }
    }
    found
}

/// Ports of ours on which the world is listened to, other than those of the sites.
fn own_open(setup: &Setup<'_>) -> Vec<OpenPort> {
    let root = &setup.root;
    let outside = facts::listeners(root).into_iter();
    let outside = outside.filter(|listener| !listener.loopback && !SITES.contains(&listener.port));
    let ours = outside.filter_map(|listener| {
        let process = facts::holder(root, listener.inode).filter(is_ours)?;
        Some(OpenPort { port: listener.port, program: Some(process.name) })
    });
    ours.collect()
}

pub(super) fn exposure(setup: &Setup<'_>, _: &Order) -> Result<Look, Stop> {
    let open = if is_installed(setup) { own_open(setup) } else { Vec::new() };
    Ok(match open.first() {
        None => Look::Wants(Vec::new()),
        Some(OpenPort { port, program }) => {
            let program = program.as_deref().unwrap_or("a program");
            let cause = format!("{program} of Loopwright's listens to the world on port {port}");
            let action = "a site that listens there by itself must use the PORT that it is given; correct its app.toml";
            Look::Blocked(obstacle(ObstacleKind::Port, cause, action))
        }
    })
}
