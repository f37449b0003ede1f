//! Notes, and who was told of them: what the memory's facts change in the views, and how that is read.

use crate::error::Error;
use crate::reader::Reader;
use crate::rows::{all, blob_text, id, json, maybe_id, one};
use crate::views::{self, run};
use protocol::fact::*;
use protocol::view::{KnewRow, KnewVia, MeterRow, NoteRow, ReadingRow, RecalledBy};
use protocol::*;
use rusqlite::{Connection, Row};
use std::collections::HashSet;

const NOTE: &str = "SELECT note, project, kind, title, text, source, request, agent, at, confidence, superseded_by, seq FROM notes";

pub(crate) fn pushed(db: &Connection, entry: &Entry, f: &MemoryPushed) -> Result<(), Error> {
    run(
        db,
        "INSERT OR REPLACE INTO notes
             (seq, note, project, kind, title, text, source, request, agent, at, confidence, batch)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        rusqlite::params![
            entry.seq,
            f.note.as_str(),
            f.project.as_str(),
            views::json(&f.note_kind)?,
            f.title,
            f.text.blob.as_str(),
            f.source,
            f.request.as_ref().map(|request| request.as_str()),
            f.agent.as_ref().map(|agent| agent.as_str()),
            entry.at.0,
            f.confidence,
            f.batch,
        ],
    )
}

pub(crate) fn enriched(db: &Connection, entry: &Entry, f: &MemoryEnriched) -> Result<(), Error> {
    run(
        db,
        "INSERT INTO readings (seq, note, by, at, usage, why, blob) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        rusqlite::params![
            entry.seq,
            f.note.as_str(),
            f.by,
            entry.at.0,
            views::json(&f.usage)?,
            f.why,
            f.reading.as_ref().map(|reading| reading.blob.as_str()),
        ],
    )
}

/// A request, or one attempt of it, was told of these notes.
pub(crate) fn told(
    db: &Connection,
    entry: &Entry,
    request: &RequestId,
    attempt: Option<&AttemptId>,
    notes: &[Recalled],
) -> Result<(), Error> {
    for (nth, told) in notes.iter().enumerate() {
        run(
            db,
            "INSERT INTO recalls (seq, nth, note, request, attempt, at, score, why)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            rusqlite::params![
                entry.seq,
                nth,
                told.note.as_str(),
                request.as_str(),
                attempt.map(|attempt| attempt.as_str()),
                entry.at.0,
                told.score,
                told.why,
            ],
        )?;
    }
    Ok(())
}

/// The text goes from here for good: with its readings, with the briefs of the requests that were told of it, and with
/// what the attempts of these requests printed, which may repeat it. The facts that named all this stay.
pub(crate) fn forgotten(db: &Connection, entry: &Entry, f: &MemoryForgotten) -> Result<(), Error> {
    run(db, "DELETE FROM notes WHERE note = ?1", [f.note.as_str()])?;
    run(db, "UPDATE notes SET superseded_by = NULL WHERE superseded_by = ?1", [f.note.as_str()])?;
    for blob in std::iter::once(&f.blob).chain(&f.readings) {
        let sql = "INSERT OR IGNORE INTO forgotten (blob, seq) VALUES (?1, ?2)";
        run(db, sql, (blob.as_str(), entry.seq))?;
    }
    run(db, BRIEFS_OF_TOLD, (entry.seq, f.note.as_str()))?;
    run(db, "DELETE FROM blobs WHERE id IN (SELECT blob FROM forgotten WHERE seq = ?1)", [entry.seq])?;
    let sql = "SELECT DISTINCT a.attempt FROM recalls r JOIN attempts a ON a.request = r.request
        WHERE r.note = ?1 ORDER BY a.attempt";
    let attempts = all(db, sql, [f.note.as_str()], |_, row| Ok(row.get::<_, String>(0)?))?;
    attempts.iter().try_for_each(|attempt| hush(db, entry, attempt))
}

