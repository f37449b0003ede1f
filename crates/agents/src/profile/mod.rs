//! The table of agents: one row each, in a file of its own. A row holds what really differs between them and nothing
//! else.

mod claude;
pub(crate) mod codex;
mod gemini;
mod kimi;
mod practice;
mod qwen;

use crate::account;
use crate::run::usage::Total;
use protocol::AgentId;
use protocol::fact::ModelUsage;
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
    /// The file beside the program's own that is run in its place, so that no launcher stands between us and the agent.
    pub(crate) beside: Option<&'static str>,
    /// For Node itself, before the program.
    pub(crate) node_args: &'static [&'static str],
    /// ACP session mode in which it does not ask.
    pub(crate) mode: Option<&'static str>,
    /// The one in which it does.
    pub(crate) asking: Option<&'static str>,
    /// Keeps it from updating itself, phoning home and retrying for minutes.
    pub(crate) env: &'static [(&'static str, &'static str)],
    /// Only for runs that have MCP servers: makes their tools visible at once.
    pub(crate) mcp_env: &'static [(&'static str, &'static str)],
    /// What only a settings file can say.
    pub(crate) settings: Option<Settings>,
    /// Where it tells what ACP has no words for.
    pub(crate) aside: Aside,
    pub(crate) resumes: Resumes,
    /// `_meta` of the request that opens a session, as JSON; `{name}` in it is the name that we give the session.
    pub(crate) session_meta: Option<&'static str>,
    /// Its session is given a name by us: it would ask a model for one, which is billed and told nowhere.
    pub(crate) named_by_us: bool,
    /// Vendor messages that are known and of no interest to a reader.
    pub(crate) known: &'static [&'static str],
    /// How a message begins that is no word of the model.
    pub(crate) echo: Option<&'static str>,
    /// Reads one turn's tokens, by model, out of the result of `session/prompt`.
    pub(crate) spent: fn(&Value) -> Vec<ModelUsage>,
    /// The notification that carries the whole session's tokens and dollars so far, and its reader.
    pub(crate) total: Option<(&'static str, ReadTotal)>,
    /// Its account: what counts as credentials, how its program is asked, how one signs in.
    pub(crate) account: &'static account::Row,
}

/// Reads the parameters of a notification.
pub(crate) type ReadTotal = fn(&Value) -> Option<Total>;

/// A settings file of ours for one run, in its private folder. The user's own configuration is left as it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// The variable that names the file.
    pub variable: &'static str,
    pub json: &'static str,
}

/// Where an agent tells of each call of its model: what it cost, and whether it was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Aside {
    Nothing,
    /// Its own telemetry, into a pipe of ours instead of over the network.
    Telemetry {
        file: &'static str,
        env: &'static [(&'static str, &'static str)],
    },
    /// The log of its sessions, in its own home.
    SessionLog {
        variable: &'static str,
        folder: &'static str,
    },
}

/// How a session of an earlier run is taken up again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resumes {
    No,
    /// `session/resume`: nothing is said again.
    Quietly,
    /// `session/load`: the whole conversation is said again first.
    WithHistory {
        /// In its home: where each project has a folder `chats` with files that are named by the minute.
        chats: &'static str,
    },
}

/// A program and how one gets it.
pub(crate) struct Program {
    pub name: &'static str,
    pub install: &'static str,
}

impl Profile {
    /// Whether a later run can go on with a session of an earlier one.
    pub fn can_resume(&self) -> bool {
        self.resumes != Resumes::No
    }

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
