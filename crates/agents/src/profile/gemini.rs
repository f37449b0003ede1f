//! Gemini CLI, which speaks ACP itself.

use super::{Profile, Program, cannot_say, name};
use crate::probe::Login;
use crate::run::usage;

pub(super) fn profile() -> Profile {
    Profile {
        id: name("gemini-cli"),
        title: "Gemini CLI",
        practice: false,
        cli: Some(Program { name: "gemini", install: "npm install --global @google/gemini-cli" }),
        adapter: None,
        cli_env: None,
        acp_args: &["--acp", "--skip-trust"],
        mode: Some("yolo"),
        env: &[("GEMINI_CLI_NO_RELAUNCH", "true"), ("NO_BROWSER", "true")],
        tokens: usage::standard,
        login: Login { args: &["--version"], signed_in: cannot_say },
        sign_in: "run `gemini` and choose how to sign in, or set GEMINI_API_KEY for it",
    }
}
