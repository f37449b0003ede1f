//! Reading the protocol's rows out of a parsed JSON value. serde's derived readers do the same with about ten times the
//! code: each struct there has a visitor, a list of its fields and a way to read it from a list, and each tagged enum is
//! read through a buffer. Here a row is read by name, field after field, and a field that its type has and the reader
//! forgot does not compile.

use super::parse::{self, Value};
use protocol::At;
use protocol::id::*;
use std::fmt;

/// What was not as it should be: what was expected, and of which field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error {
    expected: &'static str,
    field: &'static str,
}

impl Error {
    pub fn new(expected: &'static str) -> Self {
        Self { expected, field: "" }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [self.field, " is not ", self.expected] {
            f.write_str(part)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

pub type Read<T> = Result<T, Error>;

/// The first thing that was wrong. What is read after it is filled with whatever its type has, and thrown away at the
/// end: a reader that could stop at every field would have to clean up after every one, which is half of its code.
#[derive(Debug, Default)]
pub struct Wrong {
    first: Option<Error>,
    at: &'static str,
}

impl Wrong {
    pub fn note(&mut self, expected: &'static str) {
        let field = self.at;
        self.first.get_or_insert(Error { expected, field });
    }
    pub fn end<T>(self, value: T) -> Read<T> {
        self.first.map_or(Ok(value), Err)
    }
}

/// What can be read from a JSON value. What is missing is read from null.
pub trait FromJson: Sized {
    fn from_json(json: &Value, wrong: &mut Wrong) -> Self;
}

/// A whole value.
pub fn whole<T: FromJson>(json: &Value) -> Read<T> {
    let mut wrong = Wrong::default();
    let value = T::from_json(json, &mut wrong);
    wrong.end(value)
}

pub fn parse(text: &str) -> Read<Value> {
    parse::parse(text).ok_or(Error::new("JSON"))
}

static NULL: Value = Value::Null;

fn value_of<'a>(json: &'a Value, name: &'static str, wrong: &mut Wrong) -> &'a Value {
    wrong.at = name;
    let Value::Object(fields) = json else { return &NULL };
    fields.iter().find(|(field, _)| field == name).map_or(&NULL, |(_, value)| value)
}

/// One field of an object.
pub fn field<T: FromJson>(json: &Value, name: &'static str, wrong: &mut Wrong) -> T {
    T::from_json(value_of(json, name, wrong), wrong)
}

/// The word that says which variant it is.
pub fn tag<'a>(json: &'a Value, name: &'static str, wrong: &mut Wrong) -> &'a str {
    let found = value_of(json, name, wrong);
    text(found, wrong)
}

fn text<'a>(json: &'a Value, wrong: &mut Wrong) -> &'a str {
    if let Value::Text(text) = json {
        return text;
    }
    wrong.note("a text");
    ""
}

/// The place of a word in a list.
pub fn word(json: &Value, words: &[&str], wrong: &mut Wrong) -> usize {
    let said = text(json, wrong);
    words.iter().position(|word| *word == said).unwrap_or_else(|| {
        wrong.note("a known word");
        0
    })
}

fn number(json: &Value, most: u64, wrong: &mut Wrong) -> u64 {
    let Value::Whole(n) = json else {
        wrong.note("a whole number");
        return 0;
    };
    match u64::try_from(*n) {
        Ok(n) if n <= most => return n,
        Ok(_) => wrong.note("a small number"),
        Err(_) => wrong.note("a whole number"),
    }
    0
}

impl FromJson for String {
    fn from_json(json: &Value, wrong: &mut Wrong) -> Self {
        text(json, wrong).to_owned()
    }
}

impl FromJson for bool {
    fn from_json(json: &Value, wrong: &mut Wrong) -> Self {
        if let Value::Bool(yes) = json {
            return *yes;
        }
        wrong.note("true or false");
        false
    }
}

macro_rules! numbers {
    ($($int:ty),+) => {$(
        impl FromJson for $int {
            fn from_json(json: &Value, wrong: &mut Wrong) -> Self {
                number(json, u64::from(<$int>::MAX), wrong) as Self
            }
        }
    )+};
}
numbers!(u8, u16, u32, u64);

impl FromJson for f64 {
    fn from_json(json: &Value, wrong: &mut Wrong) -> Self {
        match json {
            Value::Float(n) => *n,
            Value::Whole(n) => *n as f64,
            _ => {
                wrong.note("a number");
                0.0
            }
        }
    }
}

impl FromJson for At {
    fn from_json(json: &Value, wrong: &mut Wrong) -> Self {
        if let Value::Whole(n) = json {
            return At(*n);
        }
        wrong.note("a moment");
        At(0)
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: &Value, wrong: &mut Wrong) -> Self {
        if matches!(json, Value::Null) { None } else { Some(T::from_json(json, wrong)) }
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn from_json(json: &Value, wrong: &mut Wrong) -> Self {
        Box::new(T::from_json(json, wrong))
    }
}

/// A list that is left out is empty.
fn items<'a>(json: &'a Value, wrong: &mut Wrong) -> &'a [Value] {
    match json {
        Value::List(items) => return items,
        Value::Null => {}
        _ => wrong.note("a list"),
    }
    &[]
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: &Value, wrong: &mut Wrong) -> Self {
        let items = items(json, wrong);
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            list.push(T::from_json(item, wrong));
        }
        list
    }
}

