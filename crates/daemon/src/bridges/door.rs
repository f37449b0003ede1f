//! Who comes in: a program on this machine, no web page, with the token. Asked in this order, so that nothing of a
//! stranger's body is read.

use super::guests::Guest;
use super::token;
use crate::context::Daemon;
use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use protocol::{ApiError, Code};
use rmcp::model::ClientJsonRpcMessage;
use std::sync::Arc;
use std::time::Duration;

/// Far above the longest text that is taken.
const BODY: usize = 1024 * 1024;
/// A body must be there by then.
const BODY_TIME: Duration = Duration::from_secs(20);

/// Refuses web pages of other origins, and a name that was pointed at loopback (DNS rebinding).
pub async fn from_here(State(port): State<u16>, request: Request, next: Next) -> Response {
    if crate::web::from_here(request.headers(), port) {
        return next.run(request).await;
    }
    let error = ApiError::new(Code::BadInput, "this address is for programs on this machine only")
        .next(format!("use {}", super::server::address(port)));
    (StatusCode::FORBIDDEN, Json(error)).into_response()
}

/// The bridge's own tools: for the holder of the bridges' token.
pub async fn with_token(State(daemon): State<Arc<Daemon>>, request: Request, next: Next) -> Response {
    let ours = daemon.bridges.token();
    match (bearer(request.headers()), ours) {
        (Some(theirs), Some(ours)) if token::same(theirs, &ours) => whole(request, next).await,
        (theirs, _) => stranger(theirs, "see `loopwrightd bridges` for the token and how a client gives it"),
    }
}

/// The memory: for an agent at work, with the token of its attempt.
pub async fn with_attempt(State(daemon): State<Arc<Daemon>>, mut request: Request, next: Next) -> Response {
    let theirs = bearer(request.headers());
    match theirs.and_then(|token| daemon.bridges.guests.known(token)) {
        Some(guest) => {
            request.extensions_mut().insert::<Guest>(guest);
            whole(request, next).await
        }
        None => stranger(theirs, "it is given to an agent for as long as it works"),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn stranger(theirs: Option<&str>, next: &str) -> Response {
    let (says, challenge) = match theirs {
        None => ("a token is needed", r#"Bearer realm="loopwright""#),
        Some(_) => ("this token is not known here", r#"Bearer realm="loopwright", error="invalid_token""#),
    };
    let error = ApiError::new(Code::SignedOut, says).next(next);
    let mut response = (StatusCode::UNAUTHORIZED, Json(error)).into_response();
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// Hands the request on once all of its body is here.
async fn whole(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let refuse = |status, says: &str, step: &str| {
        (status, Json(ApiError::new(Code::BadInput, says).next(step))).into_response()
    };
    match tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, BODY)).await {
        Ok(Ok(bytes)) => match not_a_call(&parts.method, &bytes) {
            None => next.run(Request::from_parts(parts, Body::from(bytes))).await,
            Some(says) => (StatusCode::BAD_REQUEST, Json(says)).into_response(),
        },
        Ok(Err(e)) if is_too_long(&e) => {
            refuse(StatusCode::PAYLOAD_TOO_LARGE, "the request is longer than 1 MiB", "send a shorter one")
        }
        Ok(Err(_)) => {
            refuse(StatusCode::BAD_REQUEST, "the request's body cannot be read", "send it again, whole")
        }
        Err(_) => refuse(
            StatusCode::REQUEST_TIMEOUT,
            "the request's body was not here after 20 seconds",
            "send it in one go",
        ),
    }
}

/// What is no JSON-RPC message is told so by JSON-RPC's own errors.
fn not_a_call(method: &Method, bytes: &[u8]) -> Option<serde_json::Value> {
    if method != Method::POST {
        return None;
    }
    let error = |code: i32, says: String| {
        let error = serde_json::json!({ "code": code, "message": says });
        Some(serde_json::json!({ "jsonrpc": "2.0", "id": null, "error": error }))
    };
    if let Err(e) = serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        return error(-32700, format!("this is no JSON: {e}"));
    }
    let message = serde_json::from_slice::<ClientJsonRpcMessage>(bytes);
    message.err().and_then(|_| error(-32600, "this is not one JSON-RPC 2.0 message".into()))
}

fn is_too_long(e: &axum::Error) -> bool {
    std::error::Error::source(e).is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>())
}
