//! The embedding model: what it takes on the disk, and in memory while it is loaded.

use super::corpus::Corpus;
use super::load::Manner;
use super::ours::{LEVEL_0, Ours};
use super::peer::{NAME, Peer};
use crate::process;
use crate::row::{Row, short};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a user gets on the disk: the model's file and what the program grew by.
pub fn install(peer: &Peer, models: Option<&Path>) -> Result<Vec<Row>> {
    /// Of `loopwrightd` as it was before it had a graph, a model or an HTTP face for its memory, built with the release
    /// settings of now on x86-64 Linux.
    const BEFORE: f64 = 19.92;
    let program = testkit::workspace::built("loopwrightd")?;
    let now = megabytes(std::fs::metadata(&program)?.len());
    let dir = super::models::have(models, &embed::MINILM)?;
    let model = std::fs::read_dir(dir)?
        .flatten()
        .filter(|it| it.file_name().to_string_lossy().starts_with(embed::MINILM.name));
    let model = megabytes(model.filter_map(|it| it.metadata().ok()).map(|it| it.len()).sum());
    let grown = now - BEFORE;
    let how = format!(
        "the default model's file {} MB (fetched once, {} MB), and what loopwrightd grew by since the commit before this memory: \
         {} MB, all that was added meanwhile counted ({} MB now, {BEFORE} MB then, that one built with today's settings on x86-64 Linux and recorded)",
        short(model),
        embed::MINILM.fetch_bytes / 1_000_000,
        short(grown),
        short(now)
    );
    Ok(vec![Row::new("added install", "MB", model + grown, 1, how).at_most(35.0).beside(
        NAME,
        peer.install_mb.clone(),
        peer.source,
    )])
}

#[expect(clippy::cast_precision_loss, reason = "sizes of files")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// With the embedding model: what it adds while it is loaded.
pub fn loaded(models: Option<&Path>, corpus: &Corpus) -> Result<Vec<Row>> {
    const NOTES: usize = 24;
    const PATIENCE: Duration = Duration::from_secs(120);
    let dir = super::models::have(models, &embed::MINILM)?;
    let notes = corpus.pages.get(..NOTES).context("the corpus is too small")?;
    let without = Ours::new(LEVEL_0, None)?;
    let running = without.start()?;
    running.server().fill(notes, &Manner::Batches(NOTES))?;
    running.face.context("/query", "mix", "Which one is it?")?;
    process::processor_at_rest(running.daemon.pid())?;
    let before = process::family_resident(running.daemon.pid())?;
    running.stop()?;
    let with = Ours::new(embed::MINILM.name, Some(dir))?;
    let running = with.start()?;
    running.server().fill(notes, &Manner::Batches(NOTES))?;
    let clock = Instant::now();
    let mut most: f64 = 0.0;
    loop {
        let view = running.view()?;
        most = most.max(process::family_resident(running.daemon.pid())?);
        ensure!(!view.model.failed, "the model failed: {}", view.model.says.unwrap_or_default());
        if view.model.waiting == 0 && view.model.dim.is_some() {
            break;
        }
        ensure!(
            clock.elapsed() < PATIENCE,
            "{} passages had no vector after {PATIENCE:?}",
            view.model.waiting
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    running.face.context("/query", "mix", "Which one is it?")?;
    let after = process::family_resident(running.daemon.pid())?;
    running.stop()?;
    Ok(vec![
        Row::new(
            "resident memory, added while the model is loaded",
            "MB",
            after - before,
            1,
            format!(
                "daemon and its children, {NOTES} notes and a question, beside the same without a model ({} MB); at most {} MB \
                 more while it made vectors",
                short(before),
                short(most - before)
            ),
        )
        .at_most(60.0),
    ])
}
