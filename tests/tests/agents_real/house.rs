//! A house in which the real Claude Code and Codex work: their programs are the installed ones, their vendor is the scripted
//! model server, and what a request's row says about tokens is compared with that server's bill.

#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses the part that it needs")]

use crate::harness::{House, QUIET};
use protocol::fact::{AttemptDiagnosed, Channel, Fact, Outcome, Usage};
use protocol::view::DeploymentRow;
use protocol::{AgentId, ClientId, Request, RequestId};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::model::{Conversation, ModelServer, Scenario, Step, Tokens, bill::Wire, codex_config};
use testkit::namespace::{agent_programs, node_dir, tools_dir};
use testkit::{RETRY_MARK, Workspace};

/// Far above what a request takes with its two builds, for a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(240);

pub struct Real {
    pub house: House,
    pub model: ModelServer,
}

impl Real {
    /// With one project of plain files.
    pub fn plain(scenario: Scenario) -> Real {
        Self::open(Workspace::new().unwrap(), scenario, "static", "")
    }

    /// With one React project, whose packages are there. Call [`packages`] first, where there is a network.
    pub fn react(scenario: Scenario) -> Real {
        let workspace = Workspace::new().unwrap();
        lay_out_packages(&workspace.home());
        Self::open(workspace, scenario, "react", "")
    }

    /// With one project of plain files, in a workspace that is there, and with these settings beside the usual ones.
    pub fn plain_in(workspace: Workspace, scenario: Scenario, settings: &str) -> Real {
        Self::open(workspace, scenario, "static", settings)
    }

    fn open(workspace: Workspace, scenario: Scenario, starter: &str, settings: &str) -> Real {
        agent_programs().unwrap();
        let model = ModelServer::start(scenario).unwrap();
        let codex_home = workspace.open_folder("codex-home", 0o777).unwrap();
        fs::write(codex_home.join("config.toml"), codex_config(&model.openai_url(), "SCRIPTED_KEY")).unwrap();
        let settings = format!(
            "{QUIET}{settings}[agents.claude-code.env]\nANTHROPIC_BASE_URL = {:?}\nANTHROPIC_API_KEY = \"sk-made-up\"\n\
             [agents.codex.env]\nCODEX_HOME = {codex_home:?}\nSCRIPTED_KEY = \"made-up\"\n",
            model.base_url()
        );
        workspace.settings(&(settings + &kimi(&model))).unwrap();
        let tools = tools_dir();
        let node = node_dir();
        let mut args = vec!["--port", "0", "--starter", starter, "--tools", tools.to_str().unwrap()];
        args.extend(node.iter().flat_map(|node| ["--node", node.to_str().unwrap()]));
        Real { house: House::start_with(workspace, &args), model }
    }

    /// What happened, and what the model was asked; for a failed test's words.
    pub fn story(&self) -> String {
        let calls = self.model.log().into_iter().map(|entry| {
            let place = entry.call.map(|call| (call.conversation, call.results, call.newest));
            let line = format!("{} {} {place:?}\n", entry.status, entry.path);
            line.chars().take(400).collect::<String>()
        });
        format!("{}\n{}", self.house.story(), calls.collect::<String>())
    }

    /// Asks this agent, waits until what it made is live, and gives the row that is left.
    pub fn live(&self, agent: &str, text: &str) -> (RequestId, DeploymentRow) {
        let begun = Instant::now();
        let ask = Request::Ask {
            client: ClientId::new(format!("test-{agent}")).unwrap(),
            text: text.into(),
            project: None,
            agent: Some(AgentId::new(agent).unwrap()),
            race: vec![],
            parts: vec![],
            step: None,
            channel: Channel::CommandLine,
        };
        let request = self.house.accepted(&ask).0;
        self.ends_live(&request);
        let row = self.house.row(&request);
        assert_eq!(row.agent.as_ref().unwrap().as_str(), agent, "{}", self.story());
        assert!(!row.practice && row.model.is_some() && row.commit.is_some() && row.release.is_some());
        let took = Duration::from_millis(row.duration_ms);
        assert!(!took.is_zero() && took <= begun.elapsed() + Duration::from_secs(1), "{took:?}");
        (request, row)
    }

    pub fn ends_live(&self, request: &RequestId) {
        let closed = self.house.daemon.wait_for(PATIENCE, |entry| match &entry.fact {
            Fact::RequestClosed(closed) if closed.request == *request => Some(closed.clone()),
            _ => None,
        });
        let closed = closed.unwrap_or_else(|error| panic!("{error}\n{}", self.story()));
        assert_eq!(closed.outcome, Outcome::Live, "{}\n{}", closed.why, self.story());
    }

    /// The row has every token that was billed to its agent, and no other.
    pub fn costs_what_was_billed(&self, row: &DeploymentRow) {
        let wire = match row.agent.as_ref().unwrap().as_str() {
            "claude-code" => Wire::Messages,
            _ => Wire::Responses,
        };
        self.was_billed(&row.usage, wire);
    }

