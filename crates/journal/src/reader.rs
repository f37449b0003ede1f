//! Reading. Each question sees one moment of the journal, also while the writer goes on.

use crate::error::Error;
use crate::verify::{self, Verified};
use crate::{blob, chain, schema, show, transcript, writer};
use protocol::fact::Entry;
use protocol::view::{RequestView, TranscriptLine};
use protocol::{At, AttemptId, BlobId, JournalId, RequestId};
use rusqlite::{Connection, Params, Row};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Read-only access to a journal file, cheap to clone and to share between threads. Connections are opened as they are
/// needed, and a few are kept.
#[derive(Debug, Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

/// Connections that are kept while nobody reads.
const KEPT: usize = 2;

impl Reader {
    /// Opens a file that a [`Journal`](crate::Journal) has made; refuses one of a newer program.
    pub fn open(path: &Path) -> Result<Reader, Error> {
        let db = schema::open_reader(path)?;
        if schema::is_fresh(&db)? {
            return Err(Error::damaged("tables", "there are none"));
        }
        schema::known_version(&db)?;
        Ok(Reader { shared: Arc::new(Shared { path: path.to_owned(), idle: Mutex::new(vec![db]) }) })
    }

    /// Asks one question in a transaction of its own.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let kept = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let db = match kept {
            Some(db) => db,
            None => schema::open_reader(&self.shared.path)?,
        };
        let moment = db.unchecked_transaction()?;
        let answer = question(&moment);
        moment.finish()?;
        let mut idle = self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(db);
        }
        answer
    }

    /// Number and hash of the newest entry.
    pub fn head(&self) -> Result<(u64, String), Error> {
        self.ask(writer::head)
    }

    /// Which journal this is; an error for a mirror that has mirrored nothing yet.
    pub fn id(&self) -> Result<JournalId, Error> {
        let id = self.ask(|db| schema::meta(db, "journal_id"))?;
        let id = id.ok_or_else(|| Error::damaged("id", "nothing was mirrored yet"))?;
        JournalId::new(id).map_err(|why| Error::damaged("id", why))
    }

    /// Entries after `after`, oldest first, at most `limit`.
    pub fn entries(&self, after: u64, limit: u32) -> Result<Vec<Entry>, Error> {
        self.ask(|db| collect(db, "seq > ?1 ORDER BY seq LIMIT ?2", (after, limit)))
    }

    /// The same, of what the memory is made from only.
    pub fn memory_entries(&self, after: u64, limit: u32) -> Result<Vec<Entry>, Error> {
        let which = "seq > ?1 AND kind >= 'memory.' AND kind < 'memory/' ORDER BY seq LIMIT ?2";
        self.ask(|db| collect(db, which, (after, limit)))
    }

    /// Everything of one request, oldest first.
    pub fn entries_of(&self, request: &RequestId) -> Result<Vec<Entry>, Error> {
        self.ask(|db| entries_of(db, request))
    }

    /// Hands every entry to `each`, oldest first, one at a time.
    pub fn replay(&self, mut each: impl FnMut(Entry)) -> Result<(), Error> {
        self.ask(|db| {
            stream(db, "1 ORDER BY seq", (), |entry| {
                each(entry);
                Ok(())
            })
        })
    }

    /// A blob's bytes; none when it was forgotten or never was.
    pub fn blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.ask(|db| blob::get(db, id))?.map(|blob| blob.data))
    }

    /// A blob as a mirror needs it.
    pub fn blob_with_salt(&self, id: &BlobId) -> Result<Option<blob::NewBlob>, Error> {
        self.ask(|db| blob::get(db, id))
    }

    /// Computes the whole chain and every blob's name again.
    pub fn verify(&self) -> Result<Verified, Error> {
        self.ask(verify::verify)
    }

    /// One request with all that happened to it; `preview` is none here.
    pub fn show(&self, request: &RequestId) -> Result<Option<RequestView>, Error> {
        self.ask(|db| show::show(db, request))
    }

    /// What an agent printed after line `after`, oldest first.
    pub fn transcript(
        &self,
        attempt: &AttemptId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<TranscriptLine>, Error> {
        self.ask(|db| transcript::lines(db, attempt, after, limit))
    }

    /// Number of the attempt's newest line; 0 without any.
    pub fn transcript_head(&self, attempt: &AttemptId) -> Result<u64, Error> {
        self.ask(|db| transcript::head(db, attempt))
    }
}

pub(crate) fn entries_of(db: &Connection, request: &RequestId) -> Result<Vec<Entry>, Error> {
    collect(db, "request = ?1 ORDER BY seq", [request.as_str()])
}

fn collect(db: &Connection, which: &str, params: impl Params) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    stream(db, which, params, |entry| {
        entries.push(entry);
        Ok(())
    })?;
    Ok(entries)
}

fn stream(
    db: &Connection,
    which: &str,
    params: impl Params,
    mut each: impl FnMut(Entry) -> Result<(), Error>,
) -> Result<(), Error> {
    let sql = format!("SELECT seq, at, prev, hash, kind, version, body FROM entries WHERE {which}");
    let mut query = db.prepare_cached(&sql)?;
    let mut rows = query.query(params)?;
    while let Some(row) = rows.next()? {
        each(entry(row)?)?;
    }
    Ok(())
}

fn entry(row: &Row<'_>) -> Result<Entry, Error> {
    let seq = row.get(0)?;
    let kind = row.get_ref(4)?.as_str().map_err(|why| Error::damaged("entries", why))?;
    let body = row.get_ref(6)?.as_str().map_err(|why| Error::damaged("entries", why))?;
    let fact = chain::read(seq, kind, row.get(5)?, body)?;
    Ok(Entry { seq, at: At(row.get(1)?), prev: row.get(2)?, hash: row.get(3)?, fact })
}
