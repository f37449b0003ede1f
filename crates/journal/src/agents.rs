//! What the runs of an agent say of its account.

use crate::error::Error;
use crate::{Reader, chain};
use protocol::AgentId;
use protocol::At;
use protocol::fact::{AttemptEnd, Fact};
use rusqlite::Connection;

/// Runs that are looked back at. Each of them either says something or was ended by a person or by a fault of its own.
const LOOK_BACK: u32 = 50;

impl Reader {
    /// The newest run of this agent whose end says something of its account: it worked, it was refused, or there was no
    /// quota. With the moment of its end.
    pub fn last_verdict(&self, agent: &AgentId) -> Result<Option<(At, AttemptEnd)>, Error> {
        self.ask(|db| last_verdict(db, agent))
    }
}

fn last_verdict(db: &Connection, agent: &AgentId) -> Result<Option<(At, AttemptEnd)>, Error> {
    let sql = "SELECT request, attempt FROM attempts WHERE agent = ?1 AND started IS NOT NULL ORDER BY seq DESC LIMIT ?2";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query((agent.as_str(), LOOK_BACK))?;
    let mut newest: Option<(At, AttemptEnd)> = None;
    while let Some(row) = rows.next()? {
        let (request, attempt): (String, String) = (row.get(0)?, row.get(1)?);
        let found = end_of(db, &request, &attempt)?.filter(|(_, end)| says_something(end));
        // Runs go on side by side: the one that was chosen last need not have ended last.
        if let Some((at, end)) = found
            && newest.as_ref().is_none_or(|(known, _)| at > *known)
        {
            newest = Some((at, end));
        } else if newest.is_some() {
            break;
        }
    }
    Ok(newest)
}

fn end_of(db: &Connection, request: &str, attempt: &str) -> Result<Option<(At, AttemptEnd)>, Error> {
    let sql = "SELECT seq, at, version, body FROM entries WHERE request = ?1 AND kind = 'attempt.finished'";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([request])?;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(3)?.as_str().map_err(|why| Error::damaged("entries", why))?;
        let fact = chain::read(row.get(0)?, "attempt.finished", row.get(2)?, body)?;
        if let Fact::AttemptFinished(finished) = fact
            && finished.attempt.as_str() == attempt
        {
            return Ok(Some((At(row.get(1)?), finished.end)));
        }
    }
    Ok(None)
}

fn says_something(end: &AttemptEnd) -> bool {
    matches!(end, AttemptEnd::TurnEnded | AttemptEnd::SignedOut { .. } | AttemptEnd::QuotaGone { .. })
}
