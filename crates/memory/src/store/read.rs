//! What was read out of a note by a model or an agent: kept with the note, searchable, gone with it.

use super::apply::Did;
use super::note::{chunk_id, seq};
use super::schema::READINGS;
use crate::error::Error;
use crate::{graph, languages};
use protocol::clean;
use protocol::fact::MemoryEnriched;
use protocol::note::{ReadEntity, ReadRelation, Reading};
use rusqlite::{Connection, Transaction, params};
use std::collections::BTreeMap;

/// Entities and relations that are taken of one reading.
const MOST: usize = 200;
/// Letters of a name, and of a description.
const NAME: usize = 256;
const DESCRIPTION: usize = 2000;

pub(super) fn enrich(tx: &Transaction<'_>, at: u64, f: &MemoryEnriched, json: &str) -> Result<Did, Error> {
    let Some(note) = seq(tx, &f.note)? else { return Ok(Did::Added) };
    // What a reader wrote is checked before it is journaled; what is no reading all the same says nothing.
    let Ok(reading) = serde_json::from_str::<Reading>(json) else { return Ok(Did::Added) };
    let reading = tidy(reading);
    let at = i64::try_from(at).map_err(Error::damaged)?;
    let before = readings(tx, note)?.len();
    let mut insert = tx.prepare_cached(
        "INSERT INTO read_entity (note, seq, ord, name, kind, description) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (ord, e) in reading.entities.iter().enumerate() {
        insert.execute(params![note, at, ord, e.name, e.kind, e.description])?;
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO read_relation (note, seq, ord, source, target, keywords, description, weight)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (ord, r) in reading.relations.iter().enumerate() {
        insert.execute(params![note, at, ord, r.source, r.target, r.keywords, r.description, r.weight])?;
    }
    index(tx, "INSERT INTO words (rowid, title, text, ents)", row(note, before), &reading)?;
    Ok(Did::Changed)
}

/// The reading's row in the full-text index; none for one of very many.
fn row(note: i64, nth: usize) -> Option<i64> {
    let ordinal = usize::try_from(READINGS).ok()?.checked_add(nth)?;
    (ordinal < 1 << super::schema::CHUNK_BITS).then(|| chunk_id(note, ordinal))
}

fn index(tx: &Transaction<'_>, into: &str, row: Option<i64>, reading: &Reading) -> Result<(), Error> {
    let Some(row) = row else { return Ok(()) };
    let (mut text, mut ents) = (String::new(), String::new());
    let mut say = |words: [&str; 2]| {
        for words in words {
            text.push_str(words);
            text.push('\n');
        }
    };
    reading.entities.iter().for_each(|e| say([&e.name, &e.description]));
    reading.relations.iter().for_each(|r| say([&r.keywords, &r.description]));
    let ends = reading.relations.iter().flat_map(|r| [&r.source, &r.target]);
    for name in reading.entities.iter().map(|e| &e.name).chain(ends) {
        ents.push_str(&graph::token(&graph::key(name)));
        ents.push(' ');
    }
    let values = match into.contains("(words,") {
        true => "VALUES ('delete', ?1, '', ?2, ?3)",
        false => "VALUES (?1, '', ?2, ?3)",
    };
    let terms = languages::indexed(&text).terms;
    tx.prepare_cached(&format!("{into} {values}"))?.execute(params![row, terms, ents])?;
    Ok(())
}

/// Whether any note was read.
pub(crate) fn any_reading(db: &Connection) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM read_entity) OR EXISTS (SELECT 1 FROM read_relation)";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// All readings of a note, oldest first.
pub(crate) fn readings(db: &Connection, note: i64) -> Result<Vec<Reading>, Error> {
    let mut found: BTreeMap<i64, Reading> = BTreeMap::new();
    let mut query = db.prepare_cached(
        "SELECT seq, name, kind, description FROM read_entity WHERE note = ?1 ORDER BY seq, ord",
    )?;
    let mut rows = query.query([note])?;
    while let Some(row) = rows.next()? {
        let e = ReadEntity { name: row.get(1)?, kind: row.get(2)?, description: row.get(3)? };
        found.entry(row.get(0)?).or_default().entities.push(e);
    }
    let mut query = db.prepare_cached(
        "SELECT seq, source, target, keywords, description, weight FROM read_relation WHERE note = ?1 ORDER BY seq, ord",
    )?;
    let mut rows = query.query([note])?;
    while let Some(row) = rows.next()? {
        let r = ReadRelation {
            source: row.get(1)?,
            target: row.get(2)?,
            keywords: row.get(3)?,
            description: row.get(4)?,
            weight: row.get(5)?,
        };
        found.entry(row.get(0)?).or_default().relations.push(r);
    }
    Ok(found.into_values().collect())
}

pub(super) fn take_out(tx: &Transaction<'_>, note: i64) -> Result<(), Error> {
    for (nth, reading) in readings(tx, note)?.iter().enumerate() {
        index(tx, "INSERT INTO words (words, rowid, title, text, ents)", row(note, nth), reading)?;
    }
    tx.prepare_cached("DELETE FROM read_entity WHERE note = ?1")?.execute([note])?;
    tx.prepare_cached("DELETE FROM read_relation WHERE note = ?1")?.execute([note])?;
    Ok(())
}

/// Names on one line, nothing without a name, no more than can be read.
fn tidy(mut reading: Reading) -> Reading {
    reading.entities.truncate(MOST);
    reading.relations.truncate(MOST);
    for e in &mut reading.entities {
        e.name = clean::line(&e.name, NAME);
        e.kind = clean::line(&e.kind, NAME);
        e.description = clean::line(&e.description, DESCRIPTION);
    }
    for r in &mut reading.relations {
        r.source = clean::line(&r.source, NAME);
        r.target = clean::line(&r.target, NAME);
        r.keywords = clean::line(&r.keywords, NAME);
        r.description = clean::line(&r.description, DESCRIPTION);
        r.weight = if r.weight.is_finite() { r.weight.clamp(0.0, 1000.0) } else { 1.0 };
    }
    reading.entities.retain(|e| !e.name.is_empty());
    reading.relations.retain(|r| {
        !r.source.is_empty() && !r.target.is_empty() && graph::key(&r.source) != graph::key(&r.target)
    });
    reading
}
