//! Codex, through its ACP adapter.

use super::{Profile, Program, name};
use crate::probe::{Login, codex_login};
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
        mode: Some("agent-full-access"),
        env: &[("CODEX_CONFIG", r#"{"analytics":{"enabled":false}}"#), ("NO_BROWSER", "1")],
        tokens: usage::codex,
        login: Login { args: &["login", "status"], signed_in: codex_login },
        sign_in: "run `codex login --device-auth`, or give it a key with `codex login --with-api-key`",
    }
}
