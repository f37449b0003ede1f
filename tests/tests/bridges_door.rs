//! Who is let in at a bridge, and what becomes of callers that mean no good: each gets a named answer, and those after them
//! are served as if nothing had been.

#![expect(clippy::panic, reason = "test code")]

mod bridges;
mod harness;

use bridges::{Bridged, ENDLESS, bridges as rows_of};
use harness::PATIENCE;
use harness::tcp::{self, Answer};
use protocol::view::Health;
use protocol::{Request, Response};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use testkit::namespace::{alone, free_port};

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;

fn code(answer: &Answer) -> Value {
    serde_json::from_str::<Value>(&answer.body).unwrap_or_else(|e| panic!("{e}: {answer:?}"))["code"].clone()
}

#[test]
fn only_a_program_of_this_machine_with_the_token_comes_in() {
    let bridged = Bridged::open();
    let token = format!("Bearer {}", bridged.token);
    let longer = format!("{token}x");
    let shorter = &token[..token.len() - 1];
    for wrong in
        [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Basic eDp5"), Some(&longer), Some(shorter)]
    {
        let headers: Vec<(&str, &str)> = wrong.iter().map(|value| ("authorization", *value)).collect();
        let answer = bridged.post(0, &headers, LIST);
        assert_eq!((answer.status, code(&answer)), (401, json!("signed_out")), "{wrong:?}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "));
    }
    let address = bridged.address(0);
    let with =
        |name: &str, value: &str| bridged.post(0, &[("authorization", token.as_str()), (name, value)], LIST);
    for (name, value) in [
        ("host", "evil.example"),
        ("host", "127.0.0.1"),
        ("host", "127.0.0.1:1"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("origin", &format!("https://{address}")),
    ] {
        assert_eq!(with(name, value).status, 403, "{name}: {value}");
    }
    for (name, value) in
        [("origin", format!("http://{address}")), ("host", address.replace("127.0.0.1", "localhost"))]
    {
        assert_eq!(with(name, &value).status, 200, "{name}: {value}");
    }
    // Another bridge knows the same token; the dashboard's sessions and the memory know nothing of it.
    assert_eq!(bridged.post(4, &[("authorization", &token)], LIST).status, 200);
    let memory =
        tcp::send(&address, "POST", "/memory", &[("host", &address), ("authorization", &token)], LIST);
    assert_eq!(memory.status, 401);
    assert_eq!(tcp::get(&format!("http://{address}/")).status, 404);
    let file = bridged.house.workspace.home().join("bridge.token");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!bridged.house.daemon.printed().contains(&bridged.token));
}

#[test]
fn what_is_no_call_is_told_so() {
    let bridged = Bridged::open();
    let token = format!("Bearer {}", bridged.token);
    let post = |body: &str| bridged.post(0, &[("authorization", &token)], body);
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, code) in [
        ("", -32700),
        ("{\"jsonrpc\":", -32700),
        ("\u{0}\u{1b}[31m", -32700),
        (&deep, -32600),
        ("{}", -32600),
        ("[]", -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"tools/list"}"#, -32600),
        (&format!("[{LIST}]"), -32600),
    ] {
        let answer = post(body);
        let told: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, &told["error"]["code"]), (400, &json!(code)), "{answer:?}");
    }
    let unknown = bridged.rpc("tools/call", &json!({ "name": "rm_rf", "arguments": {} }));
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    for (tool, args) in [
        ("run_task", json!({})),
        ("run_task", json!({ "task": 5 })),
        ("run_task", json!({ "task": "x", "sudo": true })),
        ("run_task", json!({ "task": "   " })),
        ("run_task", json!({ "task": "x", "project": "../.." })),
        ("run_task", json!({ "task": "x".repeat(200_000) })),
        ("wait_run", json!({ "run_id": "r", "max_wait_s": -1 })),
        ("agent_status", json!({ "fresh": true })),
    ] {
        assert!(bridged.tool(tool, args.clone()).is_err(), "{tool} {args}");
    }
    let huge =
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":"{}"}}"#, "x".repeat(2 << 20));
    assert_eq!(post(&huge).status, 413);
    let address = bridged.address(0);
    for method in ["GET", "DELETE", "PUT"] {
        let headers = [("host", address.as_str()), ("authorization", &token)];
        assert_eq!(tcp::send(&address, method, "/mcp", &headers, "").status, 405, "{method}");
    }
    assert_eq!(post(LIST).status, 200);
    // Nothing of all this became a request.
    assert!(matches!(bridged.house.call(&Request::Requests { project: None, limit: None }),
        Response::Requests { rows } if rows.is_empty()));
}

