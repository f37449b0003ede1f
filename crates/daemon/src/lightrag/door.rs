//! Who comes in: a program on this machine, no web page, with the key. Asked in this order, so that nothing of a stranger's
//! body is read. Behind the door a request has a space and a whole body.

use super::refuse::Refusal;
use crate::context::Daemon;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use protocol::ProjectId;
use std::sync::Arc;
use std::time::Duration;

/// The longest body that is taken.
pub const BODY: usize = 8 * 1024 * 1024;
/// Of a longer one, so much is read and thrown away: a client that is still writing would not see the answer.
const DRAIN: usize = 64 * 1024 * 1024;
/// A body must be there by then.
const BODY_TIME: Duration = Duration::from_secs(30);

const KEY: &str = "x-api-key";
const WORKSPACE: &str = "lightrag-workspace";

/// Answered without the key too: that there is somebody, and by what means one comes in.
const OPEN: [&str; 3] = ["/health", "/auth-status", "/login"];

/// The memory that a request is about.
#[derive(Debug, Clone)]
pub struct Space(pub ProjectId);

/// Whether the caller showed the key.
#[derive(Debug, Clone, Copy)]
pub struct Known(pub bool);

pub async fn door(
    State((daemon, port)): State<(Arc<Daemon>, u16)>,
    request: Request,
    next: Next,
) -> Response {
    match enter(&daemon, port, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn enter(daemon: &Arc<Daemon>, port: u16, mut request: Request) -> Result<Request, Refusal> {
    if !crate::web::from_here(request.headers(), port) {
        let says = format!("this address is for programs on this machine only: use http://127.0.0.1:{port}");
        return Err(Refusal::says(StatusCode::FORBIDDEN, says));
    }
    let known = key(daemon, request.headers());
    let open = OPEN.contains(&request.uri().path());
    match known {
        Ok(()) => {
            let space = space(daemon, request.headers()).await?;
            request.extensions_mut().insert(Space(space));
        }
        Err(refusal) if !open => return Err(refusal),
        Err(_) => {}
    }
    request.extensions_mut().insert(Known(known.is_ok()));
    let (parts, body) = request.into_parts();
    let body = whole(&parts.headers, body).await?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// In either header; one that is right is enough, since some clients fill both.
fn key(daemon: &Daemon, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let api_key = text(KEY);
    if [api_key, bearer].into_iter().flatten().any(|theirs| daemon.lightrag.opens(theirs)) {
        return Ok(());
    }
    Err(match (api_key, bearer) {
        (Some(_), _) => Refusal::says(StatusCode::FORBIDDEN, "Invalid API Key"),
        (None, Some(_)) => Refusal::says(StatusCode::UNAUTHORIZED, "Invalid token"),
        (None, None) => Refusal::says(StatusCode::FORBIDDEN, "API Key required"),
    })
}

async fn space(daemon: &Daemon, headers: &HeaderMap) -> Result<ProjectId, Refusal> {
    let Some(named) = headers.get(WORKSPACE) else { return Ok(daemon.active_project().await?) };
    let named = named.to_str().map_err(|_| Refusal::bad("LIGHTRAG-WORKSPACE is no plain text"))?.trim();
    if named.is_empty() {
        return Ok(daemon.active_project().await?);
    }
    ProjectId::new(named).map_err(|e| Refusal::bad(format!("LIGHTRAG-WORKSPACE is {e}")))
}

async fn whole(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let waits = headers.contains_key(header::EXPECT);
    if waits && length.is_some_and(|length: usize| length > BODY) {
        return Err(too_long());
    }
    match tokio::time::timeout(BODY_TIME, collected(body)).await {
        Ok(body) => body,
        Err(_) => Err(Refusal::says(
            StatusCode::REQUEST_TIMEOUT,
            format!(
                "the request's body was not here after {} seconds: send it in one go",
                BODY_TIME.as_secs()
            ),
        )),
    }
}

async fn collected(mut body: Body) -> Result<Bytes, Refusal> {
    let mut bytes = Vec::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let broken = |_| Refusal::bad("the request's body cannot be read: send it again, whole");
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        seen += data.len();
        if seen <= BODY {
            bytes.extend_from_slice(&data);
        } else if seen > DRAIN {
            break;
        } else {
            bytes = Vec::new();
        }
    }
    if seen > BODY { Err(too_long()) } else { Ok(bytes.into()) }
}

fn too_long() -> Refusal {
    let says = format!(
        "the request's body is longer than {} MiB: send it in parts, or `loopwrightd memory import` the file",
        BODY >> 20
    );
    Refusal::says(StatusCode::PAYLOAD_TOO_LARGE, says)
}
