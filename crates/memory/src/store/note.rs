//! Notes as rows: pushed, superseded, forgotten.

use super::apply::Did;
use super::read;
use super::schema::CHUNK_BITS;
use crate::error::Error;
use crate::extract::{self, Chunk, Kind, Mention, Subject, Terms};
use crate::graph;
use crate::languages::{self, Indexed};
use protocol::NoteId;
use protocol::fact::{Entry, MemoryPushed, MemorySuperseded, NoteKind};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// The number of a note's push in the journal; none when it is not here.
pub(crate) fn seq(db: &Connection, note: &NoteId) -> Result<Option<i64>, Error> {
    let mut query = db.prepare_cached("SELECT seq FROM note WHERE id = ?1")?;
    Ok(query.query_row([note.as_str()], |row| row.get(0)).optional()?)
}

pub(super) fn push(
    tx: &Transaction<'_>,
    terms: &mut Terms,
    entry: &Entry,
    f: &MemoryPushed,
    blob: &str,
) -> Result<Did, Error> {
    let did = forget(tx, terms, &f.note)?;
    let (title, text) =
        if f.title.is_empty() { protocol::note::unpack(blob) } else { (f.title.as_str(), blob) };
    let seq = i64::try_from(entry.seq).map_err(Error::damaged)?;
    let note = Written { seq, kind: f.note_kind, title, text, source: &f.source };
    let chunks = note.chunks();
    let (heading, terms_of) = note.terms(&chunks);
    tx.prepare_cached(
        "INSERT INTO note (seq, id, kind, at, tokens, thread, title, title_len, lang, source, request, agent, confidence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        seq,
        f.note.as_str(),
        kind_number(f.note_kind),
        entry.at.0,
        text.len().div_ceil(4),
        thread(f),
        title,
        heading.count,
        terms_of.first().unwrap_or(&heading).language.number(),
        f.source,
        f.request.as_ref().map(|request| request.as_str()),
        f.agent.as_ref().map(|agent| agent.as_str()),
        f.confidence,
    ])?;
    tx.prepare_cached("INSERT INTO body (seq, text) VALUES (?1, ?2)")?.execute(params![seq, text])?;
    let mut insert =
        tx.prepare_cached("INSERT INTO chunk (id, start, stop, code, len) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (ordinal, (chunk, terms)) in chunks.iter().zip(&terms_of).enumerate() {
        let range = &chunk.range;
        insert.execute(params![chunk_id(seq, ordinal), range.start, range.end, chunk.code, terms.count])?;
    }
    let mentions = note.mentions(&chunks, terms);
    if f.note_kind == NoteKind::Glossary {
        terms.add(seq, title, text);
    }
    put_mentions(tx, seq, &mentions)?;
    index(tx, seq, &heading, &terms_of, &mentions, Index::In)?;
    Ok(did)
}

/// What of a note is looked into.
struct Written<'a> {
    seq: i64,
    kind: NoteKind,
    title: &'a str,
    text: &'a str,
    source: &'a str,
}

impl Written<'_> {
    fn chunks(&self) -> Vec<Chunk> {
        extract::chunks(self.text, self.source)
    }

    /// Index terms of the title and of each passage.
    fn terms(&self, chunks: &[Chunk]) -> (Indexed, Vec<Indexed>) {
        let passage =
            |chunk: &Chunk| languages::indexed(self.text.get(chunk.range.clone()).unwrap_or_default());
        (languages::indexed(self.title), chunks.iter().map(passage).collect())
    }

    /// Terms count from the note that gives them on: so it is the same whether they were there when this one came, or
    /// are looked up again later.
    fn mentions(&self, chunks: &[Chunk], terms: &Terms) -> Vec<Mention> {
        let subject = Subject { kind: self.kind, title: self.title, text: self.text, source: self.source };
        extract::mentions(&subject, chunks, &terms.before(self.seq))
    }
}

