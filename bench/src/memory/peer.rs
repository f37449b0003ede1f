//! LightRAG's figures: taken in this run where it is installed, else those that were recorded.

use super::corpus::Page;
use super::lightrag::{LightRag, installed_mb};
use super::load::{Cost, Manner, Server, questions};
use crate::process;
use crate::row::{RECORDED, Row, short};
use anyhow::{Result, ensure};
use std::path::Path;
use std::time::{Duration, Instant};

pub const NAME: &str = "LightRAG 1.5.7";
const THIS_RUN: &str = "this run";

/// As text, since some are ranges.
#[derive(Debug, Clone)]
pub struct Peer {
    pub source: &'static str,
    pub install_mb: String,
    pub start_s: String,
    pub resident_mb: String,
    pub ingest: String,
    pub written: String,
    pub mix_ms: String,
    pub mix_wall_ms: String,
    pub calls: String,
}

impl Peer {
    pub fn recorded() -> Peer {
        Peer {
            source: RECORDED,
            install_mb: "769".into(),
            start_s: "2.6–4.7 (processor)".into(),
            resident_mb: "428 at 300".into(),
            ingest: "2.1 → 1.1, falling".into(),
            written: "about 4,300".into(),
            mix_ms: "295–410 at 300–675 notes".into(),
            mix_wall_ms: "341–976 / 461–1,506 at 300 notes".into(),
            calls: "2.9".into(),
        }
    }

    /// Starts it and does to it what is done to ours, as far as half of the bench's time goes.
    pub fn measure(venv: &Path, pages: &[Page]) -> Result<(Peer, Vec<Row>)> {
        const BATCH: usize = 25;
        const TIME: Duration = Duration::from_secs(240);
        const QUESTIONS: usize = 27;
        let server = LightRag::start(venv)?;
        let idle = process::resident(server.pid())?;
        let load = Server { face: &server.face, pid: server.pid() };
        let (clock, mut costs) = (Instant::now(), Vec::<Cost>::new());
        for batch in pages.chunks(BATCH) {
            if clock.elapsed() > TIME {
                break;
            }
            costs.push(load.fill(batch, &Manner::Batches(BATCH))?);
        }
        let all = costs.iter().copied().fold(Cost::default(), Cost::and);
        let (chats, prompts) = server.model.asked();
        ensure!(chats > 0, "it called no model");
        let resident = process::resident(server.pid())?;
        let timing =
            load.ask("/query", "mix", &questions(pages.get(..all.notes).unwrap_or(pages), QUESTIONS))?;
        let speed =
            |cost: Option<&Cost>| cost.map_or_else(String::new, |it| short(it.notes_per_processor_second()));
        let notes = all.notes;
        let calls = per_note(chats, notes);
        let row =
            |name: &str, unit, value, how: String| Row::new(format!("{NAME}: {name}"), unit, value, 1, how);
        let rows = vec![
            row(
                "install",
                "MB",
                installed_mb(venv)?,
                "its folder with everything that it needs, without Python".into(),
            ),
            row(
                "start to ready, processor",
                "s",
                server.processor_s,
                format!("wall {} s", short(server.wall_s)),
            ),
            row(
                "resident memory",
                "MB",
                resident,
                format!("after {notes} notes; {} MB before the first", short(idle)),
            ),
            row(
                "ingest",
                "1/s",
                all.notes_per_processor_second(),
                format!(
                    "{notes} notes per processor second in batches of {BATCH}, its model and embedder answering at once in \
                     another process; wall {} s; what was not done in {} s was left out",
                    short(all.wall_s),
                    TIME.as_secs()
                ),
            ),
            row("written per byte stored", "", all.written_per_byte(), "/proc/PID/io, write_bytes".into()),
            row(
                "mix query, processor",
                "ms",
                timing.processor_ms,
                format!(
                    "context only, {} questions at {notes} notes; wall {} / {} ms p50 / p95; {} KB an answer; {} named the note",
                    timing.count,
                    short(timing.p50_ms),
                    short(timing.p95_ms),
                    timing.bytes / 1000,
                    timing.found
                ),
            ),
            row("model calls per note", "", calls, format!("{} KB of prompts", prompts / 1000)),
        ];
        let peer = Peer {
            source: THIS_RUN,
            install_mb: short(installed_mb(venv)?),
            start_s: format!("{} (processor {})", short(server.wall_s), short(server.processor_s)),
            resident_mb: format!("{} at {notes}", short(resident)),
            ingest: format!("{} → {} at {notes}", speed(costs.first()), speed(costs.last())),
            written: short(all.written_per_byte()),
            mix_ms: format!("{} at {notes} notes", short(timing.processor_ms)),
            mix_wall_ms: format!("{} / {} at {notes} notes", short(timing.p50_ms), short(timing.p95_ms)),
            calls: short(calls),
        };
        Ok((peer, rows))
    }
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn per_note(calls: u64, notes: usize) -> f64 {
    calls as f64 / notes.max(1) as f64
}
