//! What the daemon costs while nothing happens, and how soon it is there.

use super::ms;
use crate::home::{Home, StandIn};
use crate::process;
use crate::row::Row;
use crate::socket::alone;
use ::deploy::edge::EdgeClient;
use anyhow::{Result, ensure};

const IDLE_RUNS: usize = 5;
const START_RUNS: usize = 11;

pub fn idle() -> Result<Vec<Row>> {
    let home = Home::new(StandIn::None)?;
    let (mut daemon_mb, mut edge_mb) = (Vec::new(), Vec::new());
    for _ in 0..IDLE_RUNS {
        let (daemon, _) = home.start()?;
        let edge = alone(async { Ok(EdgeClient::new(home.edge_socket()).state().await?.pid) })?;
        let settled = process::settled(&[daemon.pid(), edge])?;
        daemon_mb.extend(settled.first());
        edge_mb.extend(settled.last());
        ensure!(daemon.stop()?.success(), "the daemon did not stop well");
    }
    Ok(vec![
        Row::median(
            "idle memory of the daemon (dashboard included)",
            "MB",
            &daemon_mb,
            "VmRSS after a start with one project, once unchanged for 1.5 s",
        )
        .at_most(20.0)
        .recorded("vibe-kanban, Hermes Agent", "29, 207"),
        Row::median("idle memory of the edge", "MB", &edge_mb, "VmRSS beside it; no site is live yet"),
    ])
}

pub fn start() -> Result<Vec<Row>> {
    let home = Home::new(StandIn::None)?;
    let mut samples = Vec::new();
    for _ in 0..START_RUNS {
        let (daemon, took) = home.start()?;
        samples.push(ms(took));
        ensure!(daemon.stop()?.success(), "the daemon did not stop well");
    }
    let how = "from making the process to its answer to Hello on the control socket; a home with one project";
    Ok(vec![
        Row::median("start to answering", "ms", &samples, how)
            .at_most(50.0)
            .recorded("vibe-kanban, Hermes Agent", "46–61, 3,100"),
    ])
}
