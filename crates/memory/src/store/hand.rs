//! Changes of the graph by hand. They lie over what the notes name: a deleted entity stays deleted though notes name it,
//! a renamed one takes along what they name.

use super::apply::Did;
use crate::error::Error;
use crate::graph::{self, hand, hand::Put, hand::State};
use protocol::note::{GraphEdit, ReadEntity, ReadRelation};
use rusqlite::{Connection, Transaction, params};

pub(super) fn edit(tx: &Transaction<'_>, json: &str) -> Result<Did, Error> {
    // They were checked before they were journaled; what is no list of edits all the same changes nothing.
    let Ok(edits) = serde_json::from_str::<Vec<GraphEdit>>(json) else { return Ok(Did::Added) };
    for edit in edits {
        match edit {
            GraphEdit::PutEntity(entity) => put_entity(tx, &entity)?,
            GraphEdit::RenameEntity { from, to } => rename(tx, &from, &to)?,
            GraphEdit::MergeEntities { from, into } => merge(tx, &from, &into)?,
            GraphEdit::DeleteEntity { name } => delete_entity(tx, &name)?,
            GraphEdit::PutRelation(relation) => put_relation(tx, &relation)?,
            GraphEdit::DeleteRelation { source, target } => delete_relation(tx, &source, &target)?,
        }
    }
    Ok(Did::Changed)
}

fn set(tx: &Transaction<'_>, key: &str, row: &Put) -> Result<(), Error> {
    let sql = "INSERT OR REPLACE INTO hand_entity (key, state, name, kind, description) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![key, row.state as u8, row.name, row.kind, row.description];
    tx.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// The key of the entity that this name stands for now.
fn resolved(db: &Connection, name: &str) -> Result<String, Error> {
    hand::resolve(db, graph::key(name))
}

fn put_entity(tx: &Transaction<'_>, entity: &ReadEntity) -> Result<(), Error> {
    let (name, kind, description) = (entity.name.clone(), entity.kind.clone(), entity.description.clone());
    set(tx, &graph::key(&entity.name), &Put { state: State::Put, name, kind, description })
}

/// An entity that stands by itself: as it was put, or as it is seen now.
fn standing(tx: &Transaction<'_>, key: &str, name: &str) -> Result<Put, Error> {
    Ok(match hand::row(tx, key)? {
        Some(row) if row.state == State::Put => row,
        _ => {
            Put { state: State::Put, name: name.to_owned(), kind: String::new(), description: String::new() }
        }
    })
}

fn rename(tx: &Transaction<'_>, from: &str, to: &str) -> Result<(), Error> {
    let (old, new) = (resolved(tx, from)?, graph::key(to));
    let before = standing(tx, &old, from)?;
    let mut after = standing(tx, &new, to)?;
    after.name = to.to_owned();
    fill(&mut after, &before);
    set(tx, &new, &after)?;
    if old != new { become_of(tx, &old, &new) } else { Ok(()) }
}

fn merge(tx: &Transaction<'_>, from: &[String], into: &str) -> Result<(), Error> {
    let target = resolved(tx, into)?;
    let mut kept = standing(tx, &target, into)?;
    for name in from {
        let old = resolved(tx, name)?;
        if old != target {
            fill(&mut kept, &standing(tx, &old, name)?);
            become_of(tx, &old, &target)?;
        }
    }
    set(tx, &target, &kept)
}

fn fill(row: &mut Put, from: &Put) {
    if row.kind.is_empty() {
        row.kind.clone_from(&from.kind);
    }
    if row.description.is_empty() {
        row.description.clone_from(&from.description);
    }
}

/// The old key stands for the new one from now on, and its relations are the new one's.
fn become_of(tx: &Transaction<'_>, old: &str, new: &str) -> Result<(), Error> {
    let alias =
        Put { state: State::Alias, name: new.to_owned(), kind: String::new(), description: String::new() };
    set(tx, old, &alias)?;
    let moved = "INSERT OR IGNORE INTO hand_relation (a, b, state, keywords, description, weight)
        SELECT min(?2, iif(a = ?1, b, a)), max(?2, iif(a = ?1, b, a)), state, keywords, description, weight
        FROM hand_relation WHERE (a = ?1 OR b = ?1) AND a <> ?2 AND b <> ?2";
    tx.prepare_cached(moved)?.execute([old, new])?;
    tx.prepare_cached("DELETE FROM hand_relation WHERE a = ?1 OR b = ?1")?.execute([old])?;
    Ok(())
}

fn delete_entity(tx: &Transaction<'_>, name: &str) -> Result<(), Error> {
    let key = resolved(tx, name)?;
    tx.prepare_cached("DELETE FROM hand_relation WHERE a = ?1 OR b = ?1")?.execute([&key])?;
    let gone =
        Put { state: State::Deleted, name: String::new(), kind: String::new(), description: String::new() };
    set(tx, &key, &gone)
}

fn put_relation(tx: &Transaction<'_>, r: &ReadRelation) -> Result<(), Error> {
    let (a, b) = (resolved(tx, &r.source)?, resolved(tx, &r.target)?);
    if a == b {
        return Ok(());
    }
    // Its ends stay with it, whatever becomes of the notes that named them.
    for (key, name) in [(&a, &r.source), (&b, &r.target)] {
        if hand::row(tx, key)?.is_none_or(|row| row.state != State::Put) {
            set(tx, key, &standing(tx, key, name)?)?;
        }
    }
    relation(tx, &a, &b, State::Put, r)
}

fn delete_relation(tx: &Transaction<'_>, source: &str, target: &str) -> Result<(), Error> {
    let (a, b) = (resolved(tx, source)?, resolved(tx, target)?);
    let nothing = ReadRelation {
        source: String::new(),
        target: String::new(),
        keywords: String::new(),
        description: String::new(),
        weight: 0.0,
    };
    if a == b { Ok(()) } else { relation(tx, &a, &b, State::Deleted, &nothing) }
}

fn relation(tx: &Transaction<'_>, a: &str, b: &str, state: State, r: &ReadRelation) -> Result<(), Error> {
    let (a, b) = if a < b { (a, b) } else { (b, a) };
    let weight = if r.weight.is_finite() { r.weight.clamp(0.0, 1000.0) } else { 1.0 };
    tx.prepare_cached(
        "INSERT OR REPLACE INTO hand_relation (a, b, state, keywords, description, weight) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![a, b, state as u8, r.keywords, r.description, weight])?;
    Ok(())
}
