//! The notes that are nearest to a question, and why.
//!
//! Legs look at every note: [`lexical`] for the question's words, [`vectors`] for its meaning, [`named`] for what it names.
//! [`fuse`] makes one order of what they found, [`pack`] puts the texts in, [`around`] what they name. What they need of
//! each note stays in memory ([`catalogue`]); the rest is read for the few notes that are given. All numbers that were
//! chosen stand in [`weights`].

mod around;
mod catalogue;
mod fuse;
mod lexical;
mod named;
mod pack;
mod postings;
mod same;
mod vectors;
mod weights;

pub(crate) use catalogue::Cache;
pub(crate) use postings::prepare;

use crate::ask::{Found, Query};
use crate::error::Error;
use crate::languages::{self, Asked};
use catalogue::Catalogue;
use embed::Embedder;
use fuse::Legs;
use lexical::lexical;
use protocol::note::RecallMode;
use rusqlite::Connection;
use vectors::{Dense, Vectors};

/// More notes are ranked than are asked for, since some say the same.
const SPARE: usize = 8;

/// `cache` is of the same file as the connection, which was [`prepare`]d and stays in one state of the file.
pub(crate) fn recall(
    db: &Connection,
    cache: &mut Cache,
    query: &Query,
    embedder: Option<&dyn Embedder>,
) -> Result<Found, Error> {
    cache.refresh(db)?;
    let mut found = Found { of_tokens: cache.catalogue.tokens, ..Found::default() };
    if query.mode == RecallMode::Bypass || query.limit == 0 || query.tokens == 0 {
        return Ok(found);
    }
    let asked = asked(&cache.catalogue, query);
    let dense = match embedder.filter(|_| is_text(query.mode)) {
        Some(embedder) => dense(db, cache, query, &asked, embedder)?,
        None => None,
    };
    found.model = dense.as_ref().map(|(model, _)| model.clone());
    let legs = legs(db, cache, query, &asked, dense.map(|(_, dense)| dense))?;
    let most = query.limit.saturating_mul(2).saturating_add(SPARE);
    let ranked = fuse::rank(&cache.catalogue, query, &legs, asked.current, most);
    let words: Vec<String> = asked.terms.iter().map(|term| term.word.clone()).collect();
    let packed = pack::pack(db, &cache.catalogue, query, &legs, &ranked, &words)?;
    if query.mode != RecallMode::Naive {
        let seq = |note: &u32| cache.catalogue.notes.get(*note as usize).map_or(0, |note| note.seq);
        let hits: Vec<_> = packed.notes.iter().map(seq).zip(&packed.hits).collect();
        let names = names(query);
        let around = around::around(db, &hits, legs.named.as_ref(), &names)?;
        (found.entities, found.relations) = (around.entities, around.relations);
    }
    found.tokens = packed.tokens;
    found.hits = packed.hits;
    Ok(found)
}

/// What the question may name, or the keywords that stand for it.
fn names(query: &Query) -> Vec<String> {
    let text = if query.low.is_empty() { query.text.as_str() } else { "" };
    named::candidates(text, &query.low)
}

fn is_text(mode: RecallMode) -> bool {
    matches!(mode, RecallMode::Naive | RecallMode::Mix)
}

/// The words to look for: of the question, or the keywords that stand for it in this mode.
fn asked(catalogue: &Catalogue, query: &Query) -> Asked {
    let given: Vec<&str> = match query.mode {
        RecallMode::Global => query.high.iter().map(String::as_str).collect(),
        RecallMode::Local => query.low.iter().map(String::as_str).collect(),
        RecallMode::Hybrid => query.low.iter().chain(&query.high).map(String::as_str).collect(),
        RecallMode::Naive | RecallMode::Mix | RecallMode::Bypass => Vec::new(),
    };
    let mut asked = languages::ask(&query.text, &catalogue.languages);
    if !given.is_empty() {
        let keywords = languages::ask(&given.join(" . "), &catalogue.languages);
        asked.terms = keywords.terms;
    }
    asked
}

fn legs(
    db: &Connection,
    cache: &mut Cache,
    query: &Query,
    asked: &Asked,
    dense: Option<Dense>,
) -> Result<Legs, Error> {
    let Cache { catalogue, known, .. } = cache;
    let named = match query.mode {
        RecallMode::Local | RecallMode::Hybrid | RecallMode::Mix => {
            let named = named::named(db, catalogue, &names(query))?;
            Some(named).filter(|named| !named.notes.is_empty())
        }
        RecallMode::Naive | RecallMode::Global | RecallMode::Bypass => None,
    };
    // Where nothing is named, the words are all there is to go by.
    let places = postings::places(db, catalogue, known, &asked.terms)?;
    let mut words = lexical(catalogue, &asked.terms, &places);
    if let (RecallMode::Local, Some(named)) = (query.mode, &named) {
        words.touched.retain(|note| named.notes.contains_key(note));
        words.best = words
            .touched
            .iter()
            .filter_map(|note| words.notes.get(*note as usize))
            .copied()
            .fold(0.0, f32::max);
    }
    Ok(Legs { words: Some(words), dense, named })
}

/// Which model it was, and what is close. None when no note has a vector of the model.
fn dense(
    db: &Connection,
    cache: &mut Cache,
    query: &Query,
    asked: &Asked,
    embedder: &dyn Embedder,
) -> Result<Option<(String, Dense)>, Error> {
    Vectors::refresh(&mut cache.vectors, db, &cache.catalogue, embedder.model(), embedder.dim())?;
    let Some(vectors) = &cache.vectors else { return Ok(None) };
    let known = embed::MODELS.iter().find(|model| model.id == embedder.model());
    let reads = known.is_none_or(|model| model.languages.contains(&asked.language.code()));
    let text = match &asked.gloss {
        Some(gloss) if !reads => gloss.as_str(),
        Some(_) | None => languages::beginning(&query.text),
    };
    let question = embedder.embed(&[text])?.into_iter().next().unwrap_or_default();
    Ok(Some((vectors.model().to_owned(), vectors.close(&cache.catalogue, &question))))
}

#[cfg(test)]
mod tests;
