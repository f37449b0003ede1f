//! A request that has not ended: its tasks, and the lanes in which they are worked on. A task has one lane; in a race it
//! has one for each agent, until one of them is taken.

use super::{Attempt, Wish};
use crate::effect::Stop;

use protocol::fact::*;
use protocol::*;
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    pub request: RequestId,
    /// Its place in the order of arrival.
    pub order: u64,
    pub project: ProjectId,
    pub wish: Wish,
    /// The planned step that it carries out.
    pub step: Option<StepId>,
    pub received: At,
    /// When its newest fact happened.
    pub last: At,
    /// Follows from the rest; kept, because everybody asks for it.
    pub phase: Phase,
    pub cancelled: bool,
    /// The newest main branch that is known: when the agents were last looked at, or when a task landed since.
    pub base: Option<CommitId>,
    /// The agents as they were when they were last looked at.
    pub agents: Vec<AgentState>,
    /// Those whose quota ended or who were signed out since.
    pub out: BTreeSet<AgentId>,
    /// None before the plan.
    pub tasks: Vec<Task>,
    pub lanes: Vec<Lane>,
    pub attempts: Vec<Attempt>,
    /// The last of its tasks that landed.
    pub landed: Option<Landed>,
    pub live: Option<Live>,
    /// How it ends, once that is settled.
    pub verdict: Option<(Outcome, String)>,
    /// Its turn at the main branch, while its release goes live and its record is written.
    pub turn: Option<u64>,
    /// The lane that the newest fact has left without an attempt: the facts after it in the same transaction are about it.
    pub(crate) cursor: Option<usize>,
}

/// Where an open request stands. That a queued request is being oriented follows from its place in the queue.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    Queued,
    /// All of its tasks that are not over wait.
    Waiting(Waiting),
    /// At least one of its lanes is being worked on.
    Working,
    /// Nothing is under way any more, and something landed.
    Switching,
    Recording {
        outcome: Outcome,
        why: String,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: TaskId,
    pub title: String,
    /// The agents that the user wants for it.
    pub agents: Vec<AgentId>,
    pub waiting: Option<Waiting>,
    /// The lane of the attempt that was taken from a race.
    pub judged: Option<usize>,
    pub end: Option<TaskEnd>,
}

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

#[derive(Debug, Clone, PartialEq)]
pub struct Landed {
    pub attempt: AttemptId,
    pub commit: CommitId,
    pub release: ReleaseId,
    /// Its number among the changes that landed in the project.
    pub landing: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    pub release: ReleaseId,
    pub url: String,
}

impl Open {
    /// The newest attempt.
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// The attempt that is being made in a lane, or was made last.
    pub fn current(&self, lane: usize) -> Option<&Attempt> {
        self.attempts.get(self.lanes.get(lane)?.attempt?)
    }

    pub(crate) fn current_mut(&mut self, lane: usize) -> Option<&mut Attempt> {
        self.attempts.get_mut(self.lanes.get(lane)?.attempt?)
    }

    /// The lane whose newest attempt this is.
    pub(crate) fn lane_at(&self, attempt: &AttemptId) -> Option<usize> {
        let found = self.attempts.iter().position(|a| a.id == *attempt)?;
        let lane = self.attempts.get(found)?.lane;
        (self.lanes.get(lane)?.attempt == Some(found)).then_some(lane)
    }

    pub(crate) fn task_of(&self, lane: usize) -> Option<&Task> {
        self.tasks.get(self.lanes.get(lane)?.task)
    }

    pub(crate) fn lanes_of(&self, task: usize) -> impl Iterator<Item = (usize, &Lane)> {
        self.lanes.iter().enumerate().filter(move |(_, lane)| lane.task == task)
    }

    /// Whether several attempts at the task stand against each other.
    pub fn races(&self, task: usize) -> bool {
        self.tasks.get(task).is_some_and(|t| t.judged.is_none()) && self.lanes_of(task).count() > 1
    }

    pub(crate) fn is_contender(&self, lane: usize) -> bool {
        self.lanes.get(lane).is_some_and(|lane| self.races(lane.task))
    }

    /// Whether its tasks have an end of their own, told as a fact. For a single one the request's end says it all.
    pub(crate) fn tells_tasks(&self) -> bool {
        self.tasks.len() > 1 || self.lanes.len() > 1
    }

    /// Whether nothing more happens to the task.
    pub(crate) fn is_over(&self, task: usize) -> bool {
        let judged = self.cancelled || !self.races(task);
        judged && self.lanes_of(task).all(|(_, lane)| lane.at.is_end())
    }

    /// Lanes that need an agent now.
    pub(crate) fn looking(&self) -> impl Iterator<Item = usize> {
        let waits = |lane: &Lane| self.tasks.get(lane.task).is_none_or(|task| task.waiting.is_some());
        let needs = move |(_, lane): &(usize, &Lane)| lane.at == Stand::Idle && !waits(lane);
        self.lanes.iter().enumerate().filter(needs).map(|(at, _)| at)
    }

    pub(crate) fn is_planned(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// Whether it is about to change the main branch or the site beside its lanes.
    pub(crate) fn ships(&self) -> bool {
        match &self.phase {
            Phase::Switching | Phase::Recording { outcome: Outcome::Live | Outcome::Partly, .. } => true,
            Phase::Recording { outcome: Outcome::Failed | Outcome::Cancelled, .. }
            | Phase::Queued
            | Phase::Waiting(_)
            | Phase::Working => false,
        }
    }

    /// Whose work the request came to, or who tried last.
    pub(crate) fn author(&self) -> Option<&Attempt> {
        let landed = self.landed.as_ref();
        landed.and_then(|landed| self.attempts.iter().find(|a| a.id == landed.attempt)).or(self.attempt())
    }

    /// The stage in words that fit "request R is …".
    pub fn word(&self) -> &'static str {
        match &self.phase {
            Phase::Queued => "queued",
            Phase::Waiting(_) => "waiting",
            Phase::Working if self.cancelled => "being cancelled",
            Phase::Working => {
                let at = self.lanes.iter().filter(|lane| lane.at.is_active()).map(|lane| lane.at.word());
                at.last().unwrap_or("being worked on")
            }
            Phase::Switching => "going live",
            Phase::Recording { .. } => "being recorded",
        }
    }
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

    fn word(&self) -> &'static str {
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
