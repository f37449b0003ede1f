//! What the set-up leaves running on the server.

use super::ground::Ground;
use crate::process;
use crate::row::Row;
use anyhow::{Context, Result};

pub fn idle(ground: &Ground) -> Result<Vec<Row>> {
    let pids = [ground.process(&["loopwrightd", "serve"])?, ground.process(&["loopwrightd", "edge"])?];
    let settled = process::settled(&pids)?;
    let [daemon, edge] = settled.try_into().ok().context("two processes were asked for")?;
    let how = "VmRSS on the server after the set-up, once unchanged for 1.5 s";
    Ok(vec![
        Row::new("idle memory of the daemon on the server", "MB", daemon, 1, how).at_most(20.0),
        Row::new("idle memory of the edge on the server", "MB", edge, 1, how),
    ])
}
