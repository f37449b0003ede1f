//! Qwen Code, which speaks ACP itself.

use super::{Aside, Profile, Program, Resumes, Settings, name};
use crate::account;
use crate::run::usage;

/// All of it goes into our pipe; nothing is sent. Prompts are left out. What it
/// holds back for some seconds it writes when it is let go.
const TELEMETRY: &[(&str, &str)] = &[
    ("QWEN_TELEMETRY_ENABLED", "true"),
    ("QWEN_TELEMETRY_TARGET", "local"),
    ("QWEN_TELEMETRY_LOG_PROMPTS", "false"),
    ("OTEL_TRACES_SAMPLER", "always_off"),
];

/// Without these it calls the model behind the user's back (memory, suggestions), hides MCP tools behind a search, and
/// phones home.
const SETTINGS: Settings = Settings {
    variable: "QWEN_CODE_SYSTEM_SETTINGS_PATH",
    json: r#"{
  "general": { "enableAutoUpdate": false },
  "memory": { "enableManagedAutoMemory": false, "enableManagedAutoDream": false },
  "privacy": { "usageStatisticsEnabled": false },
  "tools": { "toolSearch": { "enabled": false } },
  "ui": { "enableFollowupSuggestions": false }
}
"#,
};

pub(super) fn profile() -> Profile {
    Profile {
        id: name("qwen-code"),
        title: "Qwen Code",
        practice: false,
        cli: Some(Program { name: "qwen", install: "loopwrightd agents install qwen-code" }),
        adapter: None,
        cli_env: None,
        acp_args: &["--acp"],
        beside: Some("cli.js"),
        node_args: &["--expose-gc"],
        mode: Some("yolo"),
        asking: Some("default"),
        env: &[
            ("QWEN_CODE_NO_RELAUNCH", "true"),
            ("QWEN_CODE_SUPPRESS_YOLO_WARNING", "1"),
            ("NO_BROWSER", "1"),
        ],
        mcp_env: &[("QWEN_CODE_LEGACY_MCP_BLOCKING", "1")],
        settings: Some(SETTINGS),
        aside: Aside::Telemetry { file: "QWEN_TELEMETRY_OUTFILE", env: TELEMETRY },
        resumes: Resumes::Quietly,
        session_meta: None,
        named_by_us: false,
        known: &["qwen/notify/session/mode-update", "craft/drainMidTurnQueue"],
        echo: None,
        spent: usage::of_protocol,
        total: None,
        account: &account::QWEN,
    }
}
