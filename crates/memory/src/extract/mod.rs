//! What a text is made of, and what it names, seen without a model: the same text always gives the same.
//!
//! Made for software work: files, symbols, packages, routes, variables of the environment, commits, addresses, errors,
//! terms of the glossary, named things. A note keeps its best few, since a graph of all words is none.

mod chunk;
mod code;
mod error;
mod name;
mod pick;
mod prose;
mod seen;
mod term;
mod word;

pub(crate) use chunk::{Chunk, chunks};
pub(crate) use pick::mentions;
pub(crate) use term::Terms;

use protocol::fact::NoteKind;

/// What a named thing is. The number is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Kind {
    Error = 0,
    File = 1,
    Route = 2,
    Symbol = 3,
    Package = 4,
    Env = 5,
    Commit = 6,
    Url = 7,
    Term = 8,
    Name = 9,
}

impl Kind {
    pub(crate) const ALL: [Kind; 10] = [
        Kind::Error,
        Kind::File,
        Kind::Route,
        Kind::Symbol,
        Kind::Package,
        Kind::Env,
        Kind::Commit,
        Kind::Url,
        Kind::Term,
        Kind::Name,
    ];

    pub(crate) fn of(number: u8) -> Kind {
        Kind::ALL.get(usize::from(number)).copied().unwrap_or(Kind::Name)
    }

    /// As it is shown.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Error => "error",
            Kind::File => "file",
            Kind::Route => "route",
            Kind::Symbol => "symbol",
            Kind::Package => "package",
            Kind::Env => "env",
            Kind::Commit => "commit",
            Kind::Url => "url",
            Kind::Term => "term",
            Kind::Name => "name",
        }
    }
}

/// Something that a note names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    /// As it is written where it first occurs.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Ordinals of the passages where it occurs, the first ones.
    pub(crate) chunks: Vec<u16>,
}

/// A note, as far as it says what it names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) kind: NoteKind,
    pub(crate) title: &'a str,
    pub(crate) text: &'a str,
    pub(crate) source: &'a str,
}

#[cfg(test)]
mod tests;
