//! Hits with their texts, within a budget of tokens: short notes whole, of long ones the best passages; what says the same
//! as a hit before is left out.

use super::catalogue::Catalogue;
use super::fuse::{Legs, Ranked};
use super::same::Shingles;
use super::weights as w;
use crate::ask::{Hit, Query};
use crate::error::Error;
use crate::store::schema::CHUNK_BITS;
use protocol::NoteId;
use rusqlite::{Connection, OptionalExtension};

/// A note of so many tokens is given whole, if there is room at all; a longer one if its share of the budget allows it.
const SHORT: u64 = 200;
/// Passages of a long note that are given.
const PASSAGES: usize = 4;

pub(super) struct Packed {
    pub(super) hits: Vec<Hit>,
    /// Of each hit.
    pub(super) notes: Vec<u32>,
    pub(super) tokens: u64,
}

/// Tokens that are left, and what of them this hit may take.
#[derive(Clone, Copy)]
struct Room {
    left: u64,
    share: u64,
}

pub(super) fn pack(
    db: &Connection,
    catalogue: &Catalogue,
    query: &Query,
    legs: &Legs,
    ranked: &[Ranked],
    asked: &[String],
) -> Result<Packed, Error> {
    let mut packed = Packed { hits: Vec::new(), notes: Vec::new(), tokens: 0 };
    let mut seen: Vec<Shingles> = Vec::new();
    for each in ranked {
        if packed.hits.len() >= query.limit || packed.tokens >= query.tokens {
            break;
        }
        let Some(Read { id, title, source, text }) = read(db, catalogue, each.note)? else { continue };
        let shingles = Shingles::of(&text);
        if seen.iter().any(|other| other.is_same(&shingles)) {
            continue;
        }
        let left = query.tokens - packed.tokens;
        let hits_left = (query.limit - packed.hits.len()) as u64;
        let room = Room { left, share: (left / hits_left).max(SHORT) };
        let passages = passages(db, catalogue, legs, each.note, &text, room)?;
        let tokens = passages.iter().map(|passage| tokens(passage)).sum();
        if tokens == 0 && !text.is_empty() {
            continue;
        }
        let why = why(db, catalogue, legs, each, asked)?;
        seen.push(shingles);
        packed.tokens += tokens;
        packed.notes.push(each.note);
        packed.hits.push(Hit { note: id, title, source, score: each.score, why, passages, tokens });
    }
    Ok(packed)
}

fn tokens(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}

struct Read {
    id: NoteId,
    title: String,
    source: String,
    text: String,
}

fn read(db: &Connection, catalogue: &Catalogue, note: u32) -> Result<Option<Read>, Error> {
    let Some(note) = catalogue.notes.get(note as usize) else { return Ok(None) };
    let sql =
        "SELECT n.id, n.title, n.source, b.text FROM note n JOIN body b ON b.seq = n.seq WHERE n.seq = ?1";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([note.seq])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let id = NoteId::new(row.get::<_, String>(0)?).map_err(Error::damaged)?;
    Ok(Some(Read { id, title: row.get(1)?, source: row.get(2)?, text: row.get(3)? }))
}

/// The whole text where it is short and there is room, else its best passages in their order, as many as there is room for.
fn passages(
    db: &Connection,
    catalogue: &Catalogue,
    legs: &Legs,
    note: u32,
    text: &str,
    room: Room,
) -> Result<Vec<String>, Error> {
    if tokens(text) <= room.left.min(room.share) {
        return Ok(vec![text.to_owned()]);
    }
    let Some(kept) = catalogue.notes.get(note as usize) else { return Ok(Vec::new()) };
    let words = legs.words.as_ref().filter(|words| words.best > 0.0);
    let score = |passage: u32| {
        let of_words = words
            .map_or(0.0, |words| words.passages.get(passage as usize).copied().unwrap_or(0.0) / words.best);
        let near =
            legs.dense.as_ref().and_then(|dense| dense.passages.iter().find(|(each, _)| *each == passage));
        of_words + near.map_or(0.0, |(_, share)| w::DENSE * share)
    };
    let mut numbers: Vec<(u32, f32)> =
        (kept.first..kept.first + kept.count).map(|passage| (passage, score(passage))).collect();
    numbers.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let best = numbers.first().map_or(0.0, |(_, score)| *score);
    numbers.retain(|(_, score)| *score * 3.0 >= best);
    let mut query = db.prepare_cached("SELECT start, stop FROM chunk WHERE id = ?1")?;
    let mut chosen: Vec<(u32, &str)> = Vec::new();
    let mut used = 0;
    for (passage, _) in numbers.into_iter().take(PASSAGES) {
        let id = (kept.seq << CHUNK_BITS) | i64::from(passage - kept.first);
        let range: Option<(usize, usize)> =
            query.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let passage_text = range.and_then(|(start, stop)| text.get(start..stop)).unwrap_or_default();
        let cost = tokens(passage_text);
        let fits = used + cost <= room.share || chosen.is_empty();
        if cost > 0 && fits && used + cost <= room.left {
            used += cost;
            chosen.push((passage, passage_text));
        }
    }
    chosen.sort_by_key(|(passage, _)| *passage);
    Ok(chosen.into_iter().map(|(_, text)| text.to_owned()).collect())
}

fn why(
    db: &Connection,
    catalogue: &Catalogue,
    legs: &Legs,
    ranked: &Ranked,
    asked: &[String],
) -> Result<String, Error> {
    let mut why = Vec::new();
    let mut found = ranked.note;
    if let Some(old) = ranked.instead_of {
        found = old;
        let seq = catalogue.notes.get(old as usize).map_or(0, |note| note.seq);
        why.push(format!("supersedes \u{1}{seq}\u{1}, which matched"));
    }
    let of = legs.why(catalogue, found, asked);
    if ranked.instead_of.is_none() {
        why = of;
    } else if let (Some(first), Some(words)) =
        (why.first_mut(), of.first().and_then(|w| w.strip_prefix("matched")))
    {
        first.push_str(words);
    }
    let mut text = String::new();
    // Notes stand there by their numbers; people know their ids.
    for (at, piece) in why.join("; ").split('\u{1}').enumerate() {
        if at % 2 == 0 {
            text.push_str(piece);
        } else {
            let seq: i64 = piece.parse().map_err(Error::damaged)?;
            let id: Option<String> = db
                .prepare_cached("SELECT id FROM note WHERE seq = ?1")?
                .query_row([seq], |row| row.get(0))
                .optional()?;
            text.push_str(&id.unwrap_or_default());
        }
    }
    Ok(text)
}