impl FromJson for (String, String) {
    fn from_json(json: &Value, wrong: &mut Wrong) -> Self {
        match items(json, wrong) {
            [one, other] => (String::from_json(one, wrong), String::from_json(other, wrong)),
            _ => {
                wrong.note("a pair");
                (String::new(), String::new())
            }
        }
    }
}

macro_rules! ids {
    ($($id:ident)+) => {$(
        impl FromJson for $id {
            fn from_json(json: &Value, wrong: &mut Wrong) -> Self {
                let Ok(id) = $id::new(text(json, wrong)).or_else(|_| {
                    wrong.note("an id");
                    $id::new("none")
                }) else {
                    unreachable!("`none` is an id")
                };
                id
            }
        }
    )+};
}
ids!(JournalId ProjectId RequestId TaskId AttemptId ReleaseId DeploymentId NoteId StepId AgentId BlobId CommitId);

/// Rows: each field by its name. `flat` fields are read from the same object.
macro_rules! rows {
    ($($row:ident { $($field:ident),+ $(,)? $(; flat $flat:ident)? })+) => {$(
        impl $crate::backend::json::FromJson for $row {
            fn from_json(json: &$crate::backend::parse::Value, wrong: &mut $crate::backend::json::Wrong) -> Self {
                $row {
                    $($field: $crate::backend::json::field(json, stringify!($field), wrong),)+
                    $($flat: $crate::backend::json::FromJson::from_json(json, wrong),)?
                }
            }
        }
    )+};
}

/// Enums that are one word each.
macro_rules! words {
    ($($kind:ident { $first:literal $start:ident $(, $word:literal $variant:ident)* $(,)? })+) => {$(
        impl $crate::backend::json::FromJson for $kind {
            fn from_json(json: &$crate::backend::parse::Value, wrong: &mut $crate::backend::json::Wrong) -> Self {
                // A variant that has no word here does not compile.
                const _: fn($kind) = |kind| match kind { $kind::$start => (), $($kind::$variant => (),)* };
                let at = $crate::backend::json::word(json, &[$first $(, $word)*], wrong);
                [$kind::$start $(, $kind::$variant)*].get(at).copied().unwrap_or($kind::$start)
            }
        }
        #[cfg(test)]
        impl $crate::backend::shapes::tests::Every for $kind {
            fn every() -> Vec<Self> { vec![$kind::$start $(, $kind::$variant)*] }
        }
    )+};
}

/// Enums whose fields lie beside the word that says which variant it is.
macro_rules! tagged {
    ($($kind:ident by $tag:literal {
        $first:literal $start:ident { $($held:ident),* } $(, $word:literal $variant:ident { $($field:ident),* })* $(,)?
    })+) => {$(
        impl $crate::backend::json::FromJson for $kind {
            fn from_json(json: &$crate::backend::parse::Value, wrong: &mut $crate::backend::json::Wrong) -> Self {
                const _: fn(&$kind) = |kind| match kind { $kind::$start { .. } => (), $($kind::$variant { .. } => (),)* };
                let said = $crate::backend::json::tag(json, $tag, wrong);
                $(if said == $word {
                    return $kind::$variant { $($field: $crate::backend::json::field(json, stringify!($field), wrong)),* };
                })*
                if said != $first {
                    wrong.note("a known word");
                }
                $kind::$start { $($held: $crate::backend::json::field(json, stringify!($held), wrong)),* }
            }
        }
    )+};
}

pub(super) use {rows, tagged, words};
