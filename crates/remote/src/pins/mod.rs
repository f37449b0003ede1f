//! The host keys that the user confirmed: our own store, since a host that is known by one key and shows another must be
//! a full stop whatever the algorithms are. The user's `known_hosts` is a hint and a list of revoked keys, no more.

mod elsewhere;
mod store;

pub use elsewhere::KnownHosts;
pub use store::Pins;

use protocol::desk::ChangedKey;
use russh::keys::{HashAlg, PublicKey};
use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum PinError {
    #[error("the file of known servers {} cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the file of known servers {} is damaged", path.display())]
    Damaged {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("the file of known servers {} cannot be written", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl PinError {
    pub fn next(&self) -> String {
        match self {
            Self::Read { .. } => "check who may read it".into(),
            Self::Damaged { .. } => {
                "put it back from a backup, or move it away and confirm each server's key again".into()
            }
            Self::Write { .. } => "make room on the disk, and check who may write there".into(),
        }
    }
}

/// What a presented key is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    Known,
    New,
    Changed(ChangedKey),
}

/// "SHA256:…", as `ssh-keygen -lf` prints it.
pub(crate) fn sha256(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}
