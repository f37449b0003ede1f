//! Changes of the graph by hand: entities here, relations beside it. Each is looked at first, so that what cannot be done is
//! told in LightRAG's words, and is then one entry of the journal.

use super::door::Space;
use super::fields::Fields;
use super::graph::sources;
use super::looked::entity;
use super::refuse::{Answered, Refusal};
use crate::answer::memory::edit_space;
use crate::context::Daemon;
use axum::body::Bytes;
use axum::extract::State;
use axum::{Extension, Json};
use protocol::ProjectId;
use protocol::note::{GraphEdit, ReadEntity};
use protocol::view::EntityRow;
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub const NAMELESS: &str = "Entity name cannot be empty";

pub async fn edit(daemon: &Arc<Daemon>, space: &ProjectId, edits: Vec<GraphEdit>) -> Result<(), Refusal> {
    Ok(edit_space(daemon, space.clone(), edits).await?)
}

/// Fields of an entity or a relation that may be written. Where they come from is the memory's own to say.
pub struct Data<'a> {
    pub what: &'static str,
    pub known: &'static [&'static str],
    pub given: &'a Map<String, Value>,
}

impl Data<'_> {
    pub fn check(&self) -> Result<(), Refusal> {
        match self.given.keys().find(|key| !self.known.contains(&key.as_str())) {
            Some(key) => Err(Refusal::bad(format!(
                "Unknown {} field '{key}'. Allowed fields: {}",
                self.what,
                self.known.join(", ")
            ))),
            None => Ok(()),
        }
    }

    pub fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.given.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
            Some(_) => Err(Refusal::bad(format!("{} field '{name}' must be a string", self.what))),
        }
    }

    pub fn weight(&self) -> Result<Option<f64>, Refusal> {
        match self.given.get("weight") {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_f64().filter(|weight| *weight >= 0.0) {
                Some(weight) => Ok(Some(weight)),
                None => Err(Refusal::bad("Relation field 'weight' must be a number that is not negative")),
            },
        }
    }
}

const OF_ENTITY: &[&str] = &["entity_name", "entity_type", "description", "source_id", "file_path"];

pub async fn create_entity(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    let name = fields.name("entity_name", NAMELESS);
    let given = fields.object("entity_data");
    fields.end()?;
    create(&daemon, &space, name, &given).await
}

pub async fn create(
    daemon: &Arc<Daemon>,
    space: &ProjectId,
    name: String,
    given: &Map<String, Value>,
) -> Answered {
    let data = Data { what: "Entity", known: OF_ENTITY, given };
    if entity(daemon, space, &name).await?.is_some() {
        return Err(Refusal::bad(format!("Entity '{name}' already exists")));
    }
    let put = ReadEntity {
        name: name.clone(),
        kind: data.text("entity_type")?.unwrap_or_else(|| "UNKNOWN".into()),
        description: data.text("description")?.unwrap_or_default(),
    };
    edit(daemon, space, vec![GraphEdit::PutEntity(put)]).await?;
    let message = format!("Entity '{name}' created successfully");
    Ok(Json(json!({ "status": "success", "message": message, "data": shown(daemon, space, &name).await? })))
}

async fn shown(daemon: &Daemon, space: &ProjectId, name: &str) -> Result<Value, Refusal> {
    let row = entity(daemon, space, name).await?;
    Ok(shown_row(name, row.as_ref()))
}

fn shown_row(name: &str, row: Option<&EntityRow>) -> Value {
    let name = row.map_or(name, |row| row.name.as_str());
    let from = match sources(row) {
        none if none.is_empty() => "manual_creation".to_owned(),
        some => some,
    };
    json!({
        "entity_name": name,
        "source_id": from,
        "graph_data": row.map(|row| json!({
            "entity_id": name, "entity_type": row.kind, "description": row.description, "source_id": from,
            "file_path": from,
        })),
    })
}

