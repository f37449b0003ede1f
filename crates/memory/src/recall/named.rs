//! Notes that name what the question names, and what those are related to.

use super::catalogue::Catalogue;
use super::postings;
use super::weights as w;
use crate::error::Error;
use crate::graph;
use crate::languages::{Kind, each_word};
use crate::store;
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap};

/// Names that are looked for in the graph.
const NAMES: usize = 32;
/// Notes of one name from which its relations are read, and relations that are followed.
const SOURCES: usize = 8;
const FOLLOWED: usize = 6;
const MENTIONS: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Named {
    /// Score by the place of the note.
    pub(super) notes: HashMap<u32, f32>,
    /// Entities that the question names, by how few notes name them, as they are written there; and how many.
    pub(super) entities: Vec<String>,
    /// For each note, what of the question it names, or what led there.
    pub(super) because: HashMap<u32, String>,
    pub(super) best: f32,
}

/// Things that a question may name: names as they were given, words that hold more than letters, and one to three words
/// in a row.
pub(super) fn candidates(question: &str, given: &[String]) -> Vec<String> {
    let mut found: Vec<String> = given.iter().map(|name| graph::key(name)).collect();
    let pieces = crate::languages::beginning(question)
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | '«' | '»' | '“' | '”' | ','));
    let trim = |c: char| matches!(c, '?' | '!' | ':' | ';' | '(' | ')' | '.' | '\'' | '’');
    let pieces: Vec<String> = pieces
        .map(|piece| graph::key(piece.trim_matches(trim)))
        .filter(|piece| !piece.is_empty())
        .take(48)
        .collect();
    let is_word = |piece: &str| {
        let mut long = false;
        each_word(piece, |word| long |= word.kind == Kind::Pair || word.text.chars().nth(1).is_some());
        long
    };
    for length in (1..=3).rev() {
        for row in pieces.windows(length) {
            let ends = row.first().into_iter().chain(row.last());
            if ends.into_iter().all(|word| is_word(word) && !crate::languages::is_small(word)) {
                found.push(row.join(" "));
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|name| !name.is_empty() && seen.insert(name.clone()));
    found.truncate(NAMES);
    found
}

pub(super) fn named(db: &Connection, catalogue: &Catalogue, names: &[String]) -> Result<Named, Error> {
    let by_hand: bool =
        db.prepare_cached("SELECT EXISTS (SELECT 1 FROM hand_entity)")?.query_row([], |row| row.get(0))?;
    let mut named = Named::default();
    // Each name as it may be written: the keys that stand for it, with the place of the name.
    let mut keys: Vec<(usize, String)> = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let of = if by_hand { graph::hand::names_of(db, name)? } else { vec![name.clone()] };
        keys.extend(of.into_iter().map(|key| (place, graph::token(&key))));
    }
    let tokens: Vec<&str> = keys.iter().map(|(_, token)| token.as_str()).collect();
    let mut naming: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for at in postings::known(db, &tokens)? {
        let Some((place, token)) = keys.get(at) else { continue };
        naming.entry(*place).or_default().extend(postings::naming(db, catalogue, token)?);
    }
    let mut scored = Vec::new();
    for (place, mut notes) in naming {
        let Some(name) = names.get(place).filter(|_| !notes.is_empty()) else { continue };
        notes.sort_unstable();
        notes.dedup();
        scored.push((rarity(catalogue.notes.len(), notes.len()), name, notes));
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (rare, name, notes) in &scored {
        named.entities.push((*name).clone());
        for note in notes {
            named.put(*note, *rare, || format!("names {name}"));
        }
    }
    named.follow(db, catalogue, &scored)?;
    named.best = named.notes.values().copied().fold(0.0, f32::max);
    Ok(named)
}

impl Named {
    fn put(&mut self, note: u32, score: f32, because: impl FnOnce() -> String) {
        *self.notes.entry(note).or_default() += score;
        self.because.entry(note).or_insert_with(because);
    }

    /// One relation further: what is named beside the rarest names, in the notes that name them last.
    fn follow(
        &mut self,
        db: &Connection,
        catalogue: &Catalogue,
        scored: &[(f32, &String, Vec<u32>)],
    ) -> Result<(), Error> {
        let mut beside: HashMap<String, (f32, &String)> = HashMap::new();
        for (rare, name, notes) in scored.iter().take(2) {
            for note in notes.iter().rev().take(SOURCES) {
                let Some(note) = catalogue.notes.get(*note as usize) else { continue };
                for name_beside in store::best_names(db, note.seq, MENTIONS)? {
                    let key = graph::key(&name_beside);
                    if !self.entities.contains(&key) {
                        beside.entry(key).or_insert((0.0, name)).0 += rare;
                    }
                }
            }
        }
        let mut beside: Vec<(String, (f32, &String))> = beside.into_iter().collect();
        beside.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
        let most = beside.first().map_or(1.0, |(_, (weight, _))| *weight);
        for (key, (weight, name)) in beside.into_iter().take(FOLLOWED) {
            let notes = postings::naming(db, catalogue, &graph::token(&key))?;
            // What everything is related to leads nowhere.
            let share = w::HOP * (weight / most) * rarity(catalogue.notes.len(), notes.len())
                / narrow(notes.len() + 1).sqrt();
            for note in notes {
                self.put(note, share, || format!("names {key}, as notes on {name} do"));
            }
        }
        Ok(())
    }
}

fn rarity(notes: usize, having: usize) -> f32 {
    (1.0 + narrow(notes) / narrow(having.max(1))).ln()
}

#[expect(clippy::cast_precision_loss, reason = "counts of notes are far below what an f32 holds exactly")]
fn narrow(count: usize) -> f32 {
    count as f32
}
