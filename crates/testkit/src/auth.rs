//! A scripted sign-in server for the agents that sign in with a device code: Codex (`codex login --device-auth
//! --experimental_issuer URL`) and Kimi Code (`KIMI_CODE_OAUTH_HOST=URL`). What it decides is data, an [`AuthPlan`] that a
//! test may change in the middle: a person who waits, refuses, comes too late, or takes the account back later.
//!
//! Tokens are made up and signed by nobody. A refresh token works once: whoever uses an old one has lost the account, as
//! with the real services.

mod routes;
mod token;

use conformance::loopback::Loopback;
use serde::{Deserialize, Serialize};
use std::io::Result;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The code that the person would type; each wire has one of its own.
pub const KIMI_CODE: &str = "KIMI-4711";
pub const CODEX_CODE: &str = "CODX-08150";
/// Whose account it is, in the tokens.
pub const EMAIL: &str = "someone@example.test";

/// What happens to a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthPlan {
    /// Polls that are told to wait before the verdict.
    pub waits: u32,
    pub verdict: Verdict,
    /// Seconds that an access token is good for.
    pub lifetime: u64,
    /// Whether the account still lets tokens be refreshed.
    pub refreshes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Approve,
    /// The person said no.
    Refuse,
    /// The code is too old.
    Expire,
}

impl AuthPlan {
    /// Approved at the poll after `waits` others.
    pub fn approve_after(waits: u32) -> AuthPlan {
        AuthPlan { waits, verdict: Verdict::Approve, lifetime: 3600, refreshes: true }
    }

    pub fn refuse() -> AuthPlan {
        AuthPlan { verdict: Verdict::Refuse, ..Self::approve_after(0) }
    }

    pub fn expire() -> AuthPlan {
        AuthPlan { verdict: Verdict::Expire, ..Self::approve_after(0) }
    }
}

/// One request, as the log shows it. Bodies are made up like all the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub body: String,
    pub status: u16,
}

/// A running sign-in server; it ends when this is dropped.
pub struct AuthServer {
    shared: Arc<Shared>,
    server: Loopback,
}

impl AuthServer {
    /// On a free loopback port.
    pub fn start(plan: AuthPlan) -> Result<AuthServer> {
        let shared = Arc::new(Shared { state: Mutex::new(State::new(plan)) });
        let server = Loopback::start("scripted-auth", 0, routes::routes(Arc::clone(&shared)))?;
        Ok(AuthServer { shared, server })
    }

    /// Codex's issuer, Kimi's OAuth host.
    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// From now on. Polls are counted anew.
    pub fn plan(&self, plan: AuthPlan) {
        let mut state = self.shared.state();
        state.plan = plan;
        state.polls = 0;
    }

    /// All that was asked, in its order.
    pub fn log(&self) -> Vec<Asked> {
        self.shared.state().log.clone()
    }

    /// Token sets that were given out, refreshes included.
    pub fn issued(&self) -> u32 {
        self.shared.state().issued
    }
}

struct Shared {
    state: Mutex<State>,
}

struct State {
    plan: AuthPlan,
    polls: u32,
    issued: u32,
    log: Vec<Asked>,
}

impl State {
    fn new(plan: AuthPlan) -> State {
        State { plan, polls: 0, issued: 0, log: Vec::new() }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
