//! Entities and relations that go with the hits.

use super::named::Named;
use crate::ask::Hit;
use crate::error::Error;
use crate::extract::{Kind, Mention};
use crate::graph::{self, hand};
use crate::store;
use protocol::NoteId;
use protocol::fact::NoteKind;
use protocol::note::Reading;
use protocol::view::{EntityRow, RelationRow};
use rusqlite::Connection;
use std::collections::HashMap;

const ENTITIES: usize = 20;
const RELATIONS: usize = 20;
/// Hits that are looked into, and the best entities of one passage that are related to each other.
const HITS: usize = 12;
const RELATED: usize = 6;

/// Closest first: what the question names, then what the hits name.
#[derive(Debug, Default)]
pub(super) struct Around {
    pub(super) entities: Vec<EntityRow>,
    pub(super) relations: Vec<RelationRow>,
    places: HashMap<String, usize>,
    pairs: HashMap<(String, String), usize>,
    by_hand: bool,
}

pub(super) fn around(
    db: &Connection,
    hits: &[(i64, &Hit)],
    named: Option<&Named>,
    names: &[String],
) -> Result<Around, Error> {
    let by_hand =
        db.prepare_cached("SELECT EXISTS (SELECT 1 FROM hand_entity)")?.query_row([], |row| row.get(0))?;
    let mut around = Around { by_hand, ..Around::default() };
    let read = store::any_reading(db)?;
    let mut asked: Vec<String> = named.map(|named| named.entities.clone()).unwrap_or_default();
    for (seq, hit) in hits.iter().take(HITS) {
        let mentions = store::mentions_of(db, *seq)?;
        let kind: usize =
            db.prepare_cached("SELECT kind FROM note WHERE seq = ?1")?.query_row([seq], |row| row.get(0))?;
        around.note(db, &hit.note, store::kind_of(kind)?, &mentions)?;
        if read {
            for reading in store::readings(db, *seq)? {
                around.reading(db, &hit.note, &reading)?;
            }
        }
    }
    if by_hand {
        // Known by its new name where it was renamed; whether a note names it or not.
        let mut put = Vec::new();
        for name in names {
            let key = hand::resolve(db, name.clone())?;
            if asked.contains(name) || hand::row(db, &key)?.is_some() {
                put.push(key);
            }
        }
        let drawn = around.by_hand(db, &put)?;
        asked.extend(put.into_iter().chain(drawn));
    }
    around.order(&asked);
    Ok(around)
}

impl Around {
    /// What was asked for first, as many as are given.
    fn order(&mut self, asked: &[String]) {
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (place, name) in asked.iter().enumerate() {
            places.entry(name).or_insert(place);
        }
        let is_asked = |name: &str| {
            if places.is_empty() {
                return usize::MAX;
            }
            places.get(graph::key(name).as_str()).copied().unwrap_or(usize::MAX)
        };
        // Stable: what the best hits name stays first.
        self.entities.sort_by_cached_key(|row| (is_asked(&row.name), std::cmp::Reverse(row.notes.len())));
        self.entities.truncate(ENTITIES);
        let mut relations: Vec<(usize, RelationRow)> = std::mem::take(&mut self.relations)
            .into_iter()
            .map(|row| (is_asked(&row.source).min(is_asked(&row.target)), row))
            .collect();
        relations.sort_by(|(a, x), (b, y)| a.cmp(b).then(y.weight.total_cmp(&x.weight)));
        relations.truncate(RELATIONS);
        self.relations = relations.into_iter().map(|(_, row)| row).collect();
    }

    fn note(
        &mut self,
        db: &Connection,
        id: &NoteId,
        kind: NoteKind,
        mentions: &[Mention],
    ) -> Result<(), Error> {
        for mention in mentions {
            self.entity(db, id, &mention.name, mention.kind.word(), "")?;
        }
        for (at, a) in mentions.iter().take(RELATED).enumerate() {
            for b in mentions.iter().take(RELATED).skip(at + 1) {
                let together = a.chunks.iter().filter(|chunk| b.chunks.contains(chunk)).count();
                if together > 0 {
                    let weight = u32::try_from(together).unwrap_or(u32::MAX);
                    self.relation(
                        db,
                        id,
                        (&a.name, &b.name),
                        word(kind, a.kind, b.kind),
                        "",
                        f64::from(weight),
                    )?;
                }
            }
        }
        Ok(())
    }

    /// What people drew: entities that the question names, and their relations, whose ends it gives.
    fn by_hand(&mut self, db: &Connection, keys: &[String]) -> Result<Vec<String>, Error> {
        let mut ends = Vec::new();
        for key in keys {
            let drawn = hand::relations(db, key, RELATIONS)?;
            let put = hand::row(db, key)?.filter(|put| put.state == hand::State::Put);
            for key in put
                .is_some()
                .then_some(key)
                .into_iter()
                .chain(drawn.iter().flat_map(|drawn| [&drawn.a, &drawn.b]))
            {
                self.drawn(db, key)?;
            }
            for drawn in drawn {
                ends.extend([drawn.a.clone(), drawn.b.clone()]);
                let (a, b) = (self.name(&drawn.a), self.name(&drawn.b));
                let pair = (drawn.a, drawn.b);
                let next = self.relations.len();
                let at = *self.pairs.entry(pair).or_insert(next);
                let notes = self.relations.get(at).map(|row| row.notes.clone()).unwrap_or_default();
                let kind = if drawn.keywords.is_empty() { "with".to_owned() } else { drawn.keywords };
                let row = RelationRow {
                    source: a,
                    target: b,
                    kind,
                    description: drawn.description,
                    weight: drawn.weight,
                    notes,
                };
                match self.relations.get_mut(at) {
                    Some(known) => *known = row,
                    None => self.relations.push(row),
                }
            }
        }
        Ok(ends)
    }

