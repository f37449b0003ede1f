//! Which Unix user a child process becomes. Looked up by the daemon, passed in as numbers, never looked up here.

use serde::{Deserialize, Serialize};

/// The user and group of a child process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAs {
    pub uid: u32,
    pub gid: u32,
}
