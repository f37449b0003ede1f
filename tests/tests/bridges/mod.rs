//! A house with its bridges open. The agent behind the first one is a scripted program that goes by Claude Code's names on the
//! daemon's search path, so that a run that is asked for over MCP comes to its end without an account.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses the part that it needs")]

use crate::harness::tcp::{self, Answer};
use crate::harness::{House, QUIET, program};
use protocol::view::BridgeView;
use protocol::{Fact, Request, RequestId, Response};
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use testkit::acp::{Act, MCP_SERVERS, Scene, Script, Spent};
use testkit::{Daemon, Workspace};

/// The agents in the order of their ports.
pub const AGENTS: [&str; 5] = ["claude-code", "codex", "gemini-cli", "qwen-code", "kimi-code"];

pub const TOOLS: [&str; 7] =
    ["agent_status", "answer_run", "cancel_run", "run_result", "run_status", "run_task", "wait_run"];

/// In a task: its agent does not come to an end by itself.
pub const ENDLESS: &str = "xyzzy";

/// In a task: its agent asks before it writes the page.
pub const ASKING: &str = "plugh";

/// What the scripted agent says that it used.
pub const SPENT: Spent =
    Spent { input: 100, cache_read: 7, cache_write: 3, output: 20, reasoning: 0, cost_usd: None };

pub struct Bridged {
    pub house: House,
    pub rows: Vec<BridgeView>,
    pub token: String,
}

impl Bridged {
    /// On any free ports.
    pub fn open() -> Bridged {
        Self::open_at("0")
    }

    pub fn open_at(ports: &str) -> Bridged {
        let workspace = Workspace::new().unwrap();
        // What the agent asks for goes to the user.
        let asks = format!("[agents.{}]\npermissions = \"ask\"\n", AGENTS[0]);
        workspace.settings(&format!("{QUIET}{asks}")).unwrap();
        lay_out_agent(&workspace);
        Self::start(workspace, ports)
    }

    fn start(workspace: Workspace, ports: &str) -> Bridged {
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", workspace.path().join("bin").display());
        let args = ["--port", "0", "--starter", "static", "--bridges", ports];
        let daemon =
            Daemon::start_program(&program(&workspace), &workspace, &args, &[("PATH", &path)]).unwrap();
        let house = House { daemon, workspace };
        house.wait(|entry| matches!(entry.fact, Fact::ProjectActivated(_)).then_some(()));
        let (rows, token) = bridges(&house);
        Bridged { house, rows, token }
    }

    /// SIGKILL in the middle of whatever goes on, and another daemon on the same home.
    pub fn killed_and_started(self, ports: &str) -> Bridged {
        let House { daemon, workspace } = self.house;
        daemon.kill9().unwrap();
        // A child that was just being made holds what its parent held until it becomes a program of its own.
        let lock = fs::File::open(workspace.home().join("run/daemon.lock")).unwrap();
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
        drop(lock);
        Self::start(workspace, ports)
    }

    pub fn url(&self, place: usize) -> &str {
        &self.rows[place].url
    }

    pub fn address(&self, place: usize) -> String {
        tcp::parts(self.url(place)).0
    }

