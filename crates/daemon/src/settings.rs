//! `loopwright.toml` in the home folder: everything the user may set, all of it optional, and where the daemon finds
//! its tools. Read once, at start.

mod memory;

pub use memory::*;

use anyhow::{Context, Result};
use protocol::AgentId;
use protocol::fact::Judge;
use protocol::price::OwnPrices;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The dashboard's port on 127.0.0.1.
    pub port: Option<u16>,
    pub screenshots: Screenshots,
    pub limits: RunLimits,
    /// Per agent: environment such as a base URL or an API key of the user's own.
    pub agents: BTreeMap<AgentId, AgentSettings>,
    pub practice: Practice,
    pub memory: MemorySettings,
    pub bridges: BridgeSettings,
    /// Per model: what a million tokens costs here, in the place of the shipped list.
    pub prices: OwnPrices,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screenshots {
    /// Where a Chromium is installed.
    #[default]
    Auto,
    Off,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunLimits {
    /// An agent that says nothing for this long is stopped, seconds.
    pub idle_s: u64,
    /// The longest run of one attempt, seconds.
    pub wall_s: u64,
    /// Attempts at one task.
    pub attempts: u32,
    /// Tokens of the brief.
    pub brief_tokens: u64,
    /// Requests that are worked on at once. Each builds on what the one before left, so that one is the rule; the parts of
    /// a request are done at the same time anyway.
    pub requests_at_once: usize,
    /// Agents that run at once; unset: as many as the machine's memory bears.
    pub agents_at_once: Option<usize>,
    /// Runs of one agent at once: they share its account.
    pub per_agent: usize,
    /// When an agent's quota is used up: switch to another agent, wait, or ask.
    pub on_quota: OnQuota,
    /// Who takes one of a race's attempts: the checks, or you.
    pub pick: Judge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnQuota {
    #[default]
    Switch,
    Wait,
    Ask,
}

impl Default for RunLimits {
    fn default() -> Self {
        let limits = engine::Limits::default();
        Self {
            idle_s: 600,
            wall_s: 3600,
            attempts: limits.attempts,
            brief_tokens: 12_000,
            requests_at_once: 1,
            agents_at_once: None,
            per_agent: limits.per_agent,
            on_quota: OnQuota::default(),
            pick: limits.pick,
        }
    }
}

/// What one agent at work takes of the machine, with its tools (the real ones were measured at 300 to 700 MB).
const AGENT_BYTES: u64 = 700 * 1024 * 1024;
/// More than this at once helps nobody who did not ask for it: they share two or four cores.
const MOST_AT_ONCE: u64 = 4;

/// Agents that a machine with so much memory bears at once.
fn at_once(memory: u64) -> usize {
    usize::try_from((memory / AGENT_BYTES).clamp(1, MOST_AT_ONCE)).unwrap_or(1)
}

/// The agents' MCP servers on 127.0.0.1.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BridgeSettings {
    pub enabled: bool,
    /// The first agent's port; the others have the next ones. 0: any free ones.
    pub port: u16,
}

impl Default for BridgeSettings {
    fn default() -> Self {
        Self { enabled: true, port: crate::bridges::PORT }
    }
}

impl Settings {
    /// The loop's limits on a machine with so many bytes of memory.
    pub fn engine_limits(&self, memory: u64) -> engine::Limits {
        let set = &self.limits;
        let at_once = set.agents_at_once.unwrap_or_else(|| at_once(memory)).max(1);
        let named = self.agents.iter().filter_map(|(agent, set)| Some((agent.clone(), set.at_once?.max(1))));
        // The practice agent has no account that runs could share.
        let runs = std::iter::once((agents::practice(), at_once)).chain(named);
        engine::Limits {
            active: set.requests_at_once.max(1),
            at_once,
            per_agent: set.per_agent.max(1),
            per_agent_of: runs.collect(),
            attempts: set.attempts,
            on_quota: match set.on_quota {
                OnQuota::Switch => engine::OnQuota::Switch,
                OnQuota::Wait => engine::OnQuota::Wait,
                OnQuota::Ask => engine::OnQuota::Ask,
            },
            pick: set.pick,
            ..engine::Limits::default()
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentSettings {
    pub env: BTreeMap<String, String>,
    /// What it may do without being asked: everything inside its walls, or nothing that it asks for itself.
    pub permissions: Permissions,
    /// Its runs at once, where they may be more or less than the others'.
    pub at_once: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permissions {
    /// Its walls hold it; nobody is asked.
    #[default]
    Allow,
    /// What it asks for goes to the user.
    Ask,
}

/// Another ACP program in the place of the built-in practice agent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Practice {
    pub argv: Option<Vec<String>>,
}

impl Settings {
    /// A missing file means the defaults; a wrong one is an error that says where.
    pub fn read(path: &Path) -> Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).with_context(|| format!("failed to read {}", path.display())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e).with_context(|| format!("failed to read {}", path.display())),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let settings: Self = toml::from_str(text)?;
        settings.memory.check()?;
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_agents_run_at_once_as_the_memory_bears() {
        let gb = |gb: u64| at_once(gb * 1024 * 1024 * 1024);
        assert_eq!([gb(0), gb(1), gb(2), gb(4), gb(64)], [1, 1, 2, 4, 4]);
    }

    #[test]
    fn what_the_user_sets_reaches_the_loop() {
        let text = "
            [limits]
            requests_at_once = 3
            agents_at_once = 0
            on_quota = \"ask\"
            pick = \"you\"
            [agents.codex]
            at_once = 3
            permissions = \"ask\"
            [prices.\"my-model\"]
            input = 1.0
            output = 2.0
        ";
        let settings: Settings = toml::from_str(text).unwrap();
        let limits = settings.engine_limits(u64::MAX);
        assert_eq!((limits.active, limits.at_once), (3, 1), "none at once would wait for ever");
        assert_eq!((limits.on_quota, limits.pick), (engine::OnQuota::Ask, Judge::You));
        let codex = AgentId::new("codex").unwrap();
        assert_eq!((limits.runs_of(&codex), limits.runs_of(&AgentId::new("x").unwrap())), (3, 1));
        assert_eq!(settings.agents[&codex].permissions, Permissions::Ask);
        assert_eq!(settings.prices["my-model"].output, 2.0);
    }
}
