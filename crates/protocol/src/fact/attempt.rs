//! One agent's run at a task: its checkpoints, its cost, and how its process ended.

use super::{BlobRef, Paid};
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
    /// How the account that it runs on pays, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<Paid>,
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
    /// Calls of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Dollars, only if the program reported them.
    pub cost_usd: Option<f64>,
    /// The same tokens by model, where the program tells its models apart. Together they are the classes above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelUsage>,
    /// The payload as it came, for later questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<BlobRef>,
}

/// One model's part of a [`Usage`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelUsage {
    pub model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    pub input: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub output: Option<u64>,
    pub reasoning: Option<u64>,
}

/// What an agent wants to know before it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskKind {
    /// It asks in words and waits for words.
    Question,
    /// It wants to do something and waits for one of the options.
    Permission,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskOption {
    pub id: String,
    pub label: String,
}

/// The agent waits for a person; its clocks stand still.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptAsked {
    pub request: RequestId,
    pub attempt: AttemptId,
    /// Names the question within the attempt.
    pub ask: String,
    pub ask_kind: AskKind,
    pub question: BlobRef,
    /// None for a question in words.
    pub options: Vec<AskOption>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptAnswered {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub ask: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<BlobRef>,
}

/// The user wants another agent to go on with this attempt's work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HandOverAsked {
    pub request: RequestId,
    pub attempt: AttemptId,
    /// None: Hermes picks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<AgentId>,
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
    /// It asked, and nobody could answer any more.
    Asked {
        question: String,
    },
    /// It went round in circles: the same thing again and again.
    Stuck {
        what: String,
    },
    /// It used more of the machine than it may: processes, memory, disk.
    OverLimit {
        what: String,
    },
    /// We stopped it so that another agent goes on with its work.
    HandedOver,
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
    /// Wall time of the agent's run in milliseconds, waits for a person left out; none when it is not known.
    pub duration_ms: Option<u64>,
    /// The agent's own name of the session, by which it can go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Events of its protocol that we did not know; none when they were not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_events: Option<u32>,
}
