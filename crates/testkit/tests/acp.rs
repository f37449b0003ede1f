//! The scripted ACP agent as a client sees it, by the bare protocol: lines of JSON over its pipes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;
use testkit::acp::{Act, Script, Spent, command_line};

struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    folder: TempDir,
}

impl Client {
    fn start(script: &Script) -> Client {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("script.json");
        script.write(&file).unwrap();
        let argv = command_line(Path::new(env!("CARGO_BIN_EXE_scripted-acp-agent")), &file, None);
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut client = Client { child, input, output, folder };
        client.ask(1, "initialize", json!({"protocolVersion": 1, "clientCapabilities": {}}));
        client
    }

    fn send(&mut self, message: Value) {
        writeln!(self.input, "{message}").unwrap();
    }

    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        (self.output.read_line(&mut line).unwrap() > 0).then(|| serde_json::from_str(&line).unwrap())
    }

    /// The answer, and the updates before it.
    fn ask(&mut self, id: u64, method: &str, params: Value) -> (Value, Vec<Value>) {
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.answer(id)
    }

    fn answer(&mut self, id: u64) -> (Value, Vec<Value>) {
        let mut before = Vec::new();
        while let Some(message) = self.next() {
            if message["id"] == id && message.get("method").is_none() {
                return (message, before);
            }
            before.push(message);
        }
        panic!("the agent went away; before that: {before:?}");
    }

    fn session(&mut self) -> Value {
        let cwd = self.folder.path().to_str().unwrap().to_owned();
        self.ask(2, "session/new", json!({"cwd": cwd, "mcpServers": []})).0
    }

    fn prompt(&mut self, id: u64, text: &str) -> (Value, Vec<Value>) {
        let block = json!({"type": "text", "text": text});
        self.ask(id, "session/prompt", json!({"sessionId": "scripted-1", "prompt": [block]}))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(path: &str, content: &str) -> Act {
    Act::Write { path: path.into(), content: content.into() }
}

#[test]
fn it_breaks_the_build_first_and_mends_it_second() {
    let spent = Spent { input: 7, cache_read: 3, output: 2, cost_usd: Some(0.5), ..Spent::default() };
    let second = vec![write("app/page", "whole"), Act::Usage(spent)];
    let mut client = Client::start(&Script::always(vec![vec![write("app/page", "broken")], second]));
    client.session();
    let (first, updates) = client.prompt(3, "a bakery");
    assert_eq!(first["result"]["stopReason"], "end_turn");
    assert!(updates.iter().any(|u| u["params"]["update"]["status"] == "completed"), "{updates:?}");
    let page = client.folder.path().join("app/page");
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "broken");
    let (second, updates) = client.prompt(4, "a bakery\nWhat failed before: the build");
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "whole");
    assert_eq!(second["result"]["usage"]["inputTokens"], 7);
    assert_eq!(second["result"]["usage"]["cachedReadTokens"], 3);
    assert!(updates.iter().any(|u| u["params"]["update"]["cost"]["amount"] == 0.5), "{updates:?}");
}

#[test]
fn a_wall_that_holds_is_said_and_the_play_goes_on() {
    let acts = vec![write("/proc/nothing/x", "y"), write("app/after", "z")];
    let mut client = Client::start(&Script::always(vec![acts]));
    client.session();
    let (_, updates) = client.prompt(3, "x");
    assert!(updates.iter().any(|u| u["params"]["update"]["status"] == "failed"), "{updates:?}");
    assert!(client.folder.path().join("app/after").exists());
}

#[test]
fn a_hanging_one_is_cancelled() {
    let mut client =
        Client::start(&Script::always(vec![vec![Act::Print { text: "here".into() }, Act::Hang]]));
    client.session();
    let block = json!({"type": "text", "text": "x"});
    client.send(json!({"jsonrpc": "2.0", "id": 3, "method": "session/prompt",
                       "params": {"sessionId": "scripted-1", "prompt": [block]}}));
    assert_eq!(client.next().unwrap()["params"]["update"]["content"]["text"], "here");
    client.send(json!({"jsonrpc": "2.0", "method": "session/cancel", "params": {"sessionId": "scripted-1"}}));
    assert_eq!(client.answer(3).0["result"]["stopReason"], "cancelled");
}

#[test]
fn a_signed_out_one_says_so_and_one_that_exits_is_gone() {
    let mut client = Client::start(&Script { signed_out: true, ..Script::default() });
    assert_eq!(client.session()["error"]["code"], -32000);
    let mut client = Client::start(&Script::always(vec![vec![Act::Exit { code: 3 }]]));
    client.session();
    let block = json!({"type": "text", "text": "x"});
    client.send(json!({"jsonrpc": "2.0", "id": 3, "method": "session/prompt",
                       "params": {"sessionId": "scripted-1", "prompt": [block]}}));
    assert_eq!(client.next(), None);
    assert_eq!(client.child.wait().unwrap().code(), Some(3));
}
