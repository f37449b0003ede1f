//! A run as its caller sees it: what is asked for, what is told meanwhile, what may be ordered, how it ended.

use protocol::fact::{AskKind, AskOption, AttemptEnd, Usage};
use protocol::view::LineKind;
use protocol::{AgentId, AttemptId};
use std::path::PathBuf;
use std::time::Duration;

/// One run of one agent.
#[derive(Debug, Clone)]
pub struct Job {
    pub attempt: AttemptId,
    pub agent: AgentId,
    pub worktree: PathBuf,
    pub brief: String,
    pub limits: RunLimits,
    /// Tool servers for this session only. The user's own configuration is left as it is.
    pub mcp: Vec<McpServer>,
    /// The session of an earlier run to go on with. One that is gone is replaced by a new one, and that is said.
    pub resume: Option<String>,
    pub permissions: Permissions,
}

/// A tool server that is reached over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpServer {
    pub name: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
}

/// What happens when an agent asks whether it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permissions {
    /// Yes, this once. The walls are the other user and the landing gate.
    Allow,
    /// A person is asked.
    Ask,
}

/// How long a run may take, how long it may be silent, and how much of the machine it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    pub idle: Duration,
    pub wall: Duration,
    /// How long an agent may go on asking a service that refuses it, while nothing else happens.
    pub refused: Duration,
    /// How many times in a row the very same tool call may end.
    pub repeats: u32,
    /// Processes and threads at a time.
    pub processes: u32,
    /// Bytes of memory, all processes together.
    pub memory: u64,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes that the worktree and the run's temporary folder may grow by.
    pub growth: u64,
}

const MIB: u64 = 1 << 20;

impl RunLimits {
    /// With these clocks; the rest suits a server with a gigabyte, and a larger one gives more memory.
    pub fn new(idle: Duration, wall: Duration) -> RunLimits {
        RunLimits {
            idle,
            wall,
            refused: Duration::from_secs(30),
            repeats: 25,
            processes: 512,
            memory: crate::supervise::machine_memory().map_or(800 * MIB, |all| (all / 4 * 3).max(700 * MIB)),
            file: 1024 * MIB,
            growth: 2048 * MIB,
        }
    }
}

/// What a run tells while it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It cannot start yet. No clock runs.
    Waiting { for_: String },
    /// The process runs. It has not said anything yet, so that its version is not always known.
    Started { version: Option<String> },
    /// A line of the transcript, at most 8 KiB.
    Line { kind: LineKind, text: String },
    /// A tool finished: a good moment for a checkpoint.
    Touched,
    /// It waits for a person, who answers with [`Control::Answer`]. No clock runs meanwhile.
    Asked { ask: String, kind: AskKind, question: String, options: Vec<AskOption> },
    /// That was answered, or is asked no more.
    Answered { ask: String },
}

/// What a run may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    Cancel,
    /// As a cancel, so that another agent goes on with the work.
    HandOver,
    /// Words for the agent, given to it as its next turn in the same session.
    Steer(String),
    /// One of the options, or words. Neither: the person does not want to answer.
    Answer {
        ask: String,
        option: Option<String>,
        text: Option<String>,
    },
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
    /// The agent's session, for [`Job::resume`].
    pub session: Option<String>,
    /// Messages of a kind that we do not know. They are in the transcript as they came.
    pub unknown_events: u32,
}
