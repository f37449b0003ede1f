//! A house whose agents' programs and credentials a test puts there and takes away: the real programs as they come from npm,
//! in a folder of tools of the test's own, with a scripted model server in the place of every vendor.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses the part that it needs")]

use crate::harness::{House, QUIET};
use protocol::fact::{AttemptEnd, Channel, Fact, Outcome, Readiness};
use protocol::view::{AgentNow, AgentRow, Proven, Rung, RungRow, SignInState, SignInView};
use protocol::{AgentId, ApiError, ClientId, Request, RequestId, Response};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::Workspace;
use testkit::model::{Conversation, ModelServer, Scenario, Step};
use testkit::namespace::{agent_programs, node_dir};

/// Far above what anything takes, for a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(240);
/// A state that is no fact is asked for again after this time.
const AGAIN: Duration = Duration::from_millis(200);

/// What is typed as a key. It must be found nowhere.
pub const KEY: &str = "sk-made-up-7f3a9c51d2e8";

pub struct Accounts {
    pub house: House,
    pub model: ModelServer,
    agent: AgentId,
    asked: u32,
}

impl Accounts {
    /// With no agent's programs, and with this in the settings. Qwen Code says nothing while it waits for a quota to come
    /// back, so that silence is what ends its run.
    pub fn open(agent: &str, settings: &str) -> Accounts {
        agent_programs().unwrap();
        let workspace = Workspace::new().unwrap();
        let model = ModelServer::start(scenario()).unwrap();
        workspace
            .settings(&format!(
                "{QUIET}{}\n[memory]\nrecall = 0\n[limits]\nidle_s = 60\n",
                settings.replace("MODEL", &model.base_url())
            ))
            .unwrap();
        fs::create_dir_all(tools(&workspace).join("agents/bin")).unwrap();
        let house = start(workspace);
        Accounts { house, model, agent: AgentId::new(agent).unwrap(), asked: 0 }
    }

    /// With the real programs.
    pub fn with_programs(agent: &str, settings: &str) -> Accounts {
        let accounts = Self::open(agent, settings);
        accounts.install();
        accounts.until(|row| !matches!(row.readiness, Readiness::Missing { .. }));
        accounts
    }

    pub fn install(&self) {
        for program in programs(self.agent.as_str()) {
            symlink(agent_programs().unwrap().join(program), self.bin().join(program)).unwrap();
        }
    }

