//! Codex, through its ACP adapter.

use super::{Aside, Profile, Program, Resumes, name};
use crate::account;
use crate::run::usage;
use serde_json::{Map, Value};

/// Nothing is sent to its maker, and its shell's state, keys of the environment with it, is not written to a file.
const CONFIG: &str = r#"{"analytics":{"enabled":false},"features":{"shell_snapshot":false}}"#;

/// What every run is told, to be added to.
pub(crate) fn config() -> Map<String, Value> {
    serde_json::from_str(CONFIG).unwrap_or_default()
}

pub(super) fn profile() -> Profile {
    Profile {
        id: name("codex"),
        title: "Codex",
        practice: false,
        cli: Some(Program { name: "codex", install: "loopwrightd agents install codex" }),
        adapter: Some(Program { name: "codex-acp", install: "loopwrightd agents install codex" }),
        cli_env: Some("CODEX_PATH"),
        acp_args: &[],
        beside: None,
        node_args: &[],
        mode: Some("agent-full-access"),
        asking: Some("read-only"),
        env: &[("CODEX_CONFIG", CONFIG), ("NO_BROWSER", "1")],
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_run_is_told_is_an_object() {
        assert_eq!(Value::Object(config()), serde_json::from_str::<Value>(CONFIG).unwrap());
    }
}
