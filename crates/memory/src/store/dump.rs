//! A space in a fixed order, for comparing: two files that say the same print the same, however they came about.

use super::note::kind_of;
use super::schema::CHUNK_BITS;
use crate::error::Error;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::io::Write;

/// Tables with the columns that mean something, in an order that does not depend on when a row was written.
const ROWS: [(&str, &str); 8] = [
    (
        "note",
        "SELECT n.seq, n.id, n.at, n.tokens, o.id, n.thread, n.title, n.source, n.request, n.agent, n.confidence, n.kind
         FROM note n LEFT JOIN note o ON o.seq = n.by ORDER BY n.seq",
    ),
    ("text", "SELECT seq, text FROM body ORDER BY seq"),
    ("passage", "SELECT id, start, stop, code FROM chunk ORDER BY id"),
    ("names", "SELECT note, rank, name, kind, chunks FROM mention ORDER BY note, rank"),
    ("read entity", "SELECT note, seq, ord, name, kind, description FROM read_entity ORDER BY note, seq, ord"),
    (
        "read relation",
        "SELECT note, seq, ord, source, target, keywords, description, weight FROM read_relation ORDER BY note, seq, ord",
    ),
    ("put entity", "SELECT key, state, name, kind, description FROM hand_entity ORDER BY key"),
    ("put relation", "SELECT a, b, state, keywords, description, weight FROM hand_relation ORDER BY a, b"),
];

const VECTORS: &str = "SELECT v.chunk, m.name, m.dim, v.scale, v.data FROM vector v JOIN model m ON m.id = v.model ORDER BY v.chunk";

/// Which of the two parts of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All that comes from the journal.
    Journal,
    /// What the embedding model added; it may lag behind.
    Vectors,
}

pub(crate) fn dump(db: &Connection, part: Part, out: &mut dyn Write) -> Result<(), Error> {
    match part {
        Part::Journal => ROWS.iter().try_for_each(|(what, sql)| table(db, what, sql, out)),
        Part::Vectors => table(db, "vector", VECTORS, out),
    }
}

fn table(db: &Connection, what: &str, sql: &str, out: &mut dyn Write) -> Result<(), Error> {
    let mut query = db.prepare_cached(sql)?;
    let columns = query.column_count();
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        write!(out, "{what}")?;
        for column in 0..columns {
            value(row, column, out)?;
        }
        if what == "note" {
            write!(out, " {}", kind_of(row.get(columns - 1)?)?.word())?;
        }
        if what == "passage" {
            let id: i64 = row.get(0)?;
            write!(out, " of {}", id >> CHUNK_BITS)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn value(row: &Row<'_>, column: usize, out: &mut dyn Write) -> Result<(), Error> {
    match row.get_ref(column)? {
        ValueRef::Null => write!(out, " -")?,
        ValueRef::Integer(number) => write!(out, " {number}")?,
        ValueRef::Real(number) => write!(out, " {number:?}")?,
        ValueRef::Text(text) => write!(out, " {:?}", std::str::from_utf8(text).map_err(Error::damaged)?)?,
        ValueRef::Blob(bytes) => {
            write!(out, " ")?;
            bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
        }
    }
    Ok(())
}
