//! What can go wrong, by what the caller can do about it.

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index is behind by what could not be written, and catches up from the journal once there is room.
    #[error("write the memory index: the disk is full")]
    DiskFull(#[source] rusqlite::Error),
    #[error("use the memory index file")]
    Io(#[from] std::io::Error),
    #[error("use the memory index")]
    Sqlite(#[source] rusqlite::Error),
    #[error("read the memory index: {0}")]
    Damaged(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Error::DiskFull(error),
            _ => Error::Sqlite(error),
        }
    }
}

impl Error {
    /// The file is no index of ours, or a broken one: it can only be thrown away.
    pub(crate) fn is_ruin(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Error::Sqlite(error) => matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)),
            Error::Damaged(_) => true,
            Error::DiskFull(_) | Error::Io(_) => false,
        }
    }
}
