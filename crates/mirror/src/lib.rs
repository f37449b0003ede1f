//! A copy of a daemon's journal and memory in a folder elsewhere, and what can be answered from it with no daemon.
//!
//! A folder holds `journal.db` (a mirror), `memory/` (a view of it) and `state.json` (whose it is, and as of when). It is
//! filled through a [`Source`], by cursor; the journal verifies every entry before one is written. A copy of another
//! journal is wiped and fetched anew; a source that is behind its copy, or whose chain does not continue it, is told as a
//! warning and changes nothing.
//!
//! The daemon's memory thread and its reads share [`feed`] and [`rows`] with it: the same code, the same views.

mod answer;
mod error;
mod feed;
mod folder;
mod news;
mod pull;
mod recall;
pub mod rows;

pub use answer::Unreached;
pub use error::Error;
pub use feed::{apply, catch_up, open_memory};
pub use folder::{Folder, State};
pub use news::{News, What};
pub use pull::{Pulled, Source};
pub use recall::{query, told};

#[cfg(test)]
mod tests;
