//! The whole graph of a space, read in one pass over what the notes name. Names are kept once, relations as pairs of
//! numbers: some megabytes for thousands of notes.

use super::hand::{Hand, State};
use super::key;
use crate::error::Error;
use crate::extract::Kind;
use crate::store;
use protocol::At;
use protocol::fact::NoteKind;
use rusqlite::{Connection, params};
use std::collections::HashMap;

/// Entities of one passage that are related to each other: its best ones.
const RELATED: usize = 8;
/// Commits, and errors, of one note that take part in typed relations; and what they fix or touch.
const CAUSES: usize = 3;
const EFFECTS: usize = 12;

/// Words that every graph has, at these places: the kinds of `extract`, and after them `with`.
const NAME: u32 = Kind::Name as u32;
const WITH: u32 = Kind::ALL.len() as u32;

#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(super) nodes: Vec<Node>,
    pub(super) by_key: HashMap<String, u32>,
    pub(super) edges: Vec<Edge>,
    /// For each node, where its relations begin in `around`; one more at the end.
    pub(super) starts: Vec<u32>,
    /// Numbers of edges, node by node, heaviest first.
    pub(super) around: Vec<u32>,
    /// Words for kinds of entities and relations.
    pub(super) words: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    /// A place in `words`.
    pub(super) kind: u32,
    pub(super) notes: u32,
    pub(super) first: i64,
    pub(super) last: i64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) kind: u32,
    pub(super) weight: f32,
}

/// Which word says best what a relation is: a person's, a reader's, what the kind of note tells, that they occur together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    With,
    Typed,
    Read,
    ByHand,
}

#[derive(Debug, Clone, Copy)]
struct Found {
    weight: f32,
    kind: u32,
    said: Said,
}

impl Whole {
    /// Of all notes, or of those of a time.
    pub(crate) fn load(db: &Connection, since: Option<At>, until: Option<At>) -> Result<Whole, Error> {
        let hand = Hand::load(db)?;
        let timed = since.is_some() || until.is_some();
        let span = (since.map_or(i64::MIN, |at| at.0), until.map_or(i64::MAX, |at| at.0));
        let mut making = Making::new(hand);
        making.mentioned(db, span)?;
        making.read(db, span)?;
        if !timed {
            making.put();
        }
        making.related_by_hand(db)?;
        Ok(making.done())
    }

    pub(crate) fn entities(&self) -> u64 {
        self.nodes.len() as u64
    }

    pub(crate) fn relations(&self) -> u64 {
        self.edges.len() as u64
    }

    pub(super) fn word(&self, number: u32) -> &str {
        self.words.get(number as usize).map_or("", String::as_str)
    }

    /// The relations of a node, heaviest first.
    pub(super) fn of(&self, node: u32) -> impl Iterator<Item = &Edge> {
        let at = |node: u32| self.starts.get(node as usize).copied().unwrap_or_default() as usize;
        let numbers = self.around.get(at(node)..at(node + 1)).unwrap_or_default();
        numbers.iter().filter_map(|number| self.edges.get(*number as usize))
    }

    pub(super) fn degree(&self, node: u32) -> u32 {
        let at = |node: u32| self.starts.get(node as usize).copied().unwrap_or_default();
        at(node + 1) - at(node)
    }

    /// The node of a name; a name that was renamed by hand is still known.
    pub(super) fn node(&self, name: &str) -> Option<u32> {
        self.by_key.get(&key(name)).copied()
    }
}

struct Making {
    hand: Hand,
    whole: Whole,
    pairs: HashMap<(u32, u32), Found>,
    words: HashMap<String, u32>,
    /// Nodes whose kind was given by hand.
    firm: Vec<bool>,
}

impl Making {
    fn new(hand: Hand) -> Making {
        let (whole, pairs, words) = Default::default();
        let mut making = Making { hand, whole, pairs, words, firm: Vec::new() };
        for word in Kind::ALL.map(Kind::word).into_iter().chain(["with"]) {
            making.word(word);
        }
        making
    }

    fn mentioned(&mut self, db: &Connection, (since, until): (i64, i64)) -> Result<(), Error> {
        let mut query = db.prepare_cached(
            "SELECT n.seq, n.at, n.kind, m.name, m.kind, m.chunks FROM note n JOIN mention m ON m.note = n.seq
             WHERE n.at BETWEEN ?1 AND ?2 ORDER BY n.seq, m.rank",
        )?;
        let mut rows = query.query(params![since, until])?;
        let mut note = Named::default();
        while let Some(row) = rows.next()? {
            let seq = row.get(0)?;
            if note.seq != seq {
                self.relate(&note);
                note = Named { seq, kind: row.get(2)?, ..Named::default() };
            }
            let name = row.get_ref(3)?.as_str().map_err(Error::damaged)?;
            let kind = Kind::of(row.get(4)?);
            if let Some(node) = self.node(name, u32::from(kind as u8), row.get(1)?) {
                for ordinal in store::ordinals(row.get_ref(5)?.as_blob().map_err(Error::damaged)?) {
                    note.places.push((ordinal, node));
                }
                note.named.push((kind, node));
            }
        }
        self.relate(&note);
        Ok(())
    }

