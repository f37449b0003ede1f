//! What was learned, findable again: the notes that the journal's memory facts name, in a full-text index.
//!
//! The index is a view in a file of its own. It is made from the journal's entries and can be thrown away at any time;
//! a file that is damaged or of another layout is thrown away at open. A forgotten note leaves no byte of its text here.
//!
//! What people type is never query syntax: [`terms`] takes words out of it, and each is quoted.

mod error;
mod index;
mod recall;
mod terms;

pub use error::Error;
pub use index::Memory;
