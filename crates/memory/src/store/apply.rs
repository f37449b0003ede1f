//! What each kind of fact does to a space's file.

use super::{hand, note, read};
use crate::error::Error;
use crate::extract::Terms;
use protocol::fact::{Entry, Fact};
use rusqlite::Transaction;

/// What an entry did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Did {
    /// Nothing, or a note more.
    Added,
    /// Something that was there before is another now.
    Changed,
    Forgot,
}

pub(super) fn apply(
    tx: &Transaction<'_>,
    terms: &mut Terms,
    entry: &Entry,
    text: Option<&str>,
) -> Result<Did, Error> {
    let done = match (&entry.fact, text) {
        (Fact::MemoryPushed(f), Some(text)) => note::push(tx, terms, entry, f, text)?,
        (Fact::MemorySuperseded(f), _) => note::supersede(tx, f)?,
        (Fact::MemoryEnriched(f), Some(text)) => read::enrich(tx, entry.seq, f, text)?,
        (Fact::MemoryGraphEdited(_), Some(text)) => hand::edit(tx, text)?,
        (Fact::MemoryForgotten(f), _) => note::forget(tx, terms, &f.note)?,
        // A blob that was forgotten since the fact leaves nothing to keep. Other facts are not the memory's.
        _ => Did::Added,
    };
    Ok(done)
}
