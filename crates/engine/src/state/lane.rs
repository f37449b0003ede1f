//! Where one attempt after the other at a task is made: what goes on there, and what it stands in line for.

use crate::effect::Stop;
use protocol::fact::*;
use protocol::*;

#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// Which of the request's tasks.
    pub task: usize,
    pub at: Stand,
    /// Which of the request's attempts is being made, or was made last.
    pub attempt: Option<usize>,
    pub next: Start,
    /// Its turn for a place to run, or at the main branch.
    pub turn: Option<(Line, u64)>,
}

/// Where a lane stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Stand {
    /// No attempt is being made: it needs an agent, or its task waits.
    Idle,
    Briefing,
    /// Briefed: it runs, or has to wait for a place.
    Running {
        stop: Option<Stop>,
    },
    Checking {
        check: CheckKind,
        commit: CommitId,
    },
    /// Passed all checks, and has to wait for the end of the race.
    Proven {
        commit: CommitId,
        release: ReleaseId,
    },
    Landing {
        commit: CommitId,
        release: ReleaseId,
    },
    Landed {
        commit: CommitId,
    },
    /// Out of the race, or given up.
    Out {
        why: String,
    },
    Cancelled,
}

/// What lanes stand in line for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// A place to run: the machine's memory and the agents' accounts are limited.
    Run,
    /// The project's main branch. What is checked must be checked on top of everything that lands before it, so the lanes
    /// of a project are checked and land one after the other.
    Main,
}

/// Where a lane's next attempt begins.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Start {
    /// None: at the base.
    pub from: Option<CommitId>,
    /// The attempt whose worktree it goes on in; none: a new one.
    pub goes_on: Option<AttemptId>,
    pub unjudged: bool,
}

impl Stand {
    pub(crate) fn is_active(&self) -> bool {
        match self {
            Self::Briefing | Self::Running { .. } | Self::Checking { .. } | Self::Landing { .. } => true,
            Self::Idle | Self::Proven { .. } | Self::Landed { .. } | Self::Out { .. } | Self::Cancelled => {
                false
            }
        }
    }

    /// A run that goes on, or has to wait for its place: whether it is being stopped, and why.
    pub(crate) fn run(&self) -> Option<Option<Stop>> {
        match self {
            Self::Running { stop } => Some(*stop),
            Self::Idle
            | Self::Briefing
            | Self::Checking { .. }
            | Self::Proven { .. }
            | Self::Landing { .. }
            | Self::Landed { .. }
            | Self::Out { .. }
            | Self::Cancelled => None,
        }
    }

    pub(crate) fn is_end(&self) -> bool {
        match self {
            Self::Landed { .. } | Self::Out { .. } | Self::Cancelled => true,
            Self::Idle
            | Self::Briefing
            | Self::Running { .. }
            | Self::Checking { .. }
            | Self::Proven { .. }
            | Self::Landing { .. } => false,
        }
    }

    /// Whether it can still be called off.
    pub(crate) fn is_before_landing(&self) -> bool {
        match self {
            Self::Idle
            | Self::Briefing
            | Self::Running { stop: None | Some(Stop::HandedOver) }
            | Self::Checking { .. }
            | Self::Proven { .. } => true,
            Self::Running { stop: Some(Stop::Cancelled | Stop::OutOfRace) }
            | Self::Landing { .. }
            | Self::Landed { .. }
            | Self::Out { .. }
            | Self::Cancelled => false,
        }
    }

    /// Whether an agent that works or will work there can still be told something.
    pub(crate) fn takes_words(&self) -> bool {
        match self {
            Self::Idle | Self::Briefing | Self::Running { stop: None | Some(Stop::HandedOver) } => true,
            Self::Running { stop: Some(Stop::Cancelled | Stop::OutOfRace) }
            | Self::Checking { .. }
            | Self::Proven { .. }
            | Self::Landing { .. }
            | Self::Landed { .. }
            | Self::Out { .. }
            | Self::Cancelled => false,
        }
    }

    pub(crate) fn line(&self) -> Option<Line> {
        match self {
            Self::Running { .. } => Some(Line::Run),
            Self::Checking { .. } | Self::Landing { .. } => Some(Line::Main),
            Self::Idle
            | Self::Briefing
            | Self::Proven { .. }
            | Self::Landed { .. }
            | Self::Out { .. }
            | Self::Cancelled => None,
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Idle => "being looked after",
            Self::Briefing => "being briefed",
            Self::Running { stop: None } => "running",
            Self::Running { stop: Some(Stop::Cancelled | Stop::OutOfRace) } => "being stopped",
            Self::Running { stop: Some(Stop::HandedOver) } => "being handed over",
            Self::Checking { .. } => "being checked",
            Self::Proven { .. } => "waiting for the race to end",
            Self::Landing { .. } => "landing",
            Self::Landed { .. } => "landed",
            Self::Out { .. } => "given up",
            Self::Cancelled => "cancelled",
        }
    }
}
