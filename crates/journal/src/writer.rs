//! The single writer: opening the file, and appending facts.

use crate::ballast::Ballast;
use crate::blob::{self, NewBlob};
use crate::error::Error;
use crate::{chain, schema, views};
use protocol::fact::{Entry, Fact, JournalOpened};
use protocol::{At, JournalId};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// Facts that are appended together, and the blobs that they name.
#[derive(Debug, Clone)]
pub struct Batch {
    pub at: At,
    pub facts: Vec<Fact>,
    pub blobs: Vec<NewBlob>,
}

/// As what a journal is opened.
#[derive(Debug, Clone, Copy)]
pub enum Opening<'a> {
    /// Where things happen. `fresh_id` and `daemon` (its version) are used only when the file is new.
    Source { fresh_id: &'a JournalId, daemon: &'a str, at: At },
    /// A copy of a source elsewhere; it takes its id from the first entry that it mirrors.
    Mirror,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Source,
    Mirror,
}

impl Role {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Role::Source => "source",
            Role::Mirror => "mirror",
        }
    }
}

/// The writer of one journal file. One at a time; [`Reader`](crate::Reader)s as many as wanted.
#[derive(Debug)]
pub struct Journal {
    pub(crate) db: Connection,
    pub(crate) role: Role,
    /// None for a mirror that has mirrored nothing yet.
    pub(crate) id: Option<JournalId>,
    none_yet: JournalId,
    /// Number and hash of the newest entry; of a journal without entries, 0 and nothing.
    pub(crate) head: (u64, String),
    ballast: Ballast,
    /// A forgotten text may still be in the write-ahead log.
    scrub: bool,
}

impl Journal {
    /// Opens the file, or makes it; a fresh source begins with [`JournalOpened`]. Views that an older program has made
    /// are made anew. A home of a newer program is refused and left as it is.
    pub fn open(path: &Path, opening: Opening<'_>) -> Result<Journal, Error> {
        let ballast = Ballast::beside(path);
        let mut journal = Self::open_file(path, opening).inspect_err(|error| {
            if error.is_disk_full() {
                ballast.give_back();
            }
        })?;
        journal.ballast.take(0)?;
        journal.scrub();
        Ok(journal)
    }

    fn open_file(path: &Path, opening: Opening<'_>) -> Result<Journal, Error> {
        let mut db = schema::open_writer(path)?;
        let role = match opening {
            Opening::Source { .. } => Role::Source,
            Opening::Mirror => Role::Mirror,
        };
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if schema::is_fresh(&tx)? {
            begin(&tx, role, opening)?;
        }
        let found = schema::meta(&tx, "role")?.unwrap_or_default();
        if found != role.word() {
            return Err(Error::OtherRole { wanted: role.word(), found });
        }
        views::refresh(&tx)?;
        let id = schema::meta(&tx, "journal_id")?
            .map(|id| JournalId::new(id).map_err(|why| Error::damaged("id", why)))
            .transpose()?;
        let head = head(&tx)?;
        tx.commit()?;
        let none_yet = JournalId::new("none-yet").map_err(|why| Error::damaged("id", why))?;
        Ok(Journal { db, role, id, none_yet, head, ballast: Ballast::beside(path), scrub: true })
    }

    /// Which journal this is; `none-yet` for a mirror that has mirrored nothing yet.
    pub fn id(&self) -> &JournalId {
        self.id.as_ref().unwrap_or(&self.none_yet)
    }

    /// Number and hash of the newest entry.
    pub fn head(&self) -> (u64, String) {
        self.head.clone()
    }

    /// Appends facts in one transaction that is on the disk before this returns; the views change with them. After an
    /// error nothing of the batch was written, and the next append may work.
    pub fn append(&mut self, batch: Batch) -> Result<Vec<Entry>, Error> {
        Ok(self.append_all(vec![batch])?.pop().unwrap_or_default())
    }

    /// The same for many batches in one transaction: all of them, or none.
    pub fn append_all(&mut self, batches: Vec<Batch>) -> Result<Vec<Vec<Entry>>, Error> {
        if self.role != Role::Source {
            return Err(Error::OtherRole { wanted: Role::Source.word(), found: self.role.word().into() });
        }
        self.written(|tx, head| {
            let mut appended = Vec::with_capacity(batches.len());
            for batch in batches {
                for blob in &batch.blobs {
                    blob::put(tx, blob)?;
                }
                let mut entries = Vec::with_capacity(batch.facts.len());
                for fact in batch.facts {
                    entries.push(add(tx, head, batch.at, fact)?);
                }
                appended.push(entries);
            }
            Ok(appended)
        })
    }

    /// Makes all view tables anew from the entries.
    pub fn rebuild_views(&mut self) -> Result<(), Error> {
        self.written(|tx, _| views::rebuild(tx))
    }

    /// Whether there is room for work: takes the ballast again if it was given back, when as much again is free beside
    /// it. After [`Error::DiskFull`], no new work should be taken until this says so.
    pub fn room(&mut self) -> Result<bool, Error> {
        self.ballast.take(crate::ballast::BYTES)
    }

