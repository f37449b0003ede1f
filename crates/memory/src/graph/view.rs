//! A part of the graph that one can look at.

use super::whole::{Edge, Whole};
use crate::ask::GraphQuery;
use protocol::At;
use protocol::view::{GraphEdge, GraphNode, GraphView};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Entities that are shown when nobody says how many, and at most.
const SHOWN: usize = 200;
const MOST: usize = 5_000;

pub(crate) fn view(whole: &Whole, query: &GraphQuery) -> GraphView {
    let limit = query.limit.map_or(SHOWN, |limit| limit as usize).min(MOST);
    let fits = |node: u32| fits(whole, query, node);
    let picked = match query.focus.as_deref() {
        Some(focus) => match whole.node(focus) {
            Some(focus) => around(whole, focus, query.depth.unwrap_or(1), limit, fits),
            None => Vec::new(),
        },
        None => best(whole, limit, fits),
    };
    shown(whole, &picked)
}

/// Entities whose names hold these letters, those with the most relations first.
pub(crate) fn find(whole: &Whole, letters: &str, limit: usize) -> Vec<GraphNode> {
    let query = GraphQuery { find: Some(letters.to_owned()), ..GraphQuery::default() };
    best(whole, limit, |node| fits(whole, &query, node)).into_iter().filter_map(|n| node(whole, n)).collect()
}

fn fits(whole: &Whole, query: &GraphQuery, node: u32) -> bool {
    let Some(found) = whole.nodes.get(node as usize) else { return false };
    let letters = query.find.as_deref().map(super::key).unwrap_or_default();
    (query.kinds.is_empty() || query.kinds.iter().any(|kind| kind == whole.word(found.kind)))
        && (letters.is_empty() || super::key(&found.name).contains(&letters))
}

/// Those with the most relations; of equal ones those that more notes name, then by name.
fn best(whole: &Whole, limit: usize, fits: impl Fn(u32) -> bool) -> Vec<u32> {
    let count = u32::try_from(whole.nodes.len()).unwrap_or(u32::MAX);
    let mut found: Vec<u32> = (0..count).filter(|node| fits(*node)).collect();
    found.sort_by_cached_key(|node| rank(whole, *node));
    found.truncate(limit);
    found
}

fn rank(whole: &Whole, node: u32) -> (Reverse<u32>, Reverse<u32>, String) {
    let found = whole.nodes.get(node as usize);
    let notes = found.map_or(0, |node| node.notes);
    let name = found.map(|node| node.name.clone()).unwrap_or_default();
    (Reverse(whole.degree(node)), Reverse(notes), name)
}

/// The focus, then what is one relation away, heaviest first, then two …
fn around(whole: &Whole, focus: u32, depth: u32, limit: usize, fits: impl Fn(u32) -> bool) -> Vec<u32> {
    let mut found = vec![focus];
    let mut ring = 0..1;
    for _ in 0..depth {
        for at in ring.clone() {
            let Some(node) = found.get(at).copied() else { break };
            for other in whole.of(node).map(|edge| edge.other(node)) {
                if found.len() >= limit {
                    return found;
                }
                // A few thousand at most: going through them is quicker than a set for the usual few.
                if fits(other) && !found.contains(&other) {
                    found.push(other);
                }
            }
        }
        ring = ring.end..found.len();
    }
    found
}

/// These nodes, in this order, and the relations among them.
pub(super) fn shown(whole: &Whole, picked: &[u32]) -> GraphView {
    let places: HashMap<u32, u32> = picked.iter().copied().zip(0..).collect();
    let mut edges = Vec::new();
    for (node, a) in picked.iter().zip(0..) {
        for edge in whole.of(*node).filter(|edge| edge.a == *node) {
            if let Some(b) = places.get(&edge.b) {
                let kind = whole.word(edge.kind).to_owned();
                edges.push(GraphEdge { a, b: *b, kind, weight: f64::from(edge.weight) });
            }
        }
    }
    GraphView {
        nodes: picked.iter().filter_map(|picked| node(whole, *picked)).collect(),
        edges,
        of: whole.entities(),
    }
}

fn node(whole: &Whole, number: u32) -> Option<GraphNode> {
    let node = whole.nodes.get(number as usize)?;
    Some(GraphNode {
        name: node.name.clone(),
        kind: whole.word(node.kind).to_owned(),
        degree: whole.degree(number),
        notes: node.notes,
        first: At(node.first),
        last: At(node.last),
    })
}

impl Edge {
    pub(super) fn other(&self, node: u32) -> u32 {
        if self.a == node { self.b } else { self.a }
    }
}
