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
    fn within(self, field: &'static str) -> Self {
        if self.field.is_empty() { Self { field, ..self } } else { self }
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

/// What can be read from a JSON value. What is missing is read from null.
pub trait FromJson: Sized {
    fn from_json(json: &Value) -> Read<Self>;
}

pub fn parse(text: &str) -> Read<Value> {
    parse::parse(text).ok_or(Error::new("JSON"))
}

static NULL: Value = Value::Null;

fn value_of<'a>(json: &'a Value, name: &str) -> &'a Value {
    let Value::Object(fields) = json else { return &NULL };
    fields.iter().find(|(field, _)| field == name).map_or(&NULL, |(_, value)| value)
}

fn text(json: &Value) -> Option<&str> {
    if let Value::Text(text) = json { Some(text) } else { None }
}

fn whole(json: &Value) -> Option<i64> {
    if let Value::Whole(n) = json { Some(*n) } else { None }
}

/// One field of an object.
pub fn field<T: FromJson>(json: &Value, name: &'static str) -> Read<T> {
    T::from_json(value_of(json, name)).map_err(|e| e.within(name))
}

/// The word that says which variant it is.
pub fn tag<'a>(json: &'a Value, name: &'static str) -> Read<&'a str> {
    text(value_of(json, name)).ok_or(Error { expected: "a word", field: name })
}

/// The value that a word stands for.
pub fn word<T: Copy>(json: &Value, words: &[(&str, T)]) -> Read<T> {
    let said = text(json).unwrap_or_default();
    words.iter().find(|(word, _)| *word == said).map(|(_, value)| *value).ok_or(Error::new("a known word"))
}

impl FromJson for String {
    fn from_json(json: &Value) -> Read<Self> {
        text(json).map(str::to_owned).ok_or(Error::new("a text"))
    }
}

impl FromJson for bool {
    fn from_json(json: &Value) -> Read<Self> {
        if let Value::Bool(yes) = json { Ok(*yes) } else { Err(Error::new("true or false")) }
    }
}

impl FromJson for u64 {
    fn from_json(json: &Value) -> Read<Self> {
        whole(json).and_then(|n| u64::try_from(n).ok()).ok_or(Error::new("a whole number"))
    }
}

macro_rules! narrow {
    ($($int:ty),+) => {$(
        impl FromJson for $int {
            fn from_json(json: &Value) -> Read<Self> {
                Self::try_from(u64::from_json(json)?).map_err(|_| Error::new("a small number"))
            }
        }
    )+};
}
narrow!(u8, u16, u32);

impl FromJson for f64 {
    fn from_json(json: &Value) -> Read<Self> {
        match json {
            Value::Float(n) => Ok(*n),
            _ => whole(json).map(|n| n as f64).ok_or(Error::new("a number")),
        }
    }
}

impl FromJson for At {
    fn from_json(json: &Value) -> Read<Self> {
        whole(json).map(At).ok_or(Error::new("a moment"))
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: &Value) -> Read<Self> {
        if matches!(json, Value::Null) { Ok(None) } else { T::from_json(json).map(Some) }
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn from_json(json: &Value) -> Read<Self> {
        T::from_json(json).map(Box::new)
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    /// A list that is left out is empty.
    fn from_json(json: &Value) -> Read<Self> {
        let mut list = Vec::new();
        match json {
            Value::Null => {}
            Value::List(items) => {
                for item in items {
                    list.push(T::from_json(item)?);
                }
            }
            _ => return Err(Error::new("a list")),
        }
        Ok(list)
    }
}

impl FromJson for (String, String) {
    fn from_json(json: &Value) -> Read<Self> {
        match json {
            Value::List(pair) => match pair.as_slice() {
                [one, other] => Ok((String::from_json(one)?, String::from_json(other)?)),
                _ => Err(Error::new("a pair")),
            },
            _ => Err(Error::new("a pair")),
        }
    }
}

macro_rules! ids {
    ($($id:ident)+) => {$(
        impl FromJson for $id {
            fn from_json(json: &Value) -> Read<Self> {
                $id::new(String::from_json(json)?).map_err(|_| Error::new("an id"))
            }
        }
    )+};
}
ids!(JournalId ProjectId RequestId TaskId AttemptId ReleaseId DeploymentId NoteId StepId AgentId BlobId CommitId);

/// Rows: each field by its name. `flat` fields are read from the same object.
macro_rules! rows {
    ($($row:ident { $($field:ident),+ $(,)? $(; flat $flat:ident)? })+) => {$(
        impl $crate::backend::json::FromJson for $row {
            fn from_json(json: &$crate::backend::parse::Value) -> $crate::backend::json::Read<Self> {
                Ok($row {
                    $($field: $crate::backend::json::field(json, stringify!($field))?,)+
                    $($flat: $crate::backend::json::FromJson::from_json(json)?,)?
                })
            }
        }
    )+};
}

/// Enums that are one word each.
macro_rules! words {
    ($($kind:ident { $($word:literal $variant:ident),+ $(,)? })+) => {$(
        impl $crate::backend::json::FromJson for $kind {
            fn from_json(json: &$crate::backend::parse::Value) -> $crate::backend::json::Read<Self> {
                // A variant that has no word here does not compile.
                const _: fn($kind) = |kind| match kind { $($kind::$variant => (),)+ };
                $crate::backend::json::word(json, &[$(($word, $kind::$variant)),+])
            }
        }
        #[cfg(test)]
        impl $crate::backend::shapes::tests::Every for $kind {
            fn every() -> Vec<Self> { vec![$($kind::$variant),+] }
        }
    )+};
}

/// Enums whose fields lie beside the word that says which variant it is.
macro_rules! tagged {
    ($($kind:ident by $tag:literal { $($word:literal $variant:ident { $($field:ident),* }),+ $(,)? })+) => {$(
        impl $crate::backend::json::FromJson for $kind {
            fn from_json(json: &$crate::backend::parse::Value) -> $crate::backend::json::Read<Self> {
                const _: fn(&$kind) = |kind| match kind { $($kind::$variant { .. } => (),)+ };
                Ok(match $crate::backend::json::tag(json, $tag)? {
                    $($word => $kind::$variant { $($field: $crate::backend::json::field(json, stringify!($field))?),* },)+
                    _ => return Err($crate::backend::json::Error::new("a known word")),
                })
            }
        }
    )+};
}

pub(super) use {rows, tagged, words};
