//! The table of agents. One row each; a row holds what really differs between them and nothing else.

use crate::probe::{Login, claude_login, codex_login, no_login};
use crate::run::usage::{self, Tokens};
use protocol::AgentId;
use serde_json::Value;
use std::sync::LazyLock;

/// One coding agent.
pub struct Profile {
    pub id: AgentId,
    /// Name as its maker writes it.
    pub title: &'static str,
    /// Our own practice agent: never a real one.
    pub practice: bool,
    /// The program that people install; `None`: there is nothing to install.
    pub(crate) cli: Option<Program>,
    /// The program that speaks ACP for it.
    pub(crate) adapter: Option<Program>,
    /// The variable by which the adapter is told which `cli` to use.
    pub(crate) cli_env: Option<&'static str>,
    /// ACP session mode in which it does not ask.
    pub(crate) mode: Option<&'static str>,
    /// Keeps it from updating itself, phoning home and retrying for minutes.
    pub(crate) env: &'static [(&'static str, &'static str)],
    /// Reads one turn's tokens out of the result of `session/prompt`.
    pub(crate) tokens: fn(&Value) -> Tokens,
    /// How its own program is asked whether it is signed in.
    pub(crate) login: Login,
    /// How one signs in, for people.
    pub(crate) sign_in: &'static str,
}

/// A program and how one gets it.
pub(crate) struct Program {
    pub name: &'static str,
    pub install: &'static str,
}

/// All agents, the preferred one first. The practice agent is the last.
pub fn catalogue() -> &'static [Profile] {
    &CATALOGUE
}

/// The practice agent's id.
pub fn practice() -> AgentId {
    name("practice")
}

pub(crate) fn find(agent: &AgentId) -> Option<&'static Profile> {
    catalogue().iter().find(|profile| profile.id == *agent)
}

static CATALOGUE: LazyLock<Vec<Profile>> = LazyLock::new(|| vec![claude(), codex(), practice_agent()]);

fn claude() -> Profile {
    Profile {
        id: name("claude-code"),
        title: "Claude Code",
        practice: false,
        cli: Some(Program { name: "claude", install: "npm install --global @anthropic-ai/claude-code" }),
        adapter: Some(Program {
            name: "claude-agent-acp",
            install: "npm install --global --omit=optional @agentclientprotocol/claude-agent-acp",
        }),
        cli_env: Some("CLAUDE_CODE_EXECUTABLE"),
        mode: Some("bypassPermissions"),
        env: &[
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            // A call after the turn that is billed and reported nowhere.
            ("CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION", "false"),
            ("CLAUDE_CODE_MAX_RETRIES", "2"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("NO_BROWSER", "1"),
        ],
        tokens: usage::claude,
        login: Login { args: &["auth", "status"], signed_in: claude_login },
        sign_in: "run `claude auth login`, or set ANTHROPIC_API_KEY for it",
    }
}

fn codex() -> Profile {
    Profile {
        id: name("codex"),
        title: "Codex",
        practice: false,
        cli: Some(Program { name: "codex", install: "npm install --global @openai/codex" }),
        adapter: Some(Program {
            name: "codex-acp",
            install: "npm install --global --omit=optional @agentclientprotocol/codex-acp",
        }),
        cli_env: Some("CODEX_PATH"),
        mode: Some("agent-full-access"),
        env: &[("CODEX_CONFIG", r#"{"analytics":{"enabled":false}}"#), ("NO_BROWSER", "1")],
        tokens: usage::codex,
        login: Login { args: &["login", "status"], signed_in: codex_login },
        sign_in: "run `codex login --device-auth`, or give it a key with `codex login --with-api-key`",
    }
}

fn practice_agent() -> Profile {
    Profile {
        id: practice(),
        title: "Practice agent",
        practice: true,
        cli: None,
        adapter: None,
        cli_env: None,
        mode: None,
        env: &[],
        tokens: usage::standard,
        login: Login { args: &[], signed_in: no_login },
        sign_in: "",
    }
}

fn name(id: &'static str) -> AgentId {
    match AgentId::new(id) {
        Ok(id) => id,
        Err(bad) => unreachable!("the table's own names are ids: {bad}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_practice_agent_is_the_last_and_the_only_one_of_its_kind() {
        let ids: Vec<_> = catalogue().iter().map(|p| (p.id.as_str(), p.practice)).collect();
        assert_eq!(ids, [("claude-code", false), ("codex", false), ("practice", true)]);
        assert_eq!(practice().as_str(), "practice");
    }
}
