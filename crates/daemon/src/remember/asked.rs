//! An agent at work asked the memory: that it was told is a fact before it is told.

use crate::context::Daemon;
use crate::writer::Refused;
use engine::{Input, Rejected};
use protocol::fact::{MemoryRecalled, Recalled};
use protocol::*;
use std::collections::BTreeSet;

/// Records what an attempt is about to be told. Answers with the notes that may be told: one that was forgotten since it
/// was found is not among them.
pub async fn asked(
    daemon: &Daemon,
    attempt: &AttemptId,
    project: &ProjectId,
    question: &str,
    hits: Vec<Recalled>,
) -> Result<Vec<NoteId>, ApiError> {
    let Some(request) = engine::ids::request_of(attempt) else { return Ok(Vec::new()) };
    let mut notes: Vec<Recalled> = hits
        .into_iter()
        .map(|told| Recalled { why: without_the_notes_words(&told.why, question), ..told })
        .collect();
    // Each round leaves one out.
    while !notes.is_empty() {
        let told = MemoryRecalled {
            request: request.clone(),
            attempt: attempt.clone(),
            project: project.clone(),
            notes: notes.clone(),
        };
        match daemon.decide(Input::Recalled(told)).await {
            Ok(_) => break,
            Err(Refused::Rejected(Rejected::UnknownNote { note })) => notes.retain(|told| told.note != note),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(notes.into_iter().map(|told| told.note).collect())
}

/// Why a note was recalled, as it is written into the journal for ever: a word that comes from the note, and neither from
/// the question nor from us, is left out, since the note may be forgotten.
pub fn without_the_notes_words(why: &str, question: &str) -> String {
    let asked: BTreeSet<String> = words(question).map(str::to_lowercase).collect();
    let mut kept = String::with_capacity(why.len());
    let mut left = why;
    let mut gap = false;
    while let Some(at) = left.find(is_of_a_word) {
        let (before, rest) = left.split_at(at);
        let end = rest.find(|c: char| !is_of_a_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let known =
            OURS.contains(&word) || is_figure(word) || is_id(word) || asked.contains(&word.to_lowercase());
        // What was left out in a row is one gap, with what stood between.
        if known || !gap {
            kept.push_str(before);
            kept.push_str(if known { word } else { "…" });
        }
        gap = !known;
        left = after;
    }
    kept + left
}

/// The words in which the memory says why.
const OURS: [&str; 18] = [
    "as",
    "before",
    "close",
    "comes",
    "do",
    "follows",
    "in",
    "matched",
    "meaning",
    "names",
    "note",
    "notes",
    "on",
    "same",
    "supersedes",
    "to",
    "which",
    "with",
];

fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `0.71`, of which this sees the parts.
fn is_figure(word: &str) -> bool {
    word.len() <= 3 && word.bytes().all(|b| b.is_ascii_digit())
}

/// A note's name, or the request's in it.
fn is_id(word: &str) -> bool {
    let made = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    word.len() == 16
        && word.starts_with(['n', 'r'])
        && word.bytes().all(made)
        && word.bytes().any(|b| b.is_ascii_digit())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_of_a_word(c)).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_keeps_the_questions_words_and_none_of_the_notes() {
        let of = |why| without_the_notes_words(why, "Which Bakery colour?");
        assert_eq!(of("matched: bakery, colour"), "matched: bakery, colour");
        assert_eq!(of("matched: bakery; names zyzzyva quux"), "matched: bakery; names …");
        assert_eq!(of("names zyz_zyva.tsx, as notes on Bakery do"), "names …, as notes on Bakery do");
        assert_eq!(
            of("follows note n1m818hcnqjgechg, which matched"),
            "follows note n1m818hcnqjgechg, which matched"
        );
        let of_a_request = "supersedes note-r1m818hcnqjgechg-2, which matched: bakery";
        assert_eq!(of(of_a_request), of_a_request);
        assert_eq!(of("close in meaning (0.71)"), "close in meaning (0.71)");
        assert_eq!(of(""), "");
    }
}
