//! One agent's run at a task: its checkpoints, its cost, and how its process ended.

use super::BlobRef;
use crate::At;
use crate::id::{AgentId, AttemptId, CommitId, RequestId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptStarted {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub agent: AgentId,
    /// Version of the agent's program, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    pub base: CommitId,
}

/// Size of a change, counted by git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiffStat {
    pub files: u32,
    pub added: u32,
    pub removed: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptCheckpoint {
    pub request: RequestId,
    pub attempt: AttemptId,
    /// 1, 2, 3 … within the attempt.
    pub number: u32,
    pub commit: CommitId,
    pub diff: DiffStat,
    /// What the agent last said or did, one line.
    pub says: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screenshot: Option<BlobRef>,
}

/// Tokens by class, as the agent's own program reported them for this attempt. `None` = not reported, which is not zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens not served from a cache.
    pub input: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub output: Option<u64>,
    pub reasoning: Option<u64>,
    /// Dollars, only if the program reported them.
    pub cost_usd: Option<f64>,
    /// The payload as it came, for later questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<BlobRef>,
}

/// How an attempt's process ended. None of these means that the work is good: the checks say that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum AttemptEnd {
    /// The agent ended its turn.
    TurnEnded,
    /// We stopped it because the user asked.
    Cancelled,
    /// Nothing was heard from it for this long.
    Silent {
        ms: u64,
    },
    /// It ran into the wall clock.
    TooLong {
        ms: u64,
    },
    /// The account's quota is used up.
    QuotaGone {
        until: Option<At>,
    },
    SignedOut {
        reason: String,
    },
    /// The program or its protocol failed.
    Failed {
        reason: String,
    },
    /// The daemon went away while it ran; what it was doing then is unknown.
    Lost,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptFinished {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub end: AttemptEnd,
    /// The worktree's last commit, made by us; the base when nothing changed, none when it is not known.
    pub commit: Option<CommitId>,
    pub diff: DiffStat,
    /// Model as the program named it.
    pub model: Option<String>,
    pub usage: Usage,
    /// Wall time of the agent's run in milliseconds; none when it is not known.
    pub duration_ms: Option<u64>,
}
