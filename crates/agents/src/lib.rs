//! Coding agents: which ones exist, whether they are ready, and running one.
//!
//! Every agent is driven over ACP v1 by the same code; what really differs stands in its row in [`profile`], and no
//! other room knows an agent's name. A run is a process tree of its own ([`supervise`]): when [`run`] has returned,
//! nothing of it lives. What an agent says of its work is passed on, never believed.
//!
//! Never here: git, the journal, checks, the choice of an agent. Time limits, folders and the environment are passed in.

mod launch;
pub mod practice;
mod probe;
mod profile;
mod run;
mod supervise;

pub use practice::{practice_main, practice_stdio};
pub use probe::probe;
pub use profile::{Profile, catalogue, practice};
pub use run::run;
pub use supervise::{adopt_orphans, kill_leftovers};

use protocol::fact::{AttemptEnd, Usage};
use protocol::view::LineKind;
use protocol::{AgentId, AttemptId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The user under which agents run. Numbers, because nothing is looked up here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunAs {
    pub uid: u32,
    pub gid: u32,
}

/// Where agents are found and as whom and where they run.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Folders that are looked through for programs, first hit first.
    pub path: Vec<PathBuf>,
    /// Node's program, or the folder that it is in.
    pub node: Option<PathBuf>,
    /// Command line of the practice agent; any ACP program will do.
    pub practice: Vec<String>,
    /// Folder of the agents' own homes when they run as another user; `None`: they use `user_home`.
    pub homes: Option<PathBuf>,
    pub user_home: PathBuf,
    pub run_as: Option<RunAs>,
    /// For pid records and private temporary folders.
    pub runtime: PathBuf,
    /// What the user set for an agent, such as a base URL or a key. Nothing else of our environment reaches it.
    pub env: BTreeMap<AgentId, BTreeMap<String, String>>,
}

/// How long a run may take, and how long it may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    pub idle: Duration,
    pub wall: Duration,
}

/// One run of one agent.
#[derive(Debug, Clone)]
pub struct Job {
    pub attempt: AttemptId,
    pub agent: AgentId,
    pub worktree: PathBuf,
    pub brief: String,
    pub limits: RunLimits,
}

/// What a run tells while it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The process runs. It has not said anything yet, so that its version is not always known.
    Started { version: Option<String> },
    /// A line of the transcript, at most 8 KiB.
    Line { kind: LineKind, text: String },
    /// A tool finished: a good moment for a checkpoint.
    Touched,
}

/// What a run may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    Cancel,
    /// Words for the agent, given to it as its next turn in the same session.
    Steer(String),
}

/// How a run ended, and what it cost.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    pub end: AttemptEnd,
    pub model: Option<String>,
    /// `raw` is always `None` here: the caller makes the blob from `raw` below.
    pub usage: Usage,
    /// The agent's own words about usage, as JSON.
    pub raw: Option<Vec<u8>>,
}
