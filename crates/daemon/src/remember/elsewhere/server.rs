//! One LightRAG server: the calls that the loop makes of it. Blocking.

use crate::remember::service::client;
use crate::settings::LightragSettings;
use protocol::{ProjectId, clean};
use serde_json::{Value, json};
use std::io::Read;
use std::time::Duration;

/// What one call may take: a question with what it asks a model, a document only until it is queued.
const ASK: Duration = Duration::from_secs(20);
const PUSH: Duration = Duration::from_secs(30);
/// An answer is read up to here.
const MOST_ANSWER: u64 = 16 << 20;
/// Of a question, in characters: the server takes twice as many.
const MOST_QUERY: usize = 32 * 1024;
/// Pages of a list that are looked through for one document, and documents of a page.
const PAGES: u64 = 100;
const PAGE: u64 = 200;

#[derive(Debug, Clone)]
pub struct Server {
    url: String,
    key_env: Option<String>,
    workspace: Option<String>,
}

/// A passage that fits a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    pub content: String,
    pub file_path: String,
}

#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Later it may be taken.
    #[error("{0}")]
    Passing(String),
    /// It fell over this very thing, or is broken altogether: only trying again tells.
    #[error("{0}")]
    Stumbled(String),
    /// This very thing is not taken, now or later.
    #[error("{0}")]
    Unfit(String),
}

impl Server {
    pub fn new(settings: &LightragSettings) -> Self {
        Self {
            url: settings.url.trim_end_matches('/').to_owned(),
            key_env: settings.key_env.clone(),
            workspace: settings.workspace.clone(),
        }
    }

    /// The address without what may be secret in it.
    pub fn shown(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else { return "the server".to_owned() };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{host}/{path}").trim_end_matches('/').to_owned()
    }

    /// Passages for a question, closest first. Keywords are left to the server.
    pub fn ask(&self, project: &ProjectId, text: &str, most: u32, tokens: u32) -> Result<Vec<Chunk>, Failed> {
        let query: String = text.chars().take(MOST_QUERY).collect();
        let body = json!({
            "query": query, "mode": "mix", "chunk_top_k": most, "max_total_tokens": tokens.max(1),
            "only_need_context": true, "include_references": true,
        });
        let told = self.call("POST", "/query/data", project, &body, ASK)?;
        let chunks = told.pointer("/data/chunks").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |chunk: &Value, field: &str| {
            chunk.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let chunk =
            |chunk: &Value| Chunk { content: text(chunk, "content"), file_path: text(chunk, "file_path") };
        Ok(chunks.iter().map(chunk).take(most as usize).collect())
    }

    /// A document that the server has already is as good as pushed.
    pub fn push(&self, project: &ProjectId, name: &str, text: &str) -> Result<(), Failed> {
        let body = json!({ "text": text, "file_source": name });
        match self.call("POST", "/documents/text", project, &body, PUSH) {
            Err(Failed::Unfit(why)) if why.contains(" 409") => Ok(()),
            other => other.map(drop),
        }
    }

    /// One that is not there is as good as deleted.
    pub fn delete(&self, project: &ProjectId, name: &str) -> Result<(), Failed> {
        let Some(id) = self.find(project, name)? else { return Ok(()) };
        let body = json!({ "doc_ids": [id], "delete_llm_cache": true });
        let told = self.call("DELETE", "/documents/delete_document", project, &body, PUSH)?;
        match told.get("status").and_then(Value::as_str) {
            Some("busy") => Err(Failed::Passing(format!("{} is busy and deletes nothing now", self.shown()))),
            Some("not_allowed") => Err(Failed::Unfit(format!("{} does not delete documents", self.shown()))),
            _ => Ok(()),
        }
    }

    fn find(&self, project: &ProjectId, name: &str) -> Result<Option<String>, Failed> {
        for page in 1..=PAGES {
            let body = json!({ "page": page, "page_size": PAGE, "sort_field": "file_path", "sort_direction": "asc" });
            let told = self.call("POST", "/documents/paginated", project, &body, PUSH)?;
            let documents = told.get("documents").and_then(Value::as_array).cloned().unwrap_or_default();
            let ours = documents
                .iter()
                .find(|document| document.get("file_path").and_then(Value::as_str) == Some(name));
            if let Some(document) = ours {
                return Ok(document.get("id").and_then(Value::as_str).map(str::to_owned));
            }
            if told.pointer("/pagination/has_next").and_then(Value::as_bool) != Some(true) {
                break;
            }
        }
        Ok(None)
    }

    fn call(
        &self,
        method: &str,
        path: &str,
        project: &ProjectId,
        body: &Value,
        limit: Duration,
    ) -> Result<Value, Failed> {
        let shown = self.shown();
        let url = format!("{}{path}", self.url);
        let workspace = self.workspace.as_deref().unwrap_or(project.as_str());
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(&url)
            .header("content-type", "application/json")
            .header("lightrag-workspace", workspace);
        if let Some(key) = self.key()? {
            request = request.header("x-api-key", key);
        }
        let request = request
            .body(body.to_string())
            .map_err(|e| Failed::Unfit(format!("{shown} cannot be asked: {e}")))?;
        let agent = client(&url, limit);
        let request = agent.configure_request(request).allow_non_standard_methods(true).build();
        let sent =
            agent.run(request).map_err(|e| Failed::Passing(format!("{shown} does not answer: {e}")))?;
        let status = sent.status().as_u16();
        let mut bytes = Vec::new();
        let read = sent.into_body().into_reader().take(MOST_ANSWER).read_to_end(&mut bytes);
        read.map_err(|e| Failed::Passing(format!("the answer of {shown} broke off: {e}")))?;
        match status {
            200..=299 => serde_json::from_slice(&bytes)
                .map_err(|e| Failed::Passing(format!("the answer of {shown} is no JSON: {e}"))),
            400 | 409 | 413 | 422 => Err(Failed::Unfit(refusal(&shown, status, &bytes))),
            500 => Err(Failed::Stumbled(refusal(&shown, status, &bytes))),
            _ => Err(Failed::Passing(refusal(&shown, status, &bytes))),
        }
    }

    /// Read at each call and kept nowhere.
    fn key(&self) -> Result<Option<String>, Failed> {
        let Some(name) = &self.key_env else { return Ok(None) };
        match std::env::var(name).ok().filter(|key| !key.trim().is_empty()) {
            Some(key) => Ok(Some(key.trim().to_owned())),
            None => Err(Failed::Passing(format!(
                "the daemon's environment has no {name}: set it to the key of {}",
                self.shown()
            ))),
        }
    }
}

fn refusal(shown: &str, status: u16, body: &[u8]) -> String {
    let said = String::from_utf8_lossy(body.get(..2048).unwrap_or(body));
    format!("{shown} answered {status}: {}", clean::line(&said, 200))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let settings = LightragSettings {
            url: "https://me:s3cret@x.test:9621/rag/?k=1".into(),
            key_env: None,
            workspace: None,
        };
        assert_eq!(Server::new(&settings).shown(), "https://x.test:9621/rag");
    }
}
