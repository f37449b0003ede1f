//! Codex, through its ACP adapter.

use super::{Aside, Profile, Program, Resumes, name};
use crate::account;
use crate::run::usage;

pub(super) fn profile() -> Profile {
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
        acp_args: &[],
        beside: None,
        node_args: &[],
        mode: Some("agent-full-access"),
        env: &[("CODEX_CONFIG", r#"{"analytics":{"enabled":false}}"#), ("NO_BROWSER", "1")],
        mcp_env: &[],
        settings: None,
        aside: Aside::Nothing,
        resumes: Resumes::Quietly,
        session_meta: None,
        named_by_us: true,
        known: &[],
        echo: None,
        spent: usage::by_model_or_usage,
        total: None,
        account: &account::CODEX,
    }
}
