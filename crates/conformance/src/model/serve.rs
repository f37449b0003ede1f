//! The HTTP face: routes, the log, the bill, and the hurdles between a request and its answer.

use super::bill::{Billed, Item, Wire, price};
use super::place::{self, Place};
use super::refusal::{self, Refusal};
use super::said::Said;
use super::scenario::Scenario;
use super::sse::{self, Course, Fate};
use super::tools::Tool;
use super::turn::Hurdle;
use super::{anthropic, chat, gemini, responses};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A real agent's request with its tools and a long conversation is far smaller.
const BODY_LIMIT: usize = 64 << 20;

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
    /// Texts of the user before the prompt.
    #[serde(default)]
    pub earlier: usize,
    pub model: String,
    pub tools: Vec<String>,
    /// The user's text that chose the conversation, whole: for us, the brief.
    pub prompt: String,
    /// The newest text, shortened: what a call that nobody expected was about.
    pub newest: String,
    /// The newest tool result since the prompt, shortened.
    #[serde(default)]
    pub result: Option<String>,
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
            _ => plain_error(StatusCode::NOT_FOUND),
        };
    }
    let Ok(bytes) = to_bytes(body, BODY_LIMIT).await else {
        return plain_error(StatusCode::BAD_REQUEST);
    };
    match path {
        "/v1/messages" => call(shared, n, Route::to(Wire::Messages), &bytes),
        "/v1/responses" => call(shared, n, Route::to(Wire::Responses), &bytes),
        "/v1/chat/completions" => call(shared, n, Route::to(Wire::Chat), &bytes),
        // A count is not billed.
        "/v1/messages/count_tokens" => Json(json!({"input_tokens": COUNTED})).into_response(),
        path if path.ends_with(":countTokens") => Json(json!({"totalTokens": COUNTED})).into_response(),
        path if path.starts_with("/api/") => Json(json!({})).into_response(),
        path => match Route::gemini(path) {
            Some(route) => call(shared, n, route, &bytes),
            None => plain_error(StatusCode::NOT_FOUND),
        },
    }
}

/// What a call that only counts is told.
const COUNTED: u64 = 1873;

/// Kimi Code takes no model without the size of its context.
fn models() -> Value {
    json!({"object": "list", "models": [], "data": [
        {"id": "scripted", "object": "model", "type": "model", "display_name": "Scripted", "created": 0,
         "context_length": 262_144}]})
}

fn plain_error(status: StatusCode) -> Response {
    refusal::respond(Wire::Messages, "", Refusal { status: status.as_u16(), resets_at: None })
}

/// Which wire a path belongs to, and what only the path says.
struct Route {
    wire: Wire,
    model: Option<String>,
    stream: bool,
}

impl Route {
    fn to(wire: Wire) -> Route {
        Route { wire, model: None, stream: false }
    }

    /// `/v1beta/models/MODEL:generateContent`, under whatever prefix.
    fn gemini(path: &str) -> Option<Route> {
        let (before, verb) = path.rsplit_once(':')?;
        let stream = match verb {
            "generateContent" => false,
            "streamGenerateContent" => true,
            _ => return None,
        };
        let model = before.rsplit('/').next().map(str::to_owned);
        Some(Route { wire: Wire::Gemini, model, stream })
    }
}

/// One request for an answer, read apart.
pub struct Asked {
    pub said: Vec<Said>,
    pub tools: Vec<Tool>,
    pub model: String,
    /// Where the program works; empty if it does not say so.
    pub cwd: String,
    pub body: Value,
}

fn read(route: &Route, body: Value) -> Asked {
    let (said, tools) = match route.wire {
        Wire::Messages => (anthropic::said(&body), anthropic::offered(&body)),
        Wire::Responses => (responses::said(&body), responses::offered(&body)),
        Wire::Chat => (chat::said(&body), chat::offered(&body)),
        Wire::Gemini => (gemini::said(&body), gemini::offered(&body)),
    };
    let model = route.model.clone().or_else(|| body["model"].as_str().map(str::to_owned)).unwrap_or_default();
    Asked { said, tools, model, cwd: place::working_directory(&body), body }
}

fn call(shared: &Arc<Shared>, n: u64, route: Route, bytes: &Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(bytes) else {
        return plain_error(StatusCode::BAD_REQUEST);
    };
    let wire = route.wire;
    let asked = read(&route, body);
    let place = place::find(&shared.scenario, &asked, wire);
    shared.amend(n, |entry| entry.call = Some(logged(wire, &asked, &place)));
    let course = match course(shared, &place) {
        Ok(course) => course,
        Err(refusal) => return refusal::respond(wire, &asked.model, refusal),
    };
    let conversation = place.conversation;
    let item = Item { request: n, wire, conversation, side: asked.tools.is_empty(), tokens: price(wire, n) };
    let frames = match wire {
        Wire::Messages => anthropic::frames(&asked, &place.turn, item, &course),
        Wire::Responses => responses::frames(&asked, &place.turn, item, &course),
        Wire::Chat => chat::frames(&asked, &place.turn, item, &course),
        Wire::Gemini => gemini::frames(&asked, &place.turn, item, &course, route.stream),
    };
    sse::respond(frames, Arc::clone(shared))
}

fn logged(wire: Wire, asked: &Asked, place: &Place) -> Call {
    Call {
        wire,
        conversation: place.conversation.clone(),
        results: place.results,
        earlier: place.earlier,
        model: asked.model.clone(),
        tools: asked.tools.iter().map(|tool| tool.name.clone()).collect(),
        prompt: place.prompt.clone(),
        newest: place::newest(&asked.said),
        result: place.result.clone(),
        billed: false,
    }
}

/// The hurdles that still stand; the first refusal is the answer.
fn course(shared: &Shared, place: &Place) -> Result<Course, Refusal> {
    let mut course = Course::default();
    for hurdle in &place.turn.hurdles {
        match hurdle {
            Hurdle::Delay { ms } => course.waits.push(Duration::from_millis(*ms)),
            Hurdle::Hang => course.fate = Fate::Hang,
            Hurdle::Drop { at, times } if shared.stands(&place.conversation, *at, *times) => {
                course.fate = Fate::Cut;
            }
            Hurdle::Http { at, status, times, resets_at }
                if shared.stands(&place.conversation, *at, *times) =>
            {
                return Err(Refusal { status: *status, resets_at: *resets_at });
            }
            Hurdle::Drop { .. } | Hurdle::Http { .. } => {}
        }
    }
    Ok(course)
}
