//! The index file, and the facts that change it.

use crate::error::Error;
use crate::terms;
use protocol::JournalId;
use protocol::fact::{Entry, Fact, MemoryPushed};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior};
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

/// Goes up with every change of the tables or of what is indexed: a file of another version is thrown away.
const VERSION: u32 = 1;

/// The texts lie in `notes` alone; `words` indexes them and is told what to take out again. With `secure-delete` it
/// takes words out at once instead of marking them.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE notes (
    seq INTEGER PRIMARY KEY, note TEXT NOT NULL UNIQUE, project TEXT NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL,
    text TEXT NOT NULL, grams TEXT NOT NULL, source TEXT NOT NULL, request TEXT, agent TEXT, at INTEGER NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(
    title, text, grams, content = 'notes', content_rowid = 'seq', tokenize = 'porter unicode61 remove_diacritics 2');
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
";

/// The notes of one journal, searchable. One at a time per file.
#[derive(Debug)]
pub struct Memory {
    pub(crate) db: Connection,
    head: u64,
    journal: Option<JournalId>,
    /// A forgotten text may still be in the write-ahead log.
    scrub: bool,
}

impl Memory {
    /// Opens the index, or makes an empty one; so too when the file is damaged or of another layout, since the journal
    /// has all that was in it.
    pub fn open(path: &Path) -> Result<Memory, Error> {
        match Self::open_file(path) {
            Err(error) if error.is_ruin() => {
                throw_away(path)?;
                Self::open_file(path)
            }
            other => other,
        }
    }

    fn open_file(path: &Path) -> Result<Memory, Error> {
        let mut db = connect(path)?;
        let version: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let fresh = version == 0 && is_empty(&db)?;
        if fresh {
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute_batch(TABLES)?;
            tx.pragma_update(None, "user_version", VERSION)?;
            tx.commit()?;
        } else if version != VERSION {
            return Err(Error::Damaged(format!("it has layout {version}, not {VERSION}")));
        }
        let head = meta(&db, "head")?.map_or(Ok(0), |text| text.parse()).map_err(damaged)?;
        let journal = meta(&db, "journal")?.map(JournalId::new).transpose().map_err(damaged)?;
        let mut memory = Memory { db, head, journal, scrub: true };
        memory.scrub();
        Ok(memory)
    }

    /// Number of the newest entry that was applied: it and those before it may be left out, or applied again in vain.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Whose notes these are; none in an index that nobody has given to a journal yet.
    pub fn journal(&self) -> Option<JournalId> {
        self.journal.clone()
    }

    /// Empties the index and gives it to `journal`: to be called when [`journal`](Self::journal) is another one.
    pub fn reset(&mut self, journal: &JournalId) -> Result<(), Error> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch("INSERT INTO words (words) VALUES ('delete-all'); DELETE FROM notes;")?;
        set_meta(&tx, "journal", journal.as_str())?;
        set_meta(&tx, "head", "0")?;
        tx.commit()?;
        self.head = 0;
        self.journal = Some(journal.clone());
        self.scrub = true;
        self.scrub();
        Ok(())
    }

    /// Applies an entry of the journal; one that was applied before changes nothing. `text` is what the journal still
    /// has of a pushed note: none when it was forgotten since, and then there is nothing to index. An entry that opens
    /// another journal than the index was made from empties the index.
    pub fn apply(&mut self, entry: &Entry, text: Option<&str>) -> Result<(), Error> {
        if let Fact::JournalOpened(opened) = &entry.fact
            && self.journal.as_ref() != Some(&opened.journal)
        {
            self.reset(&opened.journal)?;
        }
        if entry.seq <= self.head {
            return Ok(());
        }
        match &entry.fact {
            Fact::MemoryPushed(pushed) => self.written(entry.seq, |tx| push(tx, entry, pushed, text))?,
            Fact::MemoryForgotten(forgotten) => {
                self.written(entry.seq, |tx| take_out(tx, forgotten.note.as_str()))?;
                self.scrub = true;
            }
            // Nothing to write down: after a restart this entry is applied again, to no effect.
            _ => self.head = entry.seq,
        }
        if self.scrub {
            self.scrub();
        }
        Ok(())
    }

    fn written(
        &mut self,
        seq: u64,
        write: impl FnOnce(&Transaction<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write(&tx)?;
        set_meta(&tx, "head", &seq.to_string())?;
        tx.commit()?;
        self.head = seq;
        Ok(())
    }

    /// Empties the write-ahead log, so that a forgotten text is in no file; if that cannot be now, the next write tries
    /// again.
    fn scrub(&mut self) {
        let emptied = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        self.scrub = !matches!(emptied, Ok(0));
    }
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    db.busy_timeout(Duration::from_millis(500))?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1024;
         PRAGMA journal_size_limit = 1048576; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;",
    )?;
    Ok(db)
}

fn throw_away(path: &Path) -> Result<(), Error> {
    for ending in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn is_empty(db: &Connection) -> Result<bool, Error> {
    Ok(db.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)", [], |row| row.get(0))?)
}

fn damaged(why: impl std::fmt::Display) -> Error {
    Error::Damaged(why.to_string())
}

fn meta(db: &Connection, key: &str) -> Result<Option<String>, Error> {
    Ok(db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?)
}

fn set_meta(db: &Connection, key: &str, value: &str) -> Result<(), Error> {
    let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2";
    db.prepare_cached(sql)?.execute([key, value])?;
    Ok(())
}

fn push(tx: &Transaction<'_>, entry: &Entry, f: &MemoryPushed, text: Option<&str>) -> Result<(), Error> {
    take_out(tx, f.note.as_str())?;
    let Some(text) = text else { return Ok(()) };
    let grams = terms::grams(&format!("{}\n{text}", f.title));
    let kind = serde_json::to_string(&f.note_kind).map_err(damaged)?;
    tx.prepare_cached(
        "INSERT INTO notes (seq, note, project, kind, title, text, grams, source, request, agent, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(rusqlite::params![
        entry.seq,
        f.note.as_str(),
        f.project.as_str(),
        kind,
        f.title,
        text,
        grams,
        f.source,
        f.request.as_ref().map(|request| request.as_str()),
        f.agent.as_ref().map(|agent| agent.as_str()),
        entry.at.0,
    ])?;
    tx.prepare_cached("INSERT INTO words (rowid, title, text, grams) VALUES (?1, ?2, ?3, ?4)")?
        .execute((entry.seq, &f.title, text, &grams))?;
    Ok(())
}

/// Out of the index, then out of the table: the index must be told the very texts that it was given.
fn take_out(tx: &Transaction<'_>, note: &str) -> Result<(), Error> {
    tx.prepare_cached(
        "INSERT INTO words (words, rowid, title, text, grams)
         SELECT 'delete', seq, title, text, grams FROM notes WHERE note = ?1",
    )?
    .execute([note])?;
    tx.prepare_cached("DELETE FROM notes WHERE note = ?1")?.execute([note])?;
    Ok(())
}
