//! Release switches under load, measured: `switch_load [--switches 100] [--clients 32]` prints one line of JSON with the
//! requests that went well and failed, each switch's milliseconds, and the edge's memory. Edge and apps are processes of
//! their own: this program again.

#[expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the app of the tests, where a panic is a failed request"
)]
#[path = "../tests/it/app.rs"]
mod app;

use anyhow::{Context, Result, bail};
use deploy::edge::{EdgeClient, EdgeConfig, EdgeLaunch, ReleaseSpec, edge_main, spawn_edge};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use protocol::id::{ProjectId, ReleaseId};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::sync::watch;

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("app") => app::run().await,
        Some("edge") => edge_main(EdgeConfig::in_folder(Path::new(&words[1]))).await?,
        _ => {
            let number = |name: &str, usual: usize| -> Result<usize> {
                let at = words.iter().position(|word| word == name);
                at.and_then(|at| words.get(at + 1)).map_or(Ok(usual), |word| Ok(word.parse()?))
            };
            let measured = measure(number("--switches", 100)?, number("--clients", 32)?).await?;
            writeln!(std::io::stdout(), "{measured}")?;
        }
    }
    Ok(())
}

async fn measure(switches: usize, clients: usize) -> Result<serde_json::Value> {
    let dir = tempfile::tempdir()?;
    let own = std::env::current_exe()?.display().to_string();
    let launch = EdgeLaunch {
        argv: vec![own.clone(), "edge".into(), dir.path().display().to_string()],
        env: Vec::new(),
        control: dir.path().join("edge.sock"),
        log: dir.path().join("edge.log"),
        limit: Duration::from_secs(10),
    };
    let edge = spawn_edge(&launch).await?;
    let measured = under_load(&edge, dir.path(), &own, switches, clients).await;
    edge.quit().await?;
    measured
}

async fn under_load(
    edge: &EdgeClient,
    dir: &Path,
    own: &str,
    switches: usize,
    clients: usize,
) -> Result<serde_json::Value> {
    let project = ProjectId::new("bench")?;
    let port = edge.ensure_project(&project, None).await?;
    let idle_kb = resident_kb(edge.state().await?.pid)?;
    go_live(edge, &project, dir, own, 0).await?;
    let (done, stop) = watch::channel(false);
    let clients: Vec<_> = (0..clients).map(|_| tokio::spawn(keep_asking(port, stop.clone()))).collect();
    let began = Instant::now();
    let mut switch_ms = Vec::new();
    for number in 1..=switches {
        switch_ms.push(go_live(edge, &project, dir, own, number).await?.as_secs_f64() * 1000.0);
    }
    let seconds = began.elapsed().as_secs_f64();
    let loaded_kb = resident_kb(edge.state().await?.pid)?;
    done.send(true)?;
    let (mut ok, mut failed, mut request_ms) = (0, 0, Vec::new());
    for client in clients {
        let asked = client.await?;
        ok += asked.ok;
        failed += asked.failed;
        request_ms.extend(asked.ms);
    }
    request_ms.sort_by(f64::total_cmp);
    let at = |part: f64| request_ms.get((request_ms.len() as f64 * part) as usize).copied();
    Ok(serde_json::json!({
        "ok": ok, "failed": failed, "switches": switches, "seconds": seconds, "switch_ms": switch_ms,
        "request_p50_ms": at(0.5), "request_p99_ms": at(0.99), "edge_rss_idle_kb": idle_kb, "edge_rss_loaded_kb": loaded_kb,
    }))
}

/// Starts a release and makes it live; returns how long the switch alone took.
async fn go_live(
    edge: &EdgeClient,
    project: &ProjectId,
    dir: &Path,
    own: &str,
    number: usize,
) -> Result<Duration> {
    let release = ReleaseId::new(format!("r{number}"))?;
    let spec = ReleaseSpec {
        release: release.clone(),
        project: project.clone(),
        argv: vec![own.to_owned(), "app".into()],
        cwd: dir.to_owned(),
        env: [("APP_NAME".to_owned(), release.to_string())].into(),
        run_as: None,
        socket: Some(dir.join("s").join(release.as_str())),
        memory_mb: None,
    };
    edge.start(spec).await?;
    edge.health(&release, "/healthz", Duration::from_secs(30)).await?;
    let began = Instant::now();
    edge.switch(project, &release).await?;
    Ok(began.elapsed())
}

#[derive(Default)]
struct Asked {
    ok: u64,
    failed: u64,
    ms: Vec<f64>,
}

async fn keep_asking(port: u16, stop: watch::Receiver<bool>) -> Asked {
    let mut asked = Asked::default();
    while !*stop.borrow() {
        // Only a failure ends a connection; it is counted, and the client goes on with another one.
        if on_one_connection(port, &stop, &mut asked).await.is_err() {
            asked.failed += 1;
        }
    }
    asked
}

async fn on_one_connection(port: u16, stop: &watch::Receiver<bool>, asked: &mut Asked) -> Result<()> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    while !*stop.borrow() {
        let began = Instant::now();
        sender.ready().await?;
        let request = hyper::Request::get("/").header("host", "bench").body(String::new())?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status != 200 || !body.starts_with(b"r") {
            bail!("answered {status}");
        }
        asked.ok += 1;
        asked.ms.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(())
}

fn resident_kb(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
