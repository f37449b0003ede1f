//! Words, order and graph alone: what the whole daemon costs as its memory grows to twenty thousand notes.

use super::corpus::{Corpus, Page};
use super::load::{Asked, Cost, Manner, Timing, questions};
use super::ours::{LEVEL_0, Ours, Running};
use super::peer::{NAME, Peer};
use crate::row::{Row, median, short};
use anyhow::{Context, Result, ensure};
use protocol::fact::Fact;

/// The sizes at which is looked.
const SMALL: usize = 300;
const MIDDLE: usize = 2_000;
pub const MOST: usize = 20_000;
const BATCH: usize = 50;
const STARTS: usize = 7;
const QUESTIONS: usize = 202;

pub fn start(peer: &Peer, corpus: &Corpus) -> Result<Vec<Row>> {
    let ours = Ours::new(LEVEL_0, None)?;
    let running = ours.start()?;
    running.server().fill(part(corpus, 0, MIDDLE)?, &Manner::Batches(BATCH))?;
    running.stop()?;
    let (mut walls, mut processors) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let running = ours.start()?;
        walls.push(running.wall_s);
        processors.push(running.processor_s);
        running.stop()?;
    }
    let how = format!(
        "from making the process to the answer of :9621's /health, in a home with {MIDDLE} notes; {} s of processor",
        short(median(&processors))
    );
    Ok(vec![Row::median("start to ready", "s", &walls, how).at_most(0.3).beside(
        NAME,
        peer.start_s.clone(),
        peer.source,
    )])
}

/// One daemon is filled; at the sizes, its memory is read and it is asked.
pub fn growth(peer: &Peer, corpus: &Corpus) -> Result<Vec<Row>> {
    let ours = Ours::new(LEVEL_0, None)?;
    let running = ours.start()?;
    let first = fill(&running, corpus, 0, SMALL)?;
    let small_mb = running.resident()?;
    let second = fill(&running, corpus, SMALL, MIDDLE)?;
    let middle_mb = running.resident()?;
    let middle = ask_all(&running, part(corpus, 0, MIDDLE)?)?;
    let mut steps = Vec::new();
    for from in (MIDDLE..MOST).step_by(MIDDLE) {
        steps.push(fill(&running, corpus, from, from + MIDDLE)?);
    }
    let most_mb = running.resident()?;
    let most = ask_all(&running, part(corpus, 0, MOST)?)?;
    let view = running.view()?;
    ensure!(view.notes == u64::try_from(MOST)?, "{} notes are in the memory, not {MOST}", view.notes);
    let readings = running.daemon.entries()?;
    let calls = readings.iter().filter(|entry| matches!(entry.fact, Fact::MemoryEnriched(_))).count();
    running.stop()?;
    let all = steps.iter().copied().fold(first.and(second), Cost::and);
    let last = steps.last().copied().context("no last part")?;
    let mut rows = resident_rows(peer, [small_mb, middle_mb, most_mb]);
    rows.extend(ingest_rows(peer, corpus, &[first, second, all, last]));
    rows.push(
        Row::new(
            "written per byte stored, batches",
            "",
            all.written_per_byte(),
            1,
            format!(
                "/proc/PID/io, write_bytes of the daemon, {MOST} notes in batches of {BATCH}; the space's file has {} MB",
                view.bytes / 1_000_000
            ),
        )
        .at_most(40.0)
        .beside(NAME, peer.written.clone(), peer.source),
    );
    rows.extend(query_rows(peer, MIDDLE, 5.0, &middle));
    rows.extend(query_rows(peer, MOST, 20.0, &most));
    rows.push(
        Row::new(
            "model calls per note",
            "",
            per_note(calls),
            1,
            "calls of a reader that the journal holds after these notes, without enrichment being set up",
        )
        .at_most(0.0)
        .beside(NAME, peer.calls.clone(), peer.source),
    );
    Ok(rows)
}

/// Notes pushed one by one, each durable and searchable before the next.
pub fn singly(peer: &Peer, corpus: &Corpus) -> Result<Vec<Row>> {
    let ours = Ours::new(LEVEL_0, None)?;
    let running = ours.start()?;
    let cost = running.server().fill(part(corpus, 0, SMALL)?, &Manner::Singly)?;
    running.stop()?;
    Ok(vec![
        Row::new(
            "ingest, one note a call",
            "1/s",
            cost.notes_per_processor_second(),
            1,
            format!(
                "notes per processor second, {SMALL} calls of /documents/text; wall {} s",
                short(cost.wall_s)
            ),
        )
        .at_least(200.0)
        .beside(NAME, peer.ingest.clone(), peer.source),
        Row::new(
            "written per byte stored, one note a call",
            "",
            cost.written_per_byte(),
            1,
            format!(
                "/proc/PID/io, write_bytes of the daemon, {SMALL} notes, each durable when it is answered"
            ),
        )
        .at_most(40.0)
        .beside(NAME, peer.written.clone(), peer.source),
    ])
}

