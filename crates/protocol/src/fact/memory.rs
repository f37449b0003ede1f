//! Notes that were remembered or forgotten.

use super::BlobRef;
use crate::id::{AgentId, BlobId, NoteId, ProjectId, RequestId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    Decision,
    Step,
    Deployment,
    Failure,
    Glossary,
    Document,
    Preference,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryPushed {
    pub note: NoteId,
    pub project: ProjectId,
    pub note_kind: NoteKind,
    pub title: String,
    pub text: BlobRef,
    /// Who pushed it and from what: `request R`, `you`, a file.
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryForgotten {
    pub note: NoteId,
    /// The blob that was deleted with it.
    pub blob: BlobId,
}
