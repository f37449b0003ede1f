//! What can go wrong, by what the caller can do about it.

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The memory is behind by what could not be written, and catches up by a replay once there is room.
    #[error("write the memory: the disk is full")]
    DiskFull(#[source] rusqlite::Error),
    #[error("use the memory's files")]
    Io(#[from] std::io::Error),
    #[error("use the memory")]
    Sqlite(#[source] rusqlite::Error),
    #[error("read the memory: {0}")]
    Damaged(String),
    /// Something before was not applied, so that nothing after it may be; a replay of the journal heals it.
    #[error("write to memory {space}: it misses entries of the journal; replay the journal")]
    Behind { space: String },
    /// Vectors of this length are none of this model's.
    #[error(
        "keep vectors of {model}: they have {got} numbers and not {expected}; use the model that made the others"
    )]
    Dimension { model: String, expected: usize, got: usize },
    #[error("compute what the question means")]
    Embed(#[from] embed::Error),
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
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Error::DiskFull(_))
    }

    /// The file is no memory of ours, or a broken one: it can only be thrown away.
    pub(crate) fn is_ruin(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match self {
            Error::Sqlite(error) => matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)),
            Error::Damaged(_) => true,
            Error::DiskFull(_)
            | Error::Io(_)
            | Error::Behind { .. }
            | Error::Dimension { .. }
            | Error::Embed(_) => false,
        }
    }

    pub(crate) fn damaged(why: impl std::fmt::Display) -> Error {
        Error::Damaged(why.to_string())
    }
}
