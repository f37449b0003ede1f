//! Errors as a contract: a code exists only where a screen or a script branches on it.

use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request itself is wrong; asking again the same way cannot help.
    BadInput,
    NotFound,
    /// Not in this state: for example rating a request that runs, cancelling one that ended.
    Conflict,
    /// No session, or one that ended: sign in again by a new link.
    SignedOut,
    /// The disk is full: nothing was taken, nothing was harmed.
    DiskFull,
    /// Too much at once; ask again later.
    Busy,
    /// The caller speaks another version.
    Version,
    /// Our own fault or the machine's.
    Internal,
}

/// What the user sees: what happened and why (`message`), and the one next step (`next`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiError {
    pub code: Code,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl ApiError {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), next: None }
    }
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.next {
            Some(next) => write!(f, " ({next})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ApiError {}
