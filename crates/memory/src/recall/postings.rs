//! Where words stand, read out of the full-text index.
//!
//! SQLite keeps the index; the ranking is ours, since it looks at notes and passages at once. A word that is in every other
//! passage tells little and costs most, so the common ones are left out where rarer ones are asked as well.

use super::catalogue::{Catalogue, NONE};
use super::weights;
use crate::error::Error;
use crate::languages::Term;
use rusqlite::Connection;
use std::collections::HashMap;

/// Gives a connection tables of its own in which each place of a word in the index is a row, and each word.
pub(crate) fn prepare(db: &Connection) -> Result<(), Error> {
    db.execute_batch(
        "PRAGMA temp_store = MEMORY; CREATE VIRTUAL TABLE temp.places USING fts5vocab(main, words, instance);
         CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, words, row);",
    )?;
    Ok(())
}

/// Places that are read of a word before it is known how common it is.
const PROBE: usize = 800;
/// Places that are read for one question at least, and at most; between them, as many as there are passages.
const LEAST: usize = 12_000;
const MOST: usize = 24_000;

/// Notes of one name that are looked at. What more than these name tells little.
const NAMING: usize = 400;

/// Places of one word of the question.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// By note, then passage; `NONE` is its title and what readers wrote. How often it stands there, weighed.
    pub(super) found: Vec<Place>,
    /// So common that it was not read to the end.
    pub(super) cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) note: u32,
    pub(super) passage: u32,
    pub(super) often: f32,
}

/// Places of index terms that were asked for, as they are in the file that the catalogue is of: questions share their most
/// common words, and those cost most. What is answered does not depend on what is in here.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Those of the last questions, and those that were asked for before.
    young: HashMap<String, Posting>,
    old: HashMap<String, Posting>,
    /// Of the young ones.
    places: usize,
}

#[derive(Debug, Default)]
struct Posting {
    found: Vec<Stored>,
    /// How many of them the probe reached, where there are more.
    probe: Option<usize>,
    /// Only the probe was read.
    probed: bool,
}

impl Posting {
    fn is_enough(&self, far: Far) -> bool {
        !self.probed || far == Far::Probe
    }
}

/// A place, smaller: the number of a passage, or of a note with a bit set.
#[derive(Debug, Clone, Copy)]
struct Stored {
    at: u32,
    often: f32,
}

const OF_NOTE: u32 = 1 << 31;

impl Stored {
    fn new(place: Place) -> Stored {
        let at = if place.passage == NONE { place.note | OF_NOTE } else { place.passage };
        Stored { at, often: place.often }
    }

    fn place(self, catalogue: &Catalogue, weight: f32) -> Place {
        let often = self.often * weight;
        if self.at & OF_NOTE != 0 {
            return Place { note: self.at & !OF_NOTE, passage: NONE, often };
        }
        let note = catalogue.passages.get(self.at as usize).map_or(NONE, |passage| passage.note);
        Place { note, passage: self.at, often }
    }
}

/// Places that are kept, half of them young: about 2 MB.
const KEPT: usize = 250_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Far {
    Probe,
    All,
}

/// For each term its places. Those of terms that were cut are empty, unless all were.
pub(super) fn places(
    db: &Connection,
    catalogue: &Catalogue,
    known: &mut Known,
    terms: &[Term],
) -> Result<Vec<Places>, Error> {
    if known.places > KEPT / 2 {
        (known.old, known.places) = (std::mem::take(&mut known.young), 0);
    }
    let mut all = Vec::with_capacity(terms.len());
    let mut left = catalogue.passages.len().clamp(LEAST, MOST);
    for term in terms {
        let places = of_term(db, catalogue, known, term, Far::Probe)?;
        left = left.saturating_sub(places.found.len());
        all.push(places);
    }
    // The rarer a word, the further its first places reach.
    let reach = |places: &Places| places.found.iter().map(|place| place.note).max().unwrap_or(0);
    let mut cut: Vec<usize> =
        (0..all.len()).filter(|n| all.get(*n).is_some_and(|places| places.cut)).collect();
    cut.sort_by_key(|n| std::cmp::Reverse(all.get(*n).map_or(0, reach)));
    let mut rarest = cut.len() == all.iter().filter(|places| !places.found.is_empty()).count();
    for number in cut {
        let (Some(places), Some(term)) = (all.get_mut(number), terms.get(number)) else { continue };
        let reached = reach(places).max(1) as usize;
        let expected = PROBE.saturating_mul(catalogue.notes.len()) / reached;
        if expected <= left || rarest {
            *places = of_term(db, catalogue, known, term, Far::All)?;
            left = left.saturating_sub(places.found.len());
            rarest = false;
        } else {
            places.found.clear();
        }
    }
    Ok(all)
}

