//! From the main branch to the site, and back.

use crate::id::{AttemptId, CommitId, ProjectId, ReleaseId, RequestId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptLanded {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub commit: CommitId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseLive {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub project: ProjectId,
    pub release: ReleaseId,
    pub commit: CommitId,
    pub url: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRolledBack {
    pub project: ProjectId,
    pub from: ReleaseId,
    pub to: ReleaseId,
    pub why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
}
