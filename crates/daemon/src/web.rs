//! HTTP faces of the control API: the unix socket (trusted by the peer's uid) and the dashboard on loopback (trusted by
//! a token). Both end in `answer`.

use crate::answer::answer;
use crate::context::Daemon;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::{get, post};
use axum::{Json, Router};
use protocol::{ApiError, BlobId, Code, Request};
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Above the longest text that is taken, so that a longer one gets a reason and not a cut connection.
const BODY: usize = 4 * 1024 * 1024;
/// Blobs in one answer go on until they are longer than this.
const BLOBS: usize = 2 * 1024 * 1024;
/// The header in which a blob's salt stands, in hex.
const SALT: &str = "x-loopwright-salt";

type Shared = State<Arc<Daemon>>;

struct Refusal(ApiError);

impl IntoResponse for Refusal {
    fn into_response(self) -> HttpResponse {
        let status = match self.0.code {
            Code::BadInput => StatusCode::UNPROCESSABLE_ENTITY,
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::Conflict => StatusCode::CONFLICT,
            Code::SignedOut => StatusCode::UNAUTHORIZED,
            Code::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            Code::Busy => StatusCode::TOO_MANY_REQUESTS,
            Code::Version => StatusCode::UPGRADE_REQUIRED,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(self.0)).into_response()
    }
}

/// What both faces serve, and the unix socket alone: a fresh sign-in link, and the end of the daemon.
pub fn control(daemon: Arc<Daemon>) -> Router {
    api().route("/api/link", post(link)).route("/api/stop", post(stop)).with_state(daemon)
}

/// The dashboard: static files for everybody, the API for a token's holder.
pub fn dashboard(daemon: Arc<Daemon>, port: u16) -> Router {
    let signed_in = api().route_layer(middleware::from_fn_with_state(daemon.clone(), with_token));
    Router::new()
        .merge(signed_in)
        .route("/api/session", post(session))
        .route("/api/prove/{id}/{nonce}", get(prove))
        .fallback(get(crate::assets::asset))
        .layer(middleware::from_fn_with_state(port, same_origin))
        .layer(middleware::from_fn(harden))
        .with_state(daemon)
}

fn api() -> Router<Arc<Daemon>> {
    Router::new()
        .route("/api/request", post(request))
        .route("/api/head", get(head))
        .route("/api/blob/{id}", get(blob))
        .route("/api/blobs", post(blobs))
        .layer(DefaultBodyLimit::max(BODY))
}

async fn request(State(daemon): Shared, body: axum::body::Bytes) -> HttpResponse {
    let asked: Request = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(e) => {
            let error = ApiError::new(Code::BadInput, format!("not a request: {e}")).next("see docs/api.md");
            return Refusal(error).into_response();
        }
    };
    match answer(&daemon, asked).await {
        Ok(answered) => Json(answered).into_response(),
        Err(e) => Refusal(e).into_response(),
    }
}

