//! Documents in lists. Each is processed from the moment on at which it was taken.

use super::door::Space;
use super::fields::Fields;
use super::refuse::{Answered, Refusal};
use crate::context::Daemon;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use journal::NoteOrder;
use protocol::view::NoteRow;
use protocol::{At, NoteId, ProjectId, note};
use serde_json::{Value, json};
use std::sync::Arc;

const STATES: [&str; 7] =
    ["pending", "parsing", "analyzing", "processing", "preprocessed", "processed", "failed"];
const PROCESSED: &str = "processed";
/// Of a document, in a list.
const SUMMARY: usize = 100;
/// Of the list that has no pages.
const MOST: u32 = 1000;

/// One document in LightRAG's shape.
pub fn row(row: &NoteRow, batch: Option<&str>) -> Value {
    let at = moment(row.at);
    json!({
        "id": row.note,
        "content_summary": row.text.chars().take(SUMMARY).collect::<String>(),
        "content_length": row.text.chars().count(),
        "status": PROCESSED,
        "created_at": at,
        "updated_at": at,
        "track_id": batch.unwrap_or(row.note.as_str()),
        "chunks_count": null,
        "error_msg": null,
        "metadata": { "kind": row.note_kind.word(), "title": row.title },
        "file_path": file_path(row),
    })
}

/// By what a note is cited: its source, and which one it is where many have that source.
pub fn file_path(row: &NoteRow) -> String {
    cited(&row.note, &row.source)
}

pub fn cited(id: &NoteId, source: &str) -> String {
    if note::is_shared(source) { format!("{source} ({id})") } else { source.to_owned() }
}

/// `2026-11-22T15:12:37.380000+00:00`.
pub fn moment(at: At) -> String {
    let whole = crate::bridges::moment(at);
    format!("{}.{:03}000+00:00", whole.trim_end_matches('Z'), at.0.rem_euclid(1000))
}

fn counts(notes: u64) -> Value {
    let mut counts: serde_json::Map<String, Value> =
        STATES.iter().map(|state| ((*state).to_owned(), json!(0))).collect();
    counts.insert(PROCESSED.into(), json!(notes));
    counts.insert("all".into(), json!(notes));
    Value::Object(counts)
}

async fn count(daemon: &Daemon, space: &ProjectId) -> Result<u64, Refusal> {
    let space = space.clone();
    Ok(daemon.reads.ask(move |r| r.note_count(&space)).await?)
}

pub async fn status_counts(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
) -> Answered {
    Ok(Json(json!({ "status_counts": counts(count(&daemon, &space).await?) })))
}

/// The list of LightRAG before 1.4, the newest of it.
pub async fn by_status(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
) -> Answered {
    let read = daemon.reads.ask(move |r| r.notes_page(&space, NoteOrder::At, true, 0, MOST));
    let rows: Vec<Value> = read.await?.iter().map(|(note, batch)| row(note, batch.as_deref())).collect();
    let statuses = if rows.is_empty() { json!({}) } else { json!({ PROCESSED: rows }) };
    Ok(Json(json!({ "statuses": statuses })))
}

pub async fn track_status(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    Path(track): Path<String>,
) -> Answered {
    let track = track.trim().to_owned();
    let batch = track.clone();
    let read = daemon.reads.ask(move |r| {
        let together = r.notes_of_batch(&space, &batch)?;
        // What came by another face has no batch: it is tracked by its own name.
        let alone = NoteId::new(batch).ok().filter(|_| together.is_empty());
        let alone = alone.map(|note| r.note(&note)).transpose()?.flatten();
        Ok(together.into_iter().chain(alone.filter(|row| row.project == space)).collect::<Vec<_>>())
    });
    let rows: Vec<Value> = read.await?.iter().map(|note| row(note, Some(&track))).collect();
    let total = rows.len();
    let summary = if total == 0 { json!({}) } else { json!({ "DocStatus.PROCESSED": total }) };
    Ok(Json(json!({
        "track_id": track, "documents": rows, "total_count": total, "status_summary": summary,
    })))
}

pub async fn paginated(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    let page = fields.number("page", 1, u64::from(u32::MAX)).unwrap_or(1);
    let size = fields.number("page_size", 10, 200).unwrap_or(50);
    let state = fields.is_there("status_filter").then(|| fields.one_of("status_filter", &STATES)).flatten();
    let states = fields.texts("status_filters").unwrap_or_default();
    if states.iter().any(|state| !STATES.contains(&state.as_str())) {
        fields.refuse("status_filters", &format!("each must be one of {}", STATES.join(", ")));
    }
    let sort = fields.one_of("sort_field", &["updated_at", "created_at", "id", "file_path"]);
    let descending = fields.one_of("sort_direction", &["desc", "asc"]).unwrap_or(0) == 0;
    fields.end()?;
    let processed = match (states.is_empty(), state.and_then(|state| STATES.get(state))) {
        (false, _) => states.iter().any(|state| state == PROCESSED),
        (true, Some(state)) => *state == PROCESSED,
        (true, None) => true,
    };
    let order = match sort {
        Some(2) => NoteOrder::Note,
        Some(3) => NoteOrder::Source,
        _ => NoteOrder::At,
    };
    let all = count(&daemon, &space).await?;
    let total = if processed { all } else { 0 };
    let (offset, limit) = ((page - 1).saturating_mul(size), u32::try_from(size).unwrap_or(u32::MAX));
    let rows = if offset < total {
        daemon.reads.ask(move |r| r.notes_page(&space, order, descending, offset, limit)).await?
    } else {
        Vec::new()
    };
    let pages = total.div_ceil(size);
    Ok(Json(json!({
        "documents": rows.iter().map(|(note, batch)| row(note, batch.as_deref())).collect::<Vec<_>>(),
        "pagination": {
            "page": page, "page_size": size, "total_count": total, "total_pages": pages,
            "has_next": page < pages, "has_prev": page > 1,
        },
        "status_counts": counts(all),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_python_does() {
        assert_eq!(moment(At(1_795_360_357_380)), "2026-11-22T15:12:37.380000+00:00");
    }

    #[test]
    fn all_states_are_counted() {
        let counts = counts(3);
        assert_eq!(
            (&counts["processed"], &counts["all"], &counts["failed"]),
            (&json!(3), &json!(3), &json!(0))
        );
        assert_eq!(counts.as_object().unwrap().len(), STATES.len() + 1);
    }
}
