//! The table of agents: one row each, in a file of its own. A row holds what really differs between them and nothing
//! else.

mod claude;
mod codex;
mod gemini;
mod kimi;
mod practice;
mod qwen;

use crate::Setup;
use crate::probe::{Answer, Login};
use crate::run::usage::Tokens;
use protocol::AgentId;
use serde_json::Value;
use std::sync::LazyLock;

/// One coding agent.
pub struct Profile {
    pub id: AgentId,
    /// Name as its maker writes it.
    pub title: &'static str,
    /// Our own practice agent: never a real one.
    pub practice: bool,
    /// The program that people install; `None`: there is nothing to install.
    pub(crate) cli: Option<Program>,
    /// Another program that speaks ACP for it; `None`: its own program does.
    pub(crate) adapter: Option<Program>,
    /// The variable by which the adapter is told which `cli` to use.
    pub(crate) cli_env: Option<&'static str>,
    /// What makes the program that speaks ACP do so.
    pub(crate) acp_args: &'static [&'static str],
    /// ACP session mode in which it does not ask.
    pub(crate) mode: Option<&'static str>,
    /// Keeps it from updating itself, phoning home and retrying for minutes.
    pub(crate) env: &'static [(&'static str, &'static str)],
    /// Reads one turn's tokens out of the result of `session/prompt`.
    pub(crate) tokens: fn(&Value) -> Tokens,
    /// How its own program is asked whether it is signed in.
    pub(crate) login: Login,
    /// How one signs in, for people.
    pub(crate) sign_in: &'static str,
}

/// A program and how one gets it.
pub(crate) struct Program {
    pub name: &'static str,
    pub install: &'static str,
}

impl Profile {
    /// The program that speaks ACP.
    pub(crate) fn speaker(&self) -> Option<&Program> {
        self.adapter.as_ref().or(self.cli.as_ref())
    }
}

/// All agents, the preferred one first. The practice agent is the last.
pub fn catalogue() -> &'static [Profile] {
    &CATALOGUE
}

/// The practice agent's id.
pub fn practice() -> AgentId {
    name("practice")
}

pub(crate) fn find(agent: &AgentId) -> Option<&'static Profile> {
    catalogue().iter().find(|profile| profile.id == *agent)
}

static CATALOGUE: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    vec![
        claude::profile(),
        codex::profile(),
        gemini::profile(),
        qwen::profile(),
        kimi::profile(),
        practice::profile(),
    ]
});

fn name(id: &'static str) -> AgentId {
    match AgentId::new(id) {
        Ok(id) => id,
        Err(bad) => unreachable!("the table's own names are ids: {bad}"),
    }
}

/// Its program has no question for this; what it would need is not known to be there.
fn cannot_say(_: &Setup, _: &Profile, _: &Answer) -> Result<bool, String> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_practice_agent_is_the_last_and_the_only_one_of_its_kind() {
        let ids: Vec<_> = catalogue().iter().map(|p| p.id.as_str()).collect();
        assert_eq!(ids, ["claude-code", "codex", "gemini-cli", "qwen-code", "kimi-code", "practice"]);
        let practising: Vec<_> = catalogue().iter().filter(|p| p.practice).map(|p| &p.id).collect();
        assert_eq!(practising, [&practice()]);
    }
}
