//! An OpenAI-compatible service on loopback that answers LightRAG's own prompts by [rules](super::rules), and counts.

use super::rules;
use anyhow::{Context, Result};
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

#[derive(Default)]
struct Counts {
    chats: AtomicU64,
    prompt_bytes: AtomicU64,
}

pub struct ScriptedModel {
    address: SocketAddr,
    counts: Arc<Counts>,
    _runtime: Runtime,
}

impl ScriptedModel {
    pub fn start() -> Result<ScriptedModel> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).context("failed to listen")?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let routes = Router::new()
            .route("/v1/chat/completions", post(chat))
            .route("/v1/embeddings", post(embeddings))
            .layer(DefaultBodyLimit::max(64 << 20))
            .with_state(Arc::clone(&counts));
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Ok(ScriptedModel { address, counts, _runtime: runtime })
    }

    /// Up to `/v1`.
    pub fn address(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Calls for an answer, and bytes of their prompts, since the start.
    pub fn asked(&self) -> (u64, u64) {
        (self.counts.chats.load(Ordering::Relaxed), self.counts.prompt_bytes.load(Ordering::Relaxed))
    }
}

async fn chat(State(counts): State<Arc<Counts>>, Json(asked): Json<Value>) -> Json<Value> {
    let messages = asked.get("messages").and_then(Value::as_array).cloned().unwrap_or_default();
    let texts: Vec<&str> = messages.iter().filter_map(|message| message.get("content")?.as_str()).collect();
    counts.chats.fetch_add(1, Ordering::Relaxed);
    counts.prompt_bytes.fetch_add(texts.iter().map(|text| text.len() as u64).sum(), Ordering::Relaxed);
    let said = rules::answer(&texts);
    Json(json!({
        "id": "scripted", "object": "chat.completion", "created": 0, "model": "scripted",
        "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": said } }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
    }))
}

async fn embeddings(Json(asked): Json<Value>) -> Json<Value> {
    let texts: Vec<&str> = match asked.get("input") {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    let packed = asked.get("encoding_format").and_then(Value::as_str) == Some("base64");
    let vectors = texts.iter().enumerate().map(|(index, text)| {
        let vector = rules::vector(text);
        let vector = if packed { json!(rules::packed(&vector)) } else { json!(vector) };
        json!({ "object": "embedding", "index": index, "embedding": vector })
    });
    Json(json!({
        "object": "list", "model": "scripted", "data": vectors.collect::<Vec<_>>(),
        "usage": { "prompt_tokens": 1, "total_tokens": 1 },
    }))
}
