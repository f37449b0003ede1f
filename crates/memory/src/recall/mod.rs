//! Recalling: the notes that are nearest to a question, and why.

use crate::ask::{Found, Hit, Query};
use crate::error::Error;
use crate::languages;
use embed::Embedder;
use protocol::NoteId;
use rusqlite::Connection;

/// What is kept of a space between questions.
#[derive(Debug, Default)]
pub(crate) struct Cache {}

impl Cache {
    pub(crate) fn rest(&mut self) {}
}

/// What a reader's connection needs before the first question.
pub(crate) fn prepare(_: &Connection) -> Result<(), Error> {
    Ok(())
}

pub(crate) fn recall(
    db: &Connection,
    _: &mut Cache,
    query: &Query,
    _: Option<&dyn Embedder>,
) -> Result<Found, Error> {
    let terms = languages::indexed(&query.text).terms;
    let asked: Vec<String> =
        terms.split(' ').filter(|t| !t.is_empty()).map(|term| format!("\"{term}\"")).collect();
    let mut found = Found::default();
    if asked.is_empty() {
        return Ok(found);
    }
    let mut question = db.prepare_cached(
        "SELECT n.id, b.text, n.tokens FROM note n JOIN body b USING (seq)
         WHERE seq IN (SELECT rowid >> 12 FROM words WHERE words MATCH ?1) ORDER BY seq DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let mut rows = question.query((format!("{{title text}} : ({})", asked.join(" OR ")), limit))?;
    while let Some(row) = rows.next()? {
        let note = NoteId::new(row.get::<_, String>(0)?).map_err(Error::damaged)?;
        found.hits.push(Hit {
            note,
            score: 1.0,
            why: terms.clone(),
            passages: vec![row.get(1)?],
            tokens: row.get(2)?,
        });
    }
    Ok(found)
}
