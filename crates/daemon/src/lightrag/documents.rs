//! Documents come and go: pushing a text is pushing a note, at once; deleting is forgetting, older versions included.

use super::door::Space;
use super::fields::Fields;
use super::refuse::{Answered, Refusal};
use crate::context::{Daemon, internal};
use crate::names;
use crate::remember::push::{Origin, push as remember};
use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use protocol::api::NewNote;
use protocol::fact::NoteKind;
use protocol::{NoteId, ProjectId, Request, clean, note};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What LightRAG and its clients write where no source is known.
const PLACEHOLDERS: [&str; 4] = ["", "unknown_source", "no-file-path", "None"];
const EMPTY: &str = "text cannot be empty or whitespace-only";
/// Notes of one transaction.
const TOGETHER: usize = 100;

pub async fn text(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    let text = fields.text("text");
    if fields.is_text("text") && !shows(&text) {
        fields.refuse("text", EMPTY);
    }
    let source = fields.maybe_text("file_source");
    if let Some(odd) = source.as_deref().and_then(odd) {
        fields.refuse("file_source", &odd);
    }
    fields.end()?;
    let track = push(&daemon, &space, "insert", vec![document(text, source)]).await?;
    Ok(taken("the text is remembered", &track))
}

pub async fn texts(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    let texts = fields.some_texts("texts");
    if texts.iter().any(|text| !shows(text)) {
        fields.refuse("texts", "texts cannot contain empty or whitespace-only entries");
    }
    let sources = fields.texts("file_sources").unwrap_or_default();
    if let Some(odd) = sources.iter().find_map(|source| odd(source)) {
        fields.refuse("file_sources", &odd);
    }
    fields.end()?;
    if !sources.is_empty() && sources.len() != texts.len() {
        return Err(Refusal::bad("A valid file_source is required for each text"));
    }
    let sources = sources.into_iter().map(Some).chain(std::iter::repeat(None));
    let notes = texts.into_iter().zip(sources).map(|(text, source)| document(text, source)).collect();
    let track = push(&daemon, &space, "insert", notes).await?;
    Ok(taken("the texts are remembered", &track))
}

/// Whether there is anything to see in it.
pub fn shows(text: &str) -> bool {
    !clean::line(text, usize::MAX).is_empty()
}

/// Why a source's name is not taken.
fn odd(source: &str) -> Option<String> {
    let odd = source.chars().find(|c| c.is_control())?;
    Some(format!("file_source must not contain the character U+{:04X}", u32::from(odd)))
}

pub fn document(text: String, source: Option<String>) -> NewNote {
    let source = source.map(|source| clean::line(&source, usize::MAX));
    let source = source.filter(|source| !PLACEHOLDERS.contains(&source.as_str()));
    NewNote { kind: NoteKind::Document, title: String::new(), text, source, supersedes: Vec::new() }
}

/// The name by which they are found again together.
pub async fn push(
    daemon: &Arc<Daemon>,
    space: &ProjectId,
    how: &str,
    notes: Vec<NewNote>,
) -> Result<String, Refusal> {
    let fresh = names::note().map_err(|e| internal("name the documents", e))?;
    let batch = format!("{how}_{fresh}");
    let mut notes = notes.into_iter().peekable();
    while notes.peek().is_some() {
        let some = notes.by_ref().take(TOGETHER).collect();
        let origin = Origin { source: note::A_CLIENT, batch: Some(batch.clone()), ..Origin::you() };
        remember(daemon, space.clone(), some, origin).await?;
    }
    Ok(batch)
}

pub fn taken(says: &str, track: &str) -> Json<serde_json::Value> {
    Json(json!({ "status": "success", "message": says, "track_id": track }))
}

pub async fn delete(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    if !fields.is_there("doc_ids") {
        fields.some_texts("doc_ids");
    }
    let ids: Vec<String> = fields.texts("doc_ids").unwrap_or_default();
    let ids: Vec<String> = ids.iter().map(|id| id.trim().to_owned()).collect();
    let distinct: BTreeSet<&String> = ids.iter().collect();
    if fields.is_there("doc_ids") {
        if ids.is_empty() {
            fields.refuse("doc_ids", "Document IDs list cannot be empty");
        } else if ids.iter().any(String::is_empty) {
            fields.refuse("doc_ids", "Document ID cannot be empty");
        } else if distinct.len() != ids.len() {
            fields.refuse("doc_ids", "Document IDs must be unique");
        }
    }
    fields.end()?;
    let mut gone = 0;
    for id in &ids {
        gone += u32::from(forget_document(&daemon, &space, id).await?);
    }
    let unknown = ids.len() - gone as usize;
    let message = match unknown {
        0 => format!("{gone} documents are forgotten"),
        _ => format!("{gone} documents are forgotten; {unknown} ids are of no document here"),
    };
    Ok(Json(json!({ "status": "deletion_started", "message": message, "doc_id": ids.join(", ") })))
}

/// Whether there was one. Its older versions go with it: else the one before would be back.
pub async fn forget_document(daemon: &Arc<Daemon>, space: &ProjectId, id: &str) -> Result<bool, Refusal> {
    let Ok(note) = NoteId::new(id) else { return Ok(false) };
    let (wanted, space) = (note.clone(), space.clone());
    let read = daemon.reads.ask(move |r| {
        let Some(row) = r.note(&wanted)?.filter(|row| row.project == space) else { return Ok(Vec::new()) };
        let mut versions = vec![wanted];
        let mut nth = 0;
        while let Some(version) = versions.get(nth).cloned() {
            for older in r.superseded_by(&version)? {
                let same = r.note(&older)?.is_some_and(|older| older.source == row.source);
                if same && !versions.contains(&older) {
                    versions.push(older);
                }
            }
            nth += 1;
        }
        Ok(versions)
    });
    let versions = read.await?;
    let there = !versions.is_empty();
    // The oldest first: none of them is the newest in between.
    for note in versions.into_iter().rev() {
        forget(daemon, note).await?;
    }
    Ok(there)
}

/// One that somebody else has forgotten meanwhile is as gone as it should be.
async fn forget(daemon: &Arc<Daemon>, note: NoteId) -> Result<(), Refusal> {
    match crate::answer::answer(daemon, Request::Forget { note }).await {
        Ok(_) => Ok(()),
        Err(e) if e.code == protocol::Code::NotFound => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Forgets every note of the space.
pub async fn clear(State(daemon): State<Arc<Daemon>>, Extension(Space(space)): Extension<Space>) -> Answered {
    let mut gone = 0_u64;
    loop {
        let of = space.clone();
        let rows = daemon.reads.ask(move |r| r.notes(&of, 100, true)).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            forget(&daemon, row.note).await?;
            gone += 1;
        }
    }
    let message = format!("all documents of {space} are forgotten: {gone} notes");
    Ok(Json(json!({ "status": "success", "message": message })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_shows_nothing_is_none() {
        assert!(shows("a") && shows("שלום") && shows(" \u{200B}x"));
        assert!(!shows(" \n\t") && !shows("\u{200B}\u{FEFF}\u{202E}"));
    }

    #[test]
    fn a_document_without_a_source_is_a_clients() {
        for source in [None, Some(""), Some("  "), Some("unknown_source")] {
            let note = document("x".into(), source.map(str::to_owned));
            assert_eq!(note.source, None);
        }
        let note = document("x".into(), Some("docs/a b.md ".into()));
        assert_eq!(note.source.as_deref(), Some("docs/a b.md"));
        assert!(odd("a\0b").unwrap().ends_with("U+0000") && odd("a b").is_none());
    }
}
