//! What belongs to no request: the machine's journal, its projects, steps that somebody planned, instructions that
//! people edited.

use super::BlobRef;
use crate::id::{CommitId, JournalId, ProjectId, StepId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalOpened {
    pub journal: JournalId,
    /// The daemon's version that made the home.
    pub daemon: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectCreated {
    pub project: ProjectId,
    /// The name as people write it.
    pub name: String,
    /// Which starter it began from, such as `react` or `static`.
    pub starter: String,
    /// First commit of the repository.
    pub commit: CommitId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectActivated {
    pub project: ProjectId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepPlanned {
    pub project: ProjectId,
    pub step: StepId,
    pub title: String,
    pub text: BlobRef,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepDropped {
    pub project: ProjectId,
    pub step: StepId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstructionEdited {
    pub project: ProjectId,
    pub path: String,
    pub commit: CommitId,
}
