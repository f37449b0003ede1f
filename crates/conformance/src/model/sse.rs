//! Answers as frames: events, waits, the moment of billing, a cut or silent connection; and how they become an HTTP body.

use super::bill::Item;
use super::serve::Shared;
use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Json, Response};
use futures_util::stream;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub enum Frame {
    /// A server-sent event whose name is the `type` of its data.
    Event(Value),
    /// One without a name.
    Data(Value),
    /// The last event of OpenAI's chat streams.
    Done,
    /// A whole answer that is no stream.
    Json(Value),
    Wait(Duration),
    /// Written down just before the event that tells the client: a client that went away earlier was not billed.
    Bill(Item),
    /// The connection ends here without its end.
    Cut,
    /// Nothing more comes; the connection stays until the client goes.
    Hang,
}

/// Before a cut: a client that has not yet read what came before is told of the cut only.
const READ: Duration = Duration::from_millis(100);

/// What becomes of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    pub waits: Vec<Duration>,
    pub fate: Fate,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fate {
    #[default]
    Whole,
    Cut,
    Hang,
}

impl Course {
    /// The waits, and after them the end if it is not to come in full. True: nothing else may follow.
    pub fn begin(&self, frames: &mut Vec<Frame>) -> bool {
        frames.extend(self.waits.iter().map(|time| Frame::Wait(*time)));
        match self.fate {
            Fate::Whole => {}
            Fate::Cut => frames.extend([Frame::Wait(READ), Frame::Cut]),
            Fate::Hang => frames.push(Frame::Hang),
        }
        self.fate != Fate::Whole
    }
}

/// An answer in one piece, with the same hurdles as a stream.
pub fn in_one_piece(answer: Value, item: Item, course: &Course) -> Vec<Frame> {
    let mut frames = Vec::new();
    if !course.begin(&mut frames) {
        frames.push(Frame::Bill(item));
        frames.push(Frame::Json(answer));
    }
    frames
}

/// A text in parts of at most this many bytes, as a model would send it.
pub fn parts(text: &str) -> Vec<&str> {
    const PART: usize = 8 << 10;
    let mut rest = text;
    let mut parts = Vec::new();
    while rest.len() > PART {
        let (part, after) = rest.split_at(rest.floor_char_boundary(PART));
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// The frames as an HTTP answer.
pub fn respond(frames: Vec<Frame>, shared: Arc<Shared>) -> Response {
    if let [Frame::Bill(item), Frame::Json(answer)] = frames.as_slice() {
        shared.bill(item);
        return Json(answer).into_response();
    }
    let json = frames.iter().any(|frame| matches!(frame, Frame::Json(_)));
    let start = (VecDeque::from(frames), shared);
    let chunks = stream::unfold(start, |(mut frames, shared)| async move {
        loop {
            let bytes = match frames.pop_front()? {
                Frame::Event(data) => event(&data),
                Frame::Data(data) => Bytes::from(format!("data: {data}\n\n")),
                Frame::Done => Bytes::from_static(b"data: [DONE]\n\n"),
                Frame::Json(data) => Bytes::from(data.to_string()),
                Frame::Wait(time) => {
                    tokio::time::sleep(time).await;
                    continue;
                }
                Frame::Bill(item) => {
                    shared.bill(&item);
                    continue;
                }
                Frame::Hang => std::future::pending().await,
                Frame::Cut => {
                    frames.clear();
                    return Some((Err(std::io::Error::other("cut by the scenario")), (frames, shared)));
                }
            };
            return Some((Ok(bytes), (frames, shared)));
        }
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let kind = if json { "application/json" } else { "text/event-stream; charset=utf-8" };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn event(data: &Value) -> Bytes {
    let name = data.get("type").and_then(Value::as_str).unwrap_or("message");
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_long_text_is_cut_between_characters_and_nothing_is_lost() {
        let text = "é".repeat(10_001);
        let cut = parts(&text);
        assert!(cut.len() > 2 && cut.iter().all(|part| part.len() <= 8 << 10));
        assert_eq!(cut.concat(), text);
        assert_eq!(parts("short"), ["short"]);
    }
}
