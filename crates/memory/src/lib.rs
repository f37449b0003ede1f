//! What was learned, findable again: notes, their passages, what they name and how that hangs together.
//!
//! A folder with one SQLite file per space (a project, or a space that a client named). Each file is a view of the
//! journal's memory facts: it can be thrown away at any time and is rebuilt from them to the last bit of its
//! [dump](Reader::dump). A forgotten note leaves no byte of its words here.
//!
//! - [`store`]: the files, and the facts that change them. One [`Memory`] writes.
//! - [`extract`]: passages of a text, and the things that it names. No model, no guess: the same text gives the same.
//! - [`graph`]: entities and relations. They are read out of what the notes name; no table holds them.
//! - [`recall`]: the notes nearest to a question, and why. Many [`Reader`]s ask at once.
//! - [`languages`]: words and stems of texts and questions.
//!
//! What people type is never query syntax: words are taken out of it, and each is quoted.

mod ask;
mod error;
mod extract;
mod graph;
mod languages;
mod reader;
mod recall;
mod store;

pub use ask::{Found, GraphQuery, Hit, Query, Sizes};
pub use error::Error;
pub use reader::Reader;
pub use store::Memory;
