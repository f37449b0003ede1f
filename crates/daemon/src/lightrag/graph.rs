//! The graph as LightRAG's clients read it: labels are the names of entities.

use super::context::said;
use super::door::Space;
use super::fields::Fields;
use super::looked;
use super::refuse::Answered;
use crate::context::Daemon;
use axum::extract::{RawQuery, State};
use axum::{Extension, Json};
use memory::GraphQuery;
use protocol::NoteId;
use protocol::view::{EntityRow, GraphEdge, GraphNode, GraphView, RelationRow};
use serde_json::{Value, json};
use std::sync::Arc;

/// Entities of one answer, as LightRAG has it where nothing else is set.
const MOST_NODES: u64 = 1000;
/// Everything, as a label.
const ALL: &str = "*";
/// Relations of one answer that are described at length.
const MOST_DESCRIBED: usize = 2000;
/// Labels of one list.
const MOST_LABELS: usize = 100_000;

pub async fn graphs(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    RawQuery(query): RawQuery,
) -> Answered {
    let mut fields = Fields::of_query(query.as_deref());
    let label = fields.text("label");
    let depth = fields.number("max_depth", 1, u64::MAX).unwrap_or(3);
    let nodes = fields.number("max_nodes", 1, u64::MAX).unwrap_or(MOST_NODES).min(MOST_NODES);
    fields.end()?;
    let limit = u32::try_from(nodes).unwrap_or(u32::MAX);
    let asked = GraphQuery {
        focus: (label != ALL).then_some(label),
        depth: Some(u32::try_from(depth).unwrap_or(u32::MAX)),
        limit: Some(limit),
        ..GraphQuery::default()
    };
    let whole = asked.focus.is_none();
    let drawn = daemon.memory.read(move |r| {
        // Nothing is around an entity that is not there.
        if let Some(focus) = &asked.focus
            && r.entity(&space, focus)?.is_none()
        {
            return Ok((GraphView::default(), Vec::new(), Vec::new()));
        }
        let view = r.graph(&space, &asked)?;
        let mut rows = Vec::with_capacity(view.nodes.len());
        for node in &view.nodes {
            rows.push(r.entity(&space, &node.name)?);
        }
        let mut edges = Vec::with_capacity(view.edges.len());
        for (one, other, edge) in ends(&view) {
            let row = if edges.len() < MOST_DESCRIBED { r.relation(&space, one, other)? } else { None };
            edges.push(drawn_edge(one, other, edge, row.as_ref()));
        }
        Ok((view, rows, edges))
    });
    let (view, rows, edges) = drawn.await?;
    let cut = if whole { view.of > view.nodes.len() as u64 } else { view.nodes.len() as u64 >= nodes };
    Ok(Json(json!({
        "nodes": view.nodes.iter().zip(&rows).map(|(node, row)| drawn_node(node, row.as_ref())).collect::<Vec<_>>(),
        "edges": edges,
        "is_truncated": cut,
    })))
}

fn drawn_node(node: &GraphNode, row: Option<&EntityRow>) -> Value {
    json!({
        "id": node.name,
        "labels": [node.name],
        "properties": {
            "entity_id": node.name,
            "entity_type": node.kind,
            "description": row.map_or("", |row| row.description.as_str()),
            "source_id": sources(row),
            "file_path": sources(row),
            "created_at": node.first.0 / 1000,
        },
    })
}

/// The notes that name it.
pub fn sources(row: Option<&EntityRow>) -> String {
    together(row.map_or(&[][..], |row| &row.notes))
}

/// As LightRAG strings them together.
pub fn together(notes: &[NoteId]) -> String {
    notes.iter().map(|note| note.as_str()).collect::<Vec<_>>().join("<SEP>")
}

/// The edges with the names of their ends.
fn ends(view: &GraphView) -> impl Iterator<Item = (&str, &str, &GraphEdge)> {
    let name = |place: u32| view.nodes.get(usize::try_from(place).ok()?).map(|node| node.name.as_str());
    view.edges.iter().filter_map(move |edge| Some((name(edge.a)?, name(edge.b)?, edge)))
}

fn drawn_edge(one: &str, other: &str, edge: &GraphEdge, row: Option<&RelationRow>) -> Value {
    let (source, target) = if one <= other { (one, other) } else { (other, one) };
    let notes = row.map_or(&[][..], |row| &row.notes);
    json!({
        "id": format!("{source}-{target}"),
        "type": "DIRECTED",
        "source": source,
        "target": target,
        "properties": {
            "weight": edge.weight,
            "description": row.map_or(edge.kind.as_str(), said),
            "keywords": edge.kind,
            "source_id": together(notes),
            "file_path": together(notes),
        },
    })
}

pub async fn labels(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
) -> Answered {
    let names = daemon.memory.read(move |r| r.entities(&space, "", MOST_LABELS)).await?;
    let mut names: Vec<String> = names.into_iter().map(|entity| entity.name).collect();
    names.sort();
    Ok(Json(json!(names)))
}

/// Those with the most relations first.
pub async fn popular(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    RawQuery(query): RawQuery,
) -> Answered {
    let mut fields = Fields::of_query(query.as_deref());
    let limit = fields.number("limit", 1, 1000).unwrap_or(300);
    fields.end()?;
    found(&daemon, space, String::new(), limit).await
}

pub async fn search(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    RawQuery(query): RawQuery,
) -> Answered {
    let mut fields = Fields::of_query(query.as_deref());
    let letters = fields.text("q");
    let limit = fields.number("limit", 1, 100).unwrap_or(50);
    fields.end()?;
    found(&daemon, space, letters, limit).await
}

async fn found(daemon: &Daemon, space: protocol::ProjectId, letters: String, limit: u64) -> Answered {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = daemon.memory.read(move |r| r.entities(&space, letters.trim(), limit)).await?;
    Ok(Json(json!(found.into_iter().map(|entity| entity.name).collect::<Vec<_>>())))
}

pub async fn exists(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    RawQuery(query): RawQuery,
) -> Answered {
    let mut fields = Fields::of_query(query.as_deref());
    let name = fields.text("name");
    fields.end()?;
    let there = looked::entity(&daemon, &space, name.trim()).await?.is_some();
    Ok(Json(json!({ "exists": there })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::At;

    #[test]
    fn an_edge_is_named_by_its_ends_in_order() {
        let node = |name: &str| GraphNode {
            name: name.into(),
            kind: "name".into(),
            degree: 1,
            notes: 1,
            first: At(1_795_360_357_000),
            last: At(0),
        };
        let nodes = [node("b"), node("a")];
        let edge = |a, b| GraphEdge { a, b, kind: "with".into(), weight: 2.0 };
        let view = GraphView { nodes: nodes.to_vec(), edges: vec![edge(0, 1), edge(0, 7)], of: 2 };
        let found: Vec<_> = ends(&view).collect();
        assert_eq!(found.len(), 1, "one end of the other is not there");
        let drawn = drawn_edge(found[0].0, found[0].1, found[0].2, None);
        assert_eq!(
            (&drawn["id"], &drawn["source"], &drawn["target"]),
            (&json!("a-b"), &json!("a"), &json!("b"))
        );
        assert_eq!(drawn_node(&nodes[0], None)["properties"]["created_at"], 1_795_360_357);
    }
}
