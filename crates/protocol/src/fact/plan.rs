//! Before the code: the plan, the choice of an agent, the brief, and what the user says to it afterwards.

use super::BlobRef;
use crate::id::{AgentId, AttemptId, RequestId, TaskId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedTask {
    pub task: TaskId,
    /// One line.
    pub title: String,
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
