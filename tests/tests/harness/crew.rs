//! Several agents at once: under the names of real ones stand small programs that say they are signed in and then play
//! a script, each its own.

use super::{House, PLAIN, QUIET};
use protocol::*;
use std::fmt::Write;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use testkit::Workspace;
use testkit::acp::{Act, Scene, Script};
use testkit::workspace::built;

/// What each agent's programs are called, and where its account stands.
const CREW: [(&str, &str, &str, &str); 2] = [
    ("claude-code", "claude", "claude-agent-acp", "ANTHROPIC_API_KEY"),
    ("codex", "codex", "codex-acp", "CODEX_API_KEY"),
];

/// What an agent's own program says when it is asked for its version and its account.
const CLI: &str = "#!/bin/sh\ncase \"$1\" in\n  auth) echo '{\"loggedIn\":true,\"authMethod\":\"api_key\"}' ;;\n  \
                   login) echo 'Logged in using an API key' ;;\n  *) echo '9.9.9 (scripted)' ;;\nesac\n";

/// Agents by name, each with its script; those of no name here stand in the place of the practice agent.
pub fn house(crew: &[(&str, Script)], settings: &str) -> House {
    house_in(Workspace::new().unwrap(), crew, settings)
}

pub fn house_in(workspace: Workspace, crew: &[(&str, Script)], settings: &str) -> House {
    let mut toml = format!("{QUIET}{settings}\n");
    for (name, script) in crew {
        match CREW.iter().find(|(agent, ..)| agent == name) {
            Some(programs) => toml.push_str(&real(&workspace, programs, script)),
            None => {
                let argv = workspace.scripted_agent(script, true).unwrap();
                let _ = writeln!(toml, "[practice]\nargv = {argv:?}");
            }
        }
    }
    workspace.settings(&toml).unwrap();
    start(workspace)
}

pub fn start(workspace: Workspace) -> House {
    let tools = workspace.open_folder("tools", 0o755).unwrap();
    let mut args: Vec<&str> = PLAIN.to_vec();
    args.extend(["--tools", tools.to_str().unwrap()]);
    House::start_with(workspace, &args)
}

/// Puts the programs where the daemon looks for agents' programs first, and gives the settings that send them a script.
fn real(workspace: &Workspace, programs: &(&str, &str, &str, &str), script: &Script) -> String {
    let (agent, cli, adapter, key) = programs;
    let player = workspace.copy_program(&built("scripted-acp-agent").unwrap()).unwrap();
    let scenario = workspace.path().join(format!("{agent}.json"));
    script.write(&scenario).unwrap();
    fs::set_permissions(&scenario, Permissions::from_mode(0o644)).unwrap();
    let state = workspace.open_folder(&format!("attempts-{agent}"), 0o777).unwrap();
    workspace.open_folder("tools", 0o755).unwrap();
    workspace.open_folder("tools/agents", 0o755).unwrap();
    let bin = workspace.open_folder("tools/agents/bin", 0o755).unwrap();
    let play = format!(
        "#!/bin/sh\nexec {} --scenario {} --state {}\n",
        player.display(),
        scenario.display(),
        state.display()
    );
    for (name, text) in [(cli, CLI.to_owned()), (adapter, play)] {
        fs::write(bin.join(name), text).unwrap();
        fs::set_permissions(bin.join(name), Permissions::from_mode(0o755)).unwrap();
    }
    format!("[agents.{agent}.env]\n{key} = \"sk-made-up\"\n")
}

/// A scene that plays for prompts in which these words occur.
pub fn scene(name: &str, when: &str, attempts: Vec<Vec<Act>>) -> Scene {
    let when = if when.is_empty() { vec![] } else { vec![when.to_owned()] };
    Scene { name: name.into(), when, attempts }
}

pub fn script(scenes: Vec<Scene>) -> Script {
    Script { scenes, ..Script::default() }
}

pub fn write(path: &str, content: &str) -> Act {
    Act::Write { path: path.into(), content: content.into() }
}

pub fn shell(command: &str) -> Act {
    Act::Shell { command: command.into() }
}

/// A request in parts: each the agents that make it, and its words.
pub fn in_parts(text: &str, parts: &[(&[&str], &str)]) -> Request {
    let part = |(agents, text): &(&[&str], &str)| api::Part {
        text: (*text).to_owned(),
        agents: agents.iter().map(|agent| AgentId::new(*agent).unwrap()).collect(),
    };
    match super::asking(text) {
        Request::Ask { client, text, project, agent, race, step, channel, .. } => {
            let parts = parts.iter().map(part).collect();
            Request::Ask { client, text, project, agent, race, parts, step, channel }
        }
        other => other,
    }
}

/// A request that these agents race for.
pub fn a_race(text: &str, agents: &[&str]) -> Request {
    match super::asking(text) {
        Request::Ask { client, text, project, agent, parts, step, channel, .. } => {
            let race = agents.iter().map(|agent| AgentId::new(*agent).unwrap()).collect();
            Request::Ask { client, text, project, agent, race, parts, step, channel }
        }
        other => other,
    }
}

/// A request for one agent.
pub fn of(text: &str, agent: &str) -> Request {
    match super::asking(text) {
        Request::Ask { client, text, project, race, parts, step, channel, .. } => {
            let agent = Some(AgentId::new(agent).unwrap());
            Request::Ask { client, text, project, agent, race, parts, step, channel }
        }
        other => other,
    }
}

impl House {
    /// Kills the daemon with no chance to put anything away, and starts another one on the same home.
    pub fn killed_and_started(self) -> House {
        let House { daemon, workspace } = self;
        daemon.kill9().unwrap();
        start(workspace)
    }

    /// As [`House::restart`], with the same agents.
    pub fn restarted(self) -> House {
        let House { daemon, workspace } = self;
        assert!(daemon.stop().unwrap().success());
        start(workspace)
    }

    /// Waits until the request's page is as wanted. The page follows the entries, so every entry is worth a look.
    pub fn page_where<T>(&self, request: &RequestId, find: impl Fn(&view::RequestView) -> Option<T>) -> T {
        if let Some(found) = find(&self.show(request)) {
            return found;
        }
        self.wait(
            |entry| if entry.fact.request() == Some(request) { find(&self.show(request)) } else { None },
        )
    }
}
