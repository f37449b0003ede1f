//! The HTTP face: routes, the log, the bill, and the hurdles between a request and its answer.

use super::bill::{Billed, Item, Wire, price};
use super::scenario::Scenario;
use super::turn::{self, Act, Hurdle, Turn};
use super::{anthropic, responses, sse};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A real agent's request with its tools and a long conversation is far smaller.
const BODY_LIMIT: usize = 64 << 20;

/// One thing that was said to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Text(String),
    Result,
}

/// One request, as the log shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    pub n: u64,
    pub method: String,
    pub path: String,
    pub status: u16,
    #[serde(default)]
    pub call: Option<Call>,
}

/// A request for an answer of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub wire: Wire,
    pub conversation: String,
    /// Tool results since the prompt.
    pub results: usize,
    pub model: String,
    pub tools: Vec<String>,
    /// The user's text that chose the conversation, whole: for us, the brief.
    pub prompt: String,
    /// The newest text, shortened: what a call that nobody expected was about.
    pub newest: String,
    pub billed: bool,
}

/// What the server knows.
pub struct Shared {
    scenario: Scenario,
    state: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    log: Vec<Logged>,
    billed: Billed,
    /// How often a hurdle has been met, by conversation and step.
    met: HashMap<(String, usize), u32>,
}

impl Shared {
    pub(super) fn new(scenario: Scenario) -> Shared {
        Shared { scenario, state: Mutex::default() }
    }

    pub fn billed(&self) -> Billed {
        self.ledger().billed.clone()
    }

    pub fn log(&self) -> Vec<Logged> {
        self.ledger().log.clone()
    }

    pub(super) fn bill(&self, item: &Item) {
        let mut ledger = self.ledger();
        ledger.billed.add(item);
        if let Some(call) = ledger.log.iter_mut().find(|l| l.n == item.request).and_then(|l| l.call.as_mut())
        {
            call.billed = true;
        }
    }

    fn enter(&self, method: &Method, path: &str) -> u64 {
        let mut ledger = self.ledger();
        let n = ledger.log.len() as u64 + 1;
        ledger.log.push(Logged { n, method: method.to_string(), path: path.into(), status: 0, call: None });
        n
    }

    fn amend(&self, n: u64, change: impl FnOnce(&mut Logged)) {
        if let Some(entry) = self.ledger().log.iter_mut().find(|l| l.n == n) {
            change(entry);
        }
    }

