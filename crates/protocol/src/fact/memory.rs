//! Notes that were remembered, replaced, enriched, asked for or forgotten.
//!
//! All words of a note, its title too, lie in its blob, so that forgetting leaves a tombstone without the text.

use super::{BlobRef, Recalled, Usage};
use crate::id::{AgentId, AttemptId, BlobId, NoteId, ProjectId, RequestId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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

impl NoteKind {
    pub const ALL: [NoteKind; 7] = [
        NoteKind::Decision,
        NoteKind::Step,
        NoteKind::Deployment,
        NoteKind::Failure,
        NoteKind::Glossary,
        NoteKind::Document,
        NoteKind::Preference,
    ];

    /// As it is written on the wire and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            NoteKind::Decision => "decision",
            NoteKind::Step => "step",
            NoteKind::Deployment => "deployment",
            NoteKind::Failure => "failure",
            NoteKind::Glossary => "glossary",
            NoteKind::Document => "document",
            NoteKind::Preference => "preference",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryPushed {
    pub note: NoteId,
    /// The project, or another space of its own that a client of the memory's HTTP face named.
    pub project: ProjectId,
    pub note_kind: NoteKind,
    /// Of a note from before titles went into the blob; empty since.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// See [`note::unpack`](crate::note::unpack): the title, an empty line, the text.
    pub text: BlobRef,
    /// Who pushed it and from what: `request R`, `you`, a file. A note of the same source is replaced, unless the source
    /// is shared by its nature.
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// Per cent, of what a model or an agent claims; none where the daemon or a person states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// Names what was pushed together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
}

/// A newer note says it better. The older one stays, and is recalled only by who asks for history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemorySuperseded {
    pub project: ProjectId,
    pub note: NoteId,
    pub by: NoteId,
}

/// What a model or an agent read out of a note: entities and relations. A run that gave nothing is written too, for what
/// it cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryEnriched {
    pub project: ProjectId,
    pub note: NoteId,
    /// [`Reading`](crate::note::Reading) as JSON; none when nothing came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<BlobRef>,
    /// The model that an endpoint was asked for, or the agent.
    pub by: String,
    pub usage: Usage,
    /// Why nothing came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A person or a client changed the graph by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryGraphEdited {
    pub project: ProjectId,
    /// [`GraphEdit`](crate::note::GraphEdit)s as JSON, in order.
    pub edits: BlobRef,
}

/// An agent at work asked the memory, and was told these notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryRecalled {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub project: ProjectId,
    pub notes: Vec<Recalled>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryForgotten {
    pub note: NoteId,
    /// The blob that was deleted with it.
    pub blob: BlobId,
    /// Readings of it, which were deleted as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<BlobId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
}
