use std::io;
use std::path::{Path, PathBuf};

/// Why something was not installed. The text fits "failed to …"; [`Error::next`] is the one next step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "find the address of a package registry: neither npm_config_registry nor an .npmrc of this machine names one, and there is no npm to ask"
    )]
    NoRegistry,
    #[error("fetch {package}: {reason}")]
    Fetch { package: String, reason: String, next: String },
    #[error("read the certificates that npm is set to, in {}: {reason}", .file.display())]
    Certificates { file: PathBuf, reason: String },
    #[error(
        "accept {package}: it is not the file that this version was tested with (its hash is another one)"
    )]
    Integrity { package: String },
    #[error("unpack {package}: {reason}")]
    Hostile { package: String, reason: String },
    #[error("find room for it: about {need_mb} MB are needed in {}, {free_mb} MB are free", .folder.display())]
    NoRoom { need_mb: u64, free_mb: u64, folder: PathBuf },
    #[error("begin: another installation goes on in {}", .folder.display())]
    Busy { folder: PathBuf },
    #[error("remove `{agent}`: its program runs, as process {pid}")]
    InUse { agent: String, pid: u32 },
    #[error("find a Node that it runs on: {reason}")]
    NoNode { reason: String },
    #[error("find its program `{program}` for {platform} in what was fetched")]
    NoProgram { program: String, platform: String },
    #[error("take version {version} into use: {}", .failed.join("; "))]
    Check { version: String, failed: Vec<String>, kept: PathBuf, in_use: Option<String> },
    #[error("go back: there is no earlier version of `{agent}`")]
    NothingBefore { agent: String },
    #[error("read the pinned packages of `{agent}`: {reason}")]
    Table { agent: String, reason: String },
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
}

impl Error {
    pub(super) fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    pub(super) fn at(doing: &str, path: &Path, source: io::Error) -> Self {
        Self::io(format!("{doing} {}", path.display()), source)
    }

    /// The one next step.
    pub fn next(&self) -> String {
        match self {
            Self::NoRegistry => "give the address that `npm config get registry` prints on another computer: put \
                                 `registry=ADDRESS` into ~/.npmrc"
                .to_owned(),
            Self::Fetch { next, .. } => next.clone(),
            Self::InUse { .. } => "wait until its run has ended, or cancel the request".to_owned(),
            Self::Certificates { .. } => {
                "correct `cafile` where `npm config list` says that it stands, then install again".to_owned()
            }
            Self::Integrity { .. } => {
                "do not use what that registry gives; compare its hash with the public registry's, or name another \
                 registry in ~/.npmrc"
                    .to_owned()
            }
            Self::Hostile { .. } => "do not use that package; report it".to_owned(),
            Self::NoRoom { need_mb, free_mb, .. } => {
                format!("make {} MB of room, then install again", need_mb.saturating_sub(*free_mb))
            }
            Self::Busy { .. } => "wait until it ended".to_owned(),
            Self::NoNode { .. } => "install Node 22.22 or newer with its npm, then install again".to_owned(),
            Self::NoProgram { .. } => "its makers have no program for this machine; use another agent".to_owned(),
            Self::Check { kept, in_use, .. } => {
                let stays = match in_use {
                    Some(version) => format!("{version} stays in use"),
                    None => "it is not used".to_owned(),
                };
                let kept = kept.display();
                format!("{stays}; look at {kept}, and install it --without-check if you know better")
            }
            Self::NothingBefore { .. } => "install it again".to_owned(),
            Self::Table { .. } => "this is Loopwright's own fault; report it".to_owned(),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "run this as the user whose workspace it is".to_owned()
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "make room, then install again".to_owned()
            }
            Self::Io { .. } => "install again; what was fetched is kept".to_owned(),
        }
    }
}
