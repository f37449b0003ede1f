//! Relations made, changed and deleted by hand.

use super::door::Space;
use super::edits::{Data, NAMELESS, deletion, edit};
use super::fields::Fields;
use super::looked::{entity, relation};
use super::refuse::{Answered, Refusal};
use crate::context::Daemon;
use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use protocol::ProjectId;
use protocol::note::{GraphEdit, ReadRelation};
use protocol::view::RelationRow;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const OF_RELATION: &[&str] = &["description", "keywords", "weight", "source_id", "file_path"];

pub async fn create_relation(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    let source = fields.name("source_entity", NAMELESS);
    let target = fields.name("target_entity", NAMELESS);
    let given = fields.object("relation_data");
    fields.end()?;
    put_relation(&daemon, &space, (source, target), &given, New::Must).await
}

pub async fn edit_relation(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    // Some clients name the ends as they do when they create one.
    let name = |new: &'static str, old: &'static str, fields: &Fields| {
        if fields.is_there(new) || !fields.is_there(old) { new } else { old }
    };
    let (source, target) =
        (name("source_id", "source_entity", &fields), name("target_id", "target_entity", &fields));
    let source = fields.name(source, NAMELESS);
    let target = fields.name(target, NAMELESS);
    let given = fields.object("updated_data");
    fields.end()?;
    Data { what: "Relation", known: OF_RELATION, given: &given }.check()?;
    put_relation(&daemon, &space, (source, target), &given, New::Not).await
}

/// Whether a relation is to be made or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum New {
    Must,
    Not,
}

pub async fn put_relation(
    daemon: &Arc<Daemon>,
    space: &ProjectId,
    (source, target): (String, String),
    given: &Map<String, Value>,
    new: New,
) -> Answered {
    let data = Data { what: "Relation", known: OF_RELATION, given };
    let there = relation(daemon, space, &source, &target).await?;
    match (new, &there) {
        (New::Not, None) => {
            return Err(Refusal::bad(format!("Relation from '{source}' to '{target}' does not exist")));
        }
        (New::Must, _) => may_be_made(daemon, space, (&source, &target), there.as_ref()).await?,
        (New::Not, Some(_)) => {}
    }
    let before = there.unwrap_or_else(|| RelationRow {
        source: source.clone(),
        target: target.clone(),
        kind: String::new(),
        description: String::new(),
        weight: 1.0,
        notes: Vec::new(),
    });
    let put = ReadRelation {
        keywords: data.text("keywords")?.unwrap_or(before.kind),
        description: data.text("description")?.unwrap_or(before.description),
        weight: data.weight()?.unwrap_or(before.weight),
        source: before.source,
        target: before.target,
    };
    if put.description.is_empty() && new == New::Must {
        return Err(Refusal::bad("Relation description cannot be empty for create operation"));
    }
    let shown = json!({
        "src_entity": put.source, "tgt_entity": put.target, "source_id": "",
        "graph_data": {
            "description": put.description, "keywords": put.keywords, "weight": put.weight, "source_id": "",
            "file_path": "manual_creation",
        },
    });
    edit(daemon, space, vec![GraphEdit::PutRelation(put)]).await?;
    let message = match new {
        New::Must => format!("Relation created successfully between '{source}' and '{target}'"),
        New::Not => "Relation updated successfully".to_owned(),
    };
    Ok(Json(json!({ "status": "success", "message": message, "data": shown })))
}

async fn may_be_made(
    daemon: &Daemon,
    space: &ProjectId,
    (source, target): (&str, &str),
    there: Option<&RelationRow>,
) -> Result<(), Refusal> {
    for (end, name) in [("Source", source), ("Target", target)] {
        if entity(daemon, space, name).await?.is_none() {
            return Err(Refusal::bad(format!("{end} entity '{name}' does not exist")));
        }
    }
    if source.to_lowercase() == target.to_lowercase() {
        return Err(Refusal::bad(format!("an entity has no relation to itself: '{source}'")));
    }
    match there {
        Some(_) => Err(Refusal::bad(format!("Relation from '{source}' to '{target}' already exists"))),
        None => Ok(()),
    }
}

pub async fn delete_relation(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    let source = fields.name("source_entity", NAMELESS);
    let target = fields.name("target_entity", NAMELESS);
    fields.end()?;
    let Some(row) = relation(&daemon, &space, &source, &target).await? else {
        return Err(Refusal::missing(format!("Relation from '{source}' to '{target}' does not exist")));
    };
    let message = format!("the relation of '{}' and '{}' is deleted", row.source, row.target);
    edit(&daemon, &space, vec![GraphEdit::DeleteRelation { source: row.source, target: row.target }]).await?;
    Ok(deletion(message))
}
