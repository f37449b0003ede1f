//! Claude Code, through its ACP adapter.

use super::{Profile, Program, name};
use crate::probe::{Login, claude_login};
use crate::run::usage;

pub(super) fn profile() -> Profile {
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
        acp_args: &[],
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
