//! Routes of LightRAG before 1.4 that clients from the registries still ask: the same things under other addresses.

use super::door::Space;
use super::edits;
use super::fields::Fields;
use super::refuse::{Answered, Refusal};
use super::relations::{self, New};
use super::{documents, upload};
use crate::context::Daemon;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::routing::{delete, post};
use axum::{Extension, Json, Router};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub fn routes() -> Router<Arc<Daemon>> {
    Router::new()
        .route("/documents/file", post(upload::upload))
        .route("/documents/{doc_id}", delete(delete_document))
        .route("/merge", post(merge))
        .route("/entities/merge", post(merge))
        .route("/entities/{name}", post(create_entity).put(edit_entity).delete(delete_entity))
        .route("/relations/{source}/{target}", post(create_relation).put(edit_relation))
}

async fn delete_document(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    Path(id): Path<String>,
) -> Answered {
    if documents::forget_document(&daemon, &space, &id).await? {
        return Ok(Json(json!({ "status": "success", "message": format!("document {id} is forgotten") })));
    }
    Err(Refusal::missing(format!("there is no document {id}")))
}

/// These routes gave the thing itself, without words around it.
fn plain(answered: Answered) -> Answered {
    let Json(mut told) = answered?;
    Ok(Json(told.get_mut("data").map(Value::take).unwrap_or_default()))
}

/// The body as it is written into the entity or the relation: what is not known there is let be.
fn data(body: &[u8], known: &[&str]) -> Result<Map<String, Value>, Refusal> {
    Fields::of_body(body)?;
    let mut given: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    given.retain(|key, _| known.contains(&key.as_str()));
    Ok(given)
}

async fn create_entity(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    Path(name): Path<String>,
    body: Bytes,
) -> Answered {
    let given = data(&body, &["entity_type", "description"])?;
    plain(edits::create(&daemon, &space, name.trim().to_owned(), &given).await)
}

async fn edit_entity(
    state: State<Arc<Daemon>>,
    space: Extension<Space>,
    Path(name): Path<String>,
    body: Bytes,
) -> Answered {
    let given = data(&body, &["entity_type", "description"])?;
    let body = json!({ "entity_name": name, "updated_data": given }).to_string();
    plain(edits::edit_entity(state, space, body.into()).await)
}

async fn delete_entity(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    Path(name): Path<String>,
) -> Answered {
    edits::deleted_entity(&daemon, &space, name.trim()).await
}

async fn merge(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    let from = fields.some_texts("source_entities");
    let into = fields.name("target_entity", "Entity name cannot be empty");
    fields.end()?;
    plain(edits::merged(&daemon, &space, &from, into).await)
}

async fn create_relation(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    Path(ends): Path<(String, String)>,
    body: Bytes,
) -> Answered {
    let given = data(&body, &["description", "keywords", "weight"])?;
    plain(relations::put_relation(&daemon, &space, ends, &given, New::Must).await)
}

async fn edit_relation(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    Path(ends): Path<(String, String)>,
    body: Bytes,
) -> Answered {
    let given = data(&body, &["description", "keywords", "weight"])?;
    plain(relations::put_relation(&daemon, &space, ends, &given, New::Not).await)
}
