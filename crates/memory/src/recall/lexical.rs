//! How well notes match the question's words: BM25 of the note as a whole and of its best passages, where a note also has,
//! in part, the words of its neighbours in the thread.

use super::catalogue::{Catalogue, NONE, Note};
use super::postings::{Place, Places};
use super::weights as w;
use crate::languages::Term;

/// Scores by the places of notes and passages in the catalogue.
#[derive(Debug, Default)]
pub(super) struct Lexical {
    pub(super) notes: Vec<f32>,
    pub(super) passages: Vec<f32>,
    /// Without what neighbours lend.
    pub(super) own: Vec<f32>,
    /// Which share of the question's words a note has, the rare ones counting more.
    pub(super) cover: Vec<f32>,
    /// A bit for each of the question's words that the note has.
    pub(super) has: Vec<u64>,
    /// Notes with a score, each once.
    pub(super) touched: Vec<u32>,
    pub(super) best: f32,
}

pub(super) fn lexical(catalogue: &Catalogue, terms: &[Term], places: &[Places]) -> Lexical {
    let (notes, passages) = (catalogue.notes.len(), catalogue.passages.len());
    let mut found = Lexical {
        notes: vec![0.0; notes],
        passages: vec![0.0; passages],
        own: vec![0.0; notes],
        cover: vec![0.0; notes],
        has: vec![0; notes],
        ..Lexical::default()
    };
    let means = Means { note: mean(catalogue.words, notes), passage: mean(catalogue.words, passages) };
    let mut asked = 0.0;
    let mut lent = vec![0.0; notes];
    for (number, (term, places)) in terms.iter().zip(places).enumerate() {
        if places.found.is_empty() {
            continue;
        }
        let rare = rarity(notes, having(&places.found)) * if term.weak { w::WEAK } else { 1.0 };
        asked += rare;
        found.term(catalogue, &places.found, number, rare, means, &mut lent);
    }
    found.finish(catalogue, asked);
    found
}

/// Notes that have the word itself; where none has, those that have it in other words.
fn having(places: &[Place]) -> usize {
    let notes = || places.chunk_by(|a, b| a.note == b.note);
    let itself = notes().filter(|places| places.iter().any(|place| place.often >= 1.0)).count();
    if itself > 0 { itself } else { notes().count() }
}

#[derive(Clone, Copy)]
struct Means {
    note: f32,
    passage: f32,
}

impl Lexical {
    fn term(
        &mut self,
        catalogue: &Catalogue,
        places: &[Place],
        number: usize,
        rare: f32,
        means: Means,
        lent: &mut [f32],
    ) {
        let mut having: Vec<(u32, f32)> = Vec::new();
        let mut borrowing: Vec<u32> = Vec::new();
        for places in places.chunk_by(|a, b| a.note == b.note) {
            let Some(number_of) = places.first().map(|place| place.note) else { continue };
            let Some(note) = catalogue.notes.get(number_of as usize) else { continue };
            let often: f32 = places.iter().map(|place| place.often).sum();
            let bm25 = if catalogue.is_code(number_of) { w::CODE } else { w::PROSE };
            let own = rare * saturated(bm25, often, note.words, means.note);
            self.passages(catalogue, places, rare, means.passage);
            add(&mut self.cover, number_of, rare);
            add(&mut self.own, number_of, own);
            if let (Some(has), true) = (self.has.get_mut(number_of as usize), number < 64) {
                *has |= 1 << number;
            }
            having.push((number_of, own));
            lend(catalogue, note, own, lent, &mut borrowing);
        }
        for (note, own) in having {
            let lent = lent.get_mut(note as usize).map_or(0.0, std::mem::take);
            self.add(note, own.max(lent) + w::LENT_BESIDE * own.min(lent));
        }
        // Those that have the word themselves have taken theirs already.
        for note in borrowing {
            let lent = lent.get_mut(note as usize).map_or(0.0, std::mem::take);
            self.add(note, lent);
        }
    }

