//! A scripted model server: Anthropic Messages, OpenAI Responses and chat completions, and Gemini on one loopback port.
//!
//! The real command lines talk to it as they would to their vendor. What it answers follows from the request alone: the
//! newest user text that matches a conversation of the [`Scenario`] chooses the steps, the number of tool results after
//! that text is the place in them. So several agents can share one server, and an agent that is restarted goes on.
//!
//! Every call is billed with numbers that no other call has ([`bill::price`]); [`ModelServer::billed`] is the truth that a
//! test compares the journal with.

pub mod bill;
pub mod scenario;

mod anthropic;
mod chat;
mod gemini;
mod place;
mod refusal;
mod responses;
mod said;
mod serve;
mod sse;
mod tools;
mod turn;

pub use bill::{Billed, Tokens, Wire};
pub use scenario::{Conversation, Scenario, Step};
pub use serve::{Call, Logged};

use crate::loopback::Loopback;
use serve::Shared;
use std::sync::Arc;

/// The words by which a brief shows that it is a later attempt. They are the heading of the brief's failure part.
pub const RETRY_MARK: &str = "What failed before";

/// A running server; it ends when this is dropped.
pub struct ModelServer {
    shared: Arc<Shared>,
    server: Loopback,
}

impl ModelServer {
    /// On a free loopback port.
    pub fn start(scenario: Scenario) -> std::io::Result<ModelServer> {
        Self::start_on(0, scenario)
    }

    /// On this loopback port; 0 means a free one.
    pub fn start_on(port: u16, scenario: Scenario) -> std::io::Result<ModelServer> {
        let shared = Arc::new(Shared::new(scenario));
        let server = Loopback::start("scripted-model", port, serve::routes(Arc::clone(&shared)))?;
        Ok(ModelServer { shared, server })
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// What Claude Code takes as `ANTHROPIC_BASE_URL` and Gemini CLI as `GOOGLE_GEMINI_BASE_URL`.
    pub fn base_url(&self) -> String {
        self.server.url()
    }

    /// What the programs that speak one of OpenAI's wires take as their base URL.
    pub fn openai_url(&self) -> String {
        format!("{}/v1", self.server.url())
    }

    pub fn billed(&self) -> Billed {
        self.shared.billed()
    }

    pub fn log(&self) -> Vec<Logged> {
        self.shared.log()
    }
}

/// A `config.toml` for `CODEX_HOME` that sends Codex to this server. The key is read from the variable `key_variable`.
/// `gpt-5.5` is a model that Codex has metadata for; with an unknown one it is not given `apply_patch`.
pub fn codex_config(openai_url: &str, key_variable: &str) -> String {
    format!(
        "model = \"gpt-5.5\"\nmodel_provider = \"scripted\"\n\n[analytics]\nenabled = false\n\n\
         [model_providers.scripted]\nname = \"scripted\"\nbase_url = \"{openai_url}\"\nwire_api = \"responses\"\n\
         env_key = \"{key_variable}\"\n"
    )
}
