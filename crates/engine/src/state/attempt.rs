//! One agent's try at a task.

use protocol::fact::*;
use protocol::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub id: AttemptId,
    pub task: TaskId,
    /// The lane of its request that it is made in.
    pub lane: usize,
    /// 1, 2, 3 … within the task.
    pub number: u32,
    pub agent: AgentId,
    pub practice: bool,
    /// The attempt whose worktree it works in: its own, or the first one of those that went on in it.
    pub bench: AttemptId,
    pub goes_on: Option<AttemptId>,
    /// The commit that it begins at.
    pub from: CommitId,
    /// Whether that commit holds work that no check has failed: there may be nothing to add to it.
    pub unjudged: bool,
    pub started: bool,
    pub finished: bool,
    /// The agent ended its turn, so its session can go on.
    pub turn_ended: bool,
    pub checkpoints: u32,
    /// The last of them.
    pub checkpoint: Option<CommitId>,
    /// What the agent left.
    pub commit: Option<CommitId>,
    /// The size of its change: against the main branch once it passed the gate.
    pub diff: DiffStat,
    pub duration_ms: Option<u64>,
    pub model: Option<String>,
    pub usage: Usage,
    pub paid: Option<Paid>,
    pub session: Option<String>,
    /// Questions that nobody has answered, with the ids of their options.
    pub asks: BTreeMap<String, Vec<String>>,
    /// What the user said after its brief was packed and before it began.
    pub said: Vec<BlobRef>,
    /// Who is to go on with its work, if the user wants that: an agent, or whoever is picked.
    pub hand_over: Option<Option<AgentId>>,
    pub trouble: Option<Trouble>,
}

/// Why an attempt did not do, as far as the choice of the next one depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    Check(CheckKind),
    /// The main branch says something else in the same places.
    Conflict,
    NoChange,
    /// It failed, fell silent, took too long or too much, or went round in circles.
    Agent,
    Quota {
        until: Option<At>,
    },
    SignedOut,
    /// It asked something that nobody could answer any more.
    Asked,
    /// The user wants another agent to go on.
    HandedOver {
        to: Option<AgentId>,
    },
    Lost,
}

impl Attempt {
    /// The first moment of an attempt: chosen, and nothing else.
    pub(crate) fn chosen(f: &AgentChosen, lane: usize, from: CommitId, bench: AttemptId) -> Self {
        Self {
            id: f.attempt.clone(),
            task: f.task.clone(),
            lane,
            number: f.number,
            agent: f.agent.clone(),
            practice: f.practice,
            bench,
            goes_on: f.goes_on.clone(),
            from,
            unjudged: false,
            started: false,
            finished: false,
            turn_ended: false,
            checkpoints: 0,
            checkpoint: None,
            commit: None,
            diff: DiffStat::default(),
            duration_ms: None,
            model: None,
            usage: Usage::default(),
            paid: None,
            session: None,
            asks: BTreeMap::new(),
            said: Vec::new(),
            hand_over: None,
            trouble: None,
        }
    }

    /// Whether the run left something that was not there when it began.
    pub fn changed(&self) -> bool {
        self.commit.as_ref().is_some_and(|commit| *commit != self.from)
    }

    /// Whether its program ran at all, or was to: one that was called off before it had a place did not.
    pub fn ran(&self) -> bool {
        self.started || (self.finished && self.usage != nothing())
    }
}

/// The use of a run that never was.
pub(crate) fn nothing() -> Usage {
    let none = Some(0);
    Usage {
        input: none,
        cache_read: none,
        cache_write: none,
        output: none,
        reasoning: none,
        requests: none,
        ..Usage::default()
    }
}
