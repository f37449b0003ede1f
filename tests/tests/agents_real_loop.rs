//! The whole loop with the real Claude Code and Codex: a request to `loopwrightd serve`, the real program writes the page,
//! it lands, it is live, and the deployments row has the tokens that the scripted model server billed.
//!
//! Each test runs in a namespace with nothing but loopback, with made-up keys.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

use protocol::fact::{Channel, Outcome};
use protocol::view::DeploymentRow;
use protocol::{AgentId, ClientId, Fact, Request, Response};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use testkit::model::{Conversation, ModelServer, Scenario, Step, codex_config};
use testkit::namespace::{agent_programs, alone, free_port, node_dir, tools_dir};
use testkit::{Daemon, RETRY_MARK, Workspace};

const REQUEST: &str = "A page for a bakery called Sauerteig, open 9 to 13";
const PAGE: &str = "<!doctype html>\n<title>Sauerteig</title>\n<h1>Sauerteig</h1>\n<p>9 to 13</p>\n";
/// Long enough for a machine that does other things; a run takes some seconds.
const PATIENCE: Duration = Duration::from_secs(150);

struct House {
    daemon: Daemon,
    model: ModelServer,
    _workspace: Workspace,
}

/// A daemon whose agents reach the model server, with one project of plain files.
fn house(scenario: Scenario) -> House {
    agent_programs().unwrap();
    let workspace = Workspace::new().unwrap();
    let model = ModelServer::start(scenario).unwrap();
    let codex_home = workspace.open_folder("codex-home", 0o777).unwrap();
    std::fs::write(codex_home.join("config.toml"), codex_config(&model.openai_url(), "SCRIPTED_KEY"))
        .unwrap();
    let settings = format!(
        "screenshots = \"off\"\n\
         [agents.claude-code.env]\nANTHROPIC_BASE_URL = {:?}\nANTHROPIC_API_KEY = \"sk-made-up\"\n\
         [agents.codex.env]\nCODEX_HOME = {codex_home:?}\nSCRIPTED_KEY = \"made-up\"\n",
        model.base_url()
    );
    workspace.settings(&settings).unwrap();
    let (port, tools) = (free_port().unwrap().to_string(), tools_dir());
    let mut args = vec!["--port", &port, "--starter", "static", "--tools", tools.to_str().unwrap()];
    let node = node_dir();
    args.extend(node.iter().flat_map(|node| ["--node", node.to_str().unwrap()]));
    let daemon = Daemon::start(&workspace, &args, &[]).unwrap();
    let project = Request::CreateProject { name: "Bakery".into(), starter: "static".into() };
    assert!(matches!(daemon.call(&project), Ok(Response::Project { .. })));
    House { daemon, model, _workspace: workspace }
}

