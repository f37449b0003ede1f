//! A scripted model server: Anthropic Messages and OpenAI Responses on one loopback port.
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
mod responses;
mod serve;
mod sse;
mod turn;

pub use bill::{Billed, Tokens, Wire};
pub use scenario::{Conversation, Scenario, Step};
pub use serve::{Logged, Shared};

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A running server; it ends when this is dropped. It has its own thread, so that plain tests need no runtime.
pub struct ModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ModelServer {
    /// On a free loopback port.
    pub fn start(scenario: Scenario) -> std::io::Result<ModelServer> {
        Self::start_on(0, scenario)
    }

    /// On this loopback port; 0 means a free one.
    pub fn start_on(port: u16, scenario: Scenario) -> std::io::Result<ModelServer> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(scenario));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("scripted-model".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = serve::serve(listener, served) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(ModelServer { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What Claude Code takes as `ANTHROPIC_BASE_URL`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What a Codex provider takes as `base_url`.
    pub fn openai_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub fn billed(&self) -> Billed {
        self.shared.billed()
    }

    pub fn log(&self) -> Vec<Logged> {
        self.shared.log()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
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
