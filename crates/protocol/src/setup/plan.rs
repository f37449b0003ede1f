//! What the user wishes, and what would be done about it.

use super::{Choice, Obstacle};
use crate::id::AgentId;
use serde::{Deserialize, Serialize};

/// What the user chose before the plan. The default is the plan of a bare server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// Agents whose programs are installed now; others can be added later.
    pub agents: Vec<AgentId>,
    /// Name of the first project; none makes none.
    pub project: Option<String>,
    /// Its starter.
    pub starter: Option<String>,
    /// The user's own domain for the site.
    pub domain: Option<String>,
    /// The user agrees to the terms of service of the authority that gives the domain its certificate. Without that none is
    /// asked for, and the site answers over plain HTTP.
    pub terms: bool,
    /// Where that authority may write to: an e-mail address.
    pub contact: Option<String>,
    /// A swap file where memory is short.
    pub swap: bool,
    /// Turn the system's own security updates on where they are off.
    pub security_updates: bool,
    /// Let the firewall admit 22, 80 and 443 only. Off unless the user says so.
    pub firewall: bool,
    /// Answers to what the plan asked.
    pub choices: Vec<(String, Choice)>,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            agents: Vec::new(),
            project: None,
            starter: None,
            domain: None,
            terms: false,
            contact: None,
            swap: true,
            security_updates: true,
            firewall: false,
            choices: Vec::new(),
        }
    }
}

/// Everything that would be done, before anything is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Names this very plan: `apply` takes it, so that what is done is what was shown.
    pub hash: String,
    pub steps: Vec<PlannedStep>,
    /// Seconds that its steps took the last time that they were done, said by who has seen that; none is unknown.
    #[serde(default)]
    pub takes: Option<u64>,
}

impl Plan {
    /// Things that would be changed.
    pub fn changes(&self) -> usize {
        self.steps.iter().map(|step| step.changes().len()).sum()
    }
    pub fn blocked(&self) -> impl Iterator<Item = (&PlannedStep, &Obstacle)> {
        self.steps.iter().filter_map(|step| match &step.state {
            StepPlan::Blocked { obstacle } => Some((step, obstacle)),
            StepPlan::Satisfied | StepPlan::Needed { .. } | StepPlan::Skipped { .. } => None,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// "users", "units": stable, the same on every server.
    pub id: String,
    /// In plain words: "Users for agents and sites".
    pub title: String,
    /// Why it is needed, in one sentence.
    pub why: String,
    pub state: StepPlan,
}

impl PlannedStep {
    pub fn changes(&self) -> &[Change] {
        match &self.state {
            StepPlan::Needed { changes } => changes,
            StepPlan::Satisfied | StepPlan::Blocked { .. } | StepPlan::Skipped { .. } => &[],
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepPlan {
    /// Nothing to do.
    Satisfied,
    Needed {
        changes: Vec<Change>,
    },
    Blocked {
        obstacle: Obstacle,
    },
    /// Left out, and why ("the firewall is left as it is").
    Skipped {
        why: String,
    },
}

/// One thing that is made or changed on the server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Change {
    User {
        name: String,
    },
    Folder {
        path: String,
    },
    /// Made, or replaced: then the original is kept.
    File {
        path: String,
        replaces: bool,
    },
    Link {
        path: String,
        to: String,
    },
    Package {
        name: String,
    },
    Unit {
        name: String,
    },
    /// A service of the system that is turned on or off.
    Service {
        name: String,
        on: bool,
    },
    Swap {
        path: String,
        bytes: u64,
    },
    Firewall {
        rule: String,
    },
    /// A program that is installed beside the system's: node, an agent.
    Program {
        name: String,
        version: String,
    },
    Project {
        name: String,
    },
    /// The first project's own domain.
    Domain {
        name: String,
    },
    Port {
        port: u16,
    },
}
