//! The memory as the daemon keeps it: the thread that writes it, the readers that never wait for that thread, and what the
//! loop and the faces push and ask.

pub mod asked;
pub mod elsewhere;
mod embedder;
pub mod enrich;
pub mod import;
mod keeper;
pub mod mirror;
pub mod models;
pub mod push;
mod service;
mod vectors;
pub mod verify;

pub use keeper::Keeper;

use crate::context::{Daemon, internal};
use memory::{Found, Memory, Query, Reader};
use protocol::note::RecallMode;
use protocol::{ApiError, ProjectId};
use std::sync::Arc;

pub struct Remember {
    pub keeper: Keeper,
    reader: Reader,
    /// Held while a second memory is made to compare: there is one folder for it.
    comparing: tokio::sync::Mutex<()>,
}

impl Remember {
    pub fn new(keeper: Keeper, reader: Reader) -> Self {
        Self { keeper, reader, comparing: tokio::sync::Mutex::default() }
    }

    /// Asks the memory on the blocking pool. It does not wait for what is being written.
    pub async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, memory::Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let reader = self.reader.clone();
        let failed = "read the memory";
        let answered = tokio::task::spawn_blocking(move || question(&reader)).await;
        answered.map_err(|e| internal(failed, e))?.map_err(|e| internal(failed, e))
    }

    /// Does something with the memory in its own thread, between two batches.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let done = self.keeper.work(work).await;
        done.ok_or_else(|| internal("change the memory", "the daemon is stopping"))
    }

    /// Returns once all that was in the journal before is in the memory.
    pub async fn settled(&self) {
        self.keeper.settled().await;
    }
}

/// What is nearest to a question.
pub async fn recall(daemon: &Daemon, space: &ProjectId, query: Query) -> Result<Found, ApiError> {
    let space = space.clone();
    let models = daemon.models.clone();
    let asked = daemon.memory.read(move |reader| {
        let embedder = if query.mode == RecallMode::Bypass { None } else { models.embedder() };
        match reader.recall(&space, &query, embedder.as_deref()) {
            // Words alone answer; the memory's state says why.
            Err(memory::Error::Embed(_)) => reader.recall(&space, &query, None),
            answered => answered,
        }
    });
    asked.await
}

/// What goes on in the background: nothing waits for it.
pub fn start(daemon: &Arc<Daemon>) {
    models::begin(daemon);
    tokio::spawn(keeper::heal(daemon.clone()));
    tokio::spawn(vectors::keep(daemon.clone()));
    tokio::spawn(elsewhere::keep(daemon.clone()));
    tokio::spawn(enrich::keep(daemon.clone()));
}
