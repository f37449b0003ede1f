//! What the loop knows: the open requests and where they stand, and of everything else no more than its ids.

use protocol::fact::*;
use protocol::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    pub(crate) projects: BTreeMap<ProjectId, Project>,
    pub(crate) active: Option<ProjectId>,
    pub(crate) clients: BTreeMap<ClientId, RequestId>,
    pub(crate) open: BTreeMap<RequestId, Open>,
    /// Requests taken so far: the next one's place in the order of arrival.
    pub(crate) received: u64,
    /// The open requests that are in phase `Queued`, by arrival.
    pub(crate) queue: BTreeMap<u64, RequestId>,
    /// The open requests that something must be running for, by arrival. The rest of them wait for a person.
    pub(crate) awake: BTreeMap<u64, RequestId>,
    /// How many of `awake` are being worked on: all but those that wait for a moment or are recorded as cancelled.
    pub(crate) busy: usize,
    pub(crate) deployments: BTreeSet<DeploymentId>,
    pub(crate) notes: BTreeMap<NoteId, BlobId>,
    pub(crate) planned: BTreeMap<StepId, ProjectId>,
    pub(crate) record: BTreeMap<AgentId, TrackRecord>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Project {
    pub live: Option<ReleaseId>,
    /// Number of the last completed step.
    pub steps: u32,
}

/// How an agent did so far. A run that was cancelled, lost, or had no account to run on tells nothing of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackRecord {
    pub runs: u32,
    pub live: u32,
}

/// A request that has not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Open {
    pub request: RequestId,
    /// Its place in the order of arrival.
    pub order: u64,
    pub project: ProjectId,
    /// The agent that the person asked for.
    pub wish: Option<AgentId>,
    /// The planned step that it carries out.
    pub step: Option<StepId>,
    pub received: At,
    /// When its newest fact happened.
    pub last: At,
    pub phase: Phase,
    pub planned: bool,
    /// The main branch when the agents were last looked at.
    pub base: Option<CommitId>,
    /// The agents as they were then.
    pub agents: Vec<AgentState>,
    /// How many of the attempts were made before that look.
    pub looked: usize,
    /// Where the next attempt begins; the base if nothing is there to go on from.
    pub from: Option<CommitId>,
    pub attempts: Vec<Attempt>,
    pub landed: Option<CommitId>,
    pub live: Option<Live>,
}

/// Where an open request stands. That a queued request is being oriented follows from its place in the queue.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    Queued,
    Waiting(Waiting),
    Briefing,
    Running { stopping: bool },
    Checking { check: CheckKind, commit: CommitId },
    Landing { commit: CommitId, release: ReleaseId },
    Switching { commit: CommitId, release: ReleaseId },
    Recording { outcome: Outcome, why: String },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    pub release: ReleaseId,
    pub url: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub id: AttemptId,
    pub task: TaskId,
    pub number: u32,
    pub agent: AgentId,
    pub practice: bool,
    /// The commit that its worktree begins at.
    pub from: CommitId,
    pub started: bool,
    pub finished: bool,
    pub checkpoints: u32,
    /// What the agent left.
    pub commit: Option<CommitId>,
    pub model: Option<String>,
    pub usage: Usage,
    pub trouble: Option<Trouble>,
}

/// Why an attempt did not do, as far as the choice of the next one depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    Check(CheckKind),
    NoChange,
    /// It failed, fell silent or took too long.
    Agent,
    Quota {
        until: Option<At>,
    },
    SignedOut,
    Lost,
}

impl State {
    pub fn project(&self, project: &ProjectId) -> Option<&Project> {
        self.projects.get(project)
    }

    /// The project that requests without one go to.
    pub fn active(&self) -> Option<&ProjectId> {
        self.active.as_ref()
    }

    pub fn open(&self, request: &RequestId) -> Option<&Open> {
        self.open.get(request)
    }

    pub fn request_of_client(&self, client: &ClientId) -> Option<&RequestId> {
        self.clients.get(client)
    }

    pub fn record(&self, agent: &AgentId) -> TrackRecord {
        self.record.get(agent).copied().unwrap_or_default()
    }
}

impl Open {
    /// The attempt that is being made, or the newest one.
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }
}

impl Phase {
    /// The stage in words that fit "request R is …".
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Waiting(_) => "waiting",
            Self::Briefing => "being briefed",
            Self::Running { stopping: false } => "running",
            Self::Running { stopping: true } => "being cancelled",
            Self::Checking { .. } => "being checked",
            Self::Landing { .. } => "landing",
            Self::Switching { .. } => "going live",
            Self::Recording { .. } => "being recorded",
        }
    }
}

impl Attempt {
    /// Whether the run left something that was not there when it began.
    pub fn changed(&self) -> bool {
        self.commit.as_ref().is_some_and(|commit| *commit != self.from)
    }
}
