//! One HTTP exchange handed on to a local server: what the edge and the preview proxy have in common.
//!
//! Every request gets a connection of its own to the app. An idle pooled connection may be closed by the app at the very
//! moment it is reused, which nobody can tell from a lost request; a fresh local connection costs some ten microseconds and
//! never fails for that reason. Bodies stream both ways; nothing is collected here.

mod bodies;
mod headers;

pub(crate) use bodies::{Body, BoxError, Patient, empty, full, guarded, streamed};
pub(crate) use headers::{drop_own_cookies, host_of, loopback_name, set_forwarded, strip_hop_by_hop};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use headers::upgrade_of;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER, UPGRADE};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Where a local server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Peer {
    /// `owner`: the user that must have bound the socket. Its folder belongs to the app, which could put a link to another
    /// socket of this machine there.
    Unix {
        path: PathBuf,
        owner: u32,
    },
    Tcp(SocketAddr),
}

pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

pub(crate) async fn connect(peer: &Peer) -> io::Result<Box<dyn Wire>> {
    match peer {
        Peer::Unix { path, owner } => {
            let stream = UnixStream::connect(path).await?;
            if stream.peer_cred()?.uid() != *owner {
                return Err(io::Error::other("the socket was bound by another user"));
            }
            Ok(Box::new(stream))
        }
        Peer::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
    }
}

/// Why a request that was handed on got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RelayError {
    #[error("exchange a request with the app")]
    Http(#[from] hyper::Error),
    #[error("get an answer within {} s", .0.as_secs())]
    Silent(Duration),
    #[error("understand an upgrade that nobody asked for")]
    Unasked,
}

/// Hands the request on over `wire`. `guard` lives until the last byte of the answer, or of the tunnel, has passed.
pub(crate) async fn exchange<G: Send + Unpin + 'static>(
    wire: Box<dyn Wire>,
    mut request: Request<Incoming>,
    guard: G,
    limits: &RelayLimits,
) -> Result<Response<Body>, RelayError> {
    let wanted = upgrade_of(request.headers());
    let client = wanted.as_ref().map(|_| hyper::upgrade::on(&mut request));
    strip_hop_by_hop(request.headers_mut());
    match &wanted {
        Some(protocol) => {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
            request.headers_mut().insert(UPGRADE, protocol.clone());
        }
        None => {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(wire)).await?;
    tokio::spawn(connection.with_upgrades());
    let request = request.map(|body| Patient::new(body, limits.body_idle));
    let answer = tokio::time::timeout(limits.answer, sender.send_request(request));
    let mut response = answer.await.map_err(|_| RelayError::Silent(limits.answer))??;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        strip_hop_by_hop(response.headers_mut());
        return Ok(response.map(|body| guarded(body, guard)));
    }
    let client = client.ok_or(RelayError::Unasked)?;
    let protocol = response.headers().get(UPGRADE).cloned().or(wanted).ok_or(RelayError::Unasked)?;
    let app = hyper::upgrade::on(&mut response);
    tokio::spawn(async move {
        if let (Ok(client), Ok(app)) = (client.await, app.await) {
            tunnel(TokioIo::new(client), TokioIo::new(app)).await;
        }
        drop(guard);
    });
    strip_hop_by_hop(response.headers_mut());
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    response.headers_mut().insert(UPGRADE, protocol);
    Ok(response.map(|_| empty()))
}

/// Time limits of one exchange.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RelayLimits {
    /// From the request's head to the answer's head.
    pub answer: Duration,
    /// Between two pieces of the request's body.
    pub body_idle: Duration,
}

/// Bytes both ways until either side has ended: a web socket has no use for half of itself.
async fn tunnel(a: impl AsyncRead + AsyncWrite, b: impl AsyncRead + AsyncWrite) {
    let (mut a_read, mut a_write) = tokio::io::split(a);
    let (mut b_read, mut b_write) = tokio::io::split(b);
    let ended = tokio::select! {
        there = tokio::io::copy(&mut a_read, &mut b_write) => there,
        back = tokio::io::copy(&mut b_read, &mut a_write) => back,
    };
    if let Err(cause) = ended {
        tracing::debug!(%cause, "a tunnel was cut");
    }
    let _ = tokio::join!(a_write.shutdown(), b_write.shutdown());
}

/// Server-sent events.
pub(crate) fn events(pieces: impl Stream<Item = &'static str> + Send + 'static) -> Response<Body> {
    let mut response = Response::new(streamed(pieces.map(|piece| Ok(Bytes::from_static(piece.as_bytes())))));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A small page in our own words, never cached.
pub(crate) fn page(status: StatusCode, title: &str, says: &str, head: &str) -> Response<Body> {
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>:root{{color-scheme:light dark}}body{{font:16px/1.5 system-ui,sans-serif;\
         max-width:34rem;margin:20vh auto 0;padding:0 1.5rem}}h1{{font-size:1.25rem}}p{{opacity:.75}}</style>{head}\
         <h1>{title}</h1><p>{says}</p></html>"
    );
    let mut response = Response::new(full(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::BAD_GATEWAY {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
