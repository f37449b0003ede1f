//! Mirroring: entries of a source elsewhere, verified before one of them is written.

use crate::blob::{self, NewBlob};
use crate::error::Error;
use crate::writer::{self, Journal, Role};
use crate::{chain, schema};
use protocol::JournalId;
use protocol::fact::{Entry, Fact};
use rusqlite::Transaction;

impl Journal {
    /// Takes entries in order, with the blobs that came along, in one transaction; answers with the new head. Entries
    /// that are there already must be the same ones; what does not continue the chain is refused, and then nothing of
    /// the call is taken. A blob that was forgotten does not come back.
    pub fn mirror(
        &mut self,
        journal: &JournalId,
        entries: &[Entry],
        blobs: &[NewBlob],
    ) -> Result<u64, Error> {
        if self.role != Role::Mirror {
            return Err(Error::OtherRole { wanted: "mirror", found: "source".into() });
        }
        if let Some(mine) = &self.id
            && mine != journal
        {
            return Err(Error::OtherJournal { mine: mine.clone(), theirs: journal.clone() });
        }
        self.written(|tx, head| {
            for blob in blobs {
                blob::put(tx, blob)?;
            }
            for entry in entries {
                take(tx, journal, head, entry)?;
            }
            if head.0 > 0 {
                schema::set_meta(tx, "journal_id", journal.as_str())?;
            }
            Ok(())
        })?;
        if self.head.0 > 0 {
            self.id = Some(journal.clone());
        }
        Ok(self.head.0)
    }
}

fn take(
    tx: &Transaction<'_>,
    journal: &JournalId,
    head: &mut (u64, String),
    entry: &Entry,
) -> Result<(), Error> {
    let broken = |why: &str| Error::BrokenChain { seq: entry.seq, why: why.to_owned() };
    if entry.seq <= head.0 {
        let sql = "SELECT hash FROM entries WHERE seq = ?1";
        let mine: String = tx.prepare_cached(sql)?.query_row([entry.seq], |row| row.get(0))?;
        return if mine == entry.hash {
            Ok(())
        } else {
            Err(broken("another entry was mirrored under this number"))
        };
    }
    if entry.seq != head.0 + 1 {
        return Err(broken(&format!("entries are missing after {}", head.0)));
    }
    let root = if head.0 == 0 { chain::root(journal) } else { head.1.clone() };
    if entry.prev != root {
        return Err(broken("it does not follow the entry before it"));
    }
    match &entry.fact {
        Fact::JournalOpened(opened) if entry.seq != 1 || opened.journal != *journal => {
            return Err(broken("it opens another journal"));
        }
        fact if entry.seq == 1 && !matches!(fact, Fact::JournalOpened(_)) => {
            return Err(broken("the first entry does not open a journal"));
        }
        _ => {}
    }
    let (linked, stored) = chain::link((head.0, &root), entry.at, entry.fact.clone())?;
    if linked.hash != entry.hash {
        return Err(broken("its hash is not that of its content"));
    }
    writer::insert(tx, entry, &stored)?;
    *head = (linked.seq, linked.hash);
    Ok(())
}
