//! Cases by the row: what is done to the server, who comes, and what they are told, word for word.

use super::{Desk, Met, Told, Who};
use crate::setup::ok;
use testkit::server::{Manifest, Server};

/// How far they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goes {
    Connect,
    Look,
    Begin,
}

/// `cause` and `next` may hold `*` for what differs by run. Without them it goes through.
pub struct Row {
    pub name: &'static str,
    /// As root on the server, before and after.
    pub made: String,
    pub undone: &'static str,
    pub who: Who,
    pub goes: Goes,
    pub told: Option<(&'static str, &'static str)>,
}

impl Row {
    pub fn new(name: &'static str, who: Who, goes: Goes) -> Self {
        Self { name, made: String::new(), undone: "", who, goes, told: None }
    }

    pub fn made(self, made: impl Into<String>, undone: &'static str) -> Self {
        Self { made: made.into(), undone, ..self }
    }

    pub fn told(self, cause: &'static str, next: &'static str) -> Self {
        Self { told: Some((cause, next)), ..self }
    }
}

pub async fn came(desk: &Desk, who: &Who, goes: Goes) -> Met<()> {
    match goes {
        Goes::Connect => desk.connect(who).await.map(drop),
        Goes::Look => desk.look(who).await.map(drop),
        Goes::Begin => desk.begin(who).await.map(drop),
    }
}

/// All of them, one after the other; fails with every one that is not as its row says.
pub async fn judge(desk: &Desk, server: &Server, rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for row in rows {
        if !row.made.is_empty() {
            ok(server, &row.made);
        }
        let met = came(desk, &row.who, row.goes).await;
        if !row.undone.is_empty() {
            ok(server, row.undone);
        }
        wrong.extend(differs(&row, &met));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

pub fn differs(row: &Row, met: &Met<()>) -> Option<String> {
    let same = match (row.told, met) {
        (None, Ok(())) => true,
        (Some((cause, next)), Err(told)) => like(cause, &told.cause) && like(next, &told.next),
        _ => false,
    };
    (!same).then(|| format!("{}: {met:#?}", row.name))
}

#[track_caller]
pub fn assert_told<T: std::fmt::Debug>(met: Met<T>, cause: &str, next: &str) {
    match met {
        Err(told) if like(cause, &told.cause) && like(next, &told.next) => {}
        other => panic!("{other:#?}, not {:#?}", Told { cause: cause.into(), next: next.into() }),
    }
}

/// Whether a text is the pattern's, whose `*` stand for anything.
pub fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        last = Some(part);
    }
    rest.is_empty() || last.is_some_and(|part| part.is_empty() || text.ends_with(part))
}

/// Paths that are not as they were.
pub fn changed(before: &Manifest, server: &Server) -> Vec<String> {
    before.changes(&server.manifest().unwrap())
}
