//! One space's file, open for writing.

use super::apply::{self, Did};
use super::schema::{self, meta, set_meta};
use super::vectors;
use crate::error::Error;
use crate::extract::Terms;
use protocol::fact::Entry;
use protocol::{JournalId, NoteId};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

#[derive(Debug)]
pub(super) struct Shelf {
    db: Connection,
    head: u64,
    journal: Option<JournalId>,
    /// Words of the glossary, once they were needed.
    terms: Option<Terms>,
    traces: Traces,
    /// Passages up to here have a vector of this model.
    embedded: Option<(String, i64)>,
}

/// Where traces of a forgotten note may still lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Traces {
    Nowhere,
    /// The file was written anew, but its log has the old pages.
    Log,
    File,
}

impl Shelf {
    pub(super) fn open(path: &Path, journal: Option<&JournalId>) -> Result<Shelf, Error> {
        let db = schema::open_writer(path)?;
        let head = meta(&db, "head")?.map_or(Ok(0), |text| text.parse()).map_err(Error::damaged)?;
        let mut kept = meta(&db, "journal")?.map(JournalId::new).transpose().map_err(Error::damaged)?;
        if let (None, Some(journal)) = (&kept, journal) {
            set_meta(&db, "journal", journal.as_str())?;
            kept = Some(journal.clone());
        }
        let traces = if meta(&db, "unclean")?.is_some() { Traces::File } else { Traces::Nowhere };
        let mut shelf = Shelf { db, head, journal: kept, terms: None, traces, embedded: None };
        shelf.clean();
        Ok(shelf)
    }

    pub(super) fn head(&self) -> u64 {
        self.head
    }

    pub(super) fn journal(&self) -> Option<&JournalId> {
        self.journal.as_ref()
    }

    /// As if the disk had no more room than this.
    #[cfg(test)]
    pub(super) fn limit(&self, pages: &str) {
        self.db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap_or_default();
    }

    pub(super) fn has(&self, note: &NoteId) -> Result<bool, Error> {
        Ok(super::note::seq(&self.db, note)?.is_some())
    }

    /// Entries after the head, in one transaction.
    pub(super) fn apply(&mut self, entries: &[(&Entry, Option<&str>)]) -> Result<(), Error> {
        let mut terms = match self.terms.take() {
            Some(terms) => terms,
            None => Terms::load(&self.db)?,
        };
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut did = Did::Added;
        let mut head = self.head;
        for (entry, text) in entries {
            did = did.max(apply::apply(&tx, &mut terms, entry, *text)?);
            head = entry.seq;
        }
        set_meta(&tx, "head", &head.to_string())?;
        if did > Did::Added {
            changed(&tx)?;
        }
        let forgot = did == Did::Forgot;
        if forgot {
            set_meta(&tx, "unclean", "1")?;
        }
        tx.commit()?;
        self.head = head;
        if forgot {
            self.traces = Traces::File;
        }
        self.terms = Some(terms);
        self.clean();
        Ok(())
    }

    /// Leaves no trace of what was forgotten in the file and its log. If that cannot be done now, since the disk is full
    /// or someone reads for long, the next write or opening tries again.
    fn clean(&mut self) {
        if self.traces == Traces::File && rewrite(&self.db).is_ok() {
            self.traces = Traces::Log;
        }
        if self.traces == Traces::Log && empty_log(&self.db).is_ok() {
            self.traces = Traces::Nowhere;
        }
    }

    pub(super) fn put_vectors(
        &mut self,
        model: &str,
        dim: usize,
        vectors: &[(i64, Vec<f32>)],
    ) -> Result<usize, Error> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let newest = vectors::newest(&tx)?;
        let kept = vectors::put(&tx, model, dim, vectors)?;
        if vectors.iter().any(|(chunk, _)| *chunk <= newest) {
            changed(&tx)?;
        }
        tx.commit()?;
        Ok(kept)
    }

    pub(super) fn unembedded(&mut self, model: &str, limit: usize) -> Result<Vec<(i64, String)>, Error> {
        let after = match &self.embedded {
            Some((of, after)) if of == model => *after,
            _ => 0,
        };
        let found = vectors::unembedded(&self.db, model, after, limit)?;
        if let Some((first, _)) = found.first() {
            self.embedded = Some((model.to_owned(), first - 1));
        }
        Ok(found)
    }
}

/// Readers that keep notes and vectors in mind read them again when this differs.
fn changed(db: &Connection) -> Result<(), Error> {
    let changes: u64 = meta(db, "changes")?.map_or(Ok(0), |text| text.parse()).map_err(Error::damaged)?;
    set_meta(db, "changes", &(changes + 1).to_string())
}

/// Deleted words may still part the pages of the full-text index, and old copies of rows lie in half-filled pages. Both are
/// written anew from what is left.
fn rewrite(db: &Connection) -> Result<(), Error> {
    let empty: bool = db.query_row("SELECT NOT EXISTS (SELECT 1 FROM note)", [], |row| row.get(0))?;
    let how = if empty { "delete-all" } else { "optimize" };
    db.execute("INSERT INTO words (words) VALUES (?1)", [how])?;
    Ok(db.execute_batch("VACUUM;")?)
}

/// The mark goes last: if this ends half-way, the next opening begins again.
fn empty_log(db: &Connection) -> Result<(), Error> {
    let busy: bool = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(Error::damaged("someone reads the old pages"));
    }
    db.execute("DELETE FROM meta WHERE key = 'unclean'", [])?;
    Ok(())
}