const BRIEFS_OF_TOLD: &str = "
    INSERT OR IGNORE INTO forgotten (seq, blob)
    SELECT ?1, json_extract(e.body, '$.brief.blob') FROM entries AS e
    WHERE e.kind = 'task.declared' AND e.seq < ?1
      AND e.request IN (SELECT request FROM recalls WHERE note = ?2)";

/// What stands in the place of what an attempt printed.
const HUSHED: &str = "what this attempt printed was deleted: it had been told a note that was forgotten";

fn hush(db: &Connection, entry: &Entry, attempt: &str) -> Result<(), Error> {
    run(db, "INSERT OR IGNORE INTO hushed (attempt, seq) VALUES (?1, ?2)", (attempt, entry.seq))?;
    let sql = "SELECT max(seq) FROM transcripts WHERE attempt = ?1";
    let last = one(db, sql, [attempt], |_, row| Ok(row.get::<_, Option<u64>>(0)?))?.flatten();
    let Some(last) = last else { return Ok(()) };
    run(db, "DELETE FROM transcripts WHERE attempt = ?1", [attempt])?;
    let sql = "INSERT INTO transcripts (attempt, seq, at, kind, text) VALUES (?1, ?2, ?3, 'daemon', ?4)";
    run(db, sql, (attempt, last + 1, entry.at.0, HUSHED))
}

impl Reader {
    /// Newest first.
    pub fn notes(&self, project: &ProjectId, limit: u32, superseded: bool) -> Result<Vec<NoteRow>, Error> {
        let sql =
            format!("{NOTE} WHERE project = ?1 AND (?3 OR superseded_by IS NULL) ORDER BY seq DESC LIMIT ?2");
        self.ask(|db| all(db, &sql, (project.as_str(), limit, superseded), note_row))
    }