    /// The node of a name that a note of this time names; none when it was deleted by hand. A word that says no more than
    /// "a name" gives way to any other, but for one that was given by hand.
    fn node(&mut self, name: &str, kind: u32, at: i64) -> Option<u32> {
        let key = self.hand.resolve(key(name))?;
        let number = match self.whole.by_key.get(&key) {
            Some(number) => *number,
            None => {
                let put = self.hand.put(&key).cloned();
                let shown = put.as_ref().map_or(name, |put| &put.name).to_owned();
                let by_hand = put.map(|put| put.kind).filter(|kind| !kind.is_empty());
                self.firm.push(by_hand.is_some());
                let kind = by_hand.map_or(kind, |kind| self.word(&kind));
                self.add(key, Node { name: shown, kind, notes: 0, first: at, last: at })
            }
        };
        let weak = NAME;
        let firm = self.firm.get(number as usize).copied().unwrap_or_default();
        if let Some(node) = self.whole.nodes.get_mut(number as usize) {
            if node.kind == weak && !firm {
                node.kind = kind;
            }
            node.notes += 1;
            node.first = node.first.min(at);
            node.last = node.last.max(at);
        }
        Some(number)
    }

    fn add(&mut self, key: String, node: Node) -> u32 {
        let number = u32::try_from(self.whole.nodes.len()).unwrap_or(u32::MAX);
        self.whole.nodes.push(node);
        self.whole.by_key.insert(key, number);
        number
    }

    fn word(&mut self, word: &str) -> u32 {
        if let Some(number) = self.words.get(word) {
            return *number;
        }
        let number = u32::try_from(self.whole.words.len()).unwrap_or(u32::MAX);
        self.whole.words.push(word.to_owned());
        self.words.insert(word.to_owned(), number);
        number
    }

    fn pair(&mut self, a: u32, b: u32, weight: f32, kind: u32, said: Said) {
        if a == b {
            return;
        }
        let pair = (a.min(b), a.max(b));
        let found = self.pairs.entry(pair).or_insert(Found { weight: 0.0, kind, said });
        found.weight += weight;
        if said > found.said {
            (found.kind, found.said) = (kind, said);
        }
    }

    /// Relations that one note gives.
    fn relate(&mut self, note: &Named) {
        let mut places = note.places.clone();
        // Stable: within a passage the best stay first.
        places.sort_by_key(|(ordinal, _)| *ordinal);
        for passage in places.chunk_by(|a, b| a.0 == b.0) {
            for (at, (_, a)) in passage.iter().take(RELATED).enumerate() {
                for (_, b) in passage.iter().take(RELATED).skip(at + 1) {
                    self.pair(*a, *b, 1.0, WITH, Said::With);
                }
            }
        }
        let of = |kinds: &[Kind], most: usize| -> Vec<u32> {
            let of = note.named.iter().filter(|(kind, _)| kinds.contains(kind));
            of.map(|(_, node)| *node).take(most).collect()
        };
        let Ok(kind) = store::kind_of(note.kind) else { return };
        let (causes, effects, word) = match kind {
            NoteKind::Failure => {
                let commits = of(&[Kind::Commit], CAUSES);
                let menders = if commits.is_empty() { of(&[Kind::File], CAUSES) } else { commits };
                (menders, of(&[Kind::Error], EFFECTS), "fixes")
            }
            NoteKind::Step | NoteKind::Deployment => {
                (of(&[Kind::Commit], CAUSES), of(&[Kind::File], EFFECTS), "touches")
            }
            NoteKind::Decision | NoteKind::Glossary | NoteKind::Document | NoteKind::Preference => return,
        };
        let word = self.word(word);
        for cause in &causes {
            for effect in &effects {
                self.pair(*cause, *effect, 1.0, word, Said::Typed);
            }
        }
    }

