//! Kimi Code, which speaks ACP itself.

use super::{Profile, Program, cannot_say, name};
use crate::probe::Login;
use crate::run::usage;

pub(super) fn profile() -> Profile {
    Profile {
        id: name("kimi-code"),
        title: "Kimi Code",
        practice: false,
        cli: Some(Program { name: "kimi", install: "npm install --global @moonshot-ai/kimi-code" }),
        adapter: None,
        cli_env: None,
        acp_args: &["acp"],
        mode: Some("yolo"),
        env: &[("KIMI_DISABLE_TELEMETRY", "1"), ("KIMI_CODE_NO_AUTO_UPDATE", "1"), ("NO_BROWSER", "1")],
        tokens: usage::standard,
        login: Login { args: &["--version"], signed_in: cannot_say },
        sign_in: "run `kimi login`, or set a model and a key for it",
    }
}