    fn drawn(&mut self, db: &Connection, key: &str) -> Result<(), Error> {
        let put = hand::row(db, key)?.filter(|put| put.state == hand::State::Put);
        let next = self.entities.len();
        if *self.places.entry(key.to_owned()).or_insert(next) != next {
            return Ok(());
        }
        let (name, kind, description) =
            put.map(|put| (put.name, put.kind, put.description)).unwrap_or_default();
        let name = if name.is_empty() { key.to_owned() } else { name };
        self.entities.push(EntityRow { name, kind, description, notes: Vec::new() });
        Ok(())
    }

    fn name(&self, key: &str) -> String {
        let row = self.places.get(key).and_then(|at| self.entities.get(*at));
        row.map_or_else(|| key.to_owned(), |row| row.name.clone())
    }

    fn reading(&mut self, db: &Connection, id: &NoteId, reading: &Reading) -> Result<(), Error> {
        for entity in &reading.entities {
            self.entity(db, id, &entity.name, &entity.kind, &entity.description)?;
        }
        for read in &reading.relations {
            let kind = if read.keywords.is_empty() { "with" } else { &read.keywords };
            self.relation(db, id, (&read.source, &read.target), kind, &read.description, read.weight)?;
        }
        Ok(())
    }

    /// The name by which it is known now; none when it was deleted by hand.
    fn known(&self, db: &Connection, name: &str) -> Result<Option<String>, Error> {
        if !self.by_hand {
            return Ok(Some(name.to_owned()));
        }
        let key = hand::resolve(db, graph::key(name))?;
        let Some(put) = hand::row(db, &key)? else {
            return Ok(Some(if key == graph::key(name) { name.to_owned() } else { key }));
        };
        Ok(match put.state {
            hand::State::Deleted => None,
            hand::State::Put if !put.name.is_empty() => Some(put.name),
            hand::State::Put | hand::State::Alias => Some(name.to_owned()),
        })
    }

    fn entity(
        &mut self,
        db: &Connection,
        id: &NoteId,
        name: &str,
        kind: &str,
        says: &str,
    ) -> Result<(), Error> {
        let Some(name) = self.known(db, name)? else { return Ok(()) };
        let next = self.entities.len();
        let at = *self.places.entry(graph::key(&name)).or_insert(next);
        if at == next {
            let description = match self.by_hand {
                true => hand::row(db, &graph::key(&name))?.map(|put| put.description).unwrap_or_default(),
                false => String::new(),
            };
            self.entities.push(EntityRow { name, kind: String::new(), description, notes: Vec::new() });
        }
        if let Some(row) = self.entities.get_mut(at) {
            if !row.notes.contains(id) {
                row.notes.push(id.clone());
            }
            if (row.kind.is_empty() || row.kind == Kind::Name.word()) && !kind.is_empty() {
                kind.clone_into(&mut row.kind);
            }
            add(&mut row.description, says);
        }
        Ok(())
    }

    fn relation(
        &mut self,
        db: &Connection,
        id: &NoteId,
        (a, b): (&str, &str),
        kind: &str,
        says: &str,
        weight: f64,
    ) -> Result<(), Error> {
        let (Some(a), Some(b)) = (self.known(db, a)?, self.known(db, b)?) else { return Ok(()) };
        let (key_a, key_b) = (graph::key(&a), graph::key(&b));
        if key_a == key_b {
            return Ok(());
        }
        let next = self.relations.len();
        let pair = if key_a < key_b { (key_a, key_b) } else { (key_b, key_a) };
        let at = *self.pairs.entry(pair).or_insert(next);
        if at == next {
            self.relations.push(RelationRow {
                source: a,
                target: b,
                kind: kind.to_owned(),
                description: String::new(),
                weight: 0.0,
                notes: Vec::new(),
            });
        }
        if let Some(row) = self.relations.get_mut(at) {
            row.weight += weight;
            if row.kind == "with" {
                kind.clone_into(&mut row.kind);
            }
            if !row.notes.contains(id) {
                row.notes.push(id.clone());
            }
            add(&mut row.description, says);
        }
        Ok(())
    }
}

/// What a kind of note tells of two things that it names.
fn word(note: NoteKind, a: Kind, b: Kind) -> &'static str {
    let are = |x: &[Kind], y: Kind| (x.contains(&a) && b == y) || (x.contains(&b) && a == y);
    match note {
        NoteKind::Failure if are(&[Kind::Commit, Kind::File], Kind::Error) => "fixes",
        NoteKind::Step | NoteKind::Deployment if are(&[Kind::Commit], Kind::File) => "touches",
        NoteKind::Decision
        | NoteKind::Step
        | NoteKind::Deployment
        | NoteKind::Failure
        | NoteKind::Glossary
        | NoteKind::Document
        | NoteKind::Preference => "with",
    }
}

fn add(description: &mut String, says: &str) {
    if says.is_empty() || description.contains(says) {
        return;
    }
    if !description.is_empty() {
        description.push('\n');
    }
    description.push_str(says);
}
