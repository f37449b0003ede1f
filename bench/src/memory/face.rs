//! A client of a memory that speaks LightRAG's routes, ours or LightRAG itself: the same calls, the same bytes.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::time::Duration;

pub struct Face {
    agent: ureq::Agent,
    address: String,
    key: Option<String>,
}

impl Face {
    pub fn new(port: u16, key: Option<String>) -> Face {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(300)))
            .proxy(None);
        Face { agent: config.build().into(), address: format!("http://127.0.0.1:{port}"), key }
    }

    pub fn healthy(&self) -> bool {
        let asked = self.agent.get(format!("{}/health", self.address)).call();
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    pub fn text(&self, text: &str, source: &str) -> Result<()> {
        self.insert("/documents/text", &json!({ "text": text, "file_source": source }))
    }

    pub fn texts(&self, texts: &[&str], sources: &[&str]) -> Result<()> {
        self.insert("/documents/texts", &json!({ "texts": texts, "file_sources": sources }))
    }

    fn insert(&self, path: &str, body: &Value) -> Result<()> {
        let (bytes, answer) = self.post(path, body)?;
        let answer: Value = serde_json::from_slice(&answer)?;
        match answer.get("status").and_then(Value::as_str) {
            Some("success") => Ok(()),
            _ => bail!("{path} of {bytes} bytes was answered by {answer}"),
        }
    }

    /// Documents that are done, and that failed.
    pub fn counts(&self) -> Result<(u64, u64)> {
        let mut asked = self.agent.get(format!("{}/documents/status_counts", self.address));
        if let Some(key) = &self.key {
            asked = asked.header("X-API-Key", key);
        }
        let answer = asked.call()?.body_mut().read_to_vec()?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let counts = answer.get("status_counts").context("no status_counts in the answer")?;
        let count = |status: &str| counts.get(status).and_then(Value::as_u64).unwrap_or(0);
        Ok((count("processed"), count("failed")))
    }

    /// What is put before a model to answer this; nothing but the context is asked for.
    pub fn context(&self, path: &str, mode: &str, question: &str) -> Result<String> {
        let body = json!({ "query": question, "mode": mode, "only_need_context": true });
        let (_, answer) = self.post(path, &body)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    fn post(&self, path: &str, body: &Value) -> Result<(usize, Vec<u8>)> {
        const LIMIT: u64 = 64 << 20;
        let body = serde_json::to_vec(body)?;
        let mut asked = self.agent.post(format!("{}{path}", self.address)).content_type("application/json");
        if let Some(key) = &self.key {
            asked = asked.header("X-API-Key", key);
        }
        let mut answer = asked.send(body.as_slice()).with_context(|| format!("failed to call {path}"))?;
        let text = answer.body_mut().with_config().limit(LIMIT).read_to_vec()?;
        if !answer.status().is_success() {
            let text = String::from_utf8_lossy(&text);
            bail!("{path}: HTTP {}: {}", answer.status(), text.chars().take(300).collect::<String>());
        }
        Ok((body.len(), text))
    }
}

/// A port of 127.0.0.1 that nobody listens on.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
