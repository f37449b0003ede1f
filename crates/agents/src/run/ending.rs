//! The ways in which a run's conversation ends.

use protocol::fact::AttemptEnd;
use std::time::Duration;

/// How the conversation ended.
#[derive(Debug)]
pub(super) enum Ending {
    TurnEnded,
    /// By an order of ours, which it heard or had to be forced to.
    Stopped {
        forced: bool,
    },
    Silent(Duration),
    TooLong(Duration),
    /// Its service refused it for too long.
    RefusedTooLong,
    Stuck(String),
    OverLimit(String),
    /// It asked, and nobody can answer.
    Unanswered(String),
    Judged(AttemptEnd),
    /// It answered with an error.
    Refused {
        code: i64,
        text: String,
    },
    /// It broke the protocol.
    Broken(String),
    /// Its output ended.
    Gone,
}

impl Ending {
    /// The agent may still be at work, and would tell what it spent if it was told to stop.
    pub fn leaves_a_turn_open(&self) -> bool {
        match self {
            Ending::Silent(_)
            | Ending::TooLong(_)
            | Ending::RefusedTooLong
            | Ending::Stuck(_)
            | Ending::Judged(_) => true,
            Ending::TurnEnded
            | Ending::Stopped { .. }
            | Ending::OverLimit(_)
            | Ending::Unanswered(_)
            | Ending::Refused { .. }
            | Ending::Broken(_)
            | Ending::Gone => false,
        }
    }

    /// The protocol's own word for "nobody is there", which is no answer of the agent.
    pub fn is_closed(&self) -> bool {
        matches!(self, Ending::Refused { code: -32603, text } if text.contains("closed") || text.contains("connection"))
    }
}
