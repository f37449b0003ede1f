//! Switching releases under load, and the size of what is shipped.

use crate::Measure;
use crate::row::Row;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use testkit::workspace::built;

const RUNS: usize = 3;
const SWITCHES: usize = 100;
const CLIENTS: usize = 32;
const CADDY: &str = "Caddy 2.6.2";

pub fn measures() -> Vec<Measure> {
    vec![
        Measure::new("100 release switches under load", switches),
        Measure::new("the dashboard's size", dashboard),
        Measure::new("the daemon's size", daemon),
    ]
}

/// What `crates/deploy/examples/switch_load.rs` prints.
#[derive(Deserialize)]
struct Load {
    ok: u64,
    failed: u64,
    switches: usize,
    seconds: f64,
    switch_ms: Vec<f64>,
    request_p50_ms: f64,
    request_p99_ms: f64,
    edge_rss_loaded_kb: f64,
}

fn switches() -> Result<Vec<Row>> {
    let runs = (0..RUNS).map(|_| load()).collect::<Result<Vec<Load>>>()?;
    let of = |figure: fn(&Load) -> f64| runs.iter().map(figure).collect::<Vec<f64>>();
    let failed: u64 = runs.iter().map(|run| run.failed).sum();
    let ok: u64 = runs.iter().map(|run| run.ok).sum();
    let each: Vec<f64> = runs.iter().flat_map(|run| run.switch_ms.iter().copied()).collect();
    let all = "the edge's code in a process of its own, each release a process on a unix socket";
    #[expect(clippy::cast_precision_loss, reason = "a count of failures")]
    let total = failed as f64;
    let name = format!("failed requests, {SWITCHES} switches under {CLIENTS} keep-alive clients");
    let mut failures = Row::new(
        name,
        "failed",
        total,
        RUNS,
        format!("{ok} requests went well; any lost connection or wrong answer counts; {all}"),
    );
    failures.summed = true;
    Ok(vec![
        failures.at_most(0.0).recorded(CADDY, "28 in 6 switches"),
        Row::median(
            "a release switch under that load",
            "ms",
            &each,
            format!("each switch of {RUNS} runs, acknowledged once it is kept"),
        )
        .recorded(CADDY, "42–206"),
        Row::median(
            "memory of the edge under that load",
            "MB",
            &of(|run| run.edge_rss_loaded_kb * 1024.0 / 1e6),
            "VmRSS of that process after the last switch",
        )
        .recorded(CADDY, "44"),
        Row::median("a request under that load", "ms", &of(|run| run.request_p50_ms), "the median of a run"),
        Row::median(
            "a request under that load, 99th percentile",
            "ms",
            &of(|run| run.request_p99_ms),
            "of a run",
        ),
        Row::median(
            "100 releases started, healthy and switched to",
            "s",
            &of(|run| run.seconds),
            "the whole of a run",
        ),
    ])
}

fn load() -> Result<Load> {
    let program = example("switch_load")?;
    let out = Command::new(&program)
        .args(["--switches", &SWITCHES.to_string(), "--clients", &CLIENTS.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to start {}", program.display()))?;
    ensure!(out.status.success(), "{} ended with {}", program.display(), out.status);
    let load: Load = serde_json::from_slice(&out.stdout).context("it printed something else")?;
    ensure!(load.switches == SWITCHES && load.switch_ms.len() == SWITCHES, "not all switches were made");
    ensure!(load.ok > 0, "no request went through: there was no load");
    Ok(load)
}

fn example(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let program = own.parent().map(|folder| folder.join("examples").join(name)).unwrap_or_default();
    ensure!(program.is_file(), "{} is not built; ./dev bench does it", program.display());
    Ok(program)
}

fn dashboard() -> Result<Vec<Row>> {
    let dist = PathBuf::from(std::env::var_os("LOOPWRIGHT_BENCH_UI").unwrap_or_else(|| "ui/dist".into()));
    let wasm = gzipped_kb(&dist.join("ui_bg.wasm"))?;
    let glue = gzipped_kb(&dist.join("ui.js"))?;
    let style = gzipped_kb(&dist.join("style.css"))?;
    Ok(vec![
        Row::new(
            "the dashboard's wasm, gzipped",
            "KB",
            wasm,
            1,
            "gzip -9 of ui/dist/ui_bg.wasm; a KB is 1,000 bytes",
        )
        .at_most(350.0),
        Row::new("the dashboard's JavaScript, gzipped", "KB", glue, 1, "gzip -9 of ui/dist/ui.js"),
        Row::new("the dashboard's style sheet, gzipped", "KB", style, 1, "gzip -9 of ui/dist/style.css"),
    ])
}

fn daemon() -> Result<Vec<Row>> {
    let bytes = std::fs::metadata(built("loopwrightd")?)?.len();
    Ok(vec![
        Row::new(
            "the daemon's program, dashboard inside",
            "MB",
            millions(bytes),
            1,
            "size of the stripped file",
        )
        .recorded("vibe-kanban", "45.6"),
    ])
}

fn gzipped_kb(file: &Path) -> Result<f64> {
    let out = Command::new("gzip").args(["-9", "-c"]).arg(file).output().context("failed to start gzip")?;
    ensure!(out.status.success(), "gzip could not read {}", file.display());
    Ok(millions(out.stdout.len() as u64) * 1000.0)
}

#[expect(clippy::cast_precision_loss, reason = "sizes of files")]
fn millions(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
