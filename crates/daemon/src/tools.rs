//! Where the coding agents are installed and what they run with: the same for the daemon and for the command line.

use crate::home::Home;
use crate::settings::Settings;
use crate::users::Users;
use agents::install::{Machine, Room, Tell};
use anyhow::{Context, Result};
use protocol::AgentId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The folder of installed agents: among the tools that were named, else in the home.
pub fn agents_folder(home: &Home, tools: Option<&Path>) -> PathBuf {
    tools.map_or_else(|| home.tools(), Path::to_owned).join("agents")
}

/// Lets the command line find the tools of a daemon that was told of another folder: the home's own is a link to it.
pub fn remember(home: &Home, tools: &Path) -> Result<()> {
    let (link, tools) = (home.tools(), std::path::absolute(tools)?);
    let is_link = std::fs::symlink_metadata(&link).map(|meta| meta.is_symlink());
    if link == tools || is_link.as_ref().is_ok_and(|link| !link) {
        return Ok(());
    }
    let fresh = link.with_extension("new");
    let _ = std::fs::remove_file(&fresh);
    std::os::unix::fs::symlink(&tools, &fresh)
        .and_then(|()| std::fs::rename(&fresh, &link))
        .with_context(|| format!("failed to link {}", link.display()))
}

pub fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// What agents run with. Installed ones come first, then what is on the path. A Node is only named if the user did: else
/// it is the first on the path, where an installation may put one while we run.
pub fn setup(
    home: &Home,
    folder: &Path,
    node: Option<PathBuf>,
    settings: &Settings,
    users: Option<Users>,
) -> Result<agents::Setup> {
    let own_exe = std::env::current_exe().context("failed to find this program's own file")?;
    let ours = || vec![own_exe.to_string_lossy().into_owned(), "practice-agent".into()];
    let setup = agents::Setup {
        path: search_path(),
        node,
        practice: settings.practice.argv.clone().unwrap_or_else(ours),
        homes: users.is_some().then(|| home.agents()),
        user_home: std::env::var_os("HOME").map_or_else(|| home.agents(), PathBuf::from),
        run_as: users.map(|users| agents::RunAs { uid: users.agent.0, gid: users.agent.1 }),
        runtime: home.run(),
        env: agents_environment(settings),
        accounts: Default::default(),
        leases: Default::default(),
    };
    Ok(agents::install::with_installed(folder, setup))
}

/// What is set for each agent: this machine's proxies, without which it may not reach its vendor, and what the user says.
fn agents_environment(settings: &Settings) -> BTreeMap<AgentId, BTreeMap<String, String>> {
    let proxies = proxies(&environment());
    let ids = agents::catalogue().iter().map(|profile| profile.id.clone());
    let mut env: BTreeMap<_, _> = ids.map(|id| (id, proxies.clone())).collect();
    for (agent, set) in &settings.agents {
        env.entry(agent.clone()).or_default().extend(set.env.clone());
    }
    env
}

/// The proxies that an environment names, written as each program may look for them. Never for this machine's own servers.
pub fn proxies(env: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let of = |name: &str| {
        [name.to_owned(), name.to_uppercase()]
            .iter()
            .find_map(|name| env.get(name))
            .filter(|value| !value.is_empty())
            .cloned()
    };
    let names = ["http_proxy", "https_proxy", "all_proxy"];
    let mut found: Vec<_> = names.into_iter().filter_map(|name| Some((name, of(name)?))).collect();
    if !found.is_empty() {
        let others = of("no_proxy").map(|others| format!(",{others}")).unwrap_or_default();
        found.push(("no_proxy", format!("localhost,127.0.0.1,::1{others}")));
    }
    found
        .into_iter()
        .flat_map(|(name, value)| [(name.to_owned(), value.clone()), (name.to_uppercase(), value)])
        .collect()
}

/// What an installation needs of this machine.
pub fn room(folder: PathBuf, setup: agents::Setup, tell: Tell) -> Room {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let mut machine = Machine::new(environment(), home, &setup.path);
    // A bare server has neither settings nor an npm that would name one: the one that this program was built with.
    machine.registry = option_env!("LOOPWRIGHT_REGISTRY").filter(|at| !at.is_empty()).map(str::to_owned);
    Room { folder, setup, machine, tell }
}

/// The environment, but for what is no text.
pub fn environment() -> BTreeMap<String, String> {
    utf8(std::env::vars_os())
}

fn utf8(vars: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>) -> BTreeMap<String, String> {
    vars.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_gets_the_machines_proxies_but_not_for_this_machine() {
        let env = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(proxies(&env(&[("no_proxy", "inner.test"), ("http_proxy", "")])), env(&[]));
        let found =
            proxies(&env(&[("HTTPS_PROXY", "http://p.test:1"), ("NO_PROXY", "inner.test"), ("OTHER", "x")]));
        let none = "localhost,127.0.0.1,::1,inner.test";
        let all = [
            ("https_proxy", "http://p.test:1"),
            ("HTTPS_PROXY", "http://p.test:1"),
            ("no_proxy", none),
            ("NO_PROXY", none),
        ];
        assert_eq!(found, env(&all));
    }

    #[test]
    fn the_homes_tools_are_those_that_the_daemon_was_told_of() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::prepare(&dir.path().join("home")).unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        remember(&home, &one).unwrap();
        assert_eq!(std::fs::read_link(home.tools()).unwrap(), one);
        remember(&home, &other).unwrap();
        remember(&home, &other).unwrap();
        assert_eq!(std::fs::read_link(home.tools()).unwrap(), other);
        // A folder of its own is left alone.
        std::fs::remove_file(home.tools()).unwrap();
        std::fs::create_dir(home.tools()).unwrap();
        remember(&home, &one).unwrap();
        assert!(home.tools().is_dir() && std::fs::read_link(home.tools()).is_err());
    }
}
