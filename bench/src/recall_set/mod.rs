//! Notes and questions in the form of `crates/memory/sets/development`: read, told to a memory, asked, and counted.
//!
//! A figure of the memory is worth something only beside that of plain BM25 on the same notes, so [`bm25`] is here too.

mod ask;
pub mod bm25;
mod fill;
mod score;

pub use ask::{ask_bm25, ask_memory};
pub use fill::{Filled, fill, put_vectors};
pub use score::{Figures, Judged, Outcome, judge_all};

use anyhow::{Context, Result, ensure};
use protocol::At;
use protocol::fact::NoteKind;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::path::Path;

#[derive(Debug, Clone, Deserialize)]
pub struct SetNote {
    pub id: String,
    pub space: String,
    pub kind: NoteKind,
    #[serde(default)]
    pub title: String,
    pub text: String,
    #[serde(default = "you")]
    pub source: String,
    #[serde(default)]
    pub at: At,
    #[serde(default = "english")]
    pub lang: String,
    #[serde(default)]
    pub request: Option<String>,
    #[serde(default)]
    pub supersedes: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Question {
    pub id: String,
    pub space: String,
    pub text: String,
    #[serde(default = "english")]
    pub lang: String,
    /// Empty: the memory does not know.
    pub answers: Vec<String>,
    /// Must not stand above the first answer.
    #[serde(default)]
    pub wrong: Vec<String>,
    #[serde(default)]
    pub half: Half,
    /// Asked with superseded notes.
    #[serde(default)]
    pub history: bool,
}

/// `tune` was there to choose weights on, `held` was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    Tune,
    #[default]
    Held,
}

fn you() -> String {
    protocol::note::YOU.to_owned()
}

fn english() -> String {
    "en".to_owned()
}

#[derive(Debug, Clone)]
pub struct Set {
    pub notes: Vec<SetNote>,
    pub questions: Vec<Question>,
}

impl Set {
    /// `FOLDER/notes.jsonl` and `FOLDER/questions.jsonl`. A question about a note that is not there is an error.
    pub fn load(folder: &Path) -> Result<Set> {
        let set = Set {
            notes: lines(&folder.join("notes.jsonl"))?,
            questions: lines(&folder.join("questions.jsonl"))?,
        };
        let known: BTreeSet<(&str, &str)> =
            set.notes.iter().map(|note| (note.space.as_str(), note.id.as_str())).collect();
        for question in &set.questions {
            for id in question.answers.iter().chain(&question.wrong) {
                let there = known.contains(&(question.space.as_str(), id.as_str()));
                ensure!(there, "question {} names {id}, which is no note of {}", question.id, question.space);
            }
        }
        Ok(set)
    }

    /// Our own set, as it lies in the repository.
    pub fn own() -> Result<Set> {
        Set::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/memory/sets/development"))
    }

    pub fn spaces(&self) -> BTreeSet<&str> {
        self.notes.iter().map(|note| note.space.as_str()).collect()
    }

    /// Ids of the notes of a space that a newer note says it replaces.
    pub fn superseded(&self, space: &str) -> BTreeSet<&str> {
        let notes = self.notes.iter().filter(|note| note.space == space);
        notes.flat_map(|note| &note.supersedes).map(String::as_str).collect()
    }

    pub fn note(&self, space: &str, id: &str) -> Option<&SetNote> {
        self.notes.iter().find(|note| note.space == space && note.id == id)
    }

    /// The question is in another language than the notes that answer it.
    pub fn crosses(&self, question: &Question) -> bool {
        let answers = question.answers.iter().filter_map(|id| self.note(&question.space, id));
        let mut langs = answers.map(|note| note.lang.as_str()).peekable();
        langs.peek().is_some() && langs.all(|lang| lang != question.lang)
    }
}

fn lines<T: DeserializeOwned>(file: &Path) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            serde_json::from_str(line).with_context(|| format!("{} line {}", file.display(), number + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_set_is_whole() {
        let set = Set::own().unwrap();
        assert!(set.notes.len() >= 150 && set.questions.len() >= 150);
        assert_eq!(set.spaces().len(), 4);
        let ids: BTreeSet<&str> = set.questions.iter().map(|question| question.id.as_str()).collect();
        assert_eq!(ids.len(), set.questions.len(), "two questions have one id");
    }

    #[test]
    fn the_halves_share_no_note() {
        let set = Set::own().unwrap();
        let of = |half| -> BTreeSet<&String> {
            let questions = set.questions.iter().filter(|question| question.half == half);
            questions.flat_map(|question| question.answers.iter().chain(&question.wrong)).collect()
        };
        assert_eq!(of(Half::Tune).intersection(&of(Half::Held)).count(), 0);
    }

    #[test]
    fn only_questions_about_history_are_answered_by_a_superseded_note() {
        let set = Set::own().unwrap();
        for question in &set.questions {
            let old = set.superseded(&question.space);
            assert_eq!(
                question.history,
                question.answers.iter().any(|id| old.contains(id.as_str())),
                "{}",
                question.id
            );
        }
    }
}
