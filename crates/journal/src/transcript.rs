//! What agents printed. Plenty, prunable, and no fact: its transactions are not waited for on the disk, so that a crash
//! of the machine (not of the program) may lose the last of them.

use crate::error::Error;
use crate::writer::Journal;
use protocol::view::{LineKind, TranscriptLine};
use protocol::{At, AttemptId};
use rusqlite::{Connection, TransactionBehavior};

impl Journal {
    /// Adds lines in one transaction. A line that is there already stays as it is. Of an attempt that was told a note which
    /// was forgotten since, only the daemon's own lines are kept.
    pub fn append_transcript(&mut self, lines: &[(AttemptId, TranscriptLine)]) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        self.hurried(|db| {
            let mut insert = db.prepare_cached(
                "INSERT OR IGNORE INTO transcripts (attempt, seq, at, kind, text) SELECT ?1, ?2, ?3, ?4, ?5
                 WHERE ?4 = 'daemon' OR NOT EXISTS (SELECT 1 FROM hushed WHERE attempt = ?1)",
            )?;
            for (attempt, line) in lines {
                insert.execute((attempt.as_str(), line.seq, line.at.0, word(line.kind), &line.text))?;
            }
            Ok(())
        })
    }

    /// Number of the attempt's newest line; 0 without any.
    pub fn transcript_head(&self, attempt: &AttemptId) -> Result<u64, Error> {
        head(&self.db, attempt)
    }

    /// Forgets what an attempt printed.
    pub fn prune_transcript(&mut self, attempt: &AttemptId) -> Result<(), Error> {
        self.hurried(|db| {
            db.execute("DELETE FROM transcripts WHERE attempt = ?1", [attempt.as_str()])?;
            Ok(())
        })
    }

    /// Forgets what all attempts printed but the `keep` that printed last. Returns how many were forgotten.
    pub fn prune_transcripts(&mut self, keep: u32) -> Result<usize, Error> {
        let old = older(&self.db, keep)?;
        old.iter().try_for_each(|attempt| self.prune_transcript(attempt))?;
        Ok(old.len())
    }

    fn hurried(&mut self, write: impl FnOnce(&Connection) -> Result<(), Error>) -> Result<(), Error> {
        self.db.execute_batch("PRAGMA synchronous = NORMAL")?;
        let result = self.in_transaction(write);
        self.db.execute_batch("PRAGMA synchronous = FULL")?;
        self.noting_full(result)
    }

    fn in_transaction(&mut self, write: impl FnOnce(&Connection) -> Result<(), Error>) -> Result<(), Error> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write(&tx)?;
        Ok(tx.commit()?)
    }
}

pub(crate) fn head(db: &Connection, attempt: &AttemptId) -> Result<u64, Error> {
    let sql = "SELECT coalesce(max(seq), 0) FROM transcripts WHERE attempt = ?1";
    Ok(db.prepare_cached(sql)?.query_row([attempt.as_str()], |row| row.get(0))?)
}

/// Attempts with lines, without the `newest` ones. One look for each attempt, not for each line.
fn older(db: &Connection, newest: u32) -> Result<Vec<AttemptId>, Error> {
    let sql = "WITH RECURSIVE known (attempt) AS (
            SELECT min(attempt) FROM transcripts UNION ALL
            SELECT (SELECT min(attempt) FROM transcripts WHERE attempt > known.attempt)
            FROM known WHERE attempt IS NOT NULL)
        SELECT attempt FROM known WHERE attempt IS NOT NULL
        ORDER BY (SELECT at FROM transcripts AS t WHERE t.attempt = known.attempt ORDER BY seq DESC LIMIT 1) DESC,
            attempt DESC
        LIMIT -1 OFFSET ?1";
    let mut query = db.prepare_cached(sql)?;
    let rows = query.query_map([newest], |row| row.get::<_, String>(0))?;
    rows.map(|row| AttemptId::new(row?).map_err(|why| Error::damaged("transcripts", why))).collect()
}

/// Lines after `after`, oldest first.
pub(crate) fn lines(
    db: &Connection,
    attempt: &AttemptId,
    after: u64,
    limit: u32,
) -> Result<Vec<TranscriptLine>, Error> {
    let mut query = db.prepare_cached(
        "SELECT seq, at, kind, text FROM transcripts WHERE attempt = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    )?;
    let rows = query.query_map((attempt.as_str(), after, limit), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get(3)?))
    })?;
    rows.map(|row| {
        let (seq, at, kind, text) = row?;
        Ok(TranscriptLine { seq, at: At(at), kind: kind_of(&kind)?, text })
    })
    .collect()
}

fn word(kind: LineKind) -> &'static str {
    match kind {
        LineKind::Text => "text",
        LineKind::Thought => "thought",
        LineKind::Tool => "tool",
        LineKind::Plan => "plan",
        LineKind::Daemon => "daemon",
        LineKind::Raw => "raw",
        LineKind::Stderr => "stderr",
    }
}

fn kind_of(word: &str) -> Result<LineKind, Error> {
    Ok(match word {
        "text" => LineKind::Text,
        "thought" => LineKind::Thought,
        "tool" => LineKind::Tool,
        "plan" => LineKind::Plan,
        "daemon" => LineKind::Daemon,
        "raw" => LineKind::Raw,
        "stderr" => LineKind::Stderr,
        other => return Err(Error::damaged("transcripts", format!("a line of kind {other:?}"))),
    })
}
