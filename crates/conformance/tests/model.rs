//! The scripted model server as a client sees it: each wire's stream, the bill, the hurdles.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

use conformance::model::{Conversation, ModelServer, Scenario, Step, Wire, bill::price};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

fn post(server: &ModelServer, path: &str, body: &Value) -> (u16, String) {
    send(server.port(), "POST", path, &body.to_string())
}

fn send(port: u16, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    // A cut connection is what one of the tests is about.
    let _ = stream.read_to_string(&mut answer);
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    (status, answer)
}

fn events(answer: &str) -> Vec<Value> {
    answer.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect()
}

fn claude(results: usize, text: &str) -> Value {
    let mut messages = vec![json!({"role": "user", "content": text})];
    for n in 0..results {
        messages.push(json!({"role": "assistant", "content": [{"type": "tool_use", "id": n, "name": "Write", "input": {}}]}));
        messages.push(
            json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": n, "content": "ok"}]}),
        );
    }
    json!({"model": "m", "stream": true, "tools": [{"name": "Write"}], "messages": messages,
           "system": "Primary working directory: /tree\nmore"})
}

fn codex(results: usize, text: &str) -> Value {
    let mut input =
        vec![json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})];
    for n in 0..results {
        input.push(json!({"type": "custom_tool_call", "call_id": n}));
        input.push(json!({"type": "custom_tool_call_output", "call_id": n, "output": "ok"}));
    }
    json!({"model": "m", "stream": true, "tools": [{"type": "custom", "name": "apply_patch"}], "input": input})
}

fn write_then_stop() -> Scenario {
    Scenario::always(
        "page",
        vec![
            Step::Write { path: "app/a".into(), content: "x\n".into() },
            Step::Text { text: "there".into() },
        ],
    )
}

#[test]
fn claude_gets_a_write_with_an_absolute_path_and_then_the_end() {
    let server = ModelServer::start(write_then_stop()).unwrap();
    let (_, answer) = post(&server, "/v1/messages?beta=true", &claude(0, "make it"));
    let all = events(&answer);
    let input = all.iter().find_map(|e| e["delta"]["partial_json"].as_str()).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(input).unwrap(),
        json!({"file_path": "/tree/app/a", "content": "x\n"})
    );
    assert_eq!(
        all.iter().find(|e| e["type"] == "message_delta").unwrap()["delta"]["stop_reason"],
        "tool_use"
    );

    let (_, answer) = post(&server, "/v1/messages", &claude(1, "make it"));
    let all = events(&answer);
    assert!(all.iter().any(|e| e["delta"]["text"] == "there"));
    assert_eq!(
        all.iter().find(|e| e["type"] == "message_delta").unwrap()["delta"]["stop_reason"],
        "end_turn"
    );
}

#[test]
fn what_was_told_is_what_was_billed() {
    let server = ModelServer::start(write_then_stop()).unwrap();
    let mut told = 0;
    for results in 0..2 {
        let (_, answer) = post(&server, "/v1/messages", &claude(results, "make it"));
        let usage = events(&answer).iter().rev().find_map(|e| e.get("usage").cloned()).unwrap();
        told += usage["input_tokens"].as_u64().unwrap() + usage["output_tokens"].as_u64().unwrap();
    }
    let (_, answer) = post(&server, "/v1/responses", &codex(0, "make it"));
    let last = events(&answer).pop().unwrap();
    let usage = &last["response"]["usage"];
    let billed = server.billed();
    assert_eq!(billed.wire(Wire::Messages).input + billed.wire(Wire::Messages).output, told);
    let third = price(Wire::Responses, 3);
    assert_eq!(billed.wire(Wire::Responses), third);
    assert_eq!(usage["input_tokens"], third.input + third.cache_read + third.cache_write);
    assert_eq!(usage["output_tokens_details"]["reasoning_tokens"], third.reasoning);
    assert_eq!(billed.conversation("page"), billed.total);
    assert!(server.log().iter().all(|entry| entry.call.as_ref().unwrap().billed));
}

#[test]
fn codex_gets_a_patch() {
    let server = ModelServer::start(write_then_stop()).unwrap();
    let (_, answer) = post(&server, "/v1/responses", &codex(0, "make it"));
    let all = events(&answer);
    let item = &all.iter().find(|e| e["type"] == "response.output_item.done").unwrap()["item"];
    assert_eq!(item["input"], "*** Begin Patch\n*** Add File: app/a\n+x\n*** End Patch\n");
}

#[test]
fn a_refusal_and_a_cut_are_not_billed_and_pass_when_their_time_is_over() {
    let server = ModelServer::start(Scenario::always(
        "page",
        vec![
            Step::Http { status: 500, times: Some(1), resets_at: None },
            Step::Drop { times: Some(1) },
            Step::Text { text: "there".into() },
        ],
    ))
    .unwrap();
    assert_eq!(post(&server, "/v1/responses", &codex(0, "x")).0, 500);
    let (_, cut) = post(&server, "/v1/responses", &codex(0, "x"));
    assert!(cut.contains("response.created") && !cut.contains("response.completed"), "{cut}");
    assert_eq!(server.billed().total.calls, 0);
    let (_, whole) = post(&server, "/v1/responses", &codex(0, "x"));
    assert!(whole.contains("response.completed"));
    assert_eq!(server.billed().total.calls, 1);
}

#[test]
fn a_used_up_quota_tells_when_it_comes_back() {
    let step = Step::Http { status: 429, times: None, resets_at: Some(1_900_000_000) };
    let server = ModelServer::start(Scenario::always("quota", vec![step])).unwrap();
    assert!(
        post(&server, "/v1/messages", &claude(0, "x"))
            .1
            .contains("anthropic-ratelimit-unified-reset: 1900000000")
    );
    assert!(post(&server, "/v1/responses", &codex(0, "x")).1.contains("\"resets_at\":1900000000"));
}

#[test]
fn instruction_files_do_not_choose_the_conversation() {
    let conversation = |name: &str, word: &str| Conversation {
        name: name.into(),
        when: vec![word.into()],
        steps: vec![],
        retry: vec![],
    };
    let scenario =
        Scenario { conversations: vec![conversation("rules", "rules"), conversation("task", "task")] };
    let server = ModelServer::start(scenario).unwrap();
    let mut body = codex(0, "# AGENTS.md instructions for /tree\nrules");
    body["input"]
        .as_array_mut()
        .unwrap()
        .push(json!({"type": "message", "role": "user", "content": "the task"}));
    post(&server, "/v1/responses", &body);
    let mut body = claude(0, "x");
    body["messages"][0]["content"] =
        json!([{"type": "text", "text": "<system-reminder>rules"}, {"type": "text", "text": "the task"}]);
    post(&server, "/v1/messages", &body);
    let chosen: Vec<_> = server.log().into_iter().map(|entry| entry.call.unwrap().conversation).collect();
    assert_eq!(chosen, ["task", "task"]);
}
