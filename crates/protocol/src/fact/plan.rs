//! Before the code: the plan, the choice of an agent, the brief, and what the user says to it afterwards.

use super::{BlobRef, DiffStat};
use crate::id::{AgentId, AttemptId, CommitId, RequestId, TaskId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedTask {
    pub task: TaskId,
    /// One line.
    pub title: String,
    /// The task's own words; none: the whole request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<BlobRef>,
    /// The agents that the user wants for it. None: Hermes picks. More than one: they race.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanMade {
    pub request: RequestId,
    pub tasks: Vec<PlannedTask>,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentChosen {
    pub request: RequestId,
    pub task: TaskId,
    pub attempt: AttemptId,
    /// 1 for the first attempt at the task.
    pub number: u32,
    pub agent: AgentId,
    /// True when it is the practice agent: labelled as such everywhere.
    pub practice: bool,
    pub why: String,
    /// The attempt whose worktree it goes on in; none: a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_on: Option<AttemptId>,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum TaskEnd {
    Landed { commit: CommitId },
    GivenUp { why: String },
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskClosed {
    pub request: RequestId,
    pub task: TaskId,
    #[serde(flatten)]
    pub end: TaskEnd,
}

/// One attempt's place in a race.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    pub attempt: AttemptId,
    /// Whether all checks that were made of it passed.
    pub passed: bool,
    pub diff: DiffStat,
    pub duration_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judge {
    /// Checks passed, then the smaller change, then the shorter time.
    Checks,
    You,
}

/// One of several agents' attempts at the same task was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RaceJudged {
    pub request: RequestId,
    pub task: TaskId,
    pub winner: AttemptId,
    pub judge: Judge,
    /// Best first.
    pub ranking: Vec<Ranked>,
    pub why: String,
}

/// One part of the brief, with its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BriefPart {
    /// `task`, `instructions`, `glossary`, `steps`, `memory`, `diagnosis`, `steering`.
    pub part: String,
    /// A path, a note's id, a step's id, or the request.
    pub source: String,
    /// Estimated tokens (4 bytes of UTF-8 are counted as one).
    pub tokens: u64,
    /// Whether some of it was cut to fit the budget.
    #[serde(default)]
    pub cut: bool,
}

impl BriefPart {
    /// The part whose source is a note.
    pub const MEMORY: &'static str = "memory";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDeclared {
    pub request: RequestId,
    pub task: TaskId,
    pub attempt: AttemptId,
    pub brief: BlobRef,
    pub parts: Vec<BriefPart>,
    /// The token budget that the brief was packed into.
    pub budget: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSteered {
    pub request: RequestId,
    pub text: BlobRef,
}
