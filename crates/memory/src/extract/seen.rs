//! What was seen in a note so far, with where and how often.

use super::{Chunk, Kind, Mention};
use crate::graph::key;
use std::collections::HashMap;

/// Different things of one note that are looked at: of a note that is a list of thousands, the first ones.
const MOST: usize = 4096;
/// Letters of a name.
const LETTERS: usize = 160;
/// Passages that are kept of one thing.
const PASSAGES: usize = 32;

pub(super) struct Seen<'a> {
    chunks: &'a [Chunk],
    /// The first passage that does not end before what is read now.
    at: usize,
    by_key: HashMap<String, usize>,
    things: Vec<Thing>,
    /// Bytes of code that may still be parsed.
    pub(super) left_to_parse: usize,
}

#[derive(Debug)]
pub(super) struct Thing {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) times: u32,
    /// What speaks for it beside how often it occurs.
    pub(super) bonus: f32,
    chunks: Vec<u16>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(chunks: &'a [Chunk]) -> Seen<'a> {
        Seen {
            chunks,
            at: 0,
            by_key: HashMap::new(),
            things: Vec::new(),
            left_to_parse: super::code::PARSED_OF_ONE,
        }
    }

    /// Something that stands at `offset` of the text. What is read comes in the order of the text, but for small steps
    /// back.
    pub(super) fn add(&mut self, name: &str, kind: Kind, offset: usize, bonus: f32) {
        let name = name.trim();
        if name.is_empty() || name.len() > LETTERS {
            return;
        }
        while self.chunks.get(self.at).is_some_and(|chunk| chunk.range.end <= offset) {
            self.at += 1;
        }
        while self.at > 0 && self.chunks.get(self.at - 1).is_some_and(|chunk| chunk.range.end > offset) {
            self.at -= 1;
        }
        let around = self.at..self.at + 2;
        let found = self.put(name, kind, bonus);
        let (Some(found), chunks) = (found, self.chunks) else { return };
        let Some(thing) = self.things.get_mut(found) else { return };
        for ordinal in around {
            if chunks.get(ordinal).is_some_and(|chunk| chunk.range.contains(&offset)) {
                thing.stands_in(ordinal);
            }
        }
    }

    /// Something that stands in the title: that is the first passage's, and what the note is about.
    pub(super) fn add_title(&mut self, name: &str, kind: Kind) {
        if name.len() <= LETTERS
            && let Some(found) = self.put(name.trim(), kind, 3.0)
            && let Some(thing) = self.things.get_mut(found)
        {
            thing.stands_in(0);
        }
    }

    fn put(&mut self, name: &str, kind: Kind, bonus: f32) -> Option<usize> {
        let key = key(name);
        if key.is_empty() {
            return None;
        }
        let known = self.by_key.get(&key).copied();
        let at = match known {
            Some(at) => at,
            None if self.things.len() >= MOST => return None,
            None => {
                self.by_key.insert(key, self.things.len());
                self.things.push(Thing { name: name.to_owned(), kind, times: 0, bonus, chunks: Vec::new() });
                self.things.len() - 1
            }
        };
        let thing = self.things.get_mut(at)?;
        thing.times += 1;
        thing.kind = thing.kind.min(kind);
        thing.bonus = thing.bonus.max(bonus);
        Some(at)
    }

    pub(super) fn things(self) -> Vec<Thing> {
        self.things
    }
}

impl Thing {
    fn stands_in(&mut self, ordinal: usize) {
        if let Ok(ordinal) = u16::try_from(ordinal)
            && self.chunks.len() < PASSAGES
            && !self.chunks.contains(&ordinal)
        {
            self.chunks.push(ordinal);
        }
    }

    pub(super) fn mention(mut self) -> Mention {
        self.chunks.sort_unstable();
        Mention { name: self.name, kind: self.kind, chunks: self.chunks }
    }
}
