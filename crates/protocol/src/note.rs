//! What lies in the blobs of memory facts, and the words of the memory's API.

use crate::clean;
use serde::{Deserialize, Serialize};

/// A note as it lies in its blob: title, empty line, text. The title is one line.
pub fn pack(title: &str, text: &str) -> String {
    format!("{}\n\n{text}", clean::line(title, usize::MAX))
}

/// Title and text of a blob that [`pack`] made.
pub fn unpack(blob: &str) -> (&str, &str) {
    blob.split_once("\n\n").unwrap_or((blob, ""))
}

/// Where a note comes from that has no source of its own.
pub const YOU: &str = "you";
/// The same, from a client of the memory's HTTP face.
pub const A_CLIENT: &str = "a client";

/// Whether many notes have this source, so that a new one replaces none.
pub fn is_shared(source: &str) -> bool {
    source == YOU || source == A_CLIENT || source.starts_with("request ")
}

/// An entity that a model or an agent names, or a person puts into the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadEntity {
    pub name: String,
    /// In the reader's own words, such as `person` or `concept`.
    #[serde(default)]
    pub kind: String,
    #[serde(default)]
    pub description: String,
}

/// A relation between two entities, by name. It has no direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReadRelation {
    pub source: String,
    pub target: String,
    #[serde(default)]
    pub keywords: String,
    #[serde(default)]
    pub description: String,
    #[serde(default = "one")]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

/// What was read out of one note.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    #[serde(default)]
    pub entities: Vec<ReadEntity>,
    #[serde(default)]
    pub relations: Vec<ReadRelation>,
}

/// One change of the graph by hand. Names are matched without regard to case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum GraphEdit {
    /// Makes the entity, or changes its kind and description.
    PutEntity(ReadEntity),
    RenameEntity {
        from: String,
        to: String,
    },
    /// All of their mentions and relations become those of `into`.
    MergeEntities {
        from: Vec<String>,
        into: String,
    },
    /// Gone with its relations, and not made again by notes that name it.
    DeleteEntity {
        name: String,
    },
    /// Makes the relation, or changes it; both ends must be there.
    PutRelation(ReadRelation),
    DeleteRelation {
        source: String,
        target: String,
    },
}

/// What LightRAG's modes mean: by which leg notes are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecallMode {
    /// Text alone.
    Naive,
    /// Entities named by the question, and what they touch.
    Local,
    /// Relations named by the question, and their ends.
    Global,
    /// Local and global.
    Hybrid,
    /// Text and graph.
    #[default]
    Mix,
    /// Nothing is looked up.
    Bypass,
}

impl RecallMode {
    pub const ALL: [RecallMode; 6] = [
        RecallMode::Naive,
        RecallMode::Local,
        RecallMode::Global,
        RecallMode::Hybrid,
        RecallMode::Mix,
        RecallMode::Bypass,
    ];

    pub fn word(self) -> &'static str {
        match self {
            RecallMode::Naive => "naive",
            RecallMode::Local => "local",
            RecallMode::Global => "global",
            RecallMode::Hybrid => "hybrid",
            RecallMode::Mix => "mix",
            RecallMode::Bypass => "bypass",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back_as_it_was_packed() {
        for (title, text) in [("a", "b"), ("", "b\n\nc"), ("a", ""), ("", ""), ("two\nlines", "\n\nx")] {
            let packed = pack(title, text);
            assert_eq!(unpack(&packed), (title.replace('\n', " ").as_str(), text));
        }
    }
}
