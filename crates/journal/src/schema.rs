//! The file: how it is opened, its tables that are no views, and its version.

use crate::error::Error;
use protocol::HOME_VERSION;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

/// Entries can neither be changed nor taken out nor replaced: the last trigger stops `INSERT OR REPLACE` and gaps.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL,
    kind TEXT NOT NULL, version INTEGER NOT NULL, request TEXT, body TEXT NOT NULL);
CREATE INDEX entries_of_request ON entries (request, seq) WHERE request IS NOT NULL;
CREATE TABLE blobs (id TEXT PRIMARY KEY, salt BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE transcripts (
    attempt TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (attempt, seq)) WITHOUT ROWID;
CREATE TRIGGER entries_keep BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: no entry is changed'); END;
CREATE TRIGGER entries_stay BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: no entry is deleted'); END;
CREATE TRIGGER entries_follow BEFORE INSERT ON entries
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entries)
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only: the next entry follows the last'); END;
";

/// What is kept beside the entries and cannot be made from them. Every other table is a view.
pub(crate) const KEPT: [&str; 4] = ["meta", "entries", "blobs", "transcripts"];

pub(crate) fn create(db: &Connection) -> Result<(), Error> {
    db.execute_batch(TABLES)?;
    set_meta(db, "home_version", &HOME_VERSION.to_string())
}

pub(crate) fn meta(db: &Connection, key: &str) -> Result<Option<String>, Error> {
    let value = db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
    Ok(value)
}

pub(crate) fn set_meta(db: &Connection, key: &str, value: &str) -> Result<(), Error> {
    db.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
        [key, value],
    )?;
    Ok(())
}

pub(crate) fn is_fresh(db: &Connection) -> Result<bool, Error> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta')";
    Ok(db.query_row(sql, [], |row| row.get(0))?)
}

/// Refuses a file that a newer program has made, before anything in it is touched.
pub(crate) fn known_version(db: &Connection) -> Result<(), Error> {
    let found = meta(db, "home_version")?.ok_or_else(|| Error::damaged("version", "it is not there"))?;
    let found: u32 = found.parse().map_err(|why| Error::damaged("version", why))?;
    if found > HOME_VERSION { Err(Error::NewerHome { found, known: HOME_VERSION }) } else { Ok(()) }
}

/// The writer's connection. A page cache of 2 MB; every commit is on the disk before it returns; what is deleted is
/// overwritten.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    options.open(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(Duration::from_secs(5))?;
    db.set_prepared_statement_cache_capacity(64);
    if !is_fresh(&db)? {
        known_version(&db)?;
    }
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -2048;
         PRAGMA journal_size_limit = 4194304; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;",
    )?;
    Ok(db)
}

/// A reader's connection: it cannot write, and keeps half a megabyte of pages.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(Duration::from_secs(5))?;
    db.set_prepared_statement_cache_capacity(32);
    // Else a statement that was prepared is planned anew for each value that is bound to it, for statistics that are not kept.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.execute_batch("PRAGMA cache_size = -512; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
    Ok(db)
}

/// Only its owner may read a file that is made with these options; SQLite's side files take the same mode.
#[cfg(unix)]
pub(crate) fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(not(unix))]
pub(crate) fn private(_: &mut OpenOptions) {}
