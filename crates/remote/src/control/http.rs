//! The requests. A connection that answered is kept for the next one: over SSH each new one costs a round trip.

use super::{ControlError, Inner};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use protocol::blobs::{self, Kept};
use protocol::{ApiError, BlobId, Request, Response};
use serde::de::DeserializeOwned;
use std::sync::{Mutex, PoisonError};

const REQUEST: &str = "/api/request";
const LINK: &str = "/api/link";
const HEAD: &str = "/api/head";
const BLOB: &str = "/api/blob/";
const BLOBS: &str = "/api/blobs";
/// The header in which a blob's salt stands, in hex.
const SALT: &str = "x-loopwright-salt";

/// Connections on which nothing is under way.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<SendRequest<Full<Bytes>>>>);

/// More at once are rare, and closed when they are done.
const KEPT: usize = 4;

impl Pool {
    fn take(&self) -> Option<SendRequest<Full<Bytes>>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| kept.pop()).find(|sender| sender.is_ready())
    }

    fn give(&self, sender: SendRequest<Full<Bytes>>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT && !sender.is_closed() {
            kept.push(sender);
        }
    }
}

pub(super) async fn request(inner: &Inner, request: &Request) -> Result<Response, ControlError> {
    let body = serde_json::to_vec(request).map_err(|error| garbled(&error))?;
    read(&post(inner, REQUEST, body).await?)
}

pub(super) async fn link(inner: &Inner) -> Result<String, ControlError> {
    let value: serde_json::Value = read(&post(inner, LINK, b"{}".to_vec()).await?)?;
    let url = value.get("url").and_then(|url| url.as_str()).map(str::to_owned);
    url.ok_or_else(|| ControlError::Garbled { why: "a link without an address".into() })
}

async fn post(inner: &Inner, path: &str, body: Vec<u8>) -> Result<Bytes, ControlError> {
    let (head, body) = whole(inner, "POST", path, body).await?;
    if head.status.is_success() { Ok(body) } else { Err(refused(&head, &body)) }
}

pub(super) async fn blob(inner: &Inner, id: &BlobId) -> Result<Option<([u8; 16], Vec<u8>)>, ControlError> {
    let (head, body) = whole(inner, "GET", &format!("{BLOB}{id}"), Vec::new()).await?;
    if head.status == hyper::StatusCode::NOT_FOUND {
        return Ok(None);
    }
    if !head.status.is_success() {
        return Err(refused(&head, &body));
    }
    match head.headers.get(SALT).and_then(|hex| salt(hex.as_bytes())) {
        Some(salt) => Ok(Some((salt, body.to_vec()))),
        None => Err(ControlError::Garbled { why: format!("a blob without {SALT}") }),
    }
}

pub(super) async fn blobs(inner: &Inner, ids: &[BlobId]) -> Result<Vec<Kept>, ControlError> {
    let asked = serde_json::to_vec(ids).map_err(|error| garbled(&error))?;
    let body = post(inner, BLOBS, asked).await?;
    blobs::take(&body).ok_or_else(|| ControlError::Garbled { why: "blobs that are not whole".into() })
}

pub(super) async fn heads(inner: &Inner) -> Result<Heads, ControlError> {
    let mut sender = dial(inner).await?;
    let response = sender.send_request(build("GET", HEAD, Vec::new())?).await.map_err(lost)?;
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        return Err(refused(&head, &Bytes::new()));
    }
    Ok(Heads { body, buffer: Vec::new(), _sender: sender })
}

/// One request and its whole answer.
async fn whole(
    inner: &Inner,
    method: &str,
    path: &str,
    body: Vec<u8>,
) -> Result<(hyper::http::response::Parts, Bytes), ControlError> {
    let mut sender = match inner.pool.take() {
        Some(sender) => sender,
        None => dial(inner).await?,
    };
    let response = match sender.try_send_request(build(method, path, body)?).await {
        Ok(response) => response,
        // A kept connection that the daemon had just closed: nothing was sent, so once more on a new one.
        Err(mut error) => match error.take_message() {
            Some(request) => {
                sender = dial(inner).await?;
                sender.send_request(request).await.map_err(lost)?
            }
            None => return Err(lost(error.into_error())),
        },
    };
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(lost)?.to_bytes();
    inner.pool.give(sender);
    Ok((head, body))
}

