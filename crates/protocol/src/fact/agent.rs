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
    /// Its programs are there and no credentials were found.
    SignedOut {
        version: String,
        next: String,
    },
    /// Credentials are there, but its own program does not take them: too old, of another kind, or damaged.
    Stale {
        version: String,
        reason: String,
        next: String,
    },
    /// Its own program takes the credentials; no turn has worked yet.
    SignedIn {
        version: String,
    },
    /// The service refused the account when it was last used.
    Refused {
        version: String,
        at: At,
        reason: String,
        next: String,
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

/// Who pays for a turn, as far as the agent's own program tells how it is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paid {
    /// The user's subscription: what a turn would cost by the list is only an equivalent.
    Subscription,
    /// By the token, on the user's key.
    Key,
    /// An endpoint of the user's own.
    OwnEndpoint,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentState {
    pub agent: AgentId,
    pub readiness: Readiness,
}
