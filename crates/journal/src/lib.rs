//! The append-only log of facts, and the views of it.
//!
//! One SQLite file holds the entries (hash-chained, never updated, never deleted), the blobs that their owners may want
//! forgotten, the agents' transcripts, and the view tables. A [`Journal`] is the single writer: the *source* on the
//! machine where things happen, or a *mirror* of a source elsewhere. A [`Reader`] answers questions from the same file.
//!
//! Invariants:
//! - an entry is durable before `append` returns, and its views change in the same transaction;
//! - the views are a function of the entries alone: [`Journal::rebuild_views`] gives the same bytes, and a mirror has
//!   the same views as its source, by the same code;
//! - no text that may be forgotten is in an entry or a view: it is in a blob, and read from there.
//!
//! No clock, no randomness, no environment: moments, ids and salts are passed in.

mod agents;
mod ballast;
mod blob;
mod chain;
mod documents;
mod error;
mod fold;
mod lanes;
mod mirror;
mod notes;
mod progress;
mod reader;
mod rows;
mod schema;
mod show;
mod stages;
mod tasks;
mod transcript;
mod verify;
mod views;
mod words;
mod writer;

pub use blob::NewBlob;
pub use documents::NoteOrder;
pub use error::Error;
pub use reader::Reader;
pub use verify::Verified;
pub use writer::{Batch, Journal, Opening};
