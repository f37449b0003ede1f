//! One entity, one relation: asked for by name, through the full-text index.

use super::hand::{self, State};
use super::whole::{Edge, Whole};
use super::{key, token};
use crate::error::Error;
use crate::extract::Kind;
use crate::store;
use protocol::NoteId;
use protocol::note::{ReadEntity, ReadRelation};
use protocol::view::{EntityRow, GraphView, RelationRow};
use rusqlite::{Connection, OptionalExtension};
use std::collections::BTreeSet;

/// Notes that are listed for an entity or a relation.
const NOTES: usize = 200;
/// Notes that are looked into for how a name is written and what was read of it.
const LOOKED: usize = 50;
/// Descriptions that are put together.
const DESCRIPTIONS: usize = 5;
/// Relations that are listed for an entity.
const RELATIONS: usize = 200;

/// Rows of the full-text index whose passage names the entity, oldest first. Readings' rows are among them.
fn rows_naming(db: &Connection, key: &str) -> Result<Vec<i64>, Error> {
    let tokens: Vec<String> = hand::names_of(db, key)?.iter().map(|key| token(key)).collect();
    let mut query = db.prepare_cached("SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rowid")?;
    let rows = query.query_map([format!("ents : ({})", tokens.join(" OR "))], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Numbers of notes that name the entity, or whose readings do, oldest first.
pub(crate) fn notes_naming(db: &Connection, key: &str) -> Result<Vec<i64>, Error> {
    let mut notes: Vec<i64> = rows_naming(db, key)?.into_iter().map(store::note_of_chunk).collect();
    notes.dedup();
    Ok(notes)
}

/// An entity by one of its names; none where no note names it and nobody put it, or somebody deleted it.
pub(crate) fn entity(db: &Connection, name: &str) -> Result<Option<EntityRow>, Error> {
    let key = hand::resolve(db, key(name))?;
    let put = hand::row(db, &key)?;
    if put.as_ref().is_some_and(|put| put.state == State::Deleted) {
        return Ok(None);
    }
    let put = put.filter(|put| put.state == State::Put);
    let notes = notes_naming(db, &key)?;
    if notes.is_empty() && put.is_none() {
        return Ok(None);
    }
    let said = said(db, &hand::names_of(db, &key)?, &notes)?;
    let by_hand =
        |of: fn(&hand::Put) -> &String| put.as_ref().map(of).filter(|text| !text.is_empty()).cloned();
    Ok(Some(EntityRow {
        name: by_hand(|put| &put.name).or(said.name).unwrap_or(key),
        kind: by_hand(|put| &put.kind).or(said.kind).unwrap_or_else(|| Kind::Name.word().to_owned()),
        description: by_hand(|put| &put.description).unwrap_or(said.description),
        notes: ids(db, &notes)?,
    }))
}

#[derive(Default)]
struct Said {
    name: Option<String>,
    kind: Option<String>,
    description: String,
}

/// What the oldest notes say of an entity: the first spelling, and the first kind that is more than "a name".
fn said(db: &Connection, keys: &[String], notes: &[i64]) -> Result<Said, Error> {
    let mut said = Said::default();
    let is_it = |name: &str| keys.contains(&key(name));
    let mut read: Vec<ReadEntity> = Vec::new();
    for note in notes.iter().take(LOOKED) {
        for mention in store::mentions_of(db, *note)?.into_iter().filter(|mention| is_it(&mention.name)) {
            if mention.kind != Kind::Name {
                said.kind.get_or_insert_with(|| mention.kind.word().to_owned());
            }
            said.name.get_or_insert(mention.name);
        }
        read.extend(store::readings(db, *note)?.into_iter().flat_map(|reading| reading.entities));
    }
    read.retain(|entity| is_it(&entity.name));
    let mut descriptions: Vec<String> = Vec::new();
    for entity in read {
        said.name.get_or_insert(entity.name);
        if !entity.kind.is_empty() {
            said.kind.get_or_insert(entity.kind);
        }
        if !entity.description.is_empty() && !descriptions.contains(&entity.description) {
            descriptions.push(entity.description);
        }
    }
    descriptions.truncate(DESCRIPTIONS);
    said.description = descriptions.join("\n");
    Ok(said)
}

/// Newest first.
fn ids(db: &Connection, notes: &[i64]) -> Result<Vec<NoteId>, Error> {
    let mut query = db.prepare_cached("SELECT id FROM note WHERE seq = ?1")?;
    let mut found = Vec::new();
    for note in notes.iter().rev().take(NOTES) {
        let id: Option<String> = query.query_row([note], |row| row.get(0)).optional()?;
        found.extend(id.map(NoteId::new).transpose().map_err(Error::damaged)?);
    }
    Ok(found)
}

/// What one note names, best first, then what was read out of it.
pub(crate) fn note_entities(db: &Connection, note: &NoteId) -> Result<Vec<EntityRow>, Error> {
    let Some(seq) = store::seq(db, note)? else { return Ok(Vec::new()) };
    let mut names: Vec<String> =
        store::mentions_of(db, seq)?.into_iter().map(|mention| mention.name).collect();
    let read = store::readings(db, seq)?.into_iter().flat_map(|reading| reading.entities);
    names.extend(read.map(|entity| entity.name));
    let (mut seen, mut rows) = (BTreeSet::new(), Vec::new());
    for name in names {
        if let Some(row) = entity(db, &name)?
            && seen.insert(key(&row.name))
        {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// The relations of one entity, heaviest first.
pub(crate) fn relations(db: &Connection, whole: &Whole, name: &str) -> Result<Vec<RelationRow>, Error> {
    let Some(node) = whole.node(&named(db, name)?) else { return Ok(Vec::new()) };
    whole.of(node).take(RELATIONS).map(|edge| row(db, whole, edge)).collect()
}

pub(crate) fn relation(
    db: &Connection,
    whole: &Whole,
    a: &str,
    b: &str,
) -> Result<Option<RelationRow>, Error> {
    let ends = [whole.node(&named(db, a)?), whole.node(&named(db, b)?)];
    let [Some(a), Some(b)] = ends else { return Ok(None) };
    whole.of(a).find(|edge| edge.other(a) == b).map(|edge| row(db, whole, edge)).transpose()
}

/// The rows of all that a view shows.
pub(crate) fn described(
    db: &Connection,
    whole: &Whole,
    view: &GraphView,
) -> Result<(Vec<EntityRow>, Vec<RelationRow>), Error> {
    let mut entities = Vec::new();
    for node in &view.nodes {
        entities.extend(entity(db, &node.name)?);
    }
    let mut relations = Vec::new();
    for edge in &view.edges {
        let name = |at: u32| view.nodes.get(at as usize).map(|node| node.name.as_str()).unwrap_or_default();
        relations.extend(relation(db, whole, name(edge.a), name(edge.b))?);
    }
    Ok((entities, relations))
}

fn named(db: &Connection, name: &str) -> Result<String, Error> {
    hand::resolve(db, key(name))
}

fn row(db: &Connection, whole: &Whole, edge: &Edge) -> Result<RelationRow, Error> {
    let name = |node: u32| whole.nodes.get(node as usize).map(|node| node.name.clone()).unwrap_or_default();
    let (source, target) = (name(edge.a), name(edge.b));
    let (a, b) = (named(db, &source)?, named(db, &target)?);
    let notes = both(&notes_naming(db, &a)?, &notes_naming(db, &b)?);
    let by_hand = hand::relation(db, &a, &b)?;
    let description = match by_hand.filter(|text| !text.is_empty()) {
        Some(description) => description,
        None => read_between(db, &hand::names_of(db, &a)?, &hand::names_of(db, &b)?, &notes)?,
    };
    Ok(RelationRow {
        source,
        target,
        kind: whole.word(edge.kind).to_owned(),
        description,
        weight: f64::from(edge.weight),
        notes: ids(db, &notes)?,
    })
}

/// What is in both of two rising lists.
fn both(a: &[i64], b: &[i64]) -> Vec<i64> {
    a.iter().copied().filter(|number| b.binary_search(number).is_ok()).collect()
}

fn read_between(db: &Connection, a: &[String], b: &[String], notes: &[i64]) -> Result<String, Error> {
    let is_it = |r: &ReadRelation| {
        let (source, target) = (key(&r.source), key(&r.target));
        (a.contains(&source) && b.contains(&target)) || (a.contains(&target) && b.contains(&source))
    };
    let mut found: Vec<String> = Vec::new();
    for note in notes.iter().take(LOOKED) {
        let read = store::readings(db, *note)?.into_iter().flat_map(|reading| reading.relations);
        for relation in read.filter(|relation| is_it(relation) && !relation.description.is_empty()) {
            if !found.contains(&relation.description) {
                found.push(relation.description);
            }
        }
    }
    found.truncate(DESCRIPTIONS);
    Ok(found.join("\n"))
}
