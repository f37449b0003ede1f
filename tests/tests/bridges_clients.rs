//! MCP clients that others wrote, against the bridges on their real ports: the inspector's command line and the SDK from npm,
//! and the package `mcp` from PyPI. `scripts/mcp-clients/install` brings them. Each test is alone in a network that holds
//! nothing but loopback.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod bridges;
mod harness;

use bridges::{AGENTS, Bridged, ENDLESS, TOOLS, at_work};
use harness::BAKERY;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use testkit::namespace::{alone, node_dir, tools_dir};

/// The ports that users are told of.
const PORTS: &str = "3210";

fn clients() -> PathBuf {
    let folder = tools_dir().join("mcp-clients");
    assert!(folder.exists(), "{} is not there; run scripts/mcp-clients/install", folder.display());
    folder
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

fn node() -> PathBuf {
    node_dir().unwrap().join("node")
}

/// A client that stays the same over all that it is told to do.
struct Client {
    child: Child,
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Client {
    fn python(url: &str, token: &str) -> Client {
        Self::start(Command::new(clients().join("python/bin/python")).arg(script("client.py")), url, token)
    }

    fn node(url: &str, token: &str) -> Client {
        Self::start(Command::new(node()).arg(script("client.mjs")), url, token)
    }

    fn start(command: &mut Command, url: &str, token: &str) -> Client {
        command.arg(url).env("LOOPWRIGHT_TOKEN", token).current_dir(clients());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (tell, told) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Client { child, tell, told }
    }

    fn ask(&mut self, what: &Value) -> Value {
        writeln!(self.tell, "{what}").unwrap();
        let mut line = String::new();
        self.told.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        assert_eq!(answer.get("failed"), None, "{what}: {answer}");
        answer
    }

    fn tool(&mut self, name: &str, args: Value) -> Value {
        let answer = self.ask(&json!({ "tool": name, "args": args }));
        assert_eq!(answer["error"], false, "{name}: {answer}");
        answer["told"].clone()
    }

    /// Every tool is listed with the shape of its answer.
    fn lists(&mut self, protocol: &str) {
        let listed = self.ask(&json!({ "list": true }));
        let tools = listed["tools"].as_object().unwrap();
        let mut names: Vec<&String> = tools.keys().collect();
        names.sort();
        assert_eq!(names, TOOLS);
        assert!(tools.values().all(|shaped| *shaped == true));
        assert_eq!(listed["protocol"], protocol);
    }

    fn ended(&mut self, run: &Value) -> Value {
        while self.tool("wait_run", json!({ "run_id": run, "until": "end" }))["state"] != "ended" {}
        self.tool("run_result", json!({ "run_id": run }))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lists the tools on all five ports, runs a task to its end, waits, reads its result, cancels another, and goes on as if
/// nothing had been after the daemon was killed under it.
fn goes_through_it_all(start: fn(&str, &str) -> Client, protocol: &str) {
    let bridged = Bridged::open_at(PORTS);
    for (place, agent) in AGENTS.iter().enumerate() {
        let url = format!("http://127.0.0.1:{}/mcp", 3210 + place);
        assert_eq!(bridged.url(place), url);
        let mut client = start(&url, &bridged.token);
        client.lists(protocol);
        assert_eq!(client.tool("agent_status", json!({}))["agent"], *agent);
    }
    let mut client = start(bridged.url(0), &bridged.token);
    let run = client.tool("run_task", json!({ "task": BAKERY, "idempotency_key": "one" }))["run_id"].clone();
    let asked = json!({ "tool": "wait_run", "args": { "run_id": run, "until": "end" }, "progress": true });
    let waited = client.ask(&asked);
    let progress = waited["progress"].as_array().unwrap();
    assert!(
        progress.iter().any(|line| line.as_str().is_some_and(|line| line.contains("has started"))),
        "{waited}"
    );
    let result = client.ended(&run);
    assert_eq!((&result["outcome"], &result["tokens"]["input"]), (&json!("live"), &json!(100)), "{result}");

    let other = client.tool("run_task", json!({ "task": ENDLESS }))["run_id"].clone();
    at_work(&bridged, other.as_str().unwrap());
    let bridged = bridged.killed_and_started(PORTS);
    let status = client.tool("run_status", json!({ "run_id": other }));
    assert_ne!(status["state"], "ended", "{status}");
    client.tool("cancel_run", json!({ "run_id": other, "reason": "enough" }));
    assert_eq!(client.ended(&other)["outcome"], "cancelled");
    let again = client.tool("run_task", json!({ "task": BAKERY, "idempotency_key": "one" }));
    assert_eq!((&again["run_id"], &again["new"]), (&run, &json!(false)));
    bridged.house.is_sound();
}

#[test]
fn the_sdk_from_pypi_goes_through_it_all() {
    alone("the_sdk_from_pypi_goes_through_it_all", || goes_through_it_all(Client::python, "2026-07-28"));
}

#[test]
fn the_sdk_from_npm_goes_through_it_all() {
    alone("the_sdk_from_npm_goes_through_it_all", || goes_through_it_all(Client::node, "2025-11-25"));
}

fn inspect(bridged: &Bridged, place: usize, args: &[&str]) -> (bool, String) {
    let program =
        clients().join("node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");
    let mut command = Command::new(node());
    command.arg(program).args([
        "--cli",
        bridged.url(place),
        "--transport",
        "http",
        "--quiet",
        "--format",
        "json",
    ]);
    command.args(["--header", &format!("Authorization: Bearer {}", bridged.token)]).args(args);
    let done = command.env("HOME", bridged.house.workspace.path()).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (done.status.success(), said)
}

#[test]
fn the_inspector_finds_nothing_to_complain_of_and_follows_a_task() {
    alone("the_inspector_finds_nothing_to_complain_of_and_follows_a_task", || {
        let bridged = Bridged::open_at(PORTS);
        for place in 0..AGENTS.len() {
            for era in ["legacy", "modern"] {
                let (fine, said) =
                    inspect(&bridged, place, &["--protocol-era", era, "--strict", "--method", "tools/list"]);
                assert!(fine && TOOLS.iter().all(|tool| said.contains(tool)), "{era}: {said}");
                assert!(!said.contains("Warning") && !said.contains("ignored"), "{era}: {said}");
            }
        }
        let run = ["--method", "tools/call", "--tool-name", "run_task", "--tool-arg"];
        let task = format!("task={BAKERY}");
        // This one speaks Tasks: it gets a handle and asks for it until there is a result.
        let (fine, said) =
            inspect(&bridged, 0, &[&["--protocol-era", "modern"], &run[..], &[&task]].concat());
        let answer: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        let told = &answer["result"]["structuredContent"];
        assert!(fine && told["result"]["outcome"] == "live", "{said}");
        // And this one does not.
        let (fine, said) =
            inspect(&bridged, 0, &[&["--protocol-era", "legacy"], &run[..], &[&task]].concat());
        let answer: Value = serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"));
        assert!(fine && answer["result"]["structuredContent"]["new"] == true, "{said}");
    });
}
