//! From what each leg found to one order of notes.

use super::catalogue::{Catalogue, Note};
use super::lexical::Lexical;
use super::named::Named;
use super::vectors::Dense;
use super::weights as w;
use crate::ask::Query;
use crate::store;

/// What the legs found; none for a leg that the mode leaves out.
#[derive(Debug, Default)]
pub(super) struct Legs {
    pub(super) words: Option<Lexical>,
    pub(super) dense: Option<Dense>,
    pub(super) named: Option<Named>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ranked {
    pub(super) note: u32,
    pub(super) score: f64,
    /// The superseded note that was found, where it is not this one itself.
    pub(super) instead_of: Option<u32>,
}

const DAY: f64 = 86_400_000.0;

pub(super) fn rank(
    catalogue: &Catalogue,
    query: &Query,
    legs: &Legs,
    current: bool,
    most: usize,
) -> Vec<Ranked> {
    let mut ranked: Vec<Ranked> = Vec::new();
    for note in legs.notes(catalogue) {
        let score = legs.score(catalogue, note);
        if score <= 0.0 {
            continue;
        }
        let Some(heir) = heir(catalogue, query, note) else { continue };
        let instead = heir != note;
        let score = f64::from(if instead { score * w::SUCCESSOR } else { score });
        ranked.push(Ranked { note: heir, score, instead_of: instead.then_some(note) });
    }
    // A note that is found for several is there once, for the best of them. They come in order but for the heirs.
    ranked.sort_by_key(|each| each.note);
    ranked.dedup_by(|other, kept| {
        let same = other.note == kept.note;
        if same && other.score > kept.score {
            *kept = *other;
        }
        same
    });
    ranked.retain(|each| is_wanted(catalogue, query, each.note));
    let weight = if current { w::RECENT_NOW } else { w::RECENT };
    for each in &mut ranked {
        let at = catalogue.notes.get(each.note as usize).map_or(0, |note| note.at);
        each.score *= 1.0 + weight * freshness(query.now.0, at);
    }
    let closer = |a: &Ranked, b: &Ranked| b.score.total_cmp(&a.score).then(b.note.cmp(&a.note));
    if most < ranked.len() {
        ranked.select_nth_unstable_by(most, closer);
        ranked.truncate(most);
    }
    ranked.sort_by(closer);
    let noise = ranked.first().map_or(0.0, |best| best.score * w::NOISE);
    ranked.retain(|each| each.score > noise);
    ranked
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a few decades")]
fn freshness(now: i64, at: i64) -> f64 {
    let days = now.saturating_sub(at).max(0) as f64 / DAY;
    0.5_f64.powf(days / w::HALF_LIFE_DAYS)
}

/// The note itself, or the one that says it now. None when what supersedes it goes round in a circle.
fn heir(catalogue: &Catalogue, query: &Query, note: u32) -> Option<u32> {
    const HOPS: usize = 256;
    let by = |note: u32| catalogue.notes.get(note as usize).map_or(0, |note| note.by);
    if query.superseded || by(note) == 0 {
        return Some(note);
    }
    let mut here = note;
    for _ in 0..HOPS {
        let Some(next) = catalogue.note(by(here), 0).and_then(|next| u32::try_from(next).ok()) else {
            // What superseded it is gone: then nothing does.
            return Some(here);
        };
        if by(next) == 0 {
            return Some(next);
        }
        here = next;
    }
    // In a circle of notes the newest one speaks.
    let mut newest = here;
    for _ in 0..HOPS {
        let next = catalogue.note(by(here), 0).and_then(|next| u32::try_from(next).ok())?;
        here = next;
        newest = newest.max(here);
    }
    Some(newest)
}

fn is_wanted(catalogue: &Catalogue, query: &Query, note: u32) -> bool {
    let Some(Note { at, kind, .. }) = catalogue.notes.get(note as usize) else { return false };
    let of_kind = |kinds: &[_]| kinds.iter().any(|wanted| store::kind_number(*wanted) == usize::from(*kind));
    (query.kinds.is_empty() || of_kind(&query.kinds))
        && query.since.is_none_or(|since| *at >= since.0)
        && query.until.is_none_or(|until| *at <= until.0)
}

impl Legs {
    fn notes(&self, catalogue: &Catalogue) -> Vec<u32> {
        let mut notes: Vec<u32> = Vec::new();
        if let Some(words) = &self.words {
            notes.extend(&words.touched);
        }
        if let Some(dense) = &self.dense {
            let of = |(passage, _): &(u32, f32)| catalogue.passages.get(*passage as usize).map(|p| p.note);
            notes.extend(dense.passages.iter().filter_map(of));
        }
        if let Some(named) = &self.named {
            notes.extend(named.notes.keys());
        }
        notes.sort_unstable();
        notes.dedup();
        notes
    }

    /// Each leg's best note has 1 of it.
    fn score(&self, catalogue: &Catalogue, note: u32) -> f32 {
        let at = note as usize;
        let of = |scores: &[f32]| scores.get(at).copied().unwrap_or(0.0);
        let words = self.words.as_ref().filter(|words| words.best > 0.0);
        let share = words.map_or(0.0, |words| of(&words.notes) / words.best);
        let near = self.dense.as_ref().filter(|dense| dense.cosine.get(at).is_some_and(Option::is_some));
        let text = match near {
            None => share,
            Some(dense) if catalogue.is_code(note) => {
                let cover = words.map_or(0.0, |words| of(&words.cover));
                // So that the best of code and the best of prose weigh the same.
                (of(&dense.share) + w::CODE_WORDS * cover) * (1.0 + w::DENSE) / (1.0 + w::CODE_WORDS)
            }
            Some(dense) => share + w::DENSE * of(&dense.share),
        };
        let names = self.named.as_ref().filter(|named| named.best > 0.0);
        let named = names.map_or(0.0, |named| named.notes.get(&note).copied().unwrap_or(0.0) / named.best);
        // Something is always closest, also to a question that nothing here is about.
        let close =
            |dense: &Dense| dense.cosine.get(at).copied().flatten().is_some_and(|near| near >= w::CLOSE);
        if share <= 0.0 && named <= 0.0 && !near.is_some_and(close) {
            return 0.0;
        }
        // Every function names what a question about code names.
        if near.is_some() && catalogue.is_code(note) { text } else { text + w::NAMED * named }
    }

    /// In words, why a note was found.
    pub(super) fn why(&self, catalogue: &Catalogue, note: u32, asked: &[String]) -> Vec<String> {
        let at = note as usize;
        let mut why = Vec::new();
        let has = |note: u32| {
            self.words.as_ref().and_then(|words| words.has.get(note as usize)).copied().unwrap_or(0)
        };
        let mut words: Vec<&str> = Vec::new();
        for (number, word) in asked.iter().enumerate() {
            if number < 64 && has(note) & (1 << number) != 0 && !words.contains(&word.as_str()) {
                words.push(word);
            }
        }
        if !words.is_empty() {
            why.push(format!("matched: {}", words.join(", ")));
        }
        if let Some(Some(cosine)) = self.dense.as_ref().and_then(|dense| dense.cosine.get(at))
            && (why.is_empty()
                || self
                    .dense
                    .as_ref()
                    .is_some_and(|dense| dense.share.get(at).is_some_and(|share| *share > 0.3)))
        {
            why.push(format!("close in meaning ({cosine:.2})"));
        }
        why.extend(self.named.as_ref().and_then(|named| named.because.get(&note)).cloned());
        // Only where a neighbour gave it more than it has itself.
        let own = |note: u32| {
            self.words.as_ref().and_then(|words| words.own.get(note as usize)).copied().unwrap_or(0.0)
        };
        let beside = catalogue.notes.get(at).map(|note| [note.before, note.after]).unwrap_or_default();
        if let Some(lender) = beside
            .into_iter()
            .filter(|lender| own(*lender) > own(note))
            .max_by(|a, b| own(*a).total_cmp(&own(*b)))
        {
            let seq = catalogue.notes.get(lender as usize).map_or(0, |note| note.seq);
            let way = if lender < note { "follows" } else { "comes before" };
            why.push(format!("{way} note \u{1}{seq}\u{1}, which matched"));
        }
        why
    }
}
