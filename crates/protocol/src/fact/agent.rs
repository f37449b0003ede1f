//! What is known of an agent.

use crate::At;
use crate::id::AgentId;
use serde::{Deserialize, Serialize};

/// What is known of an agent's readiness. A rung is only claimed when it was proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Readiness {
    Missing {
        next: String,
    },
    /// Its program is there; whether it is signed in was not proven.
    SignedOut {
        version: String,
        next: String,
    },
    /// Credentials are present and its own program says so; no turn has worked yet.
    SignedIn {
        version: String,
    },
    /// A real turn worked at this moment.
    Worked {
        version: String,
        at: At,
    },
    QuotaGone {
        version: String,
        until: Option<At>,
    },
    Busy {
        version: String,
    },
    Broken {
        reason: String,
        next: String,
    },
    /// Our own practice agent: always there, and never a real one.
    Practice,
}

impl Readiness {
    /// Whether work may be given to it.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::SignedIn { .. } | Self::Worked { .. } | Self::Practice)
    }
    pub fn is_practice(&self) -> bool {
        matches!(self, Self::Practice)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentState {
    pub agent: AgentId,
    pub readiness: Readiness,
}
