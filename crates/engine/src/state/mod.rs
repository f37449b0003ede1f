//! What the loop knows: the open requests and where they stand, and of everything else no more than its ids.
//!
//! Here: the whole workspace. `open` holds one request and its tasks, `lane` where a task is worked on, `attempt` one
//! agent's try at it.

mod attempt;
mod lane;
mod notes;
mod open;

pub(crate) use attempt::nothing;
pub use attempt::{Attempt, Trouble};
pub use lane::{Lane, Line, Stand, Start};
pub(crate) use notes::Notes;
pub use open::{Landed, Live, Open, Phase, Task};

use protocol::fact::PartWish;
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
    /// Turns given so far: what has to wait for something is served in their order.
    pub(crate) turns: u64,
    /// The open requests that are in phase `Queued`, by arrival.
    pub(crate) queue: BTreeMap<u64, RequestId>,
    /// The open requests that something must be running for, by arrival. The rest of them wait for a person.
    pub(crate) awake: BTreeMap<u64, RequestId>,
    /// How many of `awake` are being worked on: all but those that wait for a moment or are recorded as cancelled.
    pub(crate) busy: usize,
    pub(crate) deployments: BTreeSet<DeploymentId>,
    pub(crate) notes: Notes,
    pub(crate) planned: BTreeMap<StepId, ProjectId>,
    pub(crate) record: BTreeMap<AgentId, TrackRecord>,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Project {
    pub live: Option<ReleaseId>,
    /// Number of the last completed step.
    pub steps: u32,
    /// Changes that landed so far.
    pub landings: u64,
    /// The release that holds the most of them and went live.
    pub shipped: Option<Shipped>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipped {
    /// The last change that is in it.
    pub landing: u64,
    pub release: ReleaseId,
    pub commit: CommitId,
}

/// How an agent did so far. A run that was cancelled, lost, or had no account to run on tells nothing of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackRecord {
    pub runs: u32,
    pub live: u32,
}

/// What the user wants of a request, beside its words.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wish {
    /// The agent that the person asked for.
    pub agent: Option<AgentId>,
    /// Agents that make the whole request at the same time.
    pub race: Vec<AgentId>,
    pub parts: Vec<PartWish>,
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

    /// What visitors are to reach once nothing of this request is under way any more: the release of its own change that
    /// landed last, or a later one that holds it too and is live already. Going back to its own would take that away.
    pub(crate) fn to_ship(&self, open: &Open) -> Option<(AttemptId, ReleaseId, CommitId)> {
        let own = open.landed.as_ref()?;
        let shipped = self.projects.get(&open.project).and_then(|project| project.shipped.as_ref());
        let (release, commit) = match shipped.filter(|later| later.landing > own.landing) {
            Some(later) => (later.release.clone(), later.commit.clone()),
            None => (own.release.clone(), own.commit.clone()),
        };
        Some((own.attempt.clone(), release, commit))
    }
}
