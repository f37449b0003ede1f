//! The two wires. Kimi's is the device grant of RFC 8628; Codex has one of its own and then the usual exchange of a code.

use super::{Asked, CODEX_CODE, KIMI_CODE, Shared, State, Verdict, token};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Held};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};
use std::sync::Arc;

const BODY_LIMIT: usize = 64 << 10;

pub fn routes(shared: Arc<Shared>) -> Router {
    Router::new().fallback(route).with_state(shared)
}

async fn route(Held(shared): Held<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = read(body).await;
    let host = head.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1").to_owned();
    let path = head.uri.path().to_owned();
    let mut state = shared.state();
    let (status, answer) = answer(&mut state, &head.method, &path, &body, &host);
    state.log.push(Asked { method: head.method.to_string(), path, body, status: status.as_u16() });
    (status, Json(answer)).into_response()
}

async fn read(body: Body) -> String {
    // A body that is too long or breaks off fits no route.
    let bytes = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn answer(state: &mut State, method: &Method, path: &str, body: &str, host: &str) -> (StatusCode, Value) {
    if *method != Method::POST {
        // After its sign-in Kimi asks for lists that may be empty.
        return (StatusCode::OK, json!({"data": []}));
    }
    match path {
        "/api/oauth/device_authorization" => (StatusCode::OK, kimi_code(host)),
        "/api/oauth/token" if refreshes(body) => refreshed(state, body, kimi_tokens),
        "/api/oauth/token" => kimi_poll(state),
        "/oauth/token" if refreshes(body) => refreshed(state, body, codex_tokens),
        "/oauth/token" => (StatusCode::OK, issue(state, codex_tokens)),
        path if path.ends_with("/deviceauth/usercode") => (StatusCode::OK, codex_code()),
        path if path.ends_with("/deviceauth/token") => codex_poll(state),
        _ => (StatusCode::NOT_FOUND, json!({"error": "not_found"})),
    }
}

fn refreshes(body: &str) -> bool {
    body.contains("refresh_token") && !body.contains("authorization_code")
}

fn kimi_code(host: &str) -> Value {
    json!({
        "user_code": KIMI_CODE, "device_code": "device-made-up", "expires_in": 600, "interval": 1,
        "verification_uri": format!("http://{host}/device"),
        "verification_uri_complete": format!("http://{host}/device?user_code={KIMI_CODE}"),
    })
}

fn codex_code() -> Value {
    json!({"device_auth_id": "device-made-up", "user_code": CODEX_CODE, "interval": "1"})
}

/// The verdict once the waiting is over.
fn decide(state: &mut State) -> Option<Verdict> {
    state.polls += 1;
    (state.polls > state.plan.waits).then_some(state.plan.verdict)
}

fn kimi_poll(state: &mut State) -> (StatusCode, Value) {
    let no = |error: &str| (StatusCode::BAD_REQUEST, json!({"error": error}));
    match decide(state) {
        None => no("authorization_pending"),
        Some(Verdict::Refuse) => no("access_denied"),
        Some(Verdict::Expire) => no("expired_token"),
        Some(Verdict::Approve) => (StatusCode::OK, issue(state, kimi_tokens)),
    }
}

/// Codex takes 403 and 404 as "not yet" and any other refusal as the end.
fn codex_poll(state: &mut State) -> (StatusCode, Value) {
    match decide(state) {
        None => (StatusCode::FORBIDDEN, json!({"error": "authorization_pending"})),
        Some(Verdict::Refuse) => (StatusCode::BAD_REQUEST, json!({"error": "access_denied"})),
        Some(Verdict::Expire) => (StatusCode::GONE, json!({"error": "expired_token"})),
        Some(Verdict::Approve) => {
            let code = json!({"authorization_code": "code-made-up", "code_challenge": "challenge", "code_verifier": "verifier"});
            (StatusCode::OK, code)
        }
    }
}

type Tokens = fn(access: String, refresh: String, lifetime: u64) -> Value;

fn issue(state: &mut State, tokens: Tokens) -> Value {
    state.issued += 1;
    let lifetime = state.plan.lifetime;
    tokens(token::access(lifetime), refresh_token(state.issued), lifetime)
}

/// The newest one only: an older one was rotated away.
fn refreshed(state: &mut State, body: &str, tokens: Tokens) -> (StatusCode, Value) {
    if state.plan.refreshes && state.issued > 0 && body.contains(&refresh_token(state.issued)) {
        return (StatusCode::OK, issue(state, tokens));
    }
    let why = "the refresh token was revoked or used before";
    (StatusCode::UNAUTHORIZED, json!({"error": "invalid_grant", "error_description": why}))
}

fn refresh_token(nth: u32) -> String {
    format!("refresh-made-up-{nth}-")
}

fn kimi_tokens(access: String, refresh: String, lifetime: u64) -> Value {
    json!({"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": lifetime, "scope": "kimi-code"})
}

fn codex_tokens(access: String, refresh: String, _: u64) -> Value {
    json!({"id_token": access, "access_token": access, "refresh_token": refresh})
}
