//! A set's notes in a memory of their own: what the journal would hold of them, applied entry by entry.

use super::Set;
use anyhow::{Context, Result, ensure};
use embed::Embedder;
use memory::Memory;
use protocol::fact::{BlobRef, Entry, Fact, JournalOpened, MemoryPushed, MemorySuperseded};
use protocol::note::pack;
use protocol::{At, BlobId, JournalId, NoteId, ProjectId, RequestId};
use std::collections::BTreeMap;
use std::path::Path;

pub struct Filled {
    pub memory: Memory,
    /// The moment at which questions are asked: a day after the newest note.
    pub now: At,
}

/// Every note of the set in the space that it names; in one for all if `pooled` says how that is called.
pub fn fill(set: &Set, folder: &Path, pooled: Option<&str>) -> Result<Filled> {
    const DAY: i64 = 86_400_000;
    let mut memory = Memory::open(folder)?;
    let journal = JournalId::new("set")?;
    memory.reset(&journal)?;
    let mut facts: Vec<(At, Fact, Option<String>)> = Vec::new();
    facts.push((At(0), JournalOpened { journal, daemon: "bench".into() }.into(), None));
    let mut newest_of: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    let mut notes: Vec<_> = set.notes.iter().collect();
    notes.sort_by_key(|note| note.at);
    let newest = notes.last().map_or(At(0), |note| note.at);
    for note in notes {
        let project = ProjectId::new(pooled.unwrap_or(&note.space))?;
        let id =
            NoteId::new(note.id.as_str()).with_context(|| format!("{:?} cannot be a note's id", note.id))?;
        let pushed = MemoryPushed {
            note: id.clone(),
            project: project.clone(),
            note_kind: note.kind,
            title: String::new(),
            text: BlobRef { blob: BlobId::new(format!("b-{}", note.id))?, bytes: 0 },
            source: note.source.clone(),
            request: note.request.as_deref().map(RequestId::new).transpose()?,
            agent: None,
            confidence: None,
            batch: None,
        };
        facts.push((note.at, pushed.into(), Some(pack(&note.title, &note.text))));
        // As the engine does it: what the note says, and what had its source.
        let same = newest_of.insert((&note.space, &note.source), &note.id);
        let same = same.filter(|_| !protocol::note::is_shared(&note.source));
        let named = note.supersedes.iter().map(String::as_str);
        for older in named.chain(same.filter(|id| !note.supersedes.iter().any(|named| named == id))) {
            let older = NoteId::new(older)?;
            facts.push((
                note.at,
                MemorySuperseded { project: project.clone(), note: older, by: id.clone() }.into(),
                None,
            ));
        }
    }
    let entries: Vec<(Entry, Option<String>)> = facts
        .into_iter()
        .zip(1u64..)
        .map(|((at, fact, text), seq)| {
            (Entry { seq, at, prev: String::new(), hash: String::new(), fact }, text)
        })
        .collect();
    memory.apply_all(&entries)?;
    Ok(Filled { memory, now: At(newest.0 + DAY) })
}

/// A vector of this model for every passage that has none.
pub fn put_vectors(memory: &mut Memory, embedder: &dyn Embedder) -> Result<()> {
    const BATCH: usize = 64;
    for space in memory.reader().spaces()? {
        loop {
            let passages = memory.unembedded(&space, embedder.model(), BATCH)?;
            if passages.is_empty() {
                break;
            }
            let texts: Vec<&str> = passages.iter().map(|(_, text)| text.as_str()).collect();
            let vectors = embedder.embed(&texts)?;
            let vectors: Vec<(i64, Vec<f32>)> = passages.iter().map(|(id, _)| *id).zip(vectors).collect();
            let kept = memory.put_vectors(&space, embedder.model(), embedder.dim(), &vectors)?;
            ensure!(
                kept == vectors.len(),
                "{} of {} vectors were not kept",
                vectors.len() - kept,
                vectors.len()
            );
        }
    }
    Ok(())
}
