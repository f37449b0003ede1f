//! `doctor`: what could be wrong, looked at now, each with the one next step.

use crate::context::Daemon;
use protocol::fact::Readiness;
use protocol::view::{DoctorRow, Health};
use std::sync::Arc;

/// Below this much room the disk is said to be nearly full.
const ROOM_MB: u64 = 512;

pub async fn examine(daemon: &Arc<Daemon>) -> Vec<DoctorRow> {
    let mut rows = vec![journal(daemon).await, disk(daemon), edge(daemon).await];
    rows.extend(programs(daemon));
    rows.push(crate::bridges::examine(daemon).await);
    rows.push(crate::lightrag::examine(daemon).await);
    rows.extend(agents(daemon).await);
    rows
}

fn row(what: &str, health: Health, says: impl Into<String>) -> DoctorRow {
    DoctorRow { what: what.into(), health, says: says.into(), next: None }
}

fn with_next(row: DoctorRow, next: impl Into<String>) -> DoctorRow {
    DoctorRow { next: Some(next.into()), ..row }
}

async fn journal(daemon: &Daemon) -> DoctorRow {
    match daemon.reads.ask(|r| r.verify()).await {
        Ok(found) if found.problems.is_empty() => {
            row("journal", Health::Good, format!("{} entries, the hash chain is whole", found.entries))
        }
        Ok(found) => with_next(
            row("journal", Health::Bad, found.problems.join("; ")),
            "keep the file as it is and restore a copy from before",
        ),
        Err(e) => row("journal", Health::Bad, e.message),
    }
}

fn disk(daemon: &Daemon) -> DoctorRow {
    if *daemon.writer.disk_full.borrow() {
        return with_next(
            row("disk", Health::Bad, "full: new requests are refused"),
            "make room; work goes on by itself",
        );
    }
    match rustix::fs::statvfs(daemon.home.root()) {
        Ok(room) => {
            let free = room.f_bavail.saturating_mul(room.f_frsize) / (1024 * 1024);
            if free < ROOM_MB {
                return with_next(row("disk", Health::Warning, format!("{free} MB free")), "make room");
            }
            row("disk", Health::Good, format!("{free} MB free"))
        }
        Err(e) => row("disk", Health::Warning, format!("could not be read: {e}")),
    }
}

async fn edge(daemon: &Daemon) -> DoctorRow {
    match daemon.edge.state().await {
        Ok(_) => row("edge", Health::Good, "serves the sites in a process of its own"),
        Err(e) => with_next(
            row("edge", Health::Bad, format!("does not answer: {e}")),
            "restart the daemon: it starts the edge",
        ),
    }
}

fn programs(daemon: &Daemon) -> Vec<DoctorRow> {
    let node = match &daemon.yard.node {
        Some(dir) => row("node", Health::Good, dir.display().to_string()),
        None => with_next(
            row("node", Health::Warning, "not found: only the static starter can be built"),
            "run ./dev setup, or put Node 22.22 or newer on PATH",
        ),
    };
    let chromium = match daemon.previews.chromium() {
        Some(path) => row("screenshots", Health::Good, path.display().to_string()),
        None => row("screenshots", Health::Good, "off: no Chromium is installed"),
    };
    // A daemon that is root does not start without them.
    let user = if daemon.setup.run_as.is_some() {
        row("users", Health::Good, "agents and apps run as users of their own, not as root")
    } else {
        row("users", Health::Good, "agents run as you: they can read what you can")
    };
    vec![node, chromium, user]
}

async fn agents(daemon: &Daemon) -> Vec<DoctorRow> {
    let states = daemon.agents_now().await.unwrap_or_default();
    states
        .into_iter()
        .map(|state| {
            let what = format!("agent {}", state.agent);
            match state.readiness {
                Readiness::Practice => {
                    row(&what, Health::Good, "the practice agent: always there, no account")
                }
                Readiness::Worked { version, .. } => {
                    row(&what, Health::Good, format!("{version}, has worked here"))
                }
                Readiness::SignedIn { version } => row(
                    &what,
                    Health::Good,
                    format!("{version}, says it is signed in; no turn has worked yet"),
                ),
                Readiness::Missing { next } => with_next(row(&what, Health::Warning, "not installed"), next),
                Readiness::SignedOut { version, next } => {
                    with_next(row(&what, Health::Warning, format!("{version}, signed out")), next)
                }
                Readiness::Stale { version, reason, next } => {
                    with_next(row(&what, Health::Warning, format!("{version}: {reason}")), next)
                }
                Readiness::Refused { version, reason, next, .. } => {
                    with_next(row(&what, Health::Bad, format!("{version}, refused: {reason}")), next)
                }
                Readiness::QuotaGone { .. } => row(&what, Health::Warning, "its quota is used up"),
                Readiness::Busy { .. } => row(&what, Health::Good, "busy"),
                Readiness::Broken { reason, next } => with_next(row(&what, Health::Warning, reason), next),
            }
        })
        .collect()
}
