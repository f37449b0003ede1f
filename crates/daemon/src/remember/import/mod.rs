//! Notes from elsewhere, read into the shape in which they are pushed. Nothing is pushed here: who reads decides what is
//! there already, by [`Sources`].

pub mod git;
mod graphml;
pub mod lightrag;
pub mod markdown;

use protocol::api::NewNote;
use protocol::fact::NoteKind;
use protocol::note::GraphEdit;
use protocol::{clean, note};
use std::collections::{HashMap, HashSet};

/// What was read.
#[derive(Debug, Default)]
pub struct Brought {
    pub notes: Vec<NewNote>,
    pub edits: Vec<GraphEdit>,
    /// What was passed over, each with why.
    pub left: Vec<String>,
}

impl Brought {
    /// One text of a source. A long one becomes several notes, `SOURCE#1`, `SOURCE#2` and so on.
    fn text(&mut self, kind: NoteKind, title: &str, source: &str, text: &str) {
        if clean::line(text, usize::MAX).is_empty() {
            self.left.push(format!("{source}: it is empty"));
            return;
        }
        let parts = parts(text, PART);
        let several = parts.len() > 1;
        for (part, nth) in parts.into_iter().zip(1_usize..) {
            let source = if several { format!("{source}#{nth}") } else { source.to_owned() };
            self.notes.push(NewNote {
                kind,
                title: if several && !title.is_empty() {
                    format!("{title} ({nth})")
                } else {
                    title.to_owned()
                },
                text: part.to_owned(),
                source: Some(source),
                supersedes: Vec::new(),
            });
        }
    }
}

/// Bytes of one part of a long text: well below what a note may have, since cleaning may add to it.
const PART: usize = clean::MAX_NOTE / 2;

/// Cut at empty lines where there are some, else at ends of lines, else anywhere between two characters.
fn parts(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > most {
        let mut end = most;
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let head = rest.get(..end).unwrap_or(rest);
        let at = head.rfind("\n\n").or_else(|| head.rfind('\n')).filter(|at| *at > most / 2).unwrap_or(end);
        let (part, left) = rest.split_at(at);
        parts.push(part);
        rest = left;
    }
    if !rest.trim().is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts
}

/// What is remembered already, by source, and which changes of the graph were made: from an export's lines.
#[derive(Debug, Default)]
pub struct Sources {
    texts: HashMap<String, [u8; 32]>,
    edits: HashSet<[u8; 32]>,
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Line {
    Note { title: String, text: String, source: String, superseded_by: Option<String> },
    Edits { edits: Vec<GraphEdit> },
}

fn hash(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

fn edit_hash(edit: &GraphEdit) -> [u8; 32] {
    hash(&serde_json::to_string(edit).unwrap_or_default())
}

impl Sources {
    /// A line that is neither a note nor changes of the graph says nothing of what is there.
    pub fn line(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(Line::Note { title, text, source, superseded_by: None }) => {
                self.texts.insert(source, hash(&note::pack(&title, &text)));
            }
            Ok(Line::Edits { edits }) => self.edits.extend(edits.iter().map(edit_hash)),
            Ok(Line::Note { .. }) | Err(_) => {}
        }
    }

    /// Whether this source says this very thing.
    pub fn has(&self, new: &NewNote) -> bool {
        let Some(known) = new.source.as_ref().and_then(|source| self.texts.get(source)) else { return false };
        let Ok(text) = clean::note("the note", &new.text) else { return false };
        *known == hash(&super::push::packed(&new.title, &text))
    }

    pub fn made(&self, edit: &GraphEdit) -> bool {
        self.edits.contains(&edit_hash(edit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_where_it_hurts_least_and_nothing_is_lost() {
        let text = "one\n\ntwo two\nthree\n\nfour é".repeat(20);
        for most in [7, 10, 64, 1000] {
            let parts = parts(&text, most);
            assert!(parts.iter().all(|part| part.len() <= most), "{most}");
            assert_eq!(parts.concat(), text, "{most}");
        }
        assert_eq!(parts("one one\n\ntwo two", 12), ["one one", "\n\ntwo two"]);
    }

    #[test]
    fn what_is_there_already_is_known_by_its_source_and_text() {
        let mut sources = Sources::default();
        sources.line(
            r#"{"note":"n1","kind":"document","title":"Rye","text":"Rye\nonly","source":"a.md","at":1}"#,
        );
        sources.line(r#"{"note":"n0","kind":"document","title":"x","text":"x","source":"b.md","at":1,"superseded_by":"n1"}"#);
        sources.line(r#"{"edits":[{"edit":"delete_entity","name":"x"}]}"#);
        sources.line("nonsense");
        let note = |source: &str, text: &str| NewNote {
            kind: NoteKind::Document,
            title: String::new(),
            text: text.into(),
            source: Some(source.into()),
            supersedes: Vec::new(),
        };
        assert!(sources.has(&note("a.md", "Rye\r\nonly\n")));
        assert!(!sources.has(&note("a.md", "Rye\nand wheat")) && !sources.has(&note("c.md", "Rye\nonly")));
        assert!(!sources.has(&note("b.md", "x")), "it was superseded, so it is not what the source says");
        assert!(sources.made(&GraphEdit::DeleteEntity { name: "x".into() }));
        assert!(!sources.made(&GraphEdit::DeleteEntity { name: "y".into() }));
    }
}