/// Server-sent events that carry only the number of the newest entry; the reader pulls what it wants. The same number
/// again says that something which is read live has changed.
async fn head(State(daemon): Shared) -> HttpResponse {
    let heads = Heads {
        heads: daemon.writer.head.clone(),
        live: daemon.live.subscribe(),
        stop: daemon.stop.clone(),
        live_again: tokio::time::Instant::now(),
        first: true,
    };
    let events = futures_util::stream::unfold(heads, |mut heads| async move {
        let seq = heads.next().await?;
        Some((Ok::<_, std::convert::Infallible>(format!("data: {seq}\n\n")), heads))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(events)).into_response()
}

/// Live changes come in bursts: one event for all of this time.
const LIVE_PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

struct Heads {
    heads: watch::Receiver<u64>,
    live: watch::Receiver<()>,
    stop: CancellationToken,
    live_again: tokio::time::Instant,
    first: bool,
}

impl Heads {
    /// The number to send next: at once for the first one and for new entries. `None` at the daemon's end.
    async fn next(&mut self) -> Option<u64> {
        if !std::mem::replace(&mut self.first, false) {
            let live_again = self.live_again;
            let live = &mut self.live;
            let changed_live = async {
                let changed = live.changed().await;
                tokio::time::sleep_until(live_again).await;
                changed
            };
            tokio::select! {
                changed = self.heads.changed() => changed.ok()?,
                changed = changed_live => {
                    changed.ok()?;
                    self.live.mark_unchanged();
                    self.live_again = tokio::time::Instant::now() + LIVE_PAUSE;
                }
                () = self.stop.cancelled() => return None,
            }
        }
        Some(*self.heads.borrow_and_update())
    }
}

async fn blob(State(daemon): Shared, Path(id): Path<BlobId>) -> HttpResponse {
    match daemon.reads.ask(move |r| r.blob_with_salt(&id)).await {
        Ok(Some(blob)) => {
            let kind =
                if blob.data.starts_with(b"\x89PNG") { "image/png" } else { "text/plain; charset=utf-8" };
            let salt = protocol::hex(blob.salt);
            let salt = (header::HeaderName::from_static(SALT), salt);
            ([(header::CONTENT_TYPE, kind.to_owned()), salt], blob.data).into_response()
        }
        Ok(None) => Refusal(ApiError::new(Code::NotFound, "this is not kept any more")).into_response(),
        Err(e) => Refusal(e).into_response(),
    }
}

/// The first ones of what is asked for, as a copy of the journal needs them.
async fn blobs(State(daemon): Shared, body: axum::body::Bytes) -> HttpResponse {
    let ids: Vec<BlobId> = match serde_json::from_slice(&body) {
        Ok(ids) => ids,
        Err(e) => {
            return Refusal(ApiError::new(Code::BadInput, format!("not names of blobs: {e}")))
                .into_response();
        }
    };
    let read = move |reader: &journal::Reader| {
        let mut out = Vec::new();
        for id in &ids {
            let blob = reader.blob_with_salt(id)?;
            let put =
                protocol::blobs::put(&mut out, blob.as_ref().map(|blob| (&blob.salt, blob.data.as_slice())));
            if !put || out.len() > BLOBS {
                break;
            }
        }
        Ok(out)
    };
    match daemon.reads.ask(read).await {
        Ok(out) => ([(header::CONTENT_TYPE, "application/octet-stream")], out).into_response(),
        Err(e) => Refusal(e).into_response(),
    }
}

#[derive(serde::Deserialize)]
struct Key {
    key: String,
}

async fn session(State(daemon): Shared, Json(Key { key }): Json<Key>) -> HttpResponse {
    match daemon.sessions.trade(&key, crate::names::now()) {
        Some(token) => Json(serde_json::json!({ "token": token })).into_response(),
        None => Refusal(signed_out("this link was used already, or is too old")).into_response(),
    }
}

/// Needs no token: it is what the page asks before it sends one.
async fn prove(State(daemon): Shared, Path((id, nonce)): Path<(String, String)>) -> HttpResponse {
    match daemon.sessions.prove(&id, &nonce, crate::names::now()) {
        Some(proof) => Json(serde_json::json!({ "proof": proof })).into_response(),
        None => Refusal(signed_out("this session has ended")).into_response(),
    }
}

fn signed_out(why: &str) -> ApiError {
    ApiError::new(Code::SignedOut, why).next("run `loopwrightd link` for a new one")
}

async fn link(State(daemon): Shared) -> HttpResponse {
    match daemon.sessions.link() {
        Ok(key) => Json(serde_json::json!({ "url": crate::serve::address(&key) })).into_response(),
        Err(e) => {
            Refusal(ApiError::new(Code::Internal, format!("failed to make a link: {e}"))).into_response()
        }
    }
}

#[derive(serde::Deserialize)]
struct Stop {
    /// Sites stay up unless this is asked for too.
    #[serde(default)]
    sites: bool,
}

async fn stop(State(daemon): Shared, Json(Stop { sites }): Json<Stop>) -> HttpResponse {
    if sites {
        daemon.edge_settled.cancelled().await;
        crate::edge::end(&daemon).await;
    }
    daemon.stop.cancel();
    Json(serde_json::json!({ "stopping": true })).into_response()
}

async fn with_token(State(daemon): Shared, request: HttpRequest, next: Next) -> HttpResponse {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|v| v.to_str().ok());
    match token.and_then(|v| v.strip_prefix("Bearer ")) {
        Some(token) if daemon.sessions.knows(token, crate::names::now()) => next.run(request).await,
        Some(_) => Refusal(signed_out("this session has ended")).into_response(),
        None => Refusal(signed_out("you are not signed in")).into_response(),
    }
}

/// Refuses a page of another origin and a name that was pointed at loopback (DNS rebinding).
async fn same_origin(State(port): State<u16>, request: HttpRequest, next: Next) -> HttpResponse {
    if from_here(request.headers(), port) {
        return next.run(request).await;
    }
    let error = ApiError::new(Code::BadInput, "this address is only for the dashboard itself")
        .next(format!("open http://127.0.0.1:{port}/"));
    (StatusCode::FORBIDDEN, Json(error)).into_response()
}

/// Whether a request was sent to this loopback address by its own name, and by no page but one of its own.
pub fn from_here(headers: &HeaderMap, port: u16) -> bool {
    let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let ours = |name: &str| hosts.iter().any(|host| host == name);
    let origin = |origin: &str| origin.strip_prefix("http://").is_some_and(ours);
    text(headers, header::HOST).is_some_and(ours)
        && (!headers.contains_key(header::ORIGIN) || text(headers, header::ORIGIN).is_some_and(origin))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

/// The preview and the sites are other origins on loopback: they may be framed, nothing else of theirs may come in.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' blob: data:; connect-src 'self'; frame-src http://127.0.0.1:*; frame-ancestors 'none'; \
     base-uri 'none'; form-action 'none'; object-src 'none'";

async fn harden(request: HttpRequest, next: Next) -> HttpResponse {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
