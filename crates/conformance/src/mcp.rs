//! An MCP server with one tool, `recall`, over streamable HTTP with plain JSON answers. Who calls it must carry the bearer
//! token; what it answers is told beforehand, so that it can be found again in what the model was told.

use crate::loopback::Loopback;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

const BODY_LIMIT: usize = 1 << 20;

/// A running server; it ends when this is dropped.
pub struct McpServer {
    shared: Arc<Shared>,
    server: Loopback,
}

struct Shared {
    token: String,
    answer: String,
    log: Mutex<Vec<Seen>>,
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub method: String,
    /// Whether the token came with it.
    pub trusted: bool,
    pub params: Value,
}

impl McpServer {
    pub fn start(token: &str, answer: &str) -> std::io::Result<McpServer> {
        let shared = Arc::new(Shared { token: token.into(), answer: answer.into(), log: Mutex::default() });
        let routes = Router::new().fallback(route).with_state(Arc::clone(&shared));
        Ok(McpServer { shared, server: Loopback::start("scripted-mcp", 0, routes)? })
    }

    pub fn url(&self) -> String {
        format!("{}/mcp", self.server.url())
    }

    /// All that came, in its order.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn route(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let bearer = head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let trusted = bearer == Some(&format!("Bearer {}", shared.token));
    if head.method != Method::POST {
        // No stream of its own, and no session to end.
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let message = read(body).await;
    let method = message["method"].as_str().unwrap_or_default().to_owned();
    let seen = Seen { method: method.clone(), trusted, params: message["params"].clone() };
    shared.log.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    if !trusted {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some(id) = message.get("id").filter(|id| !id.is_null()) else {
        return StatusCode::ACCEPTED.into_response();
    };
    let answer = match answer(&shared, &method, &message["params"]) {
        Some(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        None => {
            json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": format!("no {method}")}})
        }
    };
    Json(answer).into_response()
}

async fn read(body: Body) -> Value {
    // What cannot be read has no method, and is answered so.
    let bytes = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn answer(shared: &Shared, method: &str, params: &Value) -> Option<Value> {
    Some(match method {
        "initialize" => json!({
            "protocolVersion": params["protocolVersion"].as_str().unwrap_or("2025-06-18"),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "memory", "version": "0.1.0"},
            "instructions": "What is known of this project.",
        }),
        "ping" => json!({}),
        "tools/list" => json!({"tools": [{
            "name": "recall",
            "description": "Recall what is known of this project.",
            "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
            "annotations": {"readOnlyHint": true},
        }]}),
        "tools/call" => json!({"content": [{"type": "text", "text": shared.answer}], "isError": false}),
        _ => return None,
    })
}
