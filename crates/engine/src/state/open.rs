//! A request that has not ended: its tasks, and the lanes in which they are worked on. A task has one lane; in a race it
//! has one for each agent, until one of them is taken.

use super::{Attempt, Lane, Stand, Wish};

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
                let active = self.lanes.iter().rfind(|lane| lane.at.is_active());
                active.map_or("being worked on", |lane| lane.at.word())
            }
            Phase::Switching => "going live",
            Phase::Recording { .. } => "being recorded",
        }
    }
}
