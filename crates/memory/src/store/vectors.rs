//! Vectors of passages: 8-bit numbers with one scale per vector, beside the model that made them.

use super::note::kind_of;
use crate::error::Error;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

pub(super) fn put(
    tx: &Transaction<'_>,
    model: &str,
    dim: usize,
    vectors: &[(i64, Vec<f32>)],
) -> Result<usize, Error> {
    let wrong = |expected, got| Error::Dimension { model: model.to_owned(), expected, got };
    let known: Option<(i64, usize)> = tx
        .prepare_cached("SELECT id, dim FROM model WHERE name = ?1")?
        .query_row([model], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((_, expected)) = known
        && expected != dim
    {
        return Err(wrong(expected, dim));
    }
    if let Some((_, vector)) = vectors.iter().find(|(_, vector)| vector.len() != dim) {
        return Err(wrong(dim, vector.len()));
    }
    let id = match known {
        Some((id, _)) => id,
        None => {
            tx.execute("INSERT INTO model (name, dim) VALUES (?1, ?2)", params![model, dim])?;
            tx.last_insert_rowid()
        }
    };
    let mut insert = tx.prepare_cached(
        "INSERT OR REPLACE INTO vector (chunk, model, scale, data) SELECT id, ?2, ?3, ?4 FROM chunk WHERE id = ?1",
    )?;
    let mut kept = 0;
    for (chunk, vector) in vectors {
        let (scale, data) = quantised(vector);
        kept += insert.execute(params![chunk, id, scale, data])?;
    }
    Ok(kept)
}

/// The last passage that has a vector; zero when none has.
pub(super) fn newest(db: &Connection) -> Result<i64, Error> {
    Ok(db.prepare_cached("SELECT coalesce(max(chunk), 0) FROM vector")?.query_row([], |row| row.get(0))?)
}

/// The largest number becomes 127. What is no number counts as zero.
fn quantised(vector: &[f32]) -> (f64, Vec<u8>) {
    let largest = vector.iter().filter(|x| x.is_finite()).fold(0.0_f32, |largest, x| largest.max(x.abs()));
    if largest == 0.0 {
        return (0.0, vec![0; vector.len()]);
    }
    let scale = largest / 127.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "between -127 and 127, and `as` makes no number zero"
    )]
    let data = vector.iter().map(|x| ((x / scale).round() as i8).cast_unsigned()).collect();
    (f64::from(scale), data)
}

/// Passages after `after` without a vector of this model, and the text to make it of: the note's title, for what the
/// passage is about, and the passage.
pub(crate) fn unembedded(
    db: &Connection,
    model: &str,
    after: i64,
    limit: usize,
) -> Result<Vec<(i64, String)>, Error> {
    let mut query = db.prepare_cached(
        "SELECT c.id, c.start, c.stop, n.title, n.kind, b.text
         FROM chunk c JOIN note n ON n.seq = c.id >> 12 JOIN body b ON b.seq = n.seq
         LEFT JOIN vector v ON v.chunk = c.id AND v.model = (SELECT id FROM model WHERE name = ?1)
         WHERE c.id > ?2 AND v.chunk IS NULL ORDER BY c.id LIMIT ?3",
    )?;
    let mut rows = query.query(params![model, after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (start, stop): (usize, usize) = (row.get(1)?, row.get(2)?);
        kind_of(row.get(4)?)?;
        let title = row.get_ref(3)?.as_str().map_err(Error::damaged)?;
        let text = row.get_ref(5)?.as_str().map_err(Error::damaged)?;
        let passage = text.get(start..stop).unwrap_or_default();
        let whole = if title.is_empty() { passage.to_owned() } else { format!("{title}\n{passage}") };
        found.push((row.get(0)?, whole));
    }
    Ok(found)
}

/// How many passages have no vector of this model.
pub(crate) fn waiting(db: &Connection, model: &str) -> Result<u64, Error> {
    let sql = "SELECT (SELECT count(*) FROM chunk) -
        (SELECT count(*) FROM vector WHERE model = (SELECT id FROM model WHERE name = ?1))";
    Ok(db.prepare_cached(sql)?.query_row([model], |row| row.get(0))?)
}
