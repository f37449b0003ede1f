//! The reader of a run, by itself: what an agent wrote becomes lines for people. For whoever wants to know how fast it is
//! or what it makes of a recording.

use super::drive::MAX_MESSAGE;
use super::transcript::Transcript;
use super::wire::{Lines, TooLong};
use crate::profile;
use protocol::AgentId;
use tokio::io::AsyncBufRead;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Read {
    pub bytes: u64,
    pub messages: u64,
    /// Events that a run would have told.
    pub events: u64,
    pub unknown: u32,
}

/// Reads an agent's output to its end, or to a line that no run would take.
pub async fn read_events(agent: &AgentId, output: impl AsyncBufRead + Unpin) -> Option<Read> {
    let mut transcript = Transcript::new(profile::find(agent)?);
    let mut lines = Lines::new(output, MAX_MESSAGE, TooLong::Fail);
    let mut read = Read::default();
    while let Some(Ok(line)) = lines.next().await {
        read.bytes += line.len() as u64 + 1;
        read.messages += 1;
        transcript.heard(&line);
        while transcript.pop().is_some() {
            read.events += 1;
        }
    }
    transcript.flush();
    read.events += transcript.take_queue().len() as u64;
    read.unknown = transcript.unknown;
    Some(read)
}
