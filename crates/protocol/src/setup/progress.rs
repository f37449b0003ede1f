//! The journal of a set-up, as it is watched.

use super::{Change, Obstacle};
use crate::At;
use serde::{Deserialize, Serialize};

/// What is running or ran last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    Begin,
    Apply,
    Repair,
    Upgrade,
    Remove,
}

/// One record. `seq` counts from 1 without gaps for as long as the installation lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetupEntry {
    pub seq: u64,
    pub at: At,
    #[serde(flatten)]
    pub event: SetupEvent,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum SetupEvent {
    /// A run began, or went on after a cut.
    Started {
        work: Work,
        version: String,
        plan: String,
        steps: Vec<String>,
        resumed: bool,
    },
    /// Written before the step touches anything.
    StepStarted {
        step: String,
        undo: bool,
    },
    /// What happens at this moment, in plain words, with a figure where there is one.
    Doing {
        step: String,
        words: String,
        #[serde(default)]
        done: Option<u64>,
        #[serde(default)]
        of: Option<u64>,
    },
    /// Waits for something that is not ours: "the system's own updates".
    Waiting {
        step: String,
        obstacle: Obstacle,
    },
    /// Before a thing is made or changed: what is about to be touched and what it was. After a cut this tells what to
    /// look at.
    Intent {
        step: String,
        receipt: Receipt,
    },
    /// The thing is as it should be.
    Wrote {
        step: String,
        receipt: Receipt,
    },
    /// Verified.
    StepDone {
        step: String,
        undo: bool,
        millis: u64,
        changes: u32,
    },
    Blocked {
        step: String,
        obstacle: Obstacle,
    },
    Failed {
        step: String,
        obstacle: Obstacle,
    },
    /// Left as it is while removing: it changed since, or somebody else's things are in it.
    Kept {
        step: String,
        what: Change,
        why: String,
    },
    /// The run is over. `ok` is false when a step is blocked or failed.
    Finished {
        work: Work,
        ok: bool,
        changes: u32,
        millis: u64,
    },
}

/// What was touched: enough to verify it, and to put back what was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub change: Change,
    /// What was there; none when there was nothing.
    #[serde(default)]
    pub before: Option<Was>,
    /// Hex SHA-256 of what we wrote, for a file; the version, for a package or a program.
    #[serde(default)]
    pub wrote: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Was {
    /// Hex SHA-256; the content is kept under this name.
    #[serde(default)]
    pub sha256: Option<String>,
    #[serde(default)]
    pub mode: Option<u32>,
    #[serde(default)]
    pub owner: Option<(u32, u32)>,
    /// Any other state: "enabled", "inactive", a version.
    #[serde(default)]
    pub state: Option<String>,
}
