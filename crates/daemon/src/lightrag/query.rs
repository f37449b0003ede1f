//! Questions. No model writes here: what a client gets is what was looked up, and it is told so (`llm_generated`).

use super::asked::Asked;
use super::context::{Looked, prompt, said};
use super::door::Space;
use super::graph::together;
use super::looked::look;
use super::refuse::{Answered, Refusal};
use crate::context::Daemon;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use protocol::ProjectId;
use protocol::note::RecallMode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

const NOTHING: &str = "No relevant context found for the query.";
const BYPASSED: &str =
    "Nothing was looked up, as mode bypass wants it, and no model answers here: ask in another mode.";

/// What a client's model reads, or would be asked.
fn response(asked: &Asked, looked: &Looked) -> String {
    if asked.mode == RecallMode::Bypass {
        return BYPASSED.to_owned();
    }
    if looked.is_empty() {
        return NOTHING.to_owned();
    }
    let context = looked.text(asked.mode);
    if asked.only_prompt && !asked.only_context { prompt(asked, &context) } else { context }
}

async fn ask(daemon: &Arc<Daemon>, space: &ProjectId, body: &[u8]) -> Result<(Asked, Looked), Refusal> {
    let asked = Asked::read(body, u64::from(daemon.settings.memory.tokens))?;
    let looked = look(daemon, space, &asked).await?;
    Ok((asked, looked))
}

fn seconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}

pub async fn answer(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let start = Instant::now();
    let (asked, looked) = ask(&daemon, &space, &body).await?;
    let mut references = looked.reference_rows(asked.chunk_content);
    // Here the field is always there, and empty where it was not wanted.
    for row in references.iter_mut().filter_map(Value::as_object_mut) {
        row.entry("content").or_insert(Value::Null);
    }
    let references = if asked.references { json!(references) } else { Value::Null };
    Ok(Json(json!({
        "response": response(&asked, &looked),
        "references": references,
        "response_time": seconds(start),
        "llm_generated": false,
    })))
}

/// One line of JSON for each part of the answer.
pub async fn stream(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let start = Instant::now();
    let (asked, looked) = ask(&daemon, &space, &body).await?;
    let mut lines = Vec::new();
    if asked.progress {
        lines.push(json!({ "progress": "retrieving_chunks" }));
    }
    let mut line = json!({ "response": response(&asked, &looked), "llm_generated": false });
    if let (true, Some(line)) = (asked.references, line.as_object_mut()) {
        let references = looked.reference_rows(asked.chunk_content);
        // First where the answer streams, with the answer where it does not.
        if asked.stream {
            lines.push(json!({ "references": references }));
        } else {
            line.insert("references".into(), json!(references));
        }
    }
    lines.push(line);
    if asked.progress {
        lines.push(json!({ "response_time": seconds(start) }));
    }
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], text).into_response())
}

pub async fn data(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let (asked, looked) = match ask(&daemon, &space, &body).await {
        Ok(both) => both,
        // This route has a shape of its own for what is wrong.
        Err(wrong @ Refusal::Fields(_)) => {
            let message = format!("Validation error: {}", wrong.line());
            let failure = json!({ "status": "failure", "message": message, "data": {}, "metadata": {} });
            return Ok((StatusCode::BAD_REQUEST, Json(failure)).into_response());
        }
        Err(other) => return Err(other),
    };
    if looked.is_empty() && asked.mode != RecallMode::Bypass {
        let failure = json!({
            "status": "failure", "message": "Query returned no results", "data": {},
            "metadata": { "failure_reason": "no_results", "mode": asked.mode.word() },
        });
        return Ok(Json(failure).into_response());
    }
    Ok(Json(told(&asked, &looked)).into_response())
}

fn told(asked: &Asked, looked: &Looked) -> Value {
    let entity = |row: &protocol::view::EntityRow| {
        json!({
            "entity_name": row.name, "entity_type": row.kind, "description": looked.description(row),
            "source_id": together(&row.notes), "file_path": looked.sources(&row.notes), "created_at": "",
        })
    };
    let relation = |row: &protocol::view::RelationRow| {
        json!({
            "src_id": row.source, "tgt_id": row.target, "description": said(row), "keywords": row.kind,
            "weight": row.weight, "source_id": together(&row.notes), "file_path": looked.sources(&row.notes),
            "created_at": "",
        })
    };
    let references = looked.references();
    let id_of = |path: &str| references.iter().find(|(_, of)| of == path).map_or("", |(id, _)| id);
    let chunk = |passage: &super::context::Passage| {
        json!({
            "reference_id": id_of(&passage.file_path), "content": passage.text, "file_path": passage.file_path,
            "chunk_id": passage.id,
        })
    };
    let reference = |(id, path): &(String, String)| json!({ "reference_id": id, "file_path": path });
    let mut metadata = json!({
        "query_mode": asked.mode.word(),
        "keywords": { "high_level": asked.high, "low_level": asked.low },
    });
    if let (Some(metadata), true) = (metadata.as_object_mut(), asked.mode != RecallMode::Bypass) {
        let (entities, relations, passages) = looked.found;
        let info = json!({
            "total_entities_found": entities, "total_relations_found": relations,
            "entities_after_truncation": looked.entities.len(),
            "relations_after_truncation": looked.relations.len(),
            "merged_chunks_count": passages, "final_chunks_count": looked.passages.len(),
        });
        metadata.insert("processing_info".into(), info);
    }
    json!({
        "status": "success",
        "message": "Query processed successfully",
        "data": {
            "entities": looked.entities.iter().map(entity).collect::<Vec<_>>(),
            "relationships": looked.relations.iter().map(relation).collect::<Vec<_>>(),
            "chunks": looked.passages.iter().map(chunk).collect::<Vec<_>>(),
            "references": references.iter().map(reference).collect::<Vec<_>>(),
        },
        "metadata": metadata,
    })
}
