//! What can go wrong in projects, worktrees and checks, by what the caller can do about it. That an agent's work is
//! refused or broken is no error: it is an outcome (`gate`, `check`).

use protocol::ProjectId;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("find project {0}")]
    NoProject(ProjectId),
    #[error("make project {0}: there is one of that name already")]
    ProjectExists(ProjectId),
    #[error("use {name:?} as a project's name: {why}")]
    BadName { name: String, why: &'static str },
    #[error("find starter {name:?}: there are {known}")]
    NoStarter { name: String, known: String },
    #[error("use {path:?} as a path: {why}")]
    BadPath { path: String, why: &'static str },
    /// Somebody else moved the main branch: read it again and decide anew.
    #[error("move the main branch: it has moved since it was read")]
    Moved,
    #[error("read {0}")]
    Manifest(#[from] crate::manifest::Error),
    /// In words for the user, with the next step.
    #[error("install the app's packages: {0}")]
    Deps(String),
    #[error("run the app's tools: {0}")]
    Node(String),
    #[error("run the {0} as a program of the app")]
    NotRunHere(&'static str),
    #[error(transparent)]
    Release(#[from] crate::release::ReleaseError),
    #[error("{what}: git says {says:?}")]
    Git { what: String, says: String },
    #[error("{what}")]
    Io {
        what: String,
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }

    /// Whether what was made is at fault, and not the machine: another attempt may mend it.
    pub fn is_of_the_work(&self) -> bool {
        matches!(self, Error::Release(crate::release::ReleaseError::Refused { .. }))
    }

    /// Whether the disk had no room: waiting helps, asking another agent does not.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Error::Io { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            Error::Git { says, .. } => says.contains("No space left on device"),
            _ => false,
        }
    }
}

pub type Result<T> = std::result::Result<T, Error>;
