//! Qwen Code, which speaks ACP itself.

use super::{Profile, Program, cannot_say, name};
use crate::probe::Login;
use crate::run::usage;

pub(super) fn profile() -> Profile {
    Profile {
        id: name("qwen-code"),
        title: "Qwen Code",
        practice: false,
        cli: Some(Program { name: "qwen", install: "npm install --global @qwen-code/qwen-code" }),
        adapter: None,
        cli_env: None,
        acp_args: &["--acp"],
        mode: Some("yolo"),
        env: &[
            ("QWEN_CODE_NO_RELAUNCH", "true"),
            ("QWEN_CODE_SUPPRESS_YOLO_WARNING", "1"),
            ("NO_BROWSER", "1"),
        ],
        tokens: usage::standard,
        login: Login { args: &["--version"], signed_in: cannot_say },
        sign_in: "set OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL for it; its free sign-in no longer exists",
    }
}
