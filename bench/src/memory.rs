//! How soon a note can be found, in a memory of two thousand.

use crate::Measure;
use crate::row::Row;
use ::memory::Memory;
use anyhow::{Result, ensure};
use protocol::fact::{BlobRef, Entry, JournalOpened, MemoryPushed, NoteKind};
use protocol::{At, BlobId, JournalId, NoteId, ProjectId};
use std::time::Instant;

const NOTES: u64 = 2000;
const RUNS: u64 = 101;

pub fn measures() -> Vec<Measure> {
    vec![Measure { name: "push to recall at 2,000 notes", take: push_to_recall }]
}

fn push_to_recall() -> Result<Vec<Row>> {
    let folder = tempfile::tempdir_in("/var/tmp")?;
    let project = ProjectId::new("my-site")?;
    let mut memory = Memory::open(&folder.path().join("memory.db"))?;
    memory.reset(&JournalId::new("bench")?)?;
    let opened = JournalOpened { journal: JournalId::new("bench")?, daemon: "bench".into() };
    memory.apply(
        &Entry { seq: 1, at: At(1), prev: String::new(), hash: String::new(), fact: opened.into() },
        None,
    )?;
    for number in 0..NOTES {
        memory.apply(&pushed(&project, number)?, Some(&text(number)))?;
    }
    let (mut both, mut recalls) = (Vec::new(), Vec::new());
    for number in NOTES..NOTES + RUNS {
        let (entry, words) = (pushed(&project, number)?, text(number));
        let question = format!("Which shelf holds the rye of batch {number}?");
        let clock = Instant::now();
        memory.apply(&entry, Some(&words))?;
        let pushed_at = clock.elapsed();
        let found = memory.recall(&project, &question, 6)?;
        both.push(super::spine::ms(clock.elapsed()));
        recalls.push(super::spine::ms(clock.elapsed() - pushed_at));
        let nearest = found.first().map(|recalled| recalled.note.to_string());
        ensure!(nearest == Some(name(number)), "the note just pushed is not the nearest one");
    }
    let how = "crate memory alone: apply of one pushed note, then a recall of six by a question; each found its note first";
    Ok(vec![
        Row::median("push to recall at 2,000 notes", "ms", &both, how),
        Row::median("recall at 2,000 notes", "ms", &recalls, "the recall alone"),
    ])
}

fn name(number: u64) -> String {
    format!("n{number:06}")
}

/// Words that many notes share, and one that only this one has.
fn text(number: u64) -> String {
    const SHELVES: [&str; 7] = ["upper", "lower", "middle", "left", "right", "cold", "warm"];
    let shelf = SHELVES[usize::try_from(number).unwrap_or(0) % SHELVES.len()];
    format!(
        "Batch {number} of the rye bread lies on the {shelf} shelf. The order form asks for the shelf, the opening hours \
         say when it can be fetched, and the page shows both in a list that the owner edits by hand."
    )
}

fn pushed(project: &ProjectId, number: u64) -> Result<Entry> {
    let fact = MemoryPushed {
        note: NoteId::new(name(number))?,
        project: project.clone(),
        note_kind: NoteKind::Document,
        title: format!("Shelf of batch {number}"),
        text: BlobRef { blob: BlobId::new(format!("b{number}"))?, bytes: 0 },
        source: "you".into(),
        request: None,
        agent: None,
    };
    let at = At(i64::try_from(number)?);
    Ok(Entry { seq: number + 2, at, prev: String::new(), hash: String::new(), fact: fact.into() })
}