fn put_mentions(tx: &Transaction<'_>, seq: i64, mentions: &[Mention]) -> Result<(), Error> {
    let mut insert = tx
        .prepare_cached("INSERT INTO mention (note, rank, name, kind, chunks) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (rank, mention) in mentions.iter().enumerate() {
        let ordinals: Vec<u8> = mention.chunks.iter().flat_map(|ordinal| ordinal.to_le_bytes()).collect();
        insert.execute(params![seq, rank, mention.name, mention.kind as u8, ordinals])?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Index {
    In,
    Out,
}

/// Puts the passages into the full-text index, or takes them out: it must be told then the very words that it was given.
fn index(
    tx: &Transaction<'_>,
    seq: i64,
    heading: &Indexed,
    terms: &[Indexed],
    mentions: &[Mention],
    way: Index,
) -> Result<(), Error> {
    let mut statement = tx.prepare_cached(match way {
        Index::In => "INSERT INTO words (rowid, title, text, ents) VALUES (?1, ?2, ?3, ?4)",
        Index::Out => "INSERT INTO words (words, rowid, title, text, ents) VALUES ('delete', ?1, ?2, ?3, ?4)",
    })?;
    let mut tokens = vec![String::new(); terms.len()];
    for mention in mentions {
        let token = graph::token(&graph::key(&mention.name));
        for ordinal in &mention.chunks {
            if let Some(tokens) = tokens.get_mut(usize::from(*ordinal)) {
                tokens.push_str(&token);
                tokens.push(' ');
            }
        }
    }
    for ((ordinal, terms), ents) in terms.iter().enumerate().zip(&tokens) {
        let title = if ordinal == 0 { heading.terms.as_str() } else { "" };
        statement.execute(params![chunk_id(seq, ordinal), title, terms.terms, ents])?;
    }
    Ok(())
}

pub(crate) fn chunk_id(seq: i64, ordinal: usize) -> i64 {
    (seq << CHUNK_BITS) | i64::try_from(ordinal).unwrap_or(i64::MAX)
}

/// The number of the note that a passage, or a reading's row, belongs to.
pub(crate) fn note_of_chunk(id: i64) -> i64 {
    id >> CHUNK_BITS
}

pub(crate) fn kind_number(kind: NoteKind) -> usize {
    NoteKind::ALL.iter().position(|known| *known == kind).unwrap_or_default()
}

pub(crate) fn kind_of(number: usize) -> Result<NoteKind, Error> {
    NoteKind::ALL
        .get(number)
        .copied()
        .ok_or_else(|| Error::damaged(format!("there is no kind {number} of notes")))
}

/// What the note goes on with: notes of one conversation, or of one request, follow each other.
fn thread(f: &MemoryPushed) -> Option<String> {
    match f.source.split_once('#') {
        Some((part, _)) if !part.is_empty() => Some(format!("s{part}")),
        _ => f.request.as_ref().map(|request| format!("r{request}")),
    }
}

/// By a note that is not here (any more), it is superseded by none.
pub(super) fn supersede(tx: &Transaction<'_>, f: &MemorySuperseded) -> Result<Did, Error> {
    let by = seq(tx, &f.by)?;
    tx.prepare_cached("UPDATE note SET by = ?2 WHERE id = ?1")?.execute(params![f.note.as_str(), by])?;
    Ok(Did::Changed)
}

pub(super) fn forget(tx: &Transaction<'_>, terms: &mut Terms, note: &NoteId) -> Result<Did, Error> {
    let Some(seq) = seq(tx, note)? else { return Ok(Did::Added) };
    read::take_out(tx, seq)?;
    take_out_mentions(tx, seq)?;
    for sql in [
        "DELETE FROM vector WHERE chunk >= ?1 << 12 AND chunk < (?1 + 1) << 12",
        "DELETE FROM chunk WHERE id >= ?1 << 12 AND id < (?1 + 1) << 12",
        "DELETE FROM body WHERE seq = ?1",
        "DELETE FROM note WHERE seq = ?1",
        "UPDATE note SET by = NULL WHERE by = ?1",
    ] {
        tx.prepare_cached(sql)?.execute([seq])?;
    }
    for other in terms.remove(seq, tx)? {
        again(tx, terms, other)?;
    }
    Ok(Did::Forgot)
}

/// Looks into a note again, whose terms have become fewer.
fn again(tx: &Transaction<'_>, terms: &Terms, seq: i64) -> Result<(), Error> {
    take_out_mentions(tx, seq)?;
    with(tx, seq, |note| {
        let chunks = note.chunks();
        let mentions = note.mentions(&chunks, terms);
        let (heading, terms) = note.terms(&chunks);
        put_mentions(tx, seq, &mentions)?;
        index(tx, seq, &heading, &terms, &mentions, Index::In)
    })
}

fn take_out_mentions(tx: &Transaction<'_>, seq: i64) -> Result<(), Error> {
    let mentions = mentions_of(tx, seq)?;
    with(tx, seq, |note| {
        let (heading, terms) = note.terms(&note.chunks());
        index(tx, seq, &heading, &terms, &mentions, Index::Out)
    })?;
    tx.prepare_cached("DELETE FROM mention WHERE note = ?1")?.execute([seq])?;
    Ok(())
}

fn with(
    tx: &Transaction<'_>,
    seq: i64,
    then: impl FnOnce(&Written<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let sql = "SELECT kind, title, source, text FROM note JOIN body USING (seq) WHERE seq = ?1";
    let (kind, title, source, text): (usize, String, String, String) = tx
        .prepare_cached(sql)?
        .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    then(&Written { seq, kind: kind_of(kind)?, title: &title, text: &text, source: &source })
}

/// What a note names, best first.
pub(crate) fn mentions_of(db: &Connection, seq: i64) -> Result<Vec<Mention>, Error> {
    let mut query =
        db.prepare_cached("SELECT name, kind, chunks FROM mention WHERE note = ?1 ORDER BY rank")?;
    let mut rows = query.query([seq])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let chunks = row.get_ref(2)?.as_blob().map_err(Error::damaged)?;
        found.push(Mention {
            name: row.get(0)?,
            kind: Kind::of(row.get(1)?),
            chunks: ordinals(chunks).collect(),
        });
    }
    Ok(found)
}

/// The names alone, of the best.
pub(crate) fn best_names(db: &Connection, seq: i64, most: usize) -> Result<Vec<String>, Error> {
    let sql = "SELECT name FROM mention WHERE note = ?1 ORDER BY rank LIMIT ?2";
    let mut query = db.prepare_cached(sql)?;
    let names = query.query_map(params![seq, most], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

pub(crate) fn ordinals(blob: &[u8]) -> impl Iterator<Item = u16> + '_ {
    blob.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair))
}
