//! The tables of a space's file.
//!
//! A push must touch few pages, since each is written twice (log, file). So all is keyed by the note's number in the
//! journal and grows at its end; what would be a scattered index is in the full-text index, which gathers its writes.
//! There is no table of entities and none of their relations: both are read out of `mention`, so that a forgotten note
//! takes along what it alone named, and a rebuilt file says the same as one that grew. Pages are small, as are the pieces of
//! the full-text index, since a push changes a little in each of many places: with pages of 4 KB twice as much is written.

use crate::error::Error;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

/// Goes up with every change of the tables, or of what is indexed or extracted: a file of another version is thrown away.
pub(crate) const VERSION: u32 = 4;

/// A passage is `seq << CHUNK_BITS | ordinal`.
pub(crate) const CHUNK_BITS: u32 = 12;
/// Ordinals from here on are readings of the note, in the full-text index only.
pub(crate) const READINGS: i64 = 4032;

/// - `note`: `kind` is a place in `NoteKind::ALL`; `by` the number of the note that supersedes it; notes with the same
///   `thread` follow each other. `body` has its text without the title, apart, so that notes are quick to go through.
///   `lang` is the language of its first passage.
/// - `chunk`: a passage's place in the text, in bytes, and how many words it has for the ranking.
/// - `words`: a row per passage, of its index terms (`languages::indexed`): the note's title (with the first passage only),
///   the passage, and a `graph::token` for each entity that is named there. Readings have rows as well.
/// - `meta`: `head`, the newest entry that was applied; `journal`; `changes`, which grows when anything but new notes and
///   vectors of newer passages was written; `unclean`, while traces of a forgotten note may be left.
/// - `mention`: what the note names, best first; `kind` is an `extract::Kind`; `chunks` are ordinals, 16 bits each.
/// - `read_*`: what a model or an agent read out of the note.
/// - `hand_entity`: edits by hand; `state` is a `graph::hand::State`. In `hand_relation` a is before b.
/// - `vector`: a passage's vector as `scale` times 8-bit numbers.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE note (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind INTEGER NOT NULL, at INTEGER NOT NULL, tokens INTEGER NOT NULL,
    by INTEGER, thread TEXT, title TEXT NOT NULL, title_len INTEGER NOT NULL, lang INTEGER NOT NULL,
    source TEXT NOT NULL, request TEXT, agent TEXT, confidence INTEGER);
CREATE INDEX note_thread ON note (thread) WHERE thread IS NOT NULL;
CREATE TABLE body (seq INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY, start INTEGER NOT NULL, stop INTEGER NOT NULL, code INTEGER NOT NULL, len INTEGER NOT NULL);
CREATE TABLE mention (
    note INTEGER NOT NULL, rank INTEGER NOT NULL, name TEXT NOT NULL, kind INTEGER NOT NULL, chunks BLOB NOT NULL,
    PRIMARY KEY (note, rank)) WITHOUT ROWID;
CREATE TABLE read_entity (
    note INTEGER NOT NULL, seq INTEGER NOT NULL, ord INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    description TEXT NOT NULL, PRIMARY KEY (note, seq, ord)) WITHOUT ROWID;
CREATE TABLE read_relation (
    note INTEGER NOT NULL, seq INTEGER NOT NULL, ord INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    keywords TEXT NOT NULL, description TEXT NOT NULL, weight REAL NOT NULL, PRIMARY KEY (note, seq, ord)) WITHOUT ROWID;
CREATE TABLE hand_entity (
    key TEXT PRIMARY KEY, state INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, description TEXT NOT NULL
    ) WITHOUT ROWID;
CREATE TABLE hand_relation (
    a TEXT NOT NULL, b TEXT NOT NULL, state INTEGER NOT NULL, keywords TEXT NOT NULL, description TEXT NOT NULL,
    weight REAL NOT NULL, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE model (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, dim INTEGER NOT NULL);
CREATE TABLE vector (chunk INTEGER PRIMARY KEY, model INTEGER NOT NULL, scale REAL NOT NULL, data BLOB NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(title, text, ents, content = '', columnsize = 0, tokenize = 'ascii');
INSERT INTO words (words, rank) VALUES ('pgsz', 1000);
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
";

/// The writer's connection to a file, which is made if there is none.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = opened(path, flags)?;
    db.execute_batch(
        "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 4000; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2048;
         PRAGMA journal_size_limit = 4194304; PRAGMA trusted_schema = OFF;",
    )?;
    let version: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let fresh: bool = version == 0
        && db.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)", [], |row| row.get(0))?;
    if fresh {
        let tx = db.transaction()?;
        tx.execute_batch(TABLES)?;
        tx.pragma_update(None, "user_version", VERSION)?;
        tx.commit()?;
    } else if version != VERSION {
        return Err(Error::Damaged(format!("a file has layout {version}, not {VERSION}")));
    }
    Ok(db)
}

/// A reader's connection: it cannot write, and keeps few pages.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = opened(path, flags)?;
    db.execute_batch("PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;")?;
    Ok(db)
}

fn opened(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(Duration::from_secs(2))?;
    db.set_prepared_statement_cache_capacity(48);
    // Else a statement that was prepared is planned anew for each value that is bound to it, the full-text index's own
    // ones too, though there are no statistics that could make the plan another.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(db)
}

pub(crate) fn meta(db: &Connection, key: &str) -> Result<Option<String>, Error> {
    Ok(db
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?)
}

pub(crate) fn set_meta(db: &Connection, key: &str, value: &str) -> Result<(), Error> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
    db.prepare_cached(sql)?.execute([key, value])?;
    Ok(())
}