    /// Runs `write` in one transaction from the head that is known, and then knows the new head.
    pub(crate) fn written<T>(
        &mut self,
        write: impl FnOnce(&Transaction<'_>, &mut (u64, String)) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let result = self.transact(write);
        if self.scrub {
            self.scrub();
        }
        self.noting_full(result)
    }

    /// Gives the ballast back when the disk turned out to be full.
    pub(crate) fn noting_full<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.as_ref().is_err_and(Error::is_disk_full) {
            self.ballast.give_back();
        }
        result
    }

    fn transact<T>(
        &mut self,
        write: impl FnOnce(&Transaction<'_>, &mut (u64, String)) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut head = head(&tx)?;
        if head != self.head {
            return Err(Error::OtherWriter { known: self.head.0, found: head.0 });
        }
        let forgotten = views::forgotten(&tx)?;
        let result = write(&tx, &mut head)?;
        let scrub = views::forgotten(&tx)? != forgotten;
        tx.commit()?;
        self.scrub |= scrub;
        self.head = head;
        Ok(result)
    }

    /// Empties the write-ahead log, so that a forgotten text is in no file. A reader that is in the middle of something
    /// can hold it up: then the next write tries again.
    fn scrub(&mut self) {
        let emptied = self.db.busy_timeout(Duration::from_millis(20)).and_then(|()| {
            self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
        });
        self.scrub = !matches!(emptied, Ok(0));
        // It cannot fail on an open connection; with the short wait kept, writes would only give up sooner.
        drop(self.db.busy_timeout(Duration::from_secs(5)));
    }
}

/// Makes the tables of a fresh file, and the first entry of a source.
fn begin(tx: &Transaction<'_>, role: Role, opening: Opening<'_>) -> Result<(), Error> {
    schema::create(tx)?;
    schema::set_meta(tx, "role", role.word())?;
    views::refresh(tx)?;
    if let Opening::Source { fresh_id, daemon, at } = opening {
        schema::set_meta(tx, "journal_id", fresh_id.as_str())?;
        let opened = JournalOpened { journal: fresh_id.clone(), daemon: daemon.to_owned() };
        add(tx, &mut (0, chain::root(fresh_id)), at, opened.into())?;
    }
    Ok(())
}

/// Number and hash of the newest entry; 0 and an empty hash where there is none.
pub(crate) fn head(db: &Connection) -> Result<(u64, String), Error> {
    let found = db
        .prepare_cached("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.unwrap_or_default())
}

fn add(tx: &Transaction<'_>, head: &mut (u64, String), at: At, fact: Fact) -> Result<Entry, Error> {
    let (entry, stored) = chain::link((head.0, &head.1), at, fact)?;
    insert(tx, &entry, &stored)?;
    *head = (entry.seq, entry.hash.clone());
    Ok(entry)
}

/// Writes an entry that is known to continue the chain, and what follows from it.
pub(crate) fn insert(tx: &Transaction<'_>, entry: &Entry, stored: &chain::Stored) -> Result<(), Error> {
    tx.prepare_cached(
        "INSERT INTO entries (seq, at, prev, hash, kind, version, request, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute((
        entry.seq,
        entry.at.0,
        &entry.prev,
        &entry.hash,
        stored.kind,
        stored.version,
        entry.fact.request().map(|request| request.as_str()),
        &stored.body,
    ))?;
    views::apply(tx, entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ProjectId;
    use protocol::fact::ProjectActivated;

    fn batch(n: u8) -> Batch {
        let facts = vec![ProjectActivated { project: ProjectId::new("bakery").unwrap() }.into()];
        Batch { at: At(i64::from(n)), facts, blobs: vec![NewBlob::new([n; 16], vec![n; 50_000])] }
    }

    #[test]
    fn a_full_database_is_a_full_disk_and_the_connection_goes_on_to_work() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let id = JournalId::new("j").unwrap();
        let mut journal =
            Journal::open(&path, Opening::Source { fresh_id: &id, daemon: "1", at: At(0) }).unwrap();
        journal.db.execute_batch("PRAGMA max_page_count = 200").unwrap();
        let full = (1..100).find_map(|n| journal.append_all(vec![batch(n), batch(n + 100)]).err()).unwrap();
        assert!(matches!(full, Error::DiskFull(Some(_))), "{full:?}");
        assert!(!journal.ballast.is_there(), "its room was given back");
        let head = journal.head();
        assert_eq!(super::head(&journal.db).unwrap(), head, "nothing of the batches was written");
        journal.db.execute_batch("PRAGMA max_page_count = 100000").unwrap();
        assert_eq!(journal.append(batch(99)).unwrap()[0].seq, head.0 + 1);
        assert!(journal.room().unwrap() && journal.ballast.is_there());
        let problems = crate::Reader::open(&path).unwrap().verify().unwrap().problems;
        assert_eq!(problems, Vec::<String>::new());
    }
}