    /// In a program's place one that passes everything on, with more arguments where the first ones are these.
    pub fn wrap(&self, program: &str, when: &str, more: &str) {
        let real = agent_programs().unwrap().join(program);
        let path = self.bin().join(program);
        fs::remove_file(&path).unwrap();
        let script = format!(
            "#!/bin/sh\n[ \"$*\" = \"{when}\" ] && set -- \"$@\" {more}\nexec {} \"$@\"\n",
            real.display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn bin(&self) -> PathBuf {
        tools(&self.house.workspace).join("agents/bin")
    }

    /// The home that the agent's programs see.
    pub fn home(&self) -> PathBuf {
        match agent_user() {
            Some(_) => self.house.workspace.home().join("agents").join(self.agent.as_str()),
            None => self.house.workspace.path().to_owned(),
        }
    }

    /// A file in it, as one of its own programs would have left it.
    pub fn leave(&self, path: &str, text: &str) {
        let path = self.home().join(path);
        let mut made: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        if let Some((uid, gid)) = agent_user() {
            made.push(&path);
            made.into_iter().for_each(|path| chown(path, Some(uid), Some(gid)).unwrap());
        }
    }

    pub fn take_away(&self, path: &str) {
        let path = self.home().join(path);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.unwrap();
    }

    pub fn row(&self, fresh: bool) -> AgentRow {
        let Response::Agents { rows } = self.house.call(&Request::Agents { fresh }) else { panic!() };
        let text = serde_json::to_string(&rows).unwrap();
        assert!(!text.contains(KEY), "a key is shown: {text}");
        rows.into_iter().find(|row| row.agent == self.agent).unwrap()
    }

    /// Waits until the agent's row is so. Readiness is no fact, so it is asked for again.
    pub fn until(&self, mut is: impl FnMut(&AgentRow) -> bool) -> AgentRow {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let row = self.row(true);
            if is(&row) {
                return row;
            }
            assert!(Instant::now() < deadline, "{row:#?}\n{}", self.story());
            std::thread::park_timeout(AGAIN);
        }
    }

    pub fn set_key(&self, way: &str, fields: &[(&str, &str)]) -> Result<Response, ApiError> {
        let fields: BTreeMap<_, _> = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.house.daemon.call(&Request::SetKey { agent: self.agent.clone(), way: way.into(), fields })
    }

    /// A key for the scripted model server.
    pub fn give_key(&self) {
        let base = self.model.base_url();
        let url = if speaks_openai(self.agent.as_str()) { self.model.openai_url() } else { base };
        let mut fields = vec![("url", url.as_str()), ("key", KEY)];
        fields.extend(model_of(self.agent.as_str()).map(|model| ("model", model)));
        self.set_key("endpoint", &fields).unwrap();
    }

    /// Asks this agent for something, without waiting.
    pub fn ask(&mut self, text: &str) -> RequestId {
        self.asked += 1;
        let ask = Request::Ask {
            client: ClientId::new(format!("test-{}", self.asked)).unwrap(),
            text: text.into(),
            project: None,
            agent: Some(self.agent.clone()),
            race: vec![],
            parts: vec![],
            step: None,
            channel: Channel::CommandLine,
        };
        self.house.accepted(&ask).0
    }

    /// How the first run of this request by our agent ended.
    pub fn ends(&self, request: &RequestId) -> AttemptEnd {
        let ended = self.house.daemon.wait_for(PATIENCE, |entry| match &entry.fact {
            Fact::AttemptFinished(finished) if finished.request == *request => Some(finished.end.clone()),
            Fact::RequestClosed(closed) if closed.request == *request => {
                Some(AttemptEnd::Failed { reason: format!("closed before: {}", closed.why) })
            }
            _ => None,
        });
        ended.unwrap_or_else(|error| panic!("{error}\n{}", self.story()))
    }

    pub fn cancel(&self, request: &RequestId) {
        self.house.call(&Request::Cancel { request: request.clone() });
        self.house.closed(request);
    }

    /// A real turn that becomes live.
    pub fn works(&mut self) {
        let request = self.ask("A page that works");
        let closed = self.house.daemon.wait_for(PATIENCE, |entry| match &entry.fact {
            Fact::RequestClosed(closed) if closed.request == request => Some(closed.clone()),
            _ => None,
        });
        let closed = closed.unwrap_or_else(|error| panic!("{error}\n{}", self.story()));
        assert_eq!(closed.outcome, Outcome::Live, "{}\n{}", closed.why, self.story());
        assert_eq!(self.house.row(&request).agent.as_ref(), Some(&self.agent), "{}", self.story());
        assert!(self.house.file("app/index.html").unwrap().contains("Sauerteig"));
    }

    /// The daemon is started again on the same home.
    pub fn restart(self) -> Accounts {
        let Accounts { house, model, agent, asked } = self;
        let House { daemon, workspace, .. } = house;
        assert!(daemon.stop().unwrap().success());
        Accounts { house: start(workspace), model, agent, asked }
    }

    /// A crash, and a start on the same home.
    pub fn crash(self) -> Accounts {
        let Accounts { house, model, agent, asked } = self;
        let House { daemon, workspace, .. } = house;
        daemon.kill9().unwrap();
        Accounts { house: start(workspace), model, agent, asked }
    }

    pub fn sign_in(&self, way: &str) {
        self.house.call(&Request::SignIn { agent: self.agent.clone(), way: way.into() });
    }

    pub fn say(&self, text: &str) {
        self.house.call(&Request::SignInSay { agent: self.agent.clone(), text: text.into() });
    }

    pub fn stop_sign_in(&self) {
        self.house.call(&Request::SignInStop { agent: self.agent.clone() });
    }

    pub fn sign_out(&self) {
        self.house.call(&Request::SignOut { agent: self.agent.clone() });
    }

    /// Waits until the sign-in stands so.
    pub fn sign_in_until(&self, mut is: impl FnMut(&SignInState) -> bool) -> SignInView {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = self.row(false).now.and_then(|now| now.sign_in).unwrap();
            if is(&view.state) {
                return view;
            }
            let ended = matches!(view.state, SignInState::Done { .. } | SignInState::Failed { .. });
            assert!(!ended && Instant::now() < deadline, "{view:#?}\n{}", self.story());
            std::thread::park_timeout(AGAIN);
        }
    }

