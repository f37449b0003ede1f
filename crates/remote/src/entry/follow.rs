//! A set-up's journal as it grows.

use super::EntryError;
use super::verb::{Verb, read};
use crate::connect::Session;
use protocol::setup::SetupEntry;
use std::collections::VecDeque;
use tokio::io::AsyncWriteExt;

/// Entry by entry, until the run is over or the connection goes. Then go on by the last number that came.
pub struct Follow {
    verb: Verb,
    waiting: VecDeque<SetupEntry>,
    ended: bool,
}

impl Follow {
    pub(super) async fn start(session: &Session, words: &str) -> Result<Self, EntryError> {
        let verb = Verb::start(session, words).await?;
        if let Some(writer) = verb.channel.writer() {
            // Nothing is said to it.
            let _ = Box::pin(writer).shutdown().await;
        }
        Ok(Self { verb, waiting: VecDeque::new(), ended: false })
    }

    /// None when the run is over.
    pub async fn next(&mut self) -> Option<Result<SetupEntry, EntryError>> {
        loop {
            if let Some(entry) = self.waiting.pop_front() {
                return Some(Ok(entry));
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.more().await {
                self.ended = true;
                return Some(Err(error));
            }
        }
    }

    async fn more(&mut self) -> Result<(), EntryError> {
        let more = self.verb.step().await?;
        while let Some(end) = self.verb.out.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.verb.out.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            // A failed end says why on its last line, which is no entry.
            if line.trim_start().starts_with("{\"seq\"") || line.contains("\"event\"") {
                self.waiting.push_back(read(line.trim())?);
            }
        }
        if !more {
            self.ended = true;
            // The run's own end stands in its journal; only a verb that could not even read it is an error.
            if self.waiting.is_empty() {
                self.verb.done().lines().map(drop)?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Follow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follow").field("waiting", &self.waiting.len()).field("ended", &self.ended).finish()
    }
}
