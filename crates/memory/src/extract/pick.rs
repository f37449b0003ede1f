//! The best of what a note names.

use super::term::{Known, explained};
use super::{Chunk, Kind, Mention, Subject};
use crate::graph::key;
use protocol::fact::NoteKind;

/// What the note names, best first. For the same note and the same known terms it is always the same.
pub(crate) fn mentions(subject: &Subject<'_>, chunks: &[Chunk], known: &Known<'_>) -> Vec<Mention> {
    let _ = (chunks, known.none(), known.has(&key(subject.title)));
    let names =
        if subject.kind == NoteKind::Glossary { explained(subject.title, subject.text) } else { Vec::new() };
    names.iter().map(|name| Mention { name: (*name).to_owned(), kind: Kind::Term, chunks: vec![0] }).collect()
}
