//! What can go wrong, by where.

use protocol::ApiError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error(transparent)]
    Memory(#[from] memory::Error),
    /// The source refused, or was not reached.
    #[error("{0}")]
    Source(ApiError),
    #[error("use {path}")]
    Io {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the source gave another answer than asked for")]
    OddAnswer,
    #[error("the copying was ended")]
    Ended,
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::Source(error)
    }
}