    fn add(&mut self, note: u32, score: f32) {
        if score <= 0.0 {
            return;
        }
        if self.notes.get(note as usize) == Some(&0.0) {
            self.touched.push(note);
        }
        add(&mut self.notes, note, score);
    }

    /// A word of the title counts in each passage that has another, and in the first one.
    fn passages(&mut self, catalogue: &Catalogue, places: &[Place], rare: f32, mean: f32) {
        let title: f32 = places.iter().filter(|place| place.passage == NONE).map(|place| place.often).sum();
        let mut any = false;
        for place in places.iter().filter(|place| place.passage != NONE) {
            any = true;
            let words = catalogue.passages.get(place.passage as usize).map_or(0.0, |passage| passage.words);
            add(
                &mut self.passages,
                place.passage,
                rare * saturated(w::PROSE, place.often + title, words, mean),
            );
        }
        let note = places.first().and_then(|place| catalogue.notes.get(place.note as usize));
        if let (false, Some(note)) = (any, note.filter(|note| note.count > 0)) {
            let words = catalogue.passages.get(note.first as usize).map_or(0.0, |passage| passage.words);
            add(&mut self.passages, note.first, rare * saturated(w::PROSE, title, words, mean));
        }
    }

    /// Puts the passages in, and shares where there were sums.
    fn finish(&mut self, catalogue: &Catalogue, asked: f32) {
        for number in &self.touched {
            let at = *number as usize;
            let (Some(note), Some(score)) = (catalogue.notes.get(at), self.notes.get_mut(at)) else {
                continue;
            };
            if note.count > 1 && !catalogue.is_code(*number) {
                let range = note.first as usize..(note.first + note.count) as usize;
                let (best, second) = two_best(self.passages.get(range).unwrap_or_default());
                *score = (1.0 - w::PASSAGES) * *score + w::PASSAGES * (best + w::SECOND * second);
            }
            self.best = self.best.max(*score);
            if let Some(cover) = self.cover.get_mut(at) {
                *cover /= asked.max(f32::MIN_POSITIVE);
            }
        }
    }
}

/// Lends a word to the notes around, which join the list.
fn lend(catalogue: &Catalogue, note: &Note, own: f32, lent: &mut [f32], borrowing: &mut Vec<u32>) {
    let own = own * (w::LENDER / note.words.max(w::LENDER));
    let ways: [fn(&Note) -> u32; 2] = [|note| note.before, |note| note.after];
    for way in ways {
        let mut here = way(note);
        for share in w::LENT {
            let Some(neighbour) = catalogue.notes.get(here as usize) else { break };
            if let Some(lent) = lent.get_mut(here as usize) {
                *lent = lent.max(own * share);
            }
            borrowing.push(here);
            here = way(neighbour);
        }
    }
}

fn add(scores: &mut [f32], at: u32, more: f32) {
    if let Some(score) = scores.get_mut(at as usize) {
        *score += more;
    }
}

fn two_best(scores: &[f32]) -> (f32, f32) {
    scores.iter().fold(
        (0.0, 0.0),
        |(best, second), score| {
            if *score > best { (*score, best) } else { (best, second.max(*score)) }
        },
    )
}

fn saturated(w::Bm25 { k1, b }: w::Bm25, often: f32, words: f32, mean: f32) -> f32 {
    often * (k1 + 1.0) / (often + k1 * (1.0 - b + b * words / mean))
}

#[expect(clippy::cast_precision_loss, reason = "counts of notes are far below what an f32 holds exactly")]
fn rarity(notes: usize, having: usize) -> f32 {
    let (notes, having) = (notes as f32, having as f32);
    (1.0 + (notes - having + 0.5) / (having + 0.5)).ln()
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a mean need not be exact")]
fn mean(words: f64, of: usize) -> f32 {
    (words / of.max(1) as f64).max(1.0) as f32
}
