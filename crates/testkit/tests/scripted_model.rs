//! The scripted model server as a program: its address on standard output, its bill and its log over HTTP.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use testkit::model::{Scenario, Step, Wire, bill::price};

fn send(port: u16, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn as_a_program_it_tells_its_address_its_bill_and_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.json");
    let scenario =
        Scenario::always("page", vec![Step::Write { path: "app/a".into(), content: "x\n".into() }]);
    std::fs::write(&file, serde_json::to_vec(&scenario).unwrap()).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_scripted-model"));
    let mut child =
        program.args(["--port", "0", "--scenario"]).arg(&file).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().rsplit(':').next().unwrap().parse().unwrap();
    let call = json!({"model": "m", "stream": true, "tools": [{"name": "Write"}],
        "messages": [{"role": "user", "content": "make it"}]});
    send(port, "POST", "/v1/messages", &call.to_string());
    let told = |path: &str| -> Value {
        serde_json::from_str(send(port, "GET", path, "").split("\r\n\r\n").nth(1).unwrap()).unwrap()
    };
    let (billed, log) = (told("/__billed"), told("/__log"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(billed["by_conversation"]["page"]["input"], price(Wire::Messages, 1).input);
    assert_eq!(log[0]["call"]["prompt"], "make it");
}
