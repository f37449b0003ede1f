//! How much is done at once, how much is tried before the loop stops, and what it decides by itself. Data, so that a
//! workspace can set it.

use protocol::AgentId;
use protocol::fact::Judge;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests that are worked on at once, in the whole workspace. Waiting ones do not count.
    pub active: usize,
    /// Runs of agents at once, in the whole workspace: each takes memory.
    pub at_once: usize,
    /// Runs of one agent at once: they share its account.
    pub per_agent: usize,
    /// The same for agents that may do more or less than the others.
    pub per_agent_of: BTreeMap<AgentId, usize>,
    /// Parts that one request may be split into.
    pub parts: usize,
    /// Attempts at one task. Runs that were lost are counted apart.
    pub attempts: u32,
    /// How often the same agent may try again after a failure of its own.
    pub same_agent_again: u32,
    /// Runs of one task that may be lost (the daemon went away) in a row, none of them with a checkpoint, and begun
    /// again. A daemon that dies of a run does not go on with it for ever.
    pub lost: u32,
    /// The same for all lost runs of one task: what costs tokens each time has an end too.
    pub lost_in_all: u32,
    pub on_quota: OnQuota,
    /// Who says which of several agents' attempts at the same task lands.
    pub pick: Judge,
}

/// What follows when an agent's quota is used up while another agent is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnQuota {
    /// The other one goes on.
    #[default]
    Switch,
    /// The same one goes on when its quota is back.
    Wait,
    /// The user says what to do.
    Ask,
}

impl Limits {
    /// Runs of this agent at once. At least one: a task that may never run would wait for ever.
    pub fn runs_of(&self, agent: &AgentId) -> usize {
        self.per_agent_of.get(agent).copied().unwrap_or(self.per_agent).max(1)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            active: 2,
            at_once: 3,
            per_agent: 1,
            per_agent_of: BTreeMap::new(),
            parts: 8,
            attempts: 4,
            same_agent_again: 1,
            lost: 3,
            lost_in_all: 10,
            on_quota: OnQuota::default(),
            pick: Judge::Checks,
        }
    }
}
