//! Our own practice agent: no model, no account.

use super::{Aside, Profile, Resumes};
use crate::account;
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
        beside: None,
        node_args: &[],
        mode: None,
        asking: None,
        env: &[],
        mcp_env: &[],
        settings: None,
        aside: Aside::Nothing,
        resumes: Resumes::No,
        session_meta: None,
        named_by_us: false,
        known: &[],
        echo: None,
        spent: usage::of_protocol,
        total: None,
        account: &account::PRACTICE,
    }
}