    /// Those that entries after `after` pushed, oldest first, each with the number of its entry.
    pub fn notes_after(
        &self,
        project: &ProjectId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, NoteRow)>, Error> {
        let sql = format!("{NOTE} WHERE project = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
        let row = |db: &Connection, row: &Row<'_>| Ok((row.get(11)?, note_row(db, row)?));
        self.ask(|db| all(db, &sql, (project.as_str(), after, limit), row))
    }

    /// What was pushed together, oldest first; forgotten ones are missing.
    pub fn notes_of_batch(&self, project: &ProjectId, batch: &str) -> Result<Vec<NoteRow>, Error> {
        let sql = format!("{NOTE} WHERE batch = ?2 AND project = ?1 ORDER BY seq");
        self.ask(|db| all(db, &sql, (project.as_str(), batch), note_row))
    }

    /// None once it was forgotten.
    pub fn note(&self, note: &NoteId) -> Result<Option<NoteRow>, Error> {
        self.ask(|db| one(db, &format!("{NOTE} WHERE note = ?1"), [note.as_str()], note_row))
    }

    /// Which of these notes were not forgotten.
    pub fn notes_there(&self, notes: &[NoteId]) -> Result<HashSet<NoteId>, Error> {
        let sql = "SELECT 1 FROM notes WHERE note = ?1";
        self.ask(|db| {
            let mut there = HashSet::with_capacity(notes.len());
            for note in notes {
                if one(db, sql, [note.as_str()], |_, _| Ok(()))?.is_some() {
                    there.insert(note.clone());
                }
            }
            Ok(there)
        })
    }

    /// The note that says now what this source says.
    pub fn note_of_source(&self, project: &ProjectId, source: &str) -> Result<Option<NoteRow>, Error> {
        let sql = format!(
            "{NOTE} WHERE project = ?1 AND source = ?2 AND superseded_by IS NULL ORDER BY seq DESC LIMIT 1"
        );
        self.ask(|db| one(db, &sql, (project.as_str(), source), note_row))
    }

    /// Projects and other spaces that have notes, by name, each with how many.
    pub fn spaces(&self) -> Result<Vec<(ProjectId, u64)>, Error> {
        let sql = "SELECT project, count(*) FROM notes GROUP BY project ORDER BY project";
        self.ask(|db| all(db, sql, [], |_, row| Ok((id(row, 0)?, row.get(1)?))))
    }

    /// The notes that this one superseded, oldest first.
    pub fn superseded_by(&self, note: &NoteId) -> Result<Vec<NoteId>, Error> {
        let sql = "SELECT note FROM notes WHERE superseded_by = ?1 ORDER BY seq";
        self.ask(|db| all(db, sql, [note.as_str()], |_, row| id(row, 0)))
    }

    /// Who was told of the note, newest first.
    pub fn recalled_by(&self, note: &NoteId, limit: u32) -> Result<Vec<RecalledBy>, Error> {
        let sql =
            "SELECT request, attempt, at, score, why FROM recalls WHERE note = ?1 ORDER BY seq DESC LIMIT ?2";
        self.ask(|db| all(db, sql, (note.as_str(), limit), recalled_by))
    }

    /// Who read entities and relations out of the note, oldest first.
    pub fn readings(&self, note: &NoteId) -> Result<Vec<ReadingRow>, Error> {
        let sql = "SELECT by, at, usage, why FROM readings WHERE note = ?1 ORDER BY seq";
        self.ask(|db| {
            all(db, sql, [note.as_str()], |_, row| {
                Ok(ReadingRow {
                    by: row.get(0)?,
                    at: At(row.get(1)?),
                    usage: json(row, 2)?,
                    why: row.get(3)?,
                })
            })
        })
    }

    /// What was read out of the note, as it was stored; oldest first.
    pub fn reading_texts(&self, note: &NoteId) -> Result<Vec<String>, Error> {
        let sql = "SELECT blob FROM readings WHERE note = ?1 AND blob IS NOT NULL ORDER BY seq";
        let texts = |db: &Connection| all(db, sql, [note.as_str()], |db, row| blob_text(db, row, 0));
        Ok(self.ask(texts)?.into_iter().flatten().collect())
    }

    /// The changes of the graph by hand, as they were stored; oldest first.
    pub fn graph_edits(&self, project: &ProjectId) -> Result<Vec<String>, Error> {
        let sql = "SELECT json_extract(body, '$.edits.blob') FROM entries
            WHERE kind = 'memory.graph_edited' AND json_extract(body, '$.project') = ?1 ORDER BY seq";
        let texts = |db: &Connection| all(db, sql, [project.as_str()], |db, row| blob_text(db, row, 0));
        Ok(self.ask(texts)?.into_iter().flatten().collect())
    }

    /// What readings have cost since a moment.
    pub fn reading_usage(&self, since: At) -> Result<Vec<Usage>, Error> {
        let sql = "SELECT usage FROM readings WHERE at >= ?1 ORDER BY at, seq";
        self.ask(|db| all(db, sql, [since.0], |_, row| json(row, 0)))
    }

    /// Notes that nobody has read yet, the newest first. A failed reading counts as one if `again` is false.
    pub fn unread(&self, limit: u32, again: bool) -> Result<Vec<NoteId>, Error> {
        let sql = "SELECT note FROM notes AS n WHERE superseded_by IS NULL AND NOT EXISTS
                (SELECT 1 FROM readings AS r WHERE r.note = n.note AND (NOT ?2 OR r.blob IS NOT NULL))
            ORDER BY seq DESC LIMIT ?1";
        self.ask(|db| all(db, sql, (limit, again), |_, row| id(row, 0)))
    }

    /// What an attempt was told: in its brief, then what it asked for itself.
    pub fn knew(&self, attempt: &AttemptId) -> Result<Vec<KnewRow>, Error> {
        self.ask(|db| {
            let sql = "SELECT body FROM entries WHERE kind = 'task.declared'
                AND request = (SELECT request FROM attempts WHERE attempt = ?1)
                AND json_extract(body, '$.attempt') = ?1 ORDER BY seq DESC LIMIT 1";
            let brief = one(db, sql, [attempt.as_str()], |_, row| json::<TaskDeclared>(row, 0))?;
            let parts = brief.map(|brief| brief.parts).unwrap_or_default();
            let in_brief = |note: &NoteId| {
                parts.iter().any(|part| part.part == BriefPart::MEMORY && part.source == note.as_str())
            };
            let sql = "SELECT r.note, r.attempt IS NOT NULL, r.score, r.why, n.kind, n.title, n.text
                FROM recalls r LEFT JOIN notes n ON n.note = r.note
                WHERE r.request = (SELECT request FROM attempts WHERE attempt = ?1)
                  AND (r.attempt IS NULL OR r.attempt = ?1) ORDER BY r.seq, r.nth";
            let told = all(db, sql, [attempt.as_str()], knew)?;
            Ok(told.into_iter().filter(|row| row.via == KnewVia::Asked || in_brief(&row.note)).collect())
        })
    }

    /// What the newest requests were told, against all that was remembered then.
    pub fn meter(&self, project: &ProjectId, limit: u32) -> Result<Vec<MeterRow>, Error> {
        let sql = "SELECT r.request, e.at, json_extract(e.body, '$.memory.tokens'), json_extract(e.body, '$.memory.of_tokens')
            FROM requests r JOIN entries e ON e.request = r.request AND e.kind = 'request.oriented'
            WHERE r.project = ?1 AND json_extract(e.body, '$.memory') IS NOT NULL ORDER BY r.seq DESC LIMIT ?2";
        self.ask(|db| {
            all(db, sql, (project.as_str(), limit), |_, row| {
                let (tokens, of_tokens) = (row.get(2)?, row.get(3)?);
                Ok(MeterRow { request: id(row, 0)?, at: At(row.get(1)?), tokens, of_tokens })
            })
        })
    }
}

pub(crate) fn note_row(db: &Connection, row: &Row<'_>) -> Result<NoteRow, Error> {
    let (title, text) = words(db, row, 3, 4)?;
    Ok(NoteRow {
        note: id(row, 0)?,
        project: id(row, 1)?,
        note_kind: json(row, 2)?,
        title,
        tokens: (text.len() as u64).div_ceil(4),
        text,
        source: row.get(5)?,
        request: maybe_id(row, 6)?,
        agent: maybe_id(row, 7)?,
        at: At(row.get(8)?),
        confidence: row.get(9)?,
        superseded_by: maybe_id(row, 10)?,
        score: None,
        why: None,
    })
}

/// A note's title and text. One from before titles went into the blob has its title in the fact.
fn words(db: &Connection, row: &Row<'_>, title: usize, text: usize) -> Result<(String, String), Error> {
    let (title, text) = (row.get::<_, String>(title)?, blob_text(db, row, text)?.unwrap_or_default());
    if !title.is_empty() {
        return Ok((title, text));
    }
    let (title, text) = note::unpack(&text);
    Ok((title.to_owned(), text.to_owned()))
}

fn recalled_by(_: &Connection, row: &Row<'_>) -> Result<RecalledBy, Error> {
    Ok(RecalledBy {
        request: id(row, 0)?,
        attempt: maybe_id(row, 1)?,
        at: At(row.get(2)?),
        score: row.get(3)?,
        why: row.get(4)?,
    })
}

fn knew(db: &Connection, row: &Row<'_>) -> Result<KnewRow, Error> {
    let there = row.get::<_, Option<String>>(4)?.is_some();
    Ok(KnewRow {
        note: id(row, 0)?,
        title: if there { Some(words(db, row, 5, 6)?.0) } else { None },
        note_kind: if there { Some(json(row, 4)?) } else { None },
        via: if row.get(1)? { KnewVia::Asked } else { KnewVia::Brief },
        score: row.get(2)?,
        why: row.get(3)?,
    })
}
