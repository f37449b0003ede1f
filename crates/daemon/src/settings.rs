//! `loopwright.toml` in the home folder: everything the user may set, all of it optional, and where the daemon finds
//! its tools. Read once, at start.

use anyhow::{Context, Result};
use protocol::AgentId;
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
    /// Attempts at one request.
    pub attempts: u32,
    /// Tokens of the brief.
    pub brief_tokens: u64,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self { idle_s: 600, wall_s: 3600, attempts: 4, brief_tokens: 12_000 }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentSettings {
    pub env: BTreeMap<String, String>,
}

/// Another ACP program in the place of the built-in practice agent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Practice {
    pub argv: Option<Vec<String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemorySettings {
    /// Notes recalled for a request at most; 0 turns recall off.
    pub recall: u32,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self { recall: 6 }
    }
}

impl Settings {
    /// A missing file means the defaults; a wrong one is an error that says where.
    pub fn read(path: &Path) -> Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).with_context(|| format!("failed to read {}", path.display())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(e).with_context(|| format!("failed to read {}", path.display())),
        }
    }
}