    /// Every token that was billed over this wire, and no other.
    pub fn was_billed(&self, usage: &Usage, wire: Wire) {
        let billed = self.model.billed().wire(wire);
        assert!(billed.calls > 0);
        // A wire without writes to a cache bills none. Reasoning is a part of the output; who does not tell it apart has it
        // there.
        let recorded = Tokens {
            calls: 0,
            input: usage.input.unwrap(),
            cache_read: usage.cache_read.unwrap(),
            cache_write: usage.cache_write.unwrap_or_default(),
            output: usage.output.unwrap(),
            reasoning: usage.reasoning.unwrap_or(billed.reasoning),
        };
        assert_eq!(recorded, Tokens { calls: 0, ..billed }, "{usage:?}\n{}", self.story());
    }

    /// The one diagnosis of a request that was mended. Its lines are in the second brief as the model got it, and not
    /// in the first.
    pub fn diagnosis(&self, request: &RequestId) -> AttemptDiagnosed {
        let found: Vec<_> = self.house.facts(request).into_iter().filter_map(diagnosed).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        let view = self.house.show(request);
        assert_eq!(view.attempts.len(), 2);
        assert!(view.attempts[0].diagnosis.is_some() && view.attempts[1].diagnosis.is_none());
        assert!(!self.house.brief(request, 1).contains(RETRY_MARK));
        let calls = self.model.log().into_iter().filter_map(|entry| entry.call);
        let retry =
            calls.into_iter().find(|call| call.conversation.ends_with("#retry") && !call.tools.is_empty());
        let told = retry.unwrap().prompt;
        let told = told.split_once(RETRY_MARK).unwrap().1;
        assert!(found[0].lines.iter().all(|line| told.contains(line.as_str())), "{found:?}\n{told}");
        found.into_iter().next().unwrap()
    }
}

/// Kimi Code needs nothing but its environment.
fn kimi(model: &ModelServer) -> String {
    let agent = AgentId::new("kimi-code").unwrap();
    let stand_in = agents::stand_in(&agent, &model.base_url()).unwrap();
    let env = stand_in.env.iter().map(|(name, value)| format!("{name} = {value:?}\n"));
    format!("[agents.kimi-code.env]\n{}", env.collect::<String>())
}

fn diagnosed(fact: Fact) -> Option<AttemptDiagnosed> {
    if let Fact::AttemptDiagnosed(found) = fact { Some(found) } else { None }
}

/// What the model does when the words `when` are in the brief, and when that tells of a failure.
pub fn conversation(when: &str, steps: Vec<Step>, retry: Vec<Step>) -> Conversation {
    Conversation {
        name: when.into(),
        when: vec![when.into()],
        steps: last_word(steps),
        retry: last_word(retry),
    }
}

fn last_word(mut steps: Vec<Step>) -> Vec<Step> {
    if !steps.is_empty() {
        // Claude Code asks for a title beside its work; it has come in before the work is over.
        steps.extend([Step::Delay { ms: 300 }, Step::Text { text: "The page is there.".into() }]);
    }
    steps
}

pub fn write(path: &str, content: &str) -> Step {
    Step::Write { path: path.into(), content: content.into() }
}

/// `old` and `new` are whole lines.
pub fn edit(path: &str, old: &str, new: &str) -> Step {
    Step::Edit { path: path.into(), old: old.into(), new: new.into() }
}

/// Where the React starter's packages are kept between runs: beside the built programs.
fn shelf() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("react-packages")
}

/// Installs the React starter's packages, once for a lockfile. This needs the registry, so it is for outside of
/// [`testkit::alone`]; when they are there it does nothing. Tests that do this at once wait for one another.
pub fn packages() {
    let node = node_dir();
    assert!(node.is_some(), "there is no node; set LOOPWRIGHT_NODE to its folder (./dev test does)");
    let yard = deploy::Yard {
        home: shelf(),
        node,
        run_as_agent: None,
        run_as_app: None,
        npm_cache: None,
        proxies: Default::default(),
        own_exe: "/bin/false".into(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(yard.prepare_deps("react")).unwrap();
}

/// Puts the packages where the daemon would have installed them. The build folder may be closed to the users that agents
/// and apps run as, so they are linked file by file; nobody can write them.
fn lay_out_packages(home: &Path) {
    let deps = home.join("deps");
    fs::create_dir(&deps).unwrap();
    for kept in fs::read_dir(shelf().join("deps")).unwrap() {
        let kept = kept.unwrap();
        if kept.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let copy = |how: &str| {
            let done = Command::new("cp").arg(how).arg(kept.path()).arg(&deps).output().unwrap();
            done.status.success()
        };
        // Another file system knows no link to this one.
        assert!(copy("-al") || copy("-a"), "{} cannot be copied", kept.path().display());
    }
}

impl Drop for Real {
    /// Folders of packages are read-only, and only root can remove what is in such a one.
    fn drop(&mut self) {
        let deps = self.house.workspace.home().join("deps");
        if deps.exists() && !rustix::process::geteuid().is_root() {
            let _ = Command::new("find")
                .arg(deps)
                .args(["-type", "d", "-exec", "chmod", "u+w", "{}", "+"])
                .status();
        }
    }
}
