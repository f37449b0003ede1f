//! What can go wrong between a text and its vector.

use std::io;
use std::path::{Path, PathBuf};

/// Each variant is one thing that the caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Choose a model that is in the catalogue.
    #[error("no model is called {0:?}: choose one of {known}", known = crate::names())]
    Unknown(String),
    /// Fetch the model's package and prepare it.
    #[error("the files of model {model} are not in {}: fetch it first", .dir.display())]
    NotHere {
        /// The model's name in the catalogue.
        model: &'static str,
        /// Where its files were looked for.
        dir: PathBuf,
    },
    /// Fetch the package again: this file is not the one that the catalogue names.
    #[error("{} is not the package of model {model}: {why}; fetch it again", .file.display())]
    Package {
        /// The model's name in the catalogue.
        model: &'static str,
        /// The file that was given.
        file: PathBuf,
        /// What was found in it.
        why: String,
    },
    /// Remove the model's file and prepare it again.
    #[error("the model file {} is damaged: {why}; remove it and fetch the model again", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found in it.
        why: String,
    },
    /// The disk did not do it.
    #[error("cannot use {}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An embedder that is not of this crate (a server that gives vectors) failed in its own way.
    #[error("the texts got no vectors")]
    Elsewhere(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// For `map_err` on what is done to `file`.
    pub(crate) fn io(file: &Path) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Io { file, source }
    }
}
