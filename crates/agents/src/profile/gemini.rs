//! Gemini CLI, which speaks ACP itself.

use super::{Aside, Profile, Program, Resumes, name};
use crate::account;
use crate::run::usage;

/// All of it goes into our pipe; nothing is sent. Prompts are left out. What it
/// holds back for some seconds it writes when it is let go.
const TELEMETRY: &[(&str, &str)] = &[
    ("GEMINI_TELEMETRY_ENABLED", "true"),
    ("GEMINI_TELEMETRY_TARGET", "local"),
    ("GEMINI_TELEMETRY_LOG_PROMPTS", "false"),
    ("OTEL_TRACES_SAMPLER", "always_off"),
];

pub(super) fn profile() -> Profile {
    Profile {
        id: name("gemini-cli"),
        title: "Gemini CLI",
        practice: false,
        cli: Some(Program { name: "gemini", install: "loopwrightd agents install gemini-cli" }),
        adapter: None,
        cli_env: None,
        acp_args: &["--acp", "--skip-trust"],
        beside: None,
        node_args: &[],
        mode: Some("yolo"),
        asking: Some("default"),
        env: &[("GEMINI_CLI_NO_RELAUNCH", "true"), ("NO_BROWSER", "true")],
        mcp_env: &[],
        settings: None,
        aside: Aside::Telemetry { file: "GEMINI_TELEMETRY_OUTFILE", env: TELEMETRY },
        resumes: Resumes::WithHistory { chats: ".gemini/tmp" },
        session_meta: None,
        named_by_us: false,
        known: &[],
        echo: Some("[MODE_UPDATE] "),
        spent: usage::gemini,
        total: None,
        account: &account::GEMINI,
    }
}
