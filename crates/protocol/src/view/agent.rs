//! An agent as its card shows it: what is proven of it, how one signs in, what goes on, and its bridge.

use crate::At;
use crate::fact::{Paid, Readiness};
use crate::id::AgentId;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentRow {
    pub agent: AgentId,
    /// Name as its maker writes it.
    pub title: String,
    pub readiness: Readiness,
    /// When readiness was last probed.
    pub probed: Option<At>,
    /// Runs so far and how many of them ended live (counted from the journal).
    pub runs: u32,
    pub live: u32,
    /// What is read live of it; none in a mirror.
    #[serde(default)]
    pub now: Option<Box<AgentNow>>,
}

/// What the daemon knows of an agent at this moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentNow {
    /// Each rung, the lowest first. A rung is proven by itself, never by one above it.
    pub ladder: Vec<RungRow>,
    /// The version that this Loopwright was tested with.
    pub pinned: Option<String>,
    /// How one can sign in.
    pub ways: Vec<SignInWay>,
    pub sign_in: Option<SignInView>,
    /// An installation or a conformance run: the one that goes on, else the last one.
    pub job: Option<AgentJob>,
    pub account: AccountView,
    /// Runs on this account now, and the most that are let at once.
    pub running: u32,
    pub cap: u32,
    pub bridge: Option<BridgeView>,
}

/// Rungs of readiness, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    Installed,
    Credentials,
    /// Its own program takes the credentials. It need not have asked the service.
    Accepted,
    Worked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proven {
    Yes,
    No,
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RungRow {
    pub rung: Rung,
    pub proven: Proven,
    /// When that was seen.
    pub at: Option<At>,
    /// By what: a command and its answer, a file, a turn.
    pub how: String,
}

/// One way to give an agent an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignInWay {
    pub way: String,
    pub title: String,
    /// What happens and what one needs for it.
    pub says: String,
    pub way_kind: WayKind,
    /// What is to be typed; empty for a login that the program does itself.
    pub fields: Vec<KeyField>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WayKind {
    /// The vendor's own program signs in.
    Login,
    /// A key that is kept in the secret store and given to the agent's program only.
    Key,
    /// The vendor does not offer it any more.
    Gone,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyField {
    pub name: String,
    pub title: String,
    pub secret: bool,
    pub optional: bool,
    /// Offered as the value.
    pub default: Option<String>,
}

/// A sign-in that goes on, or how the last one ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignInView {
    pub way: String,
    pub started: At,
    pub state: SignInState,
    /// The last lines that the program printed.
    pub screen: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum SignInState {
    Starting,
    /// For the user to do: open the address, type the code there, or paste here what is asked for.
    Yours {
        url: Option<String>,
        code: Option<String>,
        /// What the program asks for, such as the code that the vendor shows.
        asks: Option<String>,
        /// The port on which the program waits for the browser to come back.
        callback: Option<u16>,
        expires: Option<At>,
    },
    /// The program was given what it asked for.
    Working,
    Done {
        says: String,
    },
    Failed {
        reason: String,
        next: String,
    },
}

/// What is known of the account, never its key.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AccountView {
    pub paid: Option<Paid>,
    /// The way by which a key was given, and when.
    pub way: Option<String>,
    pub set: Option<At>,
    /// Fields that are no secrets, such as the base URL and the model.
    pub fields: Vec<(String, String)>,
}

/// Work on an agent's programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentJob {
    /// `install`, `check`.
    pub what: String,
    pub started: At,
    /// Newest last.
    pub says: Vec<String>,
    pub state: JobState,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum JobState {
    Running,
    Done { says: String },
    Failed { reason: String, next: String },
}

/// The agent's MCP server. That it is up says nothing of the agent's account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BridgeView {
    pub url: String,
    pub up: bool,
    pub says: String,
}
