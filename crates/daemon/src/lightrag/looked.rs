//! Looking up what a query asks for: the one way from this face into the memory's recall and graph.

use super::asked::Asked;
use super::context::{Looked, Passage};
use super::listing::{cited, file_path};
use super::refuse::Refusal;
use crate::context::Daemon;
use crate::{names, remember};
use memory::Found;
use protocol::note::RecallMode;
use protocol::view::{EntityRow, NoteRow, RelationRow};
use protocol::{NoteId, ProjectId};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Notes that are cited for one entity or relation.
const CITED: usize = 3;

pub async fn look(daemon: &Arc<Daemon>, space: &ProjectId, asked: &Asked) -> Result<Looked, Refusal> {
    if asked.mode == RecallMode::Bypass {
        return Ok(Looked::default());
    }
    let query = memory::Query {
        mode: asked.mode,
        limit: asked.top_passages,
        tokens: asked.budget.passages,
        high: asked.high.clone(),
        low: asked.low.clone(),
        ..memory::Query::new(asked.query.clone(), names::now())
    };
    let mut found = remember::recall(daemon, space, query).await?;
    let named =
        found.entities.iter().map(|row| &row.notes).chain(found.relations.iter().map(|row| &row.notes));
    let named = named.flat_map(|notes| notes.iter().take(CITED));
    let hits = found.hits.iter().map(|hit| hit.note.clone()).collect();
    let (rows, paths) = notes(daemon, hits, named.cloned().collect()).await?;
    let mut passages = Vec::new();
    for hit in std::mem::take(&mut found.hits) {
        // One that was forgotten meanwhile is not told.
        let Some(row) = rows.get(&hit.note) else { continue };
        passages.extend(hit.passages.into_iter().zip(0_usize..).map(|(text, nth)| Passage {
            id: format!("{}-chunk-{nth:03}", row.note),
            text: titled(row, text, nth),
            file_path: file_path(row),
        }));
    }
    let Found { entities, relations, .. } = found;
    let looked = Looked { passages, entities, relations, paths, found: (0, 0, 0) };
    Ok(looked.within(asked))
}

/// The first passage begins with the note's title, unless the text does.
fn titled(row: &NoteRow, text: String, nth: usize) -> String {
    let title = row.title.trim_end_matches('…');
    if nth > 0 || title.is_empty() || text.contains(title) {
        text
    } else {
        format!("{}\n\n{text}", row.title)
    }
}

/// The hits that are still there, and how they and what else is `named` are cited.
async fn notes(
    daemon: &Daemon,
    hits: BTreeSet<NoteId>,
    named: BTreeSet<NoteId>,
) -> Result<(HashMap<NoteId, NoteRow>, HashMap<NoteId, String>), Refusal> {
    let read = daemon.reads.ask(move |r| {
        let mut rows = HashMap::with_capacity(hits.len());
        let mut paths = HashMap::with_capacity(hits.len() + named.len());
        for id in hits {
            if let Some(row) = r.note(&id)? {
                paths.insert(id.clone(), file_path(&row));
                rows.insert(id, row);
            }
        }
        for id in named {
            if paths.contains_key(&id) {
                continue;
            }
            if let Some(source) = r.source_of(&id)? {
                let path = cited(&id, &source);
                paths.insert(id, path);
            }
        }
        Ok((rows, paths))
    });
    Ok(read.await?)
}

/// One of this very name: one that it was merged into is another.
pub async fn entity(daemon: &Daemon, space: &ProjectId, name: &str) -> Result<Option<EntityRow>, Refusal> {
    let (space, name) = (space.clone(), name.to_owned());
    let row = daemon.memory.read({
        let name = name.clone();
        move |r| r.entity(&space, &name)
    });
    Ok(row.await?.filter(|row| row.name.to_lowercase() == name.to_lowercase()))
}

pub async fn relation(
    daemon: &Daemon,
    space: &ProjectId,
    one: &str,
    other: &str,
) -> Result<Option<RelationRow>, Refusal> {
    let (space, one, other) = (space.clone(), one.to_owned(), other.to_owned());
    Ok(daemon.memory.read(move |r| r.relation(&space, &one, &other)).await?)
}
