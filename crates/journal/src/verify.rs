//! Verifying: the whole chain is computed again, and every blob's name.

use crate::error::Error;
use crate::writer::Role;
use crate::{blob, chain, schema};
use protocol::{At, JournalId};
use rusqlite::{Connection, Row};

/// What verifying found. Without problems, every entry is what was appended, in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub entries: u64,
    pub head_hash: String,
    /// One line each; at most a hundred.
    pub problems: Vec<String>,
}

const MOST_PROBLEMS: usize = 100;

impl Verified {
    fn problem(&mut self, what: String) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(what);
        }
    }
}

pub(crate) fn verify(db: &Connection) -> Result<Verified, Error> {
    let mut found = Verified { entries: 0, head_hash: String::new(), problems: Vec::new() };
    let id = schema::meta(db, "journal_id")?.and_then(|id| JournalId::new(id).ok());
    match &id {
        Some(id) => chain_problems(db, id, &mut found)?,
        None if schema::meta(db, "role")?.as_deref() == Some(Role::Mirror.word()) => {}
        None => found.problem("the journal has no id".into()),
    }
    blob_problems(db, &mut found)?;
    Ok(found)
}

fn chain_problems(db: &Connection, id: &JournalId, found: &mut Verified) -> Result<(), Error> {
    let mut query =
        db.prepare("SELECT seq, at, prev, hash, kind, version, body, request FROM entries ORDER BY seq")?;
    let mut rows = query.query([])?;
    let mut prev = chain::root(id);
    let mut next = 1;
    while let Some(row) = rows.next()? {
        found.entries += 1;
        let Ok(line) = Line::of(row) else {
            found.problem(format!("entry {next} is no entry: a column of it has another type"));
            next += 1;
            continue;
        };
        if line.seq != next {
            found.problem(format!("entries {next} to {} are missing", line.seq.saturating_sub(1)));
        } else if line.prev != prev {
            found.problem(format!("entry {} does not follow the entry before it", line.seq));
        }
        line.check(found);
        next = line.seq + 1;
        prev = line.hash;
    }
    if found.entries > 0 {
        found.head_hash = prev;
    } else {
        found.problem("the journal has an id and no entries".into());
    }
    Ok(())
}

/// An entry as it lies in the table.
struct Line {
    seq: u64,
    at: At,
    prev: String,
    hash: String,
    kind: String,
    version: u16,
    body: String,
    request: Option<String>,
}

impl Line {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            at: At(row.get(1)?),
            prev: row.get(2)?,
            hash: row.get(3)?,
            kind: row.get(4)?,
            version: row.get(5)?,
            body: row.get(6)?,
            request: row.get(7)?,
        })
    }

    fn check(&self, found: &mut Verified) {
        let Self { seq, at, kind, version, body, .. } = self;
        if chain::hash(&self.prev, *seq, *at, kind, *version, body) != self.hash {
            found.problem(format!("entry {seq} was changed: its hash is not that of its content"));
        }
        match chain::read(*seq, kind, *version, body) {
            Ok(fact) if fact.request().map(|request| request.as_str()) == self.request.as_deref() => {}
            Ok(_) => found.problem(format!("entry {seq} is filed under another request")),
            Err(why) => found.problem(format!("entry {seq} cannot be read: {why}")),
        }
    }
}

fn blob_problems(db: &Connection, found: &mut Verified) -> Result<(), Error> {
    let mut query = db.prepare("SELECT id, salt, data, id IN (SELECT blob FROM forgotten) FROM blobs")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        if row.get(3)? {
            found.problem(format!("blob {id} was forgotten and is still there"));
        }
        let (salt, data) = (row.get_ref(1)?.as_bytes(), row.get_ref(2)?.as_bytes());
        if !matches!((salt, data), (Ok(salt), Ok(data)) if blob::name(salt, data).as_str() == id) {
            found.problem(format!("blob {id} was changed: its name is not the hash of its content"));
        }
    }
    Ok(())
}
