//! Terms of the glossary: words that the people of a project use in a sense of their own.

use crate::error::Error;
use crate::{graph, store};
use protocol::fact::NoteKind;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Words of a term at most.
pub(super) const WORDS: usize = 4;
/// Letters of a term at most.
const LETTERS: usize = 60;
/// Terms of one glossary note that are taken.
const MOST: usize = 500;

/// The terms of all glossary notes, with the numbers of the notes that give them.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    known: BTreeMap<String, BTreeSet<i64>>,
}

impl Terms {
    pub(crate) fn load(db: &Connection) -> Result<Terms, Error> {
        let mut terms = Terms::default();
        let mut query =
            db.prepare_cached("SELECT seq, title, text FROM note JOIN body USING (seq) WHERE kind = ?1")?;
        let mut rows = query.query([store::kind_number(NoteKind::Glossary)])?;
        while let Some(row) = rows.next()? {
            let text = |column| row.get_ref(column)?.as_str().map_err(Error::damaged);
            terms.add(row.get(0)?, text(1)?, text(2)?);
        }
        Ok(terms)
    }

    /// What a glossary note explains. What it only names is another note's, and goes with that one.
    pub(crate) fn add(&mut self, note: i64, title: &str, text: &str) {
        for (_, term) in explained(title, text) {
            self.known.entry(graph::key(term)).or_default().insert(note);
        }
    }

    /// Takes out what a note gave, and returns the numbers of later notes that name one of its terms: they named it
    /// because of this note.
    pub(crate) fn remove(&mut self, note: i64, db: &Connection) -> Result<BTreeSet<i64>, Error> {
        let mut named = BTreeSet::new();
        let mut keys = Vec::new();
        for (key, notes) in &mut self.known {
            if notes.remove(&note) {
                keys.push(key.clone());
            }
        }
        self.known.retain(|_, notes| !notes.is_empty());
        for key in keys {
            let later = graph::notes_naming(db, &key)?.into_iter().filter(|other| *other > note);
            named.extend(later);
        }
        Ok(named)
    }

    /// What was known when note `seq` came.
    pub(crate) fn before(&self, seq: i64) -> Known<'_> {
        Known { terms: self, seq }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    terms: &'a Terms,
    seq: i64,
}

impl Known<'_> {
    pub(super) fn none(&self) -> bool {
        self.terms.known.is_empty()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.terms.known.get(key).and_then(BTreeSet::first).is_some_and(|first| *first < self.seq)
    }
}

/// What a glossary note explains, with the places in its text: `**Term**: …`, `- Term — …`, `Term: …` line by line. A note
/// without such lines explains its title.
pub(super) fn explained<'a>(title: &'a str, text: &'a str) -> Vec<(Option<usize>, &'a str)> {
    let (mut found, mut at) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        if found.len() < MOST
            && let Some(term) = term_of(line)
        {
            found.push((line.find(term).map(|offset| at + offset), term));
        }
        at += line.len();
    }
    if found.is_empty() {
        let term = term_of(title).or(Some(title.trim())).filter(|title| is_term(title));
        found.extend(term.map(|term| (None, term)));
    }
    found
}

fn term_of(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches(['-', '*', '+', '|', '#', ' ']);
    let ends = [" — ", " – ", " - ", ": ", ":**", "**:", "** ", " = ", " | ", "："];
    let end = ends.iter().filter_map(|end| line.find(end)).min()?;
    let term = line.get(..end)?.trim_matches(|c: char| c.is_whitespace() || "*_`\"'“”„«»|:".contains(c));
    is_term(term).then_some(term)
}

fn is_term(term: &str) -> bool {
    let words = term.split_whitespace().count();
    (1..=WORDS).contains(&words)
        && term.chars().count() <= LETTERS
        && term.chars().filter(|c| c.is_alphabetic()).count() > usize::from(term.is_ascii())
        && !super::name::is_common(term)
        && !term.contains(['.', ',', ';', '!', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_glossary_explains_its_term() {
        let text = "# Words\n\n- **Levain**: the starter\n- Backofen — the oven\nfolding = turning the dough\n\
                    This is a sentence that goes on for long: it explains nothing.";
        let terms =
            |title, text| explained(title, text).into_iter().map(|(_, term)| term).collect::<Vec<_>>();
        assert_eq!(terms("Glossary", text), ["Levain", "Backofen", "folding"]);
        assert_eq!(explained("", text)[1], (text.find("Backofen"), "Backofen"));
        assert_eq!(terms("Sauerteig", "The name of the bakery."), ["Sauerteig"]);
        assert_eq!(terms("Levain: what it is", "A starter"), ["Levain"]);
        assert!(terms("", "").is_empty());
    }
}
