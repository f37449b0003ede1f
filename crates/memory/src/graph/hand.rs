//! What people changed by hand, over what the notes say.

use crate::error::Error;
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;

/// What became of a key, or of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
    /// It is there, whatever the notes say.
    Put = 0,
    /// It stands for another key, which lies in the row's name.
    Alias = 1,
    /// It is not there, whatever the notes say.
    Deleted = 2,
}

impl State {
    pub(crate) fn of(number: u8) -> State {
        match number {
            1 => State::Alias,
            2 => State::Deleted,
            _ => State::Put,
        }
    }
}

/// Aliases of aliases that are followed; edits make no circle.
const HOPS: usize = 64;

/// The key that this key stands for.
pub(crate) fn resolve(db: &Connection, mut key: String) -> Result<String, Error> {
    let mut query = db.prepare_cached("SELECT name FROM hand_entity WHERE key = ?1 AND state = 1")?;
    for _ in 0..HOPS {
        match query.query_row([&key], |row| row.get(0)).optional()? {
            Some(next) => key = next,
            None => break,
        }
    }
    Ok(key)
}

/// All keys that stand for this one, itself first.
pub(crate) fn names_of(db: &Connection, key: &str) -> Result<Vec<String>, Error> {
    let mut found = vec![key.to_owned()];
    let mut query =
        db.prepare_cached("SELECT key FROM hand_entity WHERE state = 1 AND name = ?1 ORDER BY key")?;
    let mut at = 0;
    while let Some(here) = found.get(at).cloned() {
        for alias in query.query_map([here], |row| row.get::<_, String>(0))? {
            let alias = alias?;
            if !found.contains(&alias) {
                found.push(alias);
            }
        }
        at += 1;
    }
    Ok(found)
}

pub(crate) fn row(db: &Connection, key: &str) -> Result<Option<Put>, Error> {
    let sql = "SELECT state, name, kind, description FROM hand_entity WHERE key = ?1";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Put {
            state: State::of(row.get(0)?),
            name: row.get(1)?,
            kind: row.get(2)?,
            description: row.get(3)?,
        })
    };
    Ok(db.prepare_cached(sql)?.query_row([key], read).optional()?)
}

/// What a person wrote of the relation of two keys.
pub(crate) fn relation(db: &Connection, a: &str, b: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT description FROM hand_relation WHERE a = ?1 AND b = ?2 AND state = 0";
    Ok(db.prepare_cached(sql)?.query_row([a.min(b), a.max(b)], |row| row.get(0)).optional()?)
}

/// A relation as a person drew it, by the keys of its ends.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) a: String,
    pub(crate) b: String,
    pub(crate) keywords: String,
    pub(crate) description: String,
    pub(crate) weight: f64,
}

/// Those of one key, the weightiest first.
pub(crate) fn relations(db: &Connection, key: &str, most: usize) -> Result<Vec<Drawn>, Error> {
    let sql = "SELECT a, b, keywords, description, weight FROM hand_relation
        WHERE (a = ?1 OR b = ?1) AND state = 0 ORDER BY weight DESC, a, b LIMIT ?2";
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Drawn {
            a: row.get(0)?,
            b: row.get(1)?,
            keywords: row.get(2)?,
            description: row.get(3)?,
            weight: row.get(4)?,
        })
    };
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut query = db.prepare_cached(sql)?;
    Ok(query.query_map(rusqlite::params![key, most], read)?.collect::<Result<_, _>>()?)
}

/// Entities that were changed by hand, all at once.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    rows: HashMap<String, Put>,
}

#[derive(Debug, Clone)]
pub(crate) struct Put {
    pub(crate) state: State,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) description: String,
}

impl Hand {
    pub(crate) fn load(db: &Connection) -> Result<Hand, Error> {
        let mut query = db.prepare_cached("SELECT key, state, name, kind, description FROM hand_entity")?;
        let rows = query.query_map([], |row| {
            let state = State::of(row.get(1)?);
            Ok((row.get(0)?, Put { state, name: row.get(2)?, kind: row.get(3)?, description: row.get(4)? }))
        })?;
        Ok(Hand { rows: rows.collect::<Result<_, _>>()? })
    }

    /// The key that this one stands for; none when it was deleted.
    pub(crate) fn resolve(&self, key: String) -> Option<String> {
        let mut key = key;
        for _ in 0..HOPS {
            match self.rows.get(&key) {
                Some(row) if row.state == State::Alias => key.clone_from(&row.name),
                Some(row) if row.state == State::Deleted => return None,
                Some(_) | None => break,
            }
        }
        Some(key)
    }

    pub(crate) fn put(&self, key: &str) -> Option<&Put> {
        self.rows.get(key).filter(|row| row.state == State::Put)
    }

    pub(crate) fn all_put(&self) -> impl Iterator<Item = (&String, &Put)> {
        self.rows.iter().filter(|(_, row)| row.state == State::Put)
    }
}
