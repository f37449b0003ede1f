//! Kimi Code, which speaks ACP itself.

use super::{Aside, Profile, Program, Resumes, name};
use crate::account;
use crate::run::usage;

pub(super) fn profile() -> Profile {
    Profile {
        id: name("kimi-code"),
        title: "Kimi Code",
        practice: false,
        cli: Some(Program { name: "kimi", install: "loopwrightd agents install kimi-code" }),
        adapter: None,
        cli_env: None,
        acp_args: &["acp"],
        beside: None,
        node_args: &[],
        mode: Some("yolo"),
        asking: Some("default"),
        env: &[("KIMI_DISABLE_TELEMETRY", "1"), ("KIMI_CODE_NO_AUTO_UPDATE", "1"), ("NO_BROWSER", "1")],
        mcp_env: &[],
        settings: None,
        aside: Aside::SessionLog { variable: "KIMI_CODE_HOME", folder: ".kimi-code" },
        resumes: Resumes::Quietly,
        session_meta: None,
        named_by_us: false,
        known: &[],
        echo: None,
        spent: usage::of_protocol,
        total: None,
        account: &account::KIMI,
    }
}
