//! Looking up what a query asks for: the one way from this face into the memory's recall and graph.

use super::asked::Asked;
use super::context::{Looked, Passage};
use super::listing::cited;
use super::refuse::Refusal;
use crate::context::Daemon;
use crate::{names, remember};
use memory::Found;
use protocol::note::RecallMode;
use protocol::view::{EntityRow, RelationRow};
use protocol::{NoteId, ProjectId};
use std::collections::HashMap;
use std::sync::Arc;

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
    let hits = std::mem::take(&mut found.hits);
    let ids: Vec<NoteId> = hits.iter().map(|hit| hit.note.clone()).collect();
    let there = daemon.reads.ask(move |r| r.notes_there(&ids)).await?;
    let (mut passages, mut paths) = (Vec::new(), HashMap::with_capacity(hits.len()));
    // One that was forgotten meanwhile is not told.
    for hit in hits.into_iter().filter(|hit| there.contains(&hit.note)) {
        let file_path = cited(&hit.note, &hit.source);
        passages.extend(hit.passages.into_iter().zip(0_usize..).map(|(text, nth)| Passage {
            id: format!("{}-chunk-{nth:03}", hit.note),
            text: titled(&hit.title, text, nth),
            file_path: file_path.clone(),
        }));
        // What goes with the hits is named by them.
        paths.insert(hit.note, file_path);
    }
    let Found { entities, relations, .. } = found;
    let looked = Looked { passages, entities, relations, paths, found: (0, 0, 0) };
    Ok(looked.within(asked))
}

/// The first passage begins with the note's title, unless the text does.
fn titled(title: &str, text: String, nth: usize) -> String {
    let known = title.trim_end_matches('…');
    if nth > 0 || known.is_empty() || text.contains(known) { text } else { format!("{title}\n\n{text}") }
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
