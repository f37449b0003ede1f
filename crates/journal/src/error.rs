//! What can go wrong, by what the caller can do about it.

use protocol::{ClientId, JournalId, RequestId};
use rusqlite::ErrorCode;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was written and nothing was harmed. The ballast was given back to the disk, so that a few small facts
    /// (such as "stopped: disk full") can still be appended; take no new work until [`room`](crate::Journal::room).
    #[error("write the journal: the disk is full")]
    DiskFull(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    #[error("open the home: it was made by a newer version (layout {found}; this program knows {known})")]
    NewerHome { found: u32, known: u32 },
    #[error("mirror the journal: this is a mirror of {mine}, and what came is of {theirs}")]
    OtherJournal { mine: JournalId, theirs: JournalId },
    /// The file is a source where a mirror was wanted, or the other way round.
    #[error("open the journal as {wanted}: it is a {found}")]
    OtherRole { wanted: &'static str, found: String },
    /// Entries that do not continue the chain: what is wrong, and from which entry on.
    #[error("mirror the journal at entry {seq}: {why}")]
    BrokenChain { seq: u64, why: String },
    /// This client id has a request already: asking twice is asking once.
    #[error("take the request of client {client}: it was taken before as {request}")]
    ClientSeen { client: ClientId, request: RequestId },
    /// A fact that would not read back as it was (a number that is not finite, for example).
    #[error("append a {kind} fact: it does not read back the same")]
    Unwritable { kind: &'static str },
    #[error("store blob {0}: its name is not the hash of its salt and bytes")]
    MisnamedBlob(String),
    /// Another program wrote to this file; this one must not go on.
    #[error("append to the journal: another program has written to it (head is {found}, was {known})")]
    OtherWriter { known: u64, found: u64 },
    #[error("read journal entry {seq}")]
    Unreadable {
        seq: u64,
        #[source]
        source: serde_json::Error,
    },
    /// A view or a setting in the file is not what this program writes.
    #[error("read the journal's {what}: {why}")]
    Damaged { what: &'static str, why: String },
    #[error("use the journal file")]
    Io(#[source] std::io::Error),
    #[error("use the journal database")]
    Sqlite(#[source] rusqlite::Error),
}

impl Error {
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Error::DiskFull(_))
    }

    pub(crate) fn damaged(what: &'static str, why: impl std::fmt::Display) -> Self {
        Error::Damaged { what, why: why.to_string() }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if is_full(&error) { Error::DiskFull(Some(Box::new(error))) } else { Error::Sqlite(error) }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Error::DiskFull(Some(Box::new(error)))
            }
            _ => Error::Io(error),
        }
    }
}

/// SQLite says FULL for a write that got ENOSPC. The growing of its shared-memory file is told apart only by the
/// extended code SQLITE_IOERR_SHMSIZE (4874), and a quota or a late ENOSPC at fsync comes as SQLITE_IOERR_WRITE (778)
/// or SQLITE_IOERR_FSYNC (1034): those two mean a broken disk as often, so they stay errors of their own.
fn is_full(error: &rusqlite::Error) -> bool {
    const SQLITE_IOERR_SHMSIZE: i32 = 4874;
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            failure.code == ErrorCode::DiskFull || failure.extended_code == SQLITE_IOERR_SHMSIZE
        }
        _ => false,
    }
}
