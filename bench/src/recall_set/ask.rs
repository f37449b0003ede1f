//! A set's questions put to the memory, and to BM25.

use super::bm25::Bm25;
use super::score::{Outcome, judge_all};
use super::{Question, Set, SetNote, fill, put_vectors};
use anyhow::Result;
use embed::Embedder;
use memory::{Query, Reader};
use protocol::{At, ProjectId};
use std::collections::BTreeMap;

/// Fills a memory that is thrown away, in one space if `pool` says how it is called, and asks it for `limit` notes.
pub fn ask_memory(
    set: &Set,
    pool: Option<&str>,
    limit: usize,
    embedder: Option<&dyn Embedder>,
) -> Result<Vec<Outcome>> {
    let folder = tempfile::tempdir_in("/var/tmp")?;
    let mut filled = fill(set, folder.path(), pool)?;
    if let Some(embedder) = embedder {
        put_vectors(&mut filled.memory, embedder)?;
    }
    let (reader, now) = (filled.memory.reader(), filled.now);
    judge_all(set, |question| {
        let space = ProjectId::new(pool.unwrap_or(&question.space))?;
        rank(&reader, now, &space, question, limit, embedder)
    })
}

fn rank(
    reader: &Reader,
    now: At,
    space: &ProjectId,
    question: &Question,
    limit: usize,
    embedder: Option<&dyn Embedder>,
) -> Result<Vec<String>> {
    let mut query = Query::new(question.text.as_str(), now);
    (query.limit, query.superseded) = (limit, question.history);
    let found = reader.recall(space, &query, embedder)?;
    Ok(found.hits.into_iter().map(|hit| hit.note.to_string()).collect())
}

/// The same of BM25, which is given what recall knows: superseded notes are left out unless history is asked for.
pub fn ask_bm25(set: &Set, limit: usize) -> Result<Vec<Outcome>> {
    let mut indexes: BTreeMap<(&str, bool), (Bm25, Vec<&SetNote>)> = BTreeMap::new();
    judge_all(set, |question| {
        let space = set.spaces().into_iter().find(|space| *space == question.space).unwrap_or_default();
        let (index, notes) = indexes.entry((space, question.history)).or_insert_with(|| {
            let old = set.superseded(space);
            let notes = set.notes.iter().filter(|note| note.space == space);
            let notes: Vec<&SetNote> =
                notes.filter(|note| question.history || !old.contains(note.id.as_str())).collect();
            let texts: Vec<String> =
                notes.iter().map(|note| format!("{}\n{}", note.title, note.text)).collect();
            (Bm25::new(texts.iter().map(String::as_str)), notes)
        });
        let ranked = index.rank(&question.text).into_iter().take(limit);
        Ok(ranked.filter_map(|number| Some(notes.get(number)?.id.clone())).collect())
    })
}
