//! Our own practice agent: no model, no account.

use super::Profile;
use crate::probe::{Login, no_login};
use crate::run::usage;

pub(super) fn profile() -> Profile {
    Profile {
        id: super::practice(),
        title: "Practice agent",
        practice: true,
        cli: None,
        adapter: None,
        cli_env: None,
        acp_args: &[],
        mode: None,
        env: &[],
        tokens: usage::standard,
        login: Login { args: &[], signed_in: no_login },
        sign_in: "",
    }
}
