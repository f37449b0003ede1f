//! The end of a request: the completed step, the row of the deployments, and its outcome.

use super::{BlobRef, Paid, Usage};
use crate::id::{AgentId, CommitId, DeploymentId, ProjectId, ReleaseId, RequestId, StepId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepCompleted {
    pub request: RequestId,
    pub project: ProjectId,
    pub step: StepId,
    /// 1, 2, 3 … within the project.
    pub number: u32,
    pub title: String,
    pub commit: CommitId,
    /// The file in `steps/completed/`, as text: what was asked and built, its errors and what fixed them.
    pub text: BlobRef,
    /// One line for each error on the way: what failed and what fixed it.
    pub errors: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Our own checks passed and the release is live.
    Live,
    /// Some of its parts are live; the others were given up.
    Partly,
    Failed,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentRecorded {
    pub request: RequestId,
    pub deployment: DeploymentId,
    pub project: ProjectId,
    pub outcome: Outcome,
    pub step: Option<u32>,
    pub commit: Option<CommitId>,
    pub release: Option<ReleaseId>,
    pub url: Option<String>,
    /// From intake to the end, milliseconds, waiting included.
    pub duration_ms: u64,
    pub attempts: u32,
    /// The agent of the last attempt; none if none was chosen.
    pub agent: Option<AgentId>,
    pub practice: bool,
    pub model: Option<String>,
    /// Over all attempts; a class that any attempt did not report is `None`.
    pub usage: Usage,
    /// The same by agent, where more than one worked at it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_agent: Vec<AgentShare>,
    /// How the accounts pay, if all runs agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<Paid>,
    /// One line: why it ended so.
    pub summary: String,
}

/// What one agent did for a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentShare {
    pub agent: AgentId,
    pub attempts: u32,
    pub model: Option<String>,
    pub usage: Usage,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentRated {
    pub deployment: DeploymentId,
    /// 1 to 5.
    pub rating: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestClosed {
    pub request: RequestId,
    pub outcome: Outcome,
    pub why: String,
}
