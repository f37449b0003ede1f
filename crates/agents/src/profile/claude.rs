//! Claude Code, through its ACP adapter.

use super::{Aside, Profile, Program, Resumes, name};
use crate::account;
use crate::run::usage;

pub(super) fn profile() -> Profile {
    Profile {
        id: name("claude-code"),
        title: "Claude Code",
        practice: false,
        cli: Some(Program { name: "claude", install: "loopwrightd agents install claude-code" }),
        adapter: Some(Program {
            name: "claude-agent-acp",
            install: "loopwrightd agents install claude-code",
        }),
        cli_env: Some("CLAUDE_CODE_EXECUTABLE"),
        acp_args: &[],
        beside: None,
        node_args: &[],
        mode: Some("bypassPermissions"),
        asking: Some("default"),
        env: &[
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            // A call after the turn that is billed and reported nowhere.
            ("CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION", "false"),
            ("CLAUDE_CODE_MAX_RETRIES", "2"),
            ("DISABLE_AUTOUPDATER", "1"),
            ("NO_BROWSER", "1"),
        ],
        mcp_env: &[("ENABLE_TOOL_SEARCH", "false")],
        settings: None,
        aside: Aside::Nothing,
        resumes: Resumes::Quietly,
        // A session without a title asks a model for one, beside the turn: billed, and told only if it is quicker than
        // the turn.
        session_meta: Some(
            r#"{"claudeCode":{"options":{"title":"{name}"},"emitRawSDKMessages":[{"type":"result"}]}}"#,
        ),
        named_by_us: false,
        known: &["_claude/sdkMessage"],
        echo: None,
        spent: usage::by_model_or_usage,
        total: Some(("_claude/sdkMessage", usage::claude_total)),
        account: &account::CLAUDE,
    }
}
