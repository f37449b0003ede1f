//! Keeps the edge running while the daemon runs. The edge outlives the daemon, so it may be nobody's child: its end is
//! seen on a connection that is held open for that.

use crate::context::Daemon;
use anyhow::Result;
use deploy::edge::EdgeLaunch;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::warn;

/// How long the edge may take to answer after its start.
const PATIENCE: Duration = Duration::from_secs(10);
/// An edge that lived this long is started again at once; others after a pause that grows up to the longest.
const CALM: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Starts the edge if none answers, unless it was ended for good. On a server it is a service of its own, which systemd
/// starts.
pub async fn start(daemon: &Daemon) -> Result<()> {
    let wanted = daemon.edge_wanted.lock().await;
    if *wanted {
        match &daemon.server {
            Some(_) => daemon.edge.wait(PATIENCE).await?,
            None => drop(deploy::edge::spawn_edge(&launch(daemon)).await?),
        }
    }
    Ok(())
}

/// Ends the edge with its sites, for good.
pub async fn end(daemon: &Daemon) {
    // Held until it is gone, so that it is not started again meanwhile.
    let mut wanted = daemon.edge_wanted.lock().await;
    *wanted = false;
    if let Err(e) = daemon.edge.quit().await {
        warn!(error = %e, "failed to stop the edge");
    }
}

/// Starts the edge again whenever it is gone, until the daemon stops.
pub async fn keep(daemon: Arc<Daemon>) {
    let mut pause = Duration::ZERO;
    loop {
        let begun = Instant::now();
        tokio::select! {
            () = daemon.edge.gone() => {}
            () = daemon.stop.cancelled() => return,
        }
        if !*daemon.edge_wanted.lock().await {
            return;
        }
        warn!("the edge is gone; it is started again");
        if begun.elapsed() > CALM {
            pause = Duration::ZERO;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = daemon.stop.cancelled() => return,
        }
        pause = (pause * 2).clamp(SHORTEST, LONGEST);
        if let Err(e) = start(&daemon).await {
            warn!(error = %e, "failed to start the edge; sites cannot be switched until it runs");
        }
    }
}

fn launch(daemon: &Daemon) -> EdgeLaunch {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let control = daemon.home.edge_control();
    EdgeLaunch {
        argv: vec![
            text(&daemon.yard.own_exe),
            "edge".into(),
            "--control".into(),
            text(&control),
            "--run".into(),
            text(&daemon.home.run()),
        ],
        env: std::env::var("PATH").map(|path| ("PATH".to_owned(), path)).into_iter().collect(),
        control,
        log: daemon.home.edge_log(),
        limit: PATIENCE,
    }
}