fn of_term(
    db: &Connection,
    catalogue: &Catalogue,
    known: &mut Known,
    term: &Term,
    far: Far,
) -> Result<Places, Error> {
    let mut places = Places::default();
    for own in &term.own {
        known.add(db, catalogue, own, 1.0, far, &mut places)?;
    }
    if !(term.guessed && places.found.iter().any(|place| place.often > 0.0)) {
        for translated in &term.translated {
            known.add(db, catalogue, translated, weights::TRANSLATED, far, &mut places)?;
        }
    }
    for alike in &term.alike {
        known.add(db, catalogue, alike, weights::ALIKE, far, &mut places)?;
    }
    if term.own.len() + term.translated.len() + term.alike.len() > 1 {
        places.found.sort_by_key(|place| (place.note, place.passage));
        // Two ways to say it are one word said.
        places.found.dedup_by(|b, a| {
            let same = (a.note, a.passage) == (b.note, b.passage);
            if same {
                a.often = a.often.max(b.often);
            }
            same
        });
    }
    Ok(places)
}

impl Known {
    /// Adds the places of one index term.
    fn add(
        &mut self,
        db: &Connection,
        catalogue: &Catalogue,
        term: &str,
        weight: f32,
        far: Far,
        places: &mut Places,
    ) -> Result<(), Error> {
        if self.young.get(term).is_none_or(|posting| !posting.is_enough(far)) {
            let posting = match self.old.remove(term).filter(|posting| posting.is_enough(far)) {
                Some(posting) => posting,
                None => read(db, catalogue, term, far)?,
            };
            self.places += posting.found.len() + 1;
            self.young.insert(term.to_owned(), posting);
        }
        let Some(posting) = self.young.get(term) else { return Ok(()) };
        let reached = posting.probe.filter(|_| far == Far::Probe);
        places.cut |= reached.is_some();
        let found = posting.found.get(..reached.unwrap_or(posting.found.len())).unwrap_or_default();
        places.found.extend(found.iter().map(|stored| stored.place(catalogue, weight)));
        Ok(())
    }
}

fn read(db: &Connection, catalogue: &Catalogue, term: &str, far: Far) -> Result<Posting, Error> {
    let mut query = db.prepare_cached("SELECT doc, col FROM temp.places WHERE term = ?1")?;
    let mut rows = query.query([term])?;
    let (mut id, mut note) = (i64::MIN, None);
    let (mut at, mut steps) = (0, 0);
    let mut posting = Posting::default();
    while let Some(row) = rows.next()? {
        steps += 1;
        if steps == PROBE + 1 {
            posting.probe = Some(posting.found.len());
            posting.probed = far == Far::Probe;
        }
        if posting.probed || steps > MOST {
            break;
        }
        let doc = row.get_ref(0)?.as_i64().map_err(Error::damaged)?;
        if doc != id {
            id = doc;
            note = catalogue.note(doc >> crate::store::schema::CHUNK_BITS, at);
            at = note.unwrap_or(at);
        }
        let Some(number) = note else { continue };
        let (passage, often) = match row.get_ref(1)?.as_bytes().map_err(Error::damaged)? {
            b"text" => match catalogue.passage(number, id) {
                Some(passage) => (passage, 1.0),
                None => (NONE, weights::READING),
            },
            b"title" => (NONE, weights::TITLE),
            _ => continue,
        };
        let number = u32::try_from(number).unwrap_or(NONE);
        let stored = Stored::new(Place { note: number, passage, often });
        match posting.found.last_mut() {
            Some(last) if last.at == stored.at => last.often += often,
            Some(_) | None => posting.found.push(stored),
        }
    }
    posting.found.shrink_to_fit();
    Ok(posting)
}

/// Which of these entities any passage names, by their places in the list: most are words that are none.
pub(super) fn known(db: &Connection, tokens: &[&str]) -> Result<Vec<usize>, Error> {
    // Read as one table, so that the index is opened once.
    let sql = "SELECT t.key FROM json_each(?1) AS t CROSS JOIN temp.terms AS w ON w.term = t.value";
    let list = format!("[\"{}\"]", tokens.join("\",\""));
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([list])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(row.get(0)?);
    }
    Ok(found)
}

/// Passages that name an entity, by its token; readings of a note count as the note.
pub(super) fn naming(db: &Connection, catalogue: &Catalogue, token: &str) -> Result<Vec<u32>, Error> {
    let mut query = db.prepare_cached("SELECT doc FROM temp.places WHERE term = ?1")?;
    let mut rows = query.query([token])?;
    let mut found: Vec<u32> = Vec::new();
    let mut at = 0;
    while let Some(row) = rows.next()? {
        let doc = row.get_ref(0)?.as_i64().map_err(Error::damaged)?;
        if let Some(note) = catalogue.note(doc >> crate::store::schema::CHUNK_BITS, at) {
            at = note;
            let note = u32::try_from(note).unwrap_or(NONE);
            if found.last() != Some(&note) {
                found.push(note);
            }
        }
        if found.len() >= NAMING {
            break;
        }
    }
    Ok(found)
}
