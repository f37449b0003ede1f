//! What can be asked, and what is answered.

use protocol::fact::NoteKind;
use protocol::note::RecallMode;
use protocol::view::{EntityRow, RelationRow};
use protocol::{At, NoteId};

/// A question to the memory of one space.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub text: String,
    pub mode: RecallMode,
    /// Notes at most.
    pub limit: usize,
    /// Tokens of the passages at most.
    pub tokens: u64,
    /// Of these kinds only; empty: of all.
    pub kinds: Vec<NoteKind>,
    pub since: Option<At>,
    pub until: Option<At>,
    /// When it is asked: newer notes weigh a little more.
    pub now: At,
    /// The superseded ones as well.
    pub superseded: bool,
    /// What the question is about at large; empty: its content words.
    pub high: Vec<String>,
    /// Things that the question names; empty: those that are seen in its text.
    pub low: Vec<String>,
}

impl Query {
    pub fn new(text: impl Into<String>, now: At) -> Query {
        Query {
            text: text.into(),
            mode: RecallMode::default(),
            limit: 6,
            tokens: 3000,
            kinds: Vec::new(),
            since: None,
            until: None,
            now,
            superseded: false,
            high: Vec::new(),
            low: Vec::new(),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// Closest first.
    pub hits: Vec<Hit>,
    /// What the question names or the notes are about, closest first.
    pub entities: Vec<EntityRow>,
    pub relations: Vec<RelationRow>,
    /// Estimated tokens of the hits' passages, and of all notes.
    pub tokens: u64,
    pub of_tokens: u64,
    /// The embedding model that took part.
    pub model: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub note: NoteId,
    pub title: String,
    pub source: String,
    /// Higher is closer; only comparable within one answer.
    pub score: f64,
    /// In words: which words matched, which edge led there, how close it is.
    pub why: String,
    /// The whole text, or the parts of a long one that matched, in their order.
    pub passages: Vec<String>,
    pub tokens: u64,
}

/// Which part of the graph to show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GraphQuery {
    /// The entity in the middle; none: those with the most relations.
    pub focus: Option<String>,
    /// Relations away from the focus; 1 if not given.
    pub depth: Option<u32>,
    /// Entities at most; 5,000 is the most that is answered.
    pub limit: Option<u32>,
    /// Entities of these kinds only; empty: of all.
    pub kinds: Vec<String>,
    /// Named by a note of this time.
    pub since: Option<At>,
    pub until: Option<At>,
    /// Entities whose names hold these letters.
    pub find: Option<String>,
}

/// How much one space remembers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    pub notes: u64,
    pub superseded: u64,
    pub chunks: u64,
    pub entities: u64,
    pub relations: u64,
    /// Estimated tokens of all notes.
    pub tokens: u64,
    /// Of the file and its log.
    pub bytes: u64,
}