async fn dial(inner: &Inner) -> Result<SendRequest<Full<Bytes>>, ControlError> {
    let stream = inner.dial.open().await?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(lost)?;
    tokio::spawn(connection);
    Ok(sender)
}

fn build(method: &str, path: &str, body: Vec<u8>) -> Result<hyper::Request<Full<Bytes>>, ControlError> {
    let request = hyper::Request::builder().method(method).uri(path);
    let request = request.header("host", "loopwright").header("content-type", "application/json");
    request
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| ControlError::Garbled { why: error.to_string() })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, ControlError> {
    serde_json::from_slice(body).map_err(|error| garbled(&error))
}

fn garbled(error: &serde_json::Error) -> ControlError {
    ControlError::Garbled { why: error.to_string() }
}

fn lost(error: hyper::Error) -> ControlError {
    ControlError::Lost { why: error.to_string() }
}

fn refused(head: &hyper::http::response::Parts, body: &[u8]) -> ControlError {
    match serde_json::from_slice::<ApiError>(body) {
        Ok(error) => ControlError::Api(error),
        Err(_) => {
            let said: String = String::from_utf8_lossy(body).chars().take(200).collect();
            ControlError::Garbled { why: format!("{} {said}", head.status).trim().to_owned() }
        }
    }
}

/// 16 bytes out of 32 hex digits.
fn salt(hex: &[u8]) -> Option<[u8; 16]> {
    let mut salt = [0; 16];
    let digit = |at: usize| char::from(*hex.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (at, byte) in salt.iter_mut().enumerate() {
        *byte = digit(2 * at)? << 4 | digit(2 * at + 1)?;
    }
    (hex.len() == 32).then_some(salt)
}

/// The journal's head as it moves.
pub struct Heads {
    body: Incoming,
    buffer: Vec<u8>,
    _sender: SendRequest<Full<Bytes>>,
}

impl std::fmt::Debug for Heads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Heads")
    }
}

/// An event is a few dozen bytes; what grows beyond this is no stream of heads.
const EVENT_LIMIT: usize = 64 << 10;

impl Heads {
    /// The newest head, or none when the daemon or the connection went away.
    pub async fn next(&mut self) -> Option<u64> {
        loop {
            if let Some(head) = newest(&mut self.buffer) {
                return Some(head);
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.buffer.extend_from_slice(&data);
            }
            if self.buffer.len() > EVENT_LIMIT {
                return None;
            }
        }
    }
}

/// Takes whole events off the buffer and gives the last number among them.
fn newest(buffer: &mut Vec<u8>) -> Option<u64> {
    let end = buffer.windows(2).rposition(|pair| pair == b"\n\n")?;
    let text = String::from_utf8_lossy(buffer.get(..end)?).into_owned();
    buffer.drain(..end + 2);
    text.lines().rev().find_map(|line| line.strip_prefix("data: ")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_salt_is_32_hex_digits() {
        assert_eq!(salt(b"000102030405060708090a0b0c0d0eff").map(|salt| (salt[1], salt[15])), Some((1, 255)));
        for wrong in ["", "00", "zz0102030405060708090a0b0c0d0eff", "000102030405060708090a0b0c0d0eff0"] {
            assert_eq!(salt(wrong.as_bytes()), None);
        }
    }

    #[test]
    fn the_newest_of_several_heads_counts_and_half_an_event_waits() {
        let mut buffer = b": hello\n\ndata: 4\n\ndata: 7\n\ndata: 9".to_vec();
        assert_eq!(newest(&mut buffer), Some(7));
        assert_eq!(newest(&mut buffer), None);
        buffer.extend_from_slice(b"1\n\n");
        assert_eq!(newest(&mut buffer), Some(91));
        assert!(buffer.is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut buffer = bytes.clone();
            let _ = newest(&mut buffer);
            prop_assert!(buffer.len() <= bytes.len());
        }
    }
}
