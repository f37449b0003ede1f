//! What recalling needs of every note and passage, in memory: about 40 bytes for each. It grows with the notes, and is read
//! anew when anything else was written.

use super::postings::Known;
use super::vectors::Vectors;
use crate::error::Error;
use crate::languages::Language;
use crate::store::schema;
use rusqlite::Connection;
use std::collections::HashMap;

pub(super) const NONE: u32 = u32::MAX;

/// Kept between questions. [`Cache::rest`] gives its memory back.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    pub(super) catalogue: Catalogue,
    pub(super) vectors: Option<Vectors>,
    pub(super) known: Known,
}

#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// In the order of pushing.
    pub(super) notes: Vec<Note>,
    pub(super) passages: Vec<Passage>,
    /// Words of all notes and of all passages.
    pub(super) words: f64,
    /// Estimated tokens of all notes.
    pub(super) tokens: u64,
    pub(super) languages: Vec<Language>,
    changes: Option<String>,
    /// The newest note of each thread, by a hash of its name.
    threads: HashMap<u64, u32>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Note {
    pub(super) seq: i64,
    pub(super) at: i64,
    /// The note that supersedes it; 0 for none.
    pub(super) by: i64,
    pub(super) words: f32,
    pub(super) first: u32,
    pub(super) count: u32,
    pub(super) code: u32,
    /// Its neighbours in the thread.
    pub(super) before: u32,
    pub(super) after: u32,
    pub(super) kind: u8,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Passage {
    pub(super) note: u32,
    pub(super) words: f32,
}

impl Cache {
    pub(crate) fn rest(&mut self) {
        *self = Cache::default();
    }

    /// Brings the catalogue to what the connection sees.
    pub(super) fn refresh(&mut self, db: &Connection) -> Result<(), Error> {
        let changes = schema::meta(db, "changes")?.unwrap_or_default();
        let newest: Option<i64> =
            db.prepare_cached("SELECT max(seq) FROM note")?.query_row([], |row| row.get(0))?;
        let last = self.catalogue.notes.last().map(|note| note.seq);
        if self.catalogue.changes.as_ref() != Some(&changes) || newest < last {
            self.rest();
            self.catalogue.changes = Some(changes);
        }
        if newest > self.catalogue.notes.last().map(|note| note.seq) {
            self.known = Known::default();
            self.catalogue.extend(db)?;
        }
        Ok(())
    }
}

impl Catalogue {
    fn extend(&mut self, db: &Connection) -> Result<(), Error> {
        let last = self.notes.last().map_or(0, |note| note.seq);
        let mut query = db.prepare_cached(
            "SELECT seq, kind, at, by, thread, title_len, lang, tokens FROM note WHERE seq > ?1 ORDER BY seq",
        )?;
        let mut rows = query.query([last])?;
        while let Some(row) = rows.next()? {
            let title: u32 = row.get(5)?;
            let language = Language::numbered(row.get(6)?);
            if !self.languages.contains(&language) {
                self.languages.push(language);
            }
            self.tokens += row.get::<_, u64>(7)?;
            let mut note = Note {
                seq: row.get(0)?,
                at: row.get(2)?,
                by: row.get::<_, Option<i64>>(3)?.unwrap_or(0),
                words: narrow(title),
                first: 0,
                count: 0,
                code: 0,
                before: NONE,
                after: NONE,
                kind: row.get(1)?,
            };
            // One that is superseded says nothing any more, to its neighbours neither.
            if let (0, Some(thread)) = (note.by, row.get_ref(4)?.as_str_or_null().map_err(Error::damaged)?) {
                self.follow(&mut note, thread);
            }
            self.notes.push(note);
        }
        self.extend_passages(db, last)
    }

    fn follow(&mut self, note: &mut Note, thread: &str) {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        let here = u32::try_from(self.notes.len()).unwrap_or(NONE);
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(thread);
        if let Some(before) = self.threads.insert(hash, here) {
            note.before = before;
            if let Some(before) = self.notes.get_mut(before as usize) {
                before.after = here;
            }
        }
    }

    fn extend_passages(&mut self, db: &Connection, last: i64) -> Result<(), Error> {
        let mut query = db.prepare_cached("SELECT id, code, len FROM chunk WHERE id >= ?1 ORDER BY id")?;
        let mut rows = query.query([(last + 1) << schema::CHUNK_BITS])?;
        let mut at = 0;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let Some(number) = self.note(id >> schema::CHUNK_BITS, at) else { continue };
            at = number;
            let words = narrow(row.get(2)?);
            let passage = u32::try_from(self.passages.len()).unwrap_or(NONE);
            self.passages.push(Passage { note: u32::try_from(number).unwrap_or(NONE), words });
            self.words += f64::from(words);
            if let Some(note) = self.notes.get_mut(number) {
                if note.count == 0 {
                    note.first = passage;
                }
                note.count += 1;
                note.code += row.get::<_, u32>(1)?;
                note.words += words;
            }
        }
        Ok(())
    }

    /// The place of a note, looked for from a place at or before it: what is looked up comes in order.
    pub(super) fn note(&self, seq: i64, from: usize) -> Option<usize> {
        let ahead = self.notes.get(from..)?;
        let mut reach = 1;
        while ahead.get(reach).is_some_and(|note| note.seq <= seq) {
            reach *= 2;
        }
        let near = ahead.get(reach / 2..ahead.len().min(reach + 1))?;
        let found = near.binary_search_by_key(&seq, |note| note.seq).ok()?;
        Some(from + reach / 2 + found)
    }

    /// The place of a passage by its number in the file; none for a reading of the note.
    pub(super) fn passage(&self, note: usize, id: i64) -> Option<u32> {
        let note = self.notes.get(note)?;
        let ordinal = u32::try_from(id & ((1 << schema::CHUNK_BITS) - 1)).ok()?;
        (ordinal < note.count).then(|| note.first + ordinal)
    }

    pub(super) fn is_code(&self, note: u32) -> bool {
        self.notes.get(note as usize).is_some_and(|note| note.code * 2 > note.count)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of words in one note")]
fn narrow(count: u32) -> f32 {
    count as f32
}