impl House {
    /// What happened, a line for each entry, and what the model was asked; for a failed test's words.
    fn story(&self) -> String {
        let entries = self.daemon.entries().unwrap();
        let facts = entries.iter().map(|entry| serde_json::to_string(&entry.fact).unwrap());
        let calls = self.model.log().into_iter().map(|entry| {
            let place = entry.call.map(|call| (call.conversation, call.results, call.newest));
            format!("{} {} {place:?}", entry.status, entry.path)
        });
        facts
            .chain(calls)
            .map(|line| line.chars().take(400).collect::<String>())
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Asks for the page from this agent and waits for the end; the row that it left.
    fn ask(&self, agent: &str) -> DeploymentRow {
        let ask = Request::Ask {
            client: ClientId::new("test-1").unwrap(),
            text: REQUEST.into(),
            project: Some("bakery".parse().unwrap()),
            agent: Some(AgentId::new(agent).unwrap()),
            step: None,
            channel: Channel::CommandLine,
        };
        let accepted = self.daemon.call(&ask);
        assert!(matches!(accepted, Ok(Response::Accepted { new: true, .. })), "{accepted:?}");
        let closed = self.daemon.wait_for(PATIENCE, |entry| match &entry.fact {
            Fact::RequestClosed(closed) => Some(closed.clone()),
            _ => None,
        });
        let closed = closed.unwrap();
        assert_eq!(closed.outcome, Outcome::Live, "{}\n{}", closed.why, self.story());
        let rows = self.daemon.call(&Request::Deployments { project: None, filter: None, limit: None });
        let Ok(Response::Deployments { rows }) = rows else { panic!("no rows: {rows:?}") };
        assert_eq!(rows.len(), 1);
        rows.into_iter().next().unwrap()
    }
}

fn get(url: &str) -> String {
    let address = url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn write_page() -> Vec<Step> {
    vec![
        Step::Write { path: "app/public/index.html".into(), content: PAGE.into() },
        // Claude Code asks for a title beside its work; it has come in before the work is over.
        Step::Delay { ms: 300 },
        Step::Text { text: "The page is there.".into() },
    ]
}

fn bakery(steps: Vec<Step>, retry: Vec<Step>) -> Scenario {
    let conversation = Conversation { name: "bakery".into(), when: vec!["Sauerteig".into()], steps, retry };
    Scenario { conversations: vec![conversation] }
}

fn ends_live(agent: &str) {
    let house = house(bakery(write_page(), vec![]));
    let row = house.ask(agent);
    assert!(get(&row.url.unwrap()).contains("<p>9 to 13</p>"));
    assert_eq!(row.agent.unwrap().as_str(), agent);
    assert!(!row.practice && row.model.is_some() && row.commit.is_some());
    assert_eq!(row.attempts, 1);
    let billed = house.model.billed().total;
    let recorded = (row.usage.input, row.usage.cache_read, row.usage.cache_write, row.usage.output);
    let expected = (billed.input, billed.cache_read, billed.cache_write, billed.output);
    assert_eq!(recorded, (Some(expected.0), Some(expected.1), Some(expected.2), Some(expected.3)));
    assert_eq!(row.usage.reasoning, (billed.reasoning > 0).then_some(billed.reasoning));
}

fn mends_what_the_gate_refused(agent: &str) {
    let link = Step::Shell { command: "ln -s /etc/passwd app/public/passwords".into() };
    let mut first = write_page();
    first.insert(1, link);
    // The gate has taken the link out; what is left to do is seen by the page.
    let mut second = write_page();
    second[0] = Step::Edit {
        path: "app/public/index.html".into(),
        old: "<p>9 to 13</p>\n".into(),
        new: "<p>9 to 13</p>\n<p>Without passwords</p>\n".into(),
    };
    let house = house(bakery(first, second));
    let row = house.ask(agent);
    assert_eq!(row.attempts, 2);
    assert!(get(&row.url.unwrap()).contains("<p>Without passwords</p>"));
    let mut told = house.model.log().into_iter().filter_map(|entry| entry.call);
    let retry = told.find(|call| call.conversation == "bakery#retry" && !call.tools.is_empty()).unwrap();
    assert!(
        retry.prompt.contains(RETRY_MARK) && retry.prompt.contains("app/public/passwords"),
        "{}",
        retry.prompt
    );
    let diagnosed = house.daemon.entries().unwrap();
    assert!(diagnosed.iter().any(|entry| matches!(entry.fact, Fact::AttemptDiagnosed(_))));
    assert_eq!(
        house.model.billed().total.input,
        row.usage.input.unwrap(),
        "both attempts are paid for\n{}",
        house.story()
    );
}

#[test]
fn claude_code_makes_a_live_page() {
    alone("claude_code_makes_a_live_page", || ends_live("claude-code"));
}

#[test]
fn codex_makes_a_live_page() {
    alone("codex_makes_a_live_page", || ends_live("codex"));
}

#[test]
fn claude_code_mends_what_the_gate_refused() {
    alone("claude_code_mends_what_the_gate_refused", || mends_what_the_gate_refused("claude-code"));
}

#[test]
fn codex_mends_what_the_gate_refused() {
    alone("codex_mends_what_the_gate_refused", || mends_what_the_gate_refused("codex"));
}
