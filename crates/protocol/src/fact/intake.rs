//! A request comes in: who asked for what, what was read and recalled on waking, and its waits.

use super::{AgentState, BlobRef};
use crate::At;
use crate::id::{AgentId, ClientId, CommitId, NoteId, ProjectId, RequestId, StepId, TaskId};
use serde::{Deserialize, Serialize};

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Dashboard,
    Desktop,
    CommandLine,
    Telegram,
    Mcp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestReceived {
    pub request: RequestId,
    pub client: ClientId,
    pub project: ProjectId,
    pub channel: Channel,
    pub text: BlobRef,
    /// The agent that the person asked for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// Two or three agents that make the whole request at the same time; the best one lands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub race: Vec<AgentId>,
    /// The parts that it is split into, done at the same time. None: one task.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartWish>,
    /// The planned step that this request carries out, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
}

/// One part of a request that is split, as the user wants it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartWish {
    pub text: BlobRef,
    /// None: Hermes picks. More than one: they race.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
}

/// One file that Hermes read on waking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRead {
    /// Path inside the project, such as `SOUL.md`.
    pub path: String,
    /// Hex BLAKE3 of what was read.
    pub hash: String,
    pub bytes: u64,
}

/// One note that was recalled, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recalled {
    pub note: NoteId,
    /// Higher is closer; only comparable within one recall.
    pub score: f64,
    /// In words: which of the words matched.
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestOriented {
    pub request: RequestId,
    pub sources: Vec<SourceRead>,
    pub recalled: Vec<Recalled>,
    /// The AI core catalogue's agents as they were at this moment.
    pub agents: Vec<AgentState>,
    /// The project's main branch as the request began.
    pub base: CommitId,
    /// What was recalled against all that is remembered; none where recall is off, and in older journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryMeter>,
}

/// Estimated tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryMeter {
    pub tokens: u64,
    pub of_tokens: u64,
}

/// Waiting is a state with a reason, never a hang.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Waiting {
    You {
        question: String,
    },
    Quota {
        agent: AgentId,
        until: Option<At>,
    },
    /// No agent can take it. The reason says what each one lacks.
    Agent {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestWaiting {
    pub request: RequestId,
    /// The task that waits while others may go on; none: now the whole request waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    pub waiting: Waiting,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestResumed {
    pub request: RequestId,
    /// The task that goes on; none: all that waited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// What ended the wait, in words.
    pub because: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CancelAsked {
    pub request: RequestId,
}