#[expect(clippy::cast_precision_loss, reason = "thousands at most")]
fn per_note(calls: usize) -> f64 {
    calls as f64 / MOST as f64
}

fn part(corpus: &Corpus, from: usize, to: usize) -> Result<&[Page]> {
    corpus.pages.get(from..to).context("the corpus is too small")
}

fn fill(running: &Running, corpus: &Corpus, from: usize, to: usize) -> Result<Cost> {
    running.server().fill(part(corpus, from, to)?, &Manner::Batches(BATCH))
}

struct Answers {
    mix: Timing,
    data: Timing,
    naive: Timing,
    others: String,
}

fn ask_all(running: &Running, pages: &[Page]) -> Result<Answers> {
    let asked = questions(pages, QUESTIONS);
    let server = running.server();
    let few: &[Asked] = asked.get(..QUESTIONS / 4).unwrap_or(&asked);
    let mut others = Vec::new();
    for mode in ["local", "global", "hybrid"] {
        others.push(format!("{mode} {}", short(server.ask("/query", mode, few)?.processor_ms)));
    }
    Ok(Answers {
        mix: server.ask("/query", "mix", &asked)?,
        data: server.ask("/query/data", "mix", &asked)?,
        naive: server.ask("/query", "naive", &asked)?,
        others: others.join(", "),
    })
}

fn resident_rows(peer: &Peer, [small, middle, most]: [f64; 3]) -> Vec<Row> {
    let how = "VmRSS of the whole daemon once unchanged for 1.5 s, level 0, right after it took them in";
    let row =
        |notes: usize, mb: f64| Row::new(format!("resident memory after {notes} notes"), "MB", mb, 1, how);
    let peers = |row: Row| row.beside(NAME, peer.resident_mb.clone(), peer.source);
    vec![peers(row(SMALL, small).at_most(40.0)), peers(row(MIDDLE, middle).at_most(60.0)), row(MOST, most)]
}

fn ingest_rows(peer: &Peer, corpus: &Corpus, [first, second, all, last]: &[Cost; 4]) -> Vec<Row> {
    let tokens = all.text_bytes / 4 / u64::try_from(all.notes.max(1)).unwrap_or(1);
    let row = |name: String, cost: &Cost, more: String| {
        let how = format!("notes per processor second of the daemon, /documents/texts of {BATCH}{more}");
        Row::new(name, "1/s", cost.notes_per_processor_second(), 1, how).at_least(200.0).beside(
            NAME,
            peer.ingest.clone(),
            peer.source,
        )
    };
    vec![
        row(
            format!("ingest, the first {SMALL} notes"),
            first,
            format!("; {}, about {tokens} tokens each", corpus.from),
        ),
        row(format!("ingest, up to {MIDDLE} notes"), second, String::new()),
        row(
            format!("ingest, the last {MIDDLE} of {MOST} notes"),
            last,
            format!("; all of them took {} s", short(all.wall_s)),
        ),
        Row::new(
            "ingest, flatness",
            "",
            last.bytes_per_processor_second() / second.bytes_per_processor_second(),
            1,
            format!("text taken in per processor second: the last {MIDDLE} of {MOST} against those from {SMALL} to {MIDDLE}; 1 is flat"),
        )
        .at_least(0.8),
    ]
}

fn query_rows(peer: &Peer, notes: usize, limit: f64, answers: &Answers) -> Vec<Row> {
    let Answers { mix, data, naive, others } = answers;
    let count = mix.count;
    let row = |name: &str, value: f64, how: String| {
        Row::new(format!("{name} at {notes} notes"), "ms", value, count, how)
    };
    vec![
        row(
            "mix query, processor",
            mix.processor_ms,
            format!(
                "processor of the daemon, /query with only_need_context, {} KB an answer, {} of {count} named the note that the \
                 question was made of; others: {others}",
                mix.bytes / 1000,
                mix.found
            ),
        )
        .at_most(limit)
        .beside(NAME, peer.mix_ms.clone(), peer.source),
        row("mix query, wall, p50", mix.p50_ms, format!("p95 {} ms; its p50 / p95 beside it", short(mix.p95_ms)))
            .beside(NAME, peer.mix_wall_ms.clone(), peer.source),
        row(
            "mix query/data, processor",
            data.processor_ms,
            format!("wall {} / {} ms p50 / p95", short(data.p50_ms), short(data.p95_ms)),
        )
        .at_most(limit),
        row(
            "naive query, processor",
            naive.processor_ms,
            format!("wall {} / {} ms p50 / p95", short(naive.p50_ms), short(naive.p95_ms)),
        ),
    ]
}
