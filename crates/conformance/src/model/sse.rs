//! Answers as frames: events, waits, the moment of billing, a cut connection; and how they become an HTTP body.

use super::bill::Item;
use super::serve::Shared;
use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::Response;
use futures_util::stream;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

pub enum Frame {
    /// A server-sent event whose name is the `type` of its data.
    Event(Value),
    Wait(Duration),
    /// Written down just before the event that tells the client: a client that went away earlier was not billed.
    Bill(Item),
    /// The connection ends here without its end.
    Cut,
}

/// The frames as a streaming answer.
pub fn respond(frames: Vec<Frame>, shared: Arc<Shared>) -> Response {
    let start = (VecDeque::from(frames), shared);
    let chunks = stream::unfold(start, |(mut frames, shared)| async move {
        loop {
            match frames.pop_front()? {
                Frame::Event(data) => return Some((Ok(event(&data)), (frames, shared))),
                Frame::Wait(time) => tokio::time::sleep(time).await,
                Frame::Bill(item) => shared.bill(&item),
                Frame::Cut => {
                    // What was said before must be on the wire when the connection breaks.
                    tokio::task::yield_now().await;
                    frames.clear();
                    return Some((Err(std::io::Error::other("cut by the scenario")), (frames, shared)));
                }
            }
        }
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, axum::http::HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, axum::http::HeaderValue::from_static("no-cache"));
    response
}

fn event(data: &Value) -> Bytes {
    let name = data.get("type").and_then(Value::as_str).unwrap_or("message");
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}
