//! Reads of the journal that a daemon and a copy answer alike.

use journal::{Error, Reader};
use protocol::fact::Waiting;
use protocol::view::{NoteView, RequestRow, Status};
use protocol::{NoteId, ProjectId};

/// Rows of a list where the caller names no limit, and the most that are given at once.
const PAGE: u32 = 100;
pub const MOST: u32 = 1000;
/// Requests that the home screen lists.
pub const HOME: u32 = 30;
/// Requests that a note's page lists, and that the memory's meter shows.
const RECALLS: u32 = 100;
pub const METER: u32 = 30;

pub fn page(limit: Option<u32>) -> u32 {
    limit.unwrap_or(PAGE).clamp(1, MOST)
}

/// The project that is worked on.
pub fn active(reader: &Reader) -> Result<Option<ProjectId>, Error> {
    let rows = reader.projects()?;
    Ok(rows.iter().find(|row| row.active).or(rows.first()).map(|row| row.project.clone()))
}

/// Whether it is a project, or another space that has notes.
pub fn is_space(reader: &Reader, space: &ProjectId) -> Result<bool, Error> {
    Ok(reader.projects()?.iter().any(|row| row.project == *space)
        || reader.spaces()?.iter().any(|(known, _)| known == space))
}

/// The request that the home screen shows whole: the oldest of those that run or ask, else the newest.
pub fn shown(requests: &[RequestRow]) -> Option<&RequestRow> {
    let running = requests.iter().rev().find(|row| {
        let asks = matches!(&row.status, Status::Waiting { waiting: Waiting::You { .. } });
        asks || matches!(row.status, Status::Running { .. } | Status::Cancelling)
    });
    running.or(requests.first())
}

/// A note with where it comes from and who recalled it; what it names is in the memory.
pub fn note(reader: &Reader, note: &NoteId) -> Result<Option<NoteView>, Error> {
    let Some(row) = reader.note(note)? else { return Ok(None) };
    Ok(Some(NoteView {
        supersedes: reader.superseded_by(note)?,
        recalled_by: reader.recalled_by(note, RECALLS)?,
        readings: reader.readings(note)?,
        entities: Vec::new(),
        row,
    }))
}
