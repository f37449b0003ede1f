//! The memory as it is shown.

use crate::At;
use crate::fact::{NoteKind, Usage};
use crate::id::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteRow {
    pub note: NoteId,
    pub project: ProjectId,
    pub note_kind: NoteKind,
    pub title: String,
    pub text: String,
    pub source: String,
    pub request: Option<RequestId>,
    pub agent: Option<AgentId>,
    pub at: At,
    /// Per cent, of what a model or an agent claims.
    #[serde(default)]
    pub confidence: Option<u8>,
    #[serde(default)]
    pub superseded_by: Option<NoteId>,
    /// Estimated tokens of the text.
    #[serde(default)]
    pub tokens: u64,
    /// Only in an answer to a recall.
    #[serde(default)]
    pub score: Option<f64>,
    #[serde(default)]
    pub why: Option<String>,
}

/// A recall's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecalledView {
    /// Closest first. A long note's text is cut to the passages that matched.
    pub rows: Vec<NoteRow>,
    /// Entities that the question names or the notes are about, closest first.
    pub entities: Vec<EntityRow>,
    pub relations: Vec<RelationRow>,
    /// Estimated tokens of the notes' texts here, and of the whole memory.
    pub tokens: u64,
    pub of_tokens: u64,
    /// The embedding model that took part; none: words and graph alone.
    pub model: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityRow {
    pub name: String,
    /// `file`, `symbol`, `package`, `route`, `env`, `commit`, `url`, `error`, `term`, `name`, or a reader's own word.
    pub kind: String,
    pub description: String,
    pub notes: Vec<NoteId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelationRow {
    pub source: String,
    pub target: String,
    /// `with`, `fixes`, `touches`, `supersedes`, or a reader's own words.
    pub kind: String,
    pub description: String,
    pub weight: f64,
    pub notes: Vec<NoteId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushedNote {
    pub note: NoteId,
    /// Notes that this one superseded.
    pub superseded: Vec<NoteId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteView {
    pub row: NoteRow,
    pub supersedes: Vec<NoteId>,
    pub entities: Vec<EntityRow>,
    /// Requests that were told of it, newest first.
    pub recalled_by: Vec<RecalledBy>,
    /// Who read entities and relations out of it, and at what cost.
    pub readings: Vec<ReadingRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecalledBy {
    pub request: RequestId,
    /// The attempt that asked by itself; none: it was recalled when Hermes woke up.
    pub attempt: Option<AttemptId>,
    pub at: At,
    pub score: f64,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadingRow {
    pub by: String,
    pub at: At,
    pub usage: Usage,
    pub why: Option<String>,
}

/// One thing that an attempt was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnewRow {
    pub note: NoteId,
    /// None once it was forgotten.
    pub title: Option<String>,
    pub note_kind: Option<NoteKind>,
    pub via: KnewVia,
    pub score: f64,
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnewVia {
    /// It stood in the brief.
    Brief,
    /// The agent asked, and was told.
    Asked,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryView {
    pub notes: u64,
    pub superseded: u64,
    pub entities: u64,
    pub relations: u64,
    /// Estimated tokens of all notes.
    pub tokens: u64,
    /// Bytes of the project's file.
    pub bytes: u64,
    pub model: ModelView,
    pub models: Vec<ModelChoice>,
    pub enrichment: EnrichmentView,
    /// Where the LightRAG-compatible face listens; none: it does not, and why.
    pub address: Option<String>,
    pub address_why: Option<String>,
    /// A LightRAG server that the loop uses instead of its own memory.
    pub elsewhere: Option<String>,
    /// What recent requests were told, against the whole memory, newest first.
    pub meter: Vec<MeterRow>,
}

/// The embedding model in use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelView {
    /// None: words and graph alone.
    pub name: Option<String>,
    pub dim: Option<u32>,
    /// Passages that have no vector of this model yet.
    pub waiting: u64,
    /// What is being done, such as fetching it; or why it is not used.
    pub says: Option<String>,
    pub failed: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelChoice {
    pub name: String,
    /// One line: languages, strengths, licence.
    pub what: String,
    /// To fetch, and then on the disk.
    pub fetch_bytes: u64,
    pub disk_bytes: u64,
    pub here: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EnrichmentView {
    /// The endpoint's model or the agent; none: it is off.
    pub by: Option<String>,
    pub waiting: u64,
    /// Tokens used today, and what they may be.
    pub used: u64,
    pub budget: Option<u64>,
    pub failed: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeterRow {
    pub request: RequestId,
    pub at: At,
    pub tokens: u64,
    pub of_tokens: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GraphView {
    pub nodes: Vec<GraphNode>,
    pub edges: Vec<GraphEdge>,
    /// All entities of the project.
    pub of: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GraphNode {
    pub name: String,
    pub kind: String,
    /// Relations of this entity, those that are not shown as well.
    pub degree: u32,
    pub notes: u32,
    pub first: At,
    pub last: At,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GraphEdge {
    /// Indexes into the nodes.
    pub a: u32,
    pub b: u32,
    pub kind: String,
    pub weight: f64,
}
