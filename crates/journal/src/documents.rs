//! Notes page by page, as the memory's HTTP face lists them. Superseded ones are in no list.

use crate::error::Error;
use crate::notes::note_row;
use crate::reader::Reader;
use crate::rows::{all, one};
use protocol::ProjectId;
use protocol::view::NoteRow;
use rusqlite::{Connection, Row};

/// By what notes are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteOrder {
    /// When they were pushed.
    At,
    /// Their id.
    Note,
    Source,
}

impl NoteOrder {
    fn columns(self, descending: bool) -> &'static str {
        match (self, descending) {
            (NoteOrder::At, false) => "seq",
            (NoteOrder::At, true) => "seq DESC",
            (NoteOrder::Note, false) => "note",
            (NoteOrder::Note, true) => "note DESC",
            (NoteOrder::Source, false) => "source, seq",
            (NoteOrder::Source, true) => "source DESC, seq DESC",
        }
    }
}

impl Reader {
    pub fn note_count(&self, project: &ProjectId) -> Result<u64, Error> {
        let sql = "SELECT count(*) FROM notes WHERE project = ?1 AND superseded_by IS NULL";
        self.ask(|db| Ok(one(db, sql, [project.as_str()], |_, row| Ok(row.get(0)?))?.unwrap_or_default()))
    }

    /// Each with the name of what it was pushed with, if that has one.
    pub fn notes_page(
        &self,
        project: &ProjectId,
        order: NoteOrder,
        descending: bool,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<(NoteRow, Option<String>)>, Error> {
        let sql = format!(
            "SELECT note, project, kind, title, text, source, request, agent, at, confidence, superseded_by, batch
             FROM notes WHERE project = ?1 AND superseded_by IS NULL ORDER BY {} LIMIT ?2 OFFSET ?3",
            order.columns(descending)
        );
        let row = |db: &Connection, row: &Row<'_>| Ok((note_row(db, row)?, row.get(11)?));
        self.ask(|db| all(db, &sql, (project.as_str(), limit, offset), row))
    }
}