    fn read(&mut self, db: &Connection, (since, until): (i64, i64)) -> Result<(), Error> {
        let mut query = db.prepare_cached(
            "SELECT r.name, r.kind, n.at, n.seq FROM read_entity r JOIN note n ON n.seq = r.note
             WHERE n.at BETWEEN ?1 AND ?2 ORDER BY r.note, r.seq, r.ord",
        )?;
        let mut rows = query.query(params![since, until])?;
        while let Some(row) = rows.next()? {
            let kind: String = row.get(1)?;
            let kind = self.word(if kind.is_empty() { Kind::Name.word() } else { &kind });
            let name = row.get_ref(0)?.as_str().map_err(Error::damaged)?;
            self.node(name, kind, row.get(2)?);
        }
        drop(rows);
        let mut query = db.prepare_cached(
            "SELECT r.source, r.target, r.keywords, r.weight, n.at FROM read_relation r JOIN note n ON n.seq = r.note
             WHERE n.at BETWEEN ?1 AND ?2 ORDER BY r.note, r.seq, r.ord",
        )?;
        let mut rows = query.query(params![since, until])?;
        while let Some(row) = rows.next()? {
            let (source, target, keywords): (String, String, String) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let weight: f64 = row.get(3)?;
            let at = row.get(4)?;
            let ends = [source, target].map(|name| self.end(&name, at));
            if let [Some(a), Some(b)] = ends {
                let word = if keywords.is_empty() { WITH } else { self.word(&keywords) };
                self.pair(a, b, narrow(weight), word, Said::Read);
            }
        }
        Ok(())
    }

    /// An end of a relation that was read; it need not have been listed as an entity.
    fn end(&mut self, name: &str, at: i64) -> Option<u32> {
        let key = self.hand.resolve(key(name))?;
        match self.whole.by_key.get(&key) {
            Some(number) => Some(*number),
            None => self.node(name, NAME, at),
        }
    }

    /// Entities that only a person knows.
    fn put(&mut self) {
        let mut rows: Vec<(String, String, String)> = self
            .hand
            .all_put()
            .filter(|(key, _)| !self.whole.by_key.contains_key(*key))
            .map(|(key, put)| (key.clone(), put.name.clone(), put.kind.clone()))
            .collect();
        rows.sort();
        for (key, name, kind) in rows {
            let kind = self.word(if kind.is_empty() { Kind::Name.word() } else { &kind });
            self.firm.push(true);
            self.add(key, Node { name, kind, notes: 0, first: 0, last: 0 });
        }
    }

    fn related_by_hand(&mut self, db: &Connection) -> Result<(), Error> {
        let mut query = db.prepare_cached("SELECT a, b, state, keywords, weight FROM hand_relation")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let ends =
                [row.get(0)?, row.get::<_, String>(1)?].map(|key| self.whole.by_key.get(&key).copied());
            let [Some(a), Some(b)] = ends else { continue };
            if State::of(row.get(2)?) == State::Deleted {
                self.pairs.remove(&(a.min(b), a.max(b)));
                continue;
            }
            let keywords: String = row.get(3)?;
            let word = if keywords.is_empty() { WITH } else { self.word(&keywords) };
            self.pair(a, b, narrow(row.get(4)?), word, Said::ByHand);
        }
        Ok(())
    }

    fn done(mut self) -> Whole {
        let mut whole = self.whole;
        whole.edges = self
            .pairs
            .drain()
            .map(|((a, b), found)| Edge { a, b, kind: found.kind, weight: found.weight })
            .collect();
        whole.edges.sort_by_key(|edge| (edge.a, edge.b));
        let mut ends: Vec<(u32, u32)> =
            (0..).zip(&whole.edges).flat_map(|(n, e)| [(e.a, n), (e.b, n)]).collect();
        let weight = |number: u32| whole.edges.get(number as usize).map_or(0.0, |edge| edge.weight);
        ends.sort_by(|x, y| x.0.cmp(&y.0).then(weight(y.1).total_cmp(&weight(x.1))).then(x.1.cmp(&y.1)));
        whole.starts = Vec::with_capacity(whole.nodes.len() + 1);
        let mut at = 0;
        for node in 0..=u32::try_from(whole.nodes.len()).unwrap_or(u32::MAX) {
            whole.starts.push(u32::try_from(at).unwrap_or(u32::MAX));
            while ends.get(at).is_some_and(|(end, _)| *end == node) {
                at += 1;
            }
        }
        whole.around = ends.into_iter().map(|(_, number)| number).collect();
        whole
    }
}

#[derive(Default)]
struct Named {
    seq: i64,
    kind: usize,
    named: Vec<(Kind, u32)>,
    /// Passages and what they name.
    places: Vec<(u16, u32)>,
}

#[expect(clippy::cast_possible_truncation, reason = "a weight is a small number")]
fn narrow(weight: f64) -> f32 {
    weight as f32
}