    /// Whether a hurdle still stands; each time that it does counts.
    fn stands(&self, conversation: &str, at: usize, times: Option<u32>) -> bool {
        let mut ledger = self.ledger();
        let met = ledger.met.entry((conversation.to_owned(), at)).or_default();
        let stands = times.is_none_or(|times| *met < times);
        *met += 1;
        stands
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub fn routes(shared: Arc<Shared>) -> Router {
    Router::new().fallback(route).with_state(shared)
}

async fn route(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    match path.as_str() {
        "/__billed" => return Json(shared.billed()).into_response(),
        "/__log" => return Json(shared.log()).into_response(),
        _ => {}
    }
    let n = shared.enter(&head.method, head.uri.path());
    let response = answer(&shared, n, &head.method, &path, body).await;
    shared.amend(n, |entry| entry.status = response.status().as_u16());
    response
}

async fn answer(shared: &Arc<Shared>, n: u64, method: &Method, path: &str, body: Body) -> Response {
    if method != Method::POST {
        return match path {
            "/v1/models" | "/models" => Json(models()).into_response(),
            path if path.starts_with("/api/") => Json(json!({})).into_response(),
            _ => error(Wire::Messages, StatusCode::NOT_FOUND, None),
        };
    }
    let Ok(bytes) = to_bytes(body, BODY_LIMIT).await else {
        return error(Wire::Messages, StatusCode::BAD_REQUEST, None);
    };
    match path {
        "/v1/messages" => call(shared, n, Wire::Messages, &bytes),
        "/v1/responses" => call(shared, n, Wire::Responses, &bytes),
        // A count is not billed.
        "/v1/messages/count_tokens" => Json(json!({"input_tokens": 1873})).into_response(),
        path if path.starts_with("/api/") => Json(json!({})).into_response(),
        _ => error(Wire::Messages, StatusCode::NOT_FOUND, None),
    }
}

fn models() -> Value {
    json!({"object": "list", "models": [], "data": [
        {"id": "scripted", "object": "model", "type": "model", "display_name": "Scripted", "created": 0}]})
}

/// One request for an answer, read apart.
struct Asked {
    said: Vec<Said>,
    tools: Vec<String>,
    body: Value,
}

fn call(shared: &Arc<Shared>, n: u64, wire: Wire, bytes: &Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else {
        return error(wire, StatusCode::BAD_REQUEST, None);
    };
    let asked = match wire {
        Wire::Messages => Asked { said: anthropic::said(&body), tools: anthropic::tools(&body), body },
        Wire::Responses => Asked { said: responses::said(&body), tools: responses::tools(&body), body },
    };
    let (conversation, results, prompt, turn) = place(&shared.scenario, &asked, wire);
    shared.amend(n, |entry| {
        entry.call = Some(Call {
            wire,
            conversation: conversation.clone(),
            results,
            model: asked.body["model"].as_str().unwrap_or_default().into(),
            tools: asked.tools.clone(),
            prompt,
            newest: newest(&asked.said),
            billed: false,
        });
    });
    let mut waits = Vec::new();
    let mut cut = false;
    for hurdle in &turn.hurdles {
        match hurdle {
            Hurdle::Delay { ms } => waits.push(Duration::from_millis(*ms)),
            Hurdle::Drop { at, times } => cut |= shared.stands(&conversation, *at, *times),
            Hurdle::Http { at, status, times, resets_at } => {
                if shared.stands(&conversation, *at, *times) {
                    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                    return error(wire, status, *resets_at);
                }
            }
        }
    }
    let item = Item { request: n, wire, conversation, side: asked.tools.is_empty(), tokens: price(wire, n) };
    reply(shared, &asked, &turn, item, &waits, cut)
}

fn reply(
    shared: &Arc<Shared>,
    asked: &Asked,
    turn: &Turn,
    item: Item,
    waits: &[Duration],
    cut: bool,
) -> Response {
    let body = &asked.body;
    let frames = match item.wire {
        Wire::Responses => responses::frames(body, turn, item, waits, cut, &asked.tools),
        Wire::Messages => {
            let cwd = working_directory(body);
            if body["stream"].as_bool() != Some(true) {
                let whole = anthropic::whole(body, turn, item.tokens, item.request, &cwd);
                shared.bill(&item);
                return Json(whole).into_response();
            }
            anthropic::frames(body, turn, item, waits, cut, &cwd)
        }
    };
    sse::respond(frames, Arc::clone(shared))
}

/// Where in which conversation this request stands: its name, the results so far, the prompt, the answer.
fn place(scenario: &Scenario, asked: &Asked, wire: Wire) -> (String, usize, String, Turn) {
    let mut results = 0;
    for said in asked.said.iter().rev() {
        match said {
            Said::Result => results += 1,
            Said::Text(prompt) => {
                let Some(chosen) = scenario.choose(prompt) else { continue };
                let turn = if asked.tools.is_empty() {
                    title(turn::next(chosen.steps(), 0, wire))
                } else {
                    turn::next(chosen.steps(), results, wire)
                };
                return (chosen.name(), results, prompt.clone(), turn);
            }
        }
    }
    let say = Some("No conversation of the scenario matches.".into());
    ("unmatched".into(), results, String::new(), Turn { hurdles: vec![], say, act: Act::Finish })
}

/// The answer to a call without tools, for a title or a summary. It runs beside the work, so it may not use up a hurdle
/// that stands for a number of calls.
fn title(mut turn: Turn) -> Turn {
    turn.hurdles.retain(|hurdle| {
        matches!(hurdle, Hurdle::Http { times: None, .. } | Hurdle::Drop { times: None, .. })
    });
    Turn { say: Some("Scripted work".into()), act: Act::Finish, hurdles: turn.hurdles }
}

fn newest(said: &[Said]) -> String {
    let texts = said.iter().rev().filter_map(|said| match said {
        Said::Text(text) => Some(text.chars().take(200).collect()),
        Said::Result => None,
    });
    texts.into_iter().next().unwrap_or_default()
}

/// Claude Code tells the model where it works in its system prompt; its file tools want absolute paths.
fn working_directory(body: &Value) -> String {
    let text = body.to_string();
    let marks = ["Primary working directory: ", "orking directory: ", "<cwd>"];
    let found = marks.iter().find_map(|mark| text.split_once(mark));
    let rest = found.map(|(_, rest)| rest).unwrap_or_default();
    let end = rest.find(['"', '\\', '<', ' ']).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default().to_owned()
}

/// A refusal in the words of the wire. A 429 with a reset is a used-up quota, without one a passing limit.
fn error(wire: Wire, status: StatusCode, resets_at: Option<i64>) -> Response {
    let message = format!("scripted {}", status.as_u16());
    let body = match wire {
        Wire::Messages => {
            let kind = match status.as_u16() {
                400 => "invalid_request_error",
                401 => "authentication_error",
                403 => "permission_error",
                404 => "not_found_error",
                429 => "rate_limit_error",
                529 => "overloaded_error",
                _ => "api_error",
            };
            json!({"type": "error", "error": {"type": kind, "message": message}})
        }
        Wire::Responses => match resets_at {
            Some(at) => {
                json!({"error": {"type": "usage_limit_reached", "message": message, "plan_type": "plus", "resets_at": at}})
            }
            None => json!({"error": {"type": "scripted_error", "message": message, "code": status.as_u16()}}),
        },
    };
    let mut response = (status, Json(body)).into_response();
    if status == StatusCode::TOO_MANY_REQUESTS {
        let headers = response.headers_mut();
        match resets_at {
            None => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Some(at) => {
                headers.insert("anthropic-ratelimit-unified-status", HeaderValue::from_static("rejected"));
                headers.insert("anthropic-ratelimit-unified-reset", HeaderValue::from(at));
            }
        }
    }
    response
}
