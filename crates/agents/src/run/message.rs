//! The shapes of what an agent sends, as far as a transcript needs them. They borrow from the line that they were read
//! from, and what is not needed is passed over: a run reads hundreds of megabytes.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A `session/update`.
#[derive(Deserialize)]
pub(super) struct Notice<'a> {
    #[serde(borrow)]
    pub method: Cow<'a, str>,
    pub id: Option<IgnoredAny>,
    #[serde(borrow)]
    pub params: Params<'a>,
}

#[derive(Deserialize)]
pub(super) struct Params<'a> {
    #[serde(borrow)]
    pub update: Update<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Update<'a> {
    #[serde(borrow)]
    pub session_update: Cow<'a, str>,
    #[serde(borrow, default)]
    pub content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub message_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub tool_call_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub title: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub raw_input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub entries: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub cost: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "_meta")]
    pub meta: Option<&'a RawValue>,
}

/// A piece of a message.
#[derive(Deserialize)]
pub(super) struct Content<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub text: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct PlanEntry {
    pub content: String,
    #[serde(default)]
    pub status: String,
}

/// Anything of the protocol.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(borrow, default)]
    pub method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub result: Option<&'a RawValue>,
}

/// The update in a line, when it is one of the usual shape.
pub(super) fn update(line: &str) -> Option<Update<'_>> {
    // Most agents put the method first; the others are read the long way.
    let head = &line.as_bytes()[..line.len().min(256)];
    memchr::memmem::find(head, b"session/update")?;
    let notice: Notice<'_> = serde_json::from_str(line).ok()?;
    (notice.method == "session/update" && notice.id.is_none()).then_some(notice.params.update)
}
