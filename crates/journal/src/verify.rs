//! Verifying: the whole chain is computed again, and every blob's name.

use crate::error::Error;
use crate::writer::Role;
use crate::{blob, chain, schema};
use protocol::{At, BlobId, JournalId};
use rusqlite::Connection;

/// What verifying found. Without problems, every entry is what was appended, in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub entries: u64,
    pub head_hash: String,
    /// One line each; at most a hundred.
    pub problems: Vec<String>,
}

const MOST_PROBLEMS: usize = 100;

pub(crate) fn verify(db: &Connection) -> Result<Verified, Error> {
    let mut found = Verified { entries: 0, head_hash: String::new(), problems: Vec::new() };
    let id = schema::meta(db, "journal_id")?.and_then(|id| JournalId::new(id).ok());
    match &id {
        Some(id) => chain_problems(db, id, &mut found)?,
        None if schema::meta(db, "role")?.as_deref() == Some(Role::Mirror.word()) => {}
        None => found.problems.push("the journal has no id".into()),
    }
    blob_problems(db, &mut found)?;
    found.problems.truncate(MOST_PROBLEMS);
    Ok(found)
}

fn chain_problems(db: &Connection, id: &JournalId, found: &mut Verified) -> Result<(), Error> {
    let mut query =
        db.prepare("SELECT seq, at, prev, hash, kind, version, body, request FROM entries ORDER BY seq")?;
    let mut rows = query.query([])?;
    let mut prev = chain::root(id);
    let mut next = 1;
    while let Some(row) = rows.next()? {
        let mut problem = |what: String| {
            if found.problems.len() < MOST_PROBLEMS {
                found.problems.push(what);
            }
        };
        let (seq, at, said_prev, hash): (u64, i64, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let (kind, version, body, request): (String, u16, String, Option<String>) =
            (row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?);
        if seq != next {
            problem(format!("entries {next} to {} are missing", seq.saturating_sub(1)));
        } else if said_prev != prev {
            problem(format!("entry {seq} does not follow the entry before it"));
        }
        if chain::hash(&said_prev, seq, At(at), &kind, version, &body) != hash {
            problem(format!("entry {seq} was changed: its hash is not that of its content"));
        }
        match chain::read(seq, &kind, version, &body) {
            Ok(fact) if fact.request().map(|request| request.as_str()) == request.as_deref() => {}
            Ok(_) => problem(format!("entry {seq} is filed under another request")),
            Err(why) => problem(format!("entry {seq} cannot be read: {why}")),
        }
        (prev, next) = (hash, seq + 1);
        found.entries += 1;
    }
    if found.entries > 0 {
        found.head_hash = prev;
    } else {
        found.problems.push("the journal has an id and no entries".into());
    }
    Ok(())
}

fn blob_problems(db: &Connection, found: &mut Verified) -> Result<(), Error> {
    let mut query = db.prepare("SELECT id, salt, data, id IN (SELECT blob FROM forgotten) FROM blobs")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (id, salt, data, forgotten): (String, Vec<u8>, Vec<u8>, bool) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        if forgotten {
            found.problems.push(format!("blob {id} was forgotten and is still there"));
        }
        if BlobId::new(id.as_str()).is_ok_and(|id| id != blob::name(&salt, &data)) {
            found.problems.push(format!("blob {id} was changed: its name is not the hash of its content"));
        }
    }
    Ok(())
}