pub async fn edit_entity(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    let name = fields.name("entity_name", NAMELESS);
    let given = fields.object("updated_data");
    let rename = fields.flag("allow_rename").unwrap_or(false);
    let merge = fields.flag("allow_merge").unwrap_or(false);
    fields.end()?;
    let data = Data { what: "Entity", known: OF_ENTITY, given: &given };
    data.check()?;
    let Some(row) = entity(&daemon, &space, &name).await? else {
        return Err(Refusal::bad(format!("Entity '{name}' does not exist")));
    };
    let to = data.text("entity_name")?.filter(|to| *to != row.name);
    if to.as_ref().is_some_and(String::is_empty) {
        return Err(Refusal::bad(NAMELESS));
    }
    if to.is_some() && !rename {
        return Err(Refusal::bad(
            "Entity renaming is not allowed. Set allow_rename=True to enable this feature",
        ));
    }
    let target = match &to {
        // Another way to write the same name is no other entity.
        Some(to) => {
            entity(&daemon, &space, to).await?.filter(|there| !there.name.eq_ignore_ascii_case(&row.name))
        }
        None => None,
    };
    if let (Some(target), false) = (&target, merge) {
        return Err(Refusal::bad(format!("Entity name '{}' already exists, cannot rename", target.name)));
    }
    let mut edits = vec![GraphEdit::PutEntity(ReadEntity {
        name: row.name.clone(),
        kind: data.text("entity_type")?.unwrap_or(row.kind),
        description: data.text("description")?.unwrap_or(row.description),
    })];
    match (&to, &target) {
        (_, Some(target)) => {
            edits.push(GraphEdit::MergeEntities { from: vec![row.name.clone()], into: target.name.clone() });
        }
        (Some(to), None) => edits.push(GraphEdit::RenameEntity { from: row.name.clone(), to: to.clone() }),
        (None, None) => {}
    }
    edit(&daemon, &space, edits).await?;
    let last = target.as_ref().map(|target| target.name.clone()).or(to.clone()).unwrap_or(row.name);
    let merged = target.is_some();
    let message = if merged {
        format!("Entity merged successfully into '{last}'")
    } else {
        "Entity updated successfully".to_owned()
    };
    Ok(Json(json!({
        "status": "success",
        "message": message,
        "data": shown(&daemon, &space, &last).await?,
        "operation_summary": {
            "merged": merged,
            "merge_status": if merged { "success" } else { "not_attempted" },
            "merge_error": null,
            "operation_status": "success",
            "target_entity": target.map(|target| target.name),
            "final_entity": last,
            "renamed": to.is_some(),
        },
    })))
}

pub async fn merge(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    let from = fields.some_texts("entities_to_change");
    let into = fields.name("entity_to_change_into", NAMELESS);
    if from.iter().any(|name| name.trim().is_empty()) {
        fields.refuse("entities_to_change", NAMELESS);
    }
    fields.end()?;
    merged(&daemon, &space, &from, into).await
}

pub async fn merged(daemon: &Arc<Daemon>, space: &ProjectId, from: &[String], into: String) -> Answered {
    let mut sources = Vec::with_capacity(from.len());
    for name in from {
        match entity(daemon, space, name.trim()).await? {
            Some(row) => sources.push(row.name),
            None => return Err(Refusal::bad(format!("Source entity '{name}' does not exist"))),
        }
    }
    let target = entity(daemon, space, &into).await?;
    let last = target.as_ref().map_or(into, |row| row.name.clone());
    sources.retain(|name| *name != last);
    let mut edits = Vec::new();
    let mut rest = sources.clone();
    if target.is_none() && !rest.is_empty() {
        edits.push(GraphEdit::RenameEntity { from: rest.remove(0), to: last.clone() });
    }
    if !rest.is_empty() {
        edits.push(GraphEdit::MergeEntities { from: rest, into: last.clone() });
    }
    if !edits.is_empty() {
        edit(daemon, space, edits).await?;
    }
    let message = format!("Successfully merged {} entities into '{last}'", from.len());
    let data = shown(daemon, space, &last).await?;
    Ok(Json(json!({ "status": "success", "message": message, "data": data })))
}

pub async fn delete_entity(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    body: Bytes,
) -> Answered {
    let mut fields = Fields::of_body(&body)?;
    let name = fields.name("entity_name", NAMELESS);
    fields.end()?;
    deleted_entity(&daemon, &space, &name).await
}

pub async fn deleted_entity(daemon: &Arc<Daemon>, space: &ProjectId, name: &str) -> Answered {
    let Some(row) = entity(daemon, space, name).await? else {
        return Err(Refusal::missing(format!("Entity '{name}' not found.")));
    };
    edit(daemon, space, vec![GraphEdit::DeleteEntity { name: row.name.clone() }]).await?;
    Ok(deletion(format!("entity '{}' is deleted with its relations", row.name)))
}

pub fn deletion(message: String) -> Json<Value> {
    Json(json!({
        "status": "success", "doc_id": "", "message": message, "status_code": 200, "file_path": null,
    }))
}