    /// One JSON-RPC call of the first bridge, its result or its error.
    pub fn rpc(&self, method: &str, params: &Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let answer = self.post(0, &[("authorization", &format!("Bearer {}", self.token))], &body);
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).unwrap_or_else(|e| panic!("{e}: {answer:?}"))
    }

    /// What a tool of the first bridge tells; its error's text where it fails.
    pub fn tool(&self, name: &str, args: Value) -> Result<Value, String> {
        let answer = self.rpc("tools/call", &json!({ "name": name, "arguments": args }));
        let result = &answer["result"];
        match result["isError"].as_bool() {
            Some(false) => Ok(result["structuredContent"].clone()),
            Some(true) => Err(result["content"][0]["text"].as_str().unwrap().to_owned()),
            None => panic!("{name}: {answer}"),
        }
    }

    /// One call as a client sends it that speaks Tasks and can be asked: protocol 2026-07-28.
    pub fn of_task(&self, method: &str, mut params: Value) -> Value {
        let name = params["name"].as_str().or(params["taskId"].as_str()).unwrap().to_owned();
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {
                "elicitation": {}, "extensions": { "io.modelcontextprotocol/tasks": {} },
            },
        });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let token = format!("Bearer {}", self.token);
        let headers = [
            ("authorization", token.as_str()),
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
            ("mcp-name", &name),
        ];
        let answer = self.post(0, &headers, &body);
        serde_json::from_str(&answer.body).unwrap_or_else(|e| panic!("{e}: {answer:?}"))
    }

    /// With the headers that every client sends, and these.
    pub fn post(&self, place: usize, headers: &[(&str, &str)], body: &str) -> Answer {
        let address = self.address(place);
        let mut all =
            vec![("content-type", "application/json"), ("accept", "application/json, text/event-stream")];
        if !headers.iter().any(|(name, _)| *name == "host") {
            all.push(("host", &address));
        }
        all.extend(headers);
        tcp::send(&address, "POST", "/mcp", &all, body)
    }
}

/// Waits until the run's agent has started.
pub fn at_work(bridged: &Bridged, run: &str) {
    let request: RequestId = run.parse().unwrap();
    bridged.house.wait(|entry| match &entry.fact {
        Fact::AttemptStarted(started) if started.request == request => Some(()),
        _ => None,
    });
}

pub fn bridges(house: &House) -> (Vec<BridgeView>, String) {
    match house.call(&Request::Bridges) {
        Response::Bridges { rows, token } => (rows, token),
        other => panic!("bridges: {other:?}"),
    }
}

/// `claude` says that it is signed in, and its adapter is the scripted agent.
fn lay_out_agent(workspace: &Workspace) {
    let page = "<!doctype html><html lang=en><head><title>Sauerteig</title></head><body><h1>Sauerteig</h1></body></html>";
    let write = Act::Write { path: "app/index.html".into(), content: page.into() };
    let scene = |name: &str, when: &[&str], acts| Scene {
        name: name.into(),
        when: when.iter().map(|word| (*word).to_owned()).collect(),
        attempts: vec![acts],
    };
    let script = Script {
        scenes: vec![
            scene("endless", &[ENDLESS], vec![Act::Hang]),
            scene("asks", &[ASKING], vec![Act::Ask { title: "Delete the menu".into() }, write.clone()]),
            scene(
                "page",
                &[],
                vec![write, Act::Print { text: "The page is there.".into() }, Act::Usage(SPENT)],
            ),
        ],
        ..Script::default()
    };
    let argv = workspace.scripted_agent(&script, true).unwrap();
    let bin = workspace.path().join("bin");
    let cli = "#!/bin/sh\ncase \"$1\" in\n  auth) echo '{\"loggedIn\":true,\"authMethod\":\"claude.ai\"}' ;;\n  \
               *) echo '2.1.0 (Claude Code)' ;;\nesac\n";
    put(&bin.join("claude"), cli);
    let words: Vec<String> = argv.iter().map(|word| format!("'{word}'")).collect();
    put(&bin.join("claude-agent-acp"), &format!("#!/bin/sh\nexec {}\n", words.join(" ")));
}

fn put(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

impl Bridged {
    /// Address and headers of the memory as the agent at work got them.
    pub fn memory_given(&self) -> (String, String) {
        let file = self.house.workspace.path().join("attempts").join(MCP_SERVERS);
        let servers: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let server = servers.as_array().unwrap().iter().find(|server| server["name"] == "memory").unwrap();
        let header = &server["headers"][0];
        assert_eq!(header["name"], "Authorization");
        (server["url"].as_str().unwrap().to_owned(), header["value"].as_str().unwrap().to_owned())
    }
}

/// Calls a tool at this address.
pub fn call(url: &str, token: &str, name: &str, args: &Value) -> Answer {
    let (address, path) = tcp::parts(url);
    let headers = [
        ("host", address.as_str()),
        ("authorization", token),
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ];
    let params = json!({ "name": name, "arguments": args });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    tcp::send(&address, "POST", &path, &headers, &body.to_string())
}