/// The place of a connection that says nothing is free again in time, so that a full house is a wait and not an end.
#[test]
fn clients_that_say_nothing_or_half_of_it_hold_up_nobody() {
    let bridged = Bridged::open();
    let address = bridged.address(0);
    let mut held = Vec::new();
    for kind in 0..60 {
        let mut one = TcpStream::connect(&address).unwrap();
        match kind % 3 {
            0 => {}
            1 => one.write_all(b"POST /mcp HTTP/1.1\r\nhost: ").unwrap(),
            _ => write!(
                one,
                "POST /mcp HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-length: 1000\r\n\r\n{{",
                bridged.token
            )
            .unwrap(),
        }
        held.push(one);
    }
    assert!(bridged.tool("agent_status", json!({})).is_ok());
    // As many again: some now wait for a place, which becomes free when the silent ones are sent away.
    for _ in 0..60 {
        held.push(TcpStream::connect(&address).unwrap());
    }
    assert!(bridged.tool("agent_status", json!({})).is_ok());
    let mut half = held.swap_remove(2);
    half.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut told = String::new();
    half.read_to_string(&mut told).unwrap();
    assert!(told.starts_with("HTTP/1.1 408"), "{told}");
}

#[test]
fn many_clients_wait_at_once_and_all_are_told() {
    let bridged = Bridged::open();
    let run = bridged.tool("run_task", json!({ "task": ENDLESS })).unwrap()["run_id"].clone();
    std::thread::scope(|scope| {
        let wait = || bridged.tool("wait_run", json!({ "run_id": run, "until": "end" })).unwrap();
        let waiting: Vec<_> = (0..40).map(|_| scope.spawn(wait)).collect();
        bridged.tool("cancel_run", json!({ "run_id": run })).unwrap();
        for one in waiting {
            assert_eq!(one.join().unwrap()["state"], "ended");
        }
    });
    for _ in 0..300 {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "x", "version": "1" } } });
        let answer =
            bridged.post(0, &[("authorization", &format!("Bearer {}", bridged.token))], &body.to_string());
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("mcp-session-id"), None, "a session is something to lose");
    }
}

#[test]
fn a_port_that_is_taken_is_said_and_tried_again() {
    alone("a_port_that_is_taken_is_said_and_tried_again", || {
        let base = free_port().unwrap();
        let taken = TcpListener::bind(("127.0.0.1", base + 2)).unwrap();
        let bridged = Bridged::open_at(&base.to_string());
        let up = |bridged: &Bridged| rows_of(&bridged.house).0.iter().map(|row| row.up).collect::<Vec<_>>();
        assert_eq!(up(&bridged), [true, true, false, true, true]);
        assert!(rows_of(&bridged.house).0[2].says.contains("another program has port"));
        assert_eq!(bridged.url(1), format!("http://127.0.0.1:{}/mcp", base + 1));
        let doctor = |bridged: &Bridged| match bridged.house.call(&Request::Doctor) {
            Response::Doctor { rows } => rows.into_iter().find(|row| row.what == "MCP servers").unwrap(),
            other => panic!("{other:?}"),
        };
        let row = doctor(&bridged);
        assert_eq!(row.health, Health::Warning);
        assert!(row.next.unwrap().contains("[bridges]"));
        drop(taken);
        assert_eq!(doctor(&bridged).health, Health::Good);
        assert_eq!(up(&bridged), [true; 5]);
    });
}

#[test]
fn bridges_that_are_off_have_no_door_at_all() {
    let house = harness::House::practice();
    let (rows, token) = rows_of(&house);
    assert!(rows.len() == 5 && rows.iter().all(|row| !row.up && row.url.is_empty()));
    assert!(token.is_empty() && !house.workspace.home().join("bridge.token").exists());
}