    /// Waits until the program has printed this so many times, while its sign-in goes on.
    pub fn sign_in_prints(&self, text: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let view = self.row(false).now.and_then(|now| now.sign_in).unwrap();
            if view.screen.iter().filter(|line| line.contains(text)).count() >= times {
                return;
            }
            assert!(!is_over(&view.state) && Instant::now() < deadline, "{view:#?}\n{}", self.story());
            std::thread::park_timeout(AGAIN);
        }
    }

    /// What was typed stands in no log, no fact, no transcript and no file that others can read.
    pub fn is_secret(&self, typed: &str) {
        let entries = self.house.daemon.entries().unwrap();
        assert!(!serde_json::to_string(&entries).unwrap().contains(typed), "the journal has it");
        assert!(!self.house.daemon.printed().contains(typed), "the log has it");
        let found = Command::new("grep")
            .args(["-rlF", "-e", typed])
            .arg(self.house.workspace.home())
            .output()
            .unwrap();
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        let secrets = self.house.workspace.home().join("secrets");
        let elsewhere: Vec<&str> =
            found.lines().filter(|path| !Path::new(path).starts_with(&secrets)).collect();
        assert_eq!(elsewhere, Vec::<&str>::new());
    }

    pub fn story(&self) -> String {
        let calls = self.model.log().into_iter().map(|entry| format!("{} {}\n", entry.status, entry.path));
        format!("{}\n{}", self.house.story(), calls.collect::<String>())
    }
}

pub fn now(row: &AgentRow) -> &AgentNow {
    row.now.as_ref().unwrap()
}

pub fn rung(row: &AgentRow, rung: Rung) -> &RungRow {
    now(row).ladder.iter().find(|row| row.rung == rung).unwrap()
}

pub fn proven(row: &AgentRow) -> [Proven; 4] {
    [Rung::Installed, Rung::Credentials, Rung::Accepted, Rung::Worked].map(|which| rung(row, which).proven)
}

pub fn is_yours(state: &SignInState) -> bool {
    matches!(state, SignInState::Yours { .. })
}

pub fn asks_for(state: &SignInState) -> Option<&str> {
    if let SignInState::Yours { asks, .. } = state { asks.as_deref() } else { None }
}

pub fn is_over(state: &SignInState) -> bool {
    matches!(state, SignInState::Done { .. } | SignInState::Failed { .. })
}

fn start(workspace: Workspace) -> House {
    let (tools, node) = (tools(&workspace), node_dir());
    let mut args = vec!["--port", "0", "--starter", "static", "--tools", tools.to_str().unwrap()];
    args.extend(node.iter().flat_map(|node| ["--node", node.to_str().unwrap()]));
    House::start_with(workspace, &args)
}

fn tools(workspace: &Workspace) -> PathBuf {
    workspace.path().join("tools")
}

/// The user that agents run as when the daemon is root.
fn agent_user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.starts_with("loopwright-agent:")).unwrap();
    let ids: Vec<u32> = line.split(':').skip(2).take(2).map(|id| id.parse().unwrap()).collect();
    Some((ids[0], ids[1]))
}

fn programs(agent: &str) -> &'static [&'static str] {
    match agent {
        "claude-code" => &["claude", "claude-agent-acp"],
        "codex" => &["codex", "codex-acp"],
        "gemini-cli" => &["gemini"],
        "qwen-code" => &["qwen"],
        "kimi-code" => &["kimi"],
        other => panic!("{other}"),
    }
}

fn speaks_openai(agent: &str) -> bool {
    matches!(agent, "codex" | "qwen-code" | "kimi-code")
}

fn model_of(agent: &str) -> Option<&'static str> {
    match agent {
        // One that it has metadata for.
        "codex" => Some("gpt-5.5"),
        "qwen-code" => Some("qwen3-coder-plus"),
        "kimi-code" => Some("kimi-for-coding"),
        // By name: else it asks a second model which one to use.
        "gemini-cli" => Some("gemini-2.5-pro"),
        _ => None,
    }
}

/// One word of a request chooses what becomes of it.
fn scenario() -> Scenario {
    let refuse = |status, resets_at| vec![Step::Http { status, times: None, resets_at }];
    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 7200;
    let conversation = |name: &str, word: &str, steps| Conversation {
        name: name.into(),
        when: vec![word.into()],
        steps,
        retry: vec![],
    };
    let page = Step::Write { path: "app/index.html".into(), content: "<h1>Sauerteig</h1>\n".into() };
    Scenario {
        conversations: vec![
            conversation("revoked", "revoked", refuse(401, None)),
            conversation("used up", "allowance", refuse(429, Some(soon.cast_signed()))),
            conversation(
                "works",
                "works",
                vec![page, Step::Delay { ms: 300 }, Step::Text { text: "It is there.".into() }],
            ),
        ],
    }
}
