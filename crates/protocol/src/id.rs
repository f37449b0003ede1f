//! Ids are newtypes over a short, path-safe string, so that none can be taken for another or climb out of a folder.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a string is no id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadId(pub String);

impl fmt::Display for BadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an id: {:?} (1 to 80 of a-z A-Z 0-9 . _ -, not starting with a dot or a dash)", self.0)
    }
}

impl std::error::Error for BadId {}

fn is_id(text: &str) -> bool {
    (1..=80).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Result<Self, BadId> {
                let text = text.into();
                if is_id(&text) { Ok(Self(text)) } else { Err(BadId(text)) }
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> { Self::new(text) }
        }
        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> { Self::new(text) }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String { id.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
    )+};
}

ids! {
    /// One journal, for ever: made when the home is made, so that a rebuilt server is noticed.
    JournalId,
    /// One repository in the workspace; a slug such as `bakery`.
    ProjectId,
    /// One thing that a person asked for.
    RequestId,
    /// The caller's own id of a request, so that asking twice is asking once.
    ClientId,
    /// One piece of work of a request, done in its own worktree.
    TaskId,
    /// One try of one agent at one task. Also the name of its worktree, branch and transcript.
    AttemptId,
    /// One built and startable version of the app.
    ReleaseId,
    /// One row of the Product Loop table.
    DeploymentId,
    /// One note in memory.
    NoteId,
    /// One development step, planned or completed.
    StepId,
    /// A coding agent's short name, such as `claude-code`. Which ones exist, only crate `agents` knows.
    AgentId,
    /// A blob's name: hex of BLAKE3 over its salt and its bytes.
    BlobId,
    /// A git commit, full hex.
    CommitId,
}
