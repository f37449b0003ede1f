//! What our own checks found of an attempt, and the diagnosis when it did not do.

use super::{BlobRef, DiffStat};
use crate::id::{AttemptId, CommitId, ReleaseId, RequestId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// The landing gate: what may be in the diff.
    Gate,
    Build,
    Test,
    /// The built release was started and answered.
    Health,
}

impl CheckKind {
    pub const ORDER: [CheckKind; 4] = [CheckKind::Gate, CheckKind::Build, CheckKind::Test, CheckKind::Health];
    pub fn word(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Build => "build",
            Self::Test => "test",
            Self::Health => "health check",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum CheckResult {
    Passed,
    /// `summary` is one line; `lines` are the relevant ones of the log.
    Failed {
        summary: String,
        lines: Vec<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckFinished {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub check: CheckKind,
    #[serde(flatten)]
    pub result: CheckResult,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<BlobRef>,
    pub duration_ms: u64,
    /// For a passed health check: the release that is staged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
    /// For a passed gate: the commit that was checked (rebased on the main branch), and its size against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<DiffStat>,
}

/// Why an attempt did not do, and what is done about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptDiagnosed {
    pub request: RequestId,
    pub attempt: AttemptId,
    /// What failed: `gate`, `build`, `test`, `health check`, `no change`, `agent`.
    pub what: String,
    pub summary: String,
    /// The relevant lines, at most 40.
    pub lines: Vec<String>,
    /// What happens next, in words: the same agent again, another, or the end and why.
    pub next: String,
}
