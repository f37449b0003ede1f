//! HTTP to the page's own origin: `POST /api/request`, `GET /api/head` (events, read by `fetch` because `EventSource`
//! sends no headers), `GET /api/blob/ID`, `POST /api/session`.

use super::events::Events;
use super::{Answer, Nudge, asks, proof, session, wire};
use protocol::id::BlobId;
use protocol::{ApiError, Code, Request};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Blob, Headers, ReadableStreamDefaultReader, RequestInit};

pub async fn call(request: &Request) -> Result<Answer, ApiError> {
    let answer = send("POST", "/api/request", Some(&asks::written(request))).await?;
    wire::answer(&text(&answer).await?).map_err(odd)
}

pub async fn session(key: &str) -> Result<String, ApiError> {
    let mut body = "{\"key\":".to_owned();
    asks::quoted(&mut body, key);
    body.push('}');
    let answer = bare("POST", "/api/session", Some(&body), None, None).await?;
    wire::token(&text(&answer).await?).map_err(odd)
}

/// What whoever answers makes of the nonce; sent without the token.
pub async fn proof(id: &str, nonce: &str) -> Result<String, ApiError> {
    let answer = bare("GET", &format!("/api/prove/{id}/{nonce}"), None, None, None).await?;
    wire::proof(&text(&answer).await?).map_err(odd)
}

pub async fn picture(blob: &BlobId) -> Result<String, ApiError> {
    let answer = send("GET", &format!("/api/blob/{blob}"), None).await?;
    let bytes = JsFuture::from(answer.blob().map_err(unreachable)?).await.map_err(unreachable)?;
    web_sys::Url::create_object_url_with_blob(bytes.unchecked_ref::<Blob>()).map_err(unreachable)
}

/// Ends when it is stopped or the session ended. A connection that held for a while is tried again at once, one that fails
/// at once is tried again after a growing pause.
pub async fn watch_head(on: impl Fn(Nudge), stop: Option<AbortSignal>) {
    const FIRST_PAUSE: i32 = 250;
    const LONGEST_PAUSE: i32 = 8_000;
    let mut pause = FIRST_PAUSE;
    loop {
        let ended = follow(&on, stop.as_ref(), || pause = FIRST_PAUSE).await;
        proof::doubt();
        if stop.as_ref().is_some_and(AbortSignal::aborted) {
            return;
        }
        if ended.is_err_and(|e| e.code == Code::SignedOut) {
            return on(Nudge::SignedOut);
        }
        on(Nudge::Lost);
        wait(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn follow(
    on: &impl Fn(Nudge),
    stop: Option<&AbortSignal>,
    mut heard: impl FnMut(),
) -> Result<(), ApiError> {
    let answer = send_until("GET", "/api/head", None, stop).await?;
    let Some(stream) = answer.body() else { return Ok(()) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut events = Events::default();
    loop {
        let piece = JsFuture::from(reader.read()).await.map_err(unreachable)?;
        let field = |name: &str| js_sys::Reflect::get(&piece, &JsValue::from_str(name)).map_err(unreachable);
        if field("done")?.is_truthy() {
            return Ok(());
        }
        let bytes: js_sys::Uint8Array = field("value")?.unchecked_into();
        for head in events.push(&bytes.to_vec()) {
            heard();
            on(Nudge::Head(head));
        }
    }
}

async fn send(method: &str, path: &str, body: Option<&str>) -> Result<web_sys::Response, ApiError> {
    send_until(method, path, body, None).await
}

async fn send_until(
    method: &str,
    path: &str,
    body: Option<&str>,
    stop: Option<&AbortSignal>,
) -> Result<web_sys::Response, ApiError> {
    proof::demand().await?;
    bare(method, path, body, stop, session::token()).await
}

/// Sends as it is told, with a token only if one is given.
async fn bare(
    method: &str,
    path: &str,
    body: Option<&str>,
    stop: Option<&AbortSignal>,
    token: Option<String>,
) -> Result<web_sys::Response, ApiError> {
    let init = RequestInit::new();
    init.set_method(method);
    init.set_signal(stop);
    let headers = Headers::new().map_err(unreachable)?;
    if let Some(token) = token {
        headers.set("authorization", &format!("Bearer {token}")).map_err(unreachable)?;
    }
    if let Some(body) = body {
        headers.set("content-type", "application/json").map_err(unreachable)?;
        init.set_body(&JsValue::from_str(body));
    }
    init.set_headers(&headers);
    let window = web_sys::window().ok_or_else(|| unreachable(JsValue::NULL))?;
    let answer = JsFuture::from(window.fetch_with_str_and_init(path, &init)).await.map_err(|lost| {
        proof::doubt();
        unreachable(lost)
    })?;
    let answer: web_sys::Response = answer.unchecked_into();
    if answer.ok() { Ok(answer) } else { Err(refusal(&answer).await) }
}

/// The daemon's own words, if it sent any.
async fn refusal(answer: &web_sys::Response) -> ApiError {
    let status = answer.status();
    let words = text(answer).await.ok().and_then(|body| wire::refusal(&body).ok());
    match (words, status) {
        (words, 401) => {
            let message = words.map_or_else(|| "you are signed out".to_owned(), |e| e.message);
            ApiError::new(Code::SignedOut, message).next("run `loopwrightd link` for a new sign-in link")
        }
        (Some(words), _) => words,
        (None, _) => ApiError::new(Code::Internal, format!("the daemon answered with status {status}"))
            .next("look at its log, then try again"),
    }
}

async fn text(answer: &web_sys::Response) -> Result<String, ApiError> {
    let text = JsFuture::from(answer.text().map_err(unreachable)?).await.map_err(unreachable)?;
    text.as_string().ok_or_else(|| unreachable(JsValue::NULL))
}

async fn wait(ms: i32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        if let Some(window) = web_sys::window() {
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, ms);
        }
    });
    let _ = JsFuture::from(promise).await;
}

fn unreachable(_: JsValue) -> ApiError {
    ApiError::new(Code::Internal, "the daemon does not answer")
        .next("start it with `loopwrightd serve`; this page goes on by itself once it is there")
}

fn odd(problem: impl std::fmt::Display) -> ApiError {
    ApiError::new(Code::Version, format!("the daemon's answer was not understood: {problem}"))
        .next("reload the page: the daemon may have been updated")
}
