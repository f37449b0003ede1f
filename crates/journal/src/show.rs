//! One request with all that happened to it, from its entries and the texts that are still there.

use crate::error::Error;
use crate::fold::Story;
use crate::{blob, reader, rows};
use protocol::RequestId;
use protocol::view::RequestView;
use rusqlite::Connection;

pub(crate) fn show(db: &Connection, request: &RequestId) -> Result<Option<RequestView>, Error> {
    let Some(row) = rows::request_of(db, request)? else { return Ok(None) };
    let mut story = Story::default();
    for entry in &reader::entries_of(db, request)? {
        story.tell(entry);
    }
    let mut steering = Vec::with_capacity(story.steering.len());
    for said in &story.steering {
        steering.push(blob::text(db, said.as_str())?.unwrap_or_else(|| "(forgotten)".into()));
    }
    Ok(Some(RequestView {
        row,
        now: story.board.now,
        stages: story.board.stages.into(),
        sources: story.sources,
        recalled: story.recalled,
        tasks: Vec::new(),
        attempts: story.attempts,
        deployment: rows::deployment_of(db, request)?,
        url: story.url,
        preview: None,
        steering,
    }))
}
