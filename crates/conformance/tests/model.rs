//! The scripted model server as a client sees it: each wire's stream, the bill, the hurdles.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

use conformance::model::{Conversation, ModelServer, Scenario, Step, Tokens, Wire, bill::price};
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

fn chat(results: usize, text: &str) -> Value {
    let mut messages = vec![
        json!({"role": "system", "content": "The current working directory is `/tree`."}),
        json!({"role": "user", "content": [{"type": "text", "text": text}]}),
    ];
    for n in 0..results {
        let id = format!("call_{n}");
        messages.push(json!({"role": "assistant", "tool_calls": [{"id": id, "type": "function",
            "function": {"name": "write_file", "arguments": "{}"}}]}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": "did it"}));
    }
    let schema = json!({"type": "object", "properties": {"file_path": {}, "content": {}}});
    json!({"model": "qwen3-coder-plus", "stream": true, "messages": messages,
           "tools": [{"type": "function", "function": {"name": "write_file", "parameters": schema}}]})
}

fn gemini(results: usize, text: &str) -> Value {
    let mut contents = vec![json!({"role": "user", "parts": [{"text": text}]})];
    for _ in 0..results {
        contents.push(json!({"role": "model", "parts": [{"functionCall": {"name": "write_file"}}]}));
        let result = json!({"name": "write_file", "response": {"output": "did it"}});
        contents.push(json!({"role": "user", "parts": [{"functionResponse": result}]}));
    }
    let schema = json!({"type": "object", "properties": {"file_path": {}, "content": {}}});
    json!({"contents": contents, "tools": [{"functionDeclarations": [
        {"name": "write_file", "parametersJsonSchema": schema}]}]})
}

const CHAT: &str = "/v1/chat/completions";
const GEMINI: &str = "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse";

#[test]
fn chat_gets_a_call_with_the_names_that_its_tool_takes_and_then_the_end() {
    let server = ModelServer::start(write_then_stop()).unwrap();
    let (_, answer) = post(&server, CHAT, &chat(0, "make it"));
    let all = events(&answer);
    let call = all.iter().find_map(|e| e["choices"][0]["delta"]["tool_calls"][0].as_object()).unwrap();
    let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments, json!({"file_path": "/tree/app/a", "content": "x\n"}));
    let usage = &all.last().unwrap()["usage"];
    let price = price(Wire::Chat, 1);
    assert_eq!(usage["prompt_tokens"], price.input + price.cache_read);
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], price.cache_read);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], price.reasoning);
    assert!(answer.contains("data: [DONE]"));

    let mut body = chat(1, "make it");
    body["stream"] = false.into();
    let (_, answer) = post(&server, CHAT, &body);
    let whole: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(whole["choices"][0]["message"]["content"], "there");
    assert_eq!(server.billed().total.calls, 2);
    assert_eq!(server.log()[1].call.as_ref().unwrap().result.as_deref(), Some("did it"));
}

#[test]
fn gemini_gets_a_call_an_end_a_count_and_an_answer_in_the_form_that_it_asks_for() {
    let server = ModelServer::start(write_then_stop()).unwrap();
    let last = |answer: &str| events(answer).pop().unwrap();
    let end = last(&post(&server, GEMINI, &gemini(0, "make it")).1);
    let call = &end["candidates"][0]["content"]["parts"][0]["functionCall"];
    assert_eq!(call["args"]["content"], "x\n");
    let price = price(Wire::Gemini, 1);
    let usage = &end["usageMetadata"];
    assert_eq!(usage["promptTokenCount"], price.input + price.cache_read);
    assert_eq!(
        usage["candidatesTokenCount"].as_u64().unwrap() + usage["thoughtsTokenCount"].as_u64().unwrap(),
        price.output
    );
    let end = post(&server, GEMINI, &gemini(1, "make it")).1;
    assert!(end.contains("there") && end.contains("STOP"));

    let schema =
        json!({"type": "OBJECT", "properties": {"choice": {"type": "STRING", "enum": ["pro", "flash"]}}});
    let classify = json!({"contents": [{"role": "user", "parts": [{"text": "which model?"}]}],
        "generationConfig": {"responseJsonSchema": schema}});
    let (_, answer) = post(&server, "/v1beta/models/gemini-flash:generateContent", &classify);
    let whole: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(whole["candidates"][0]["content"]["parts"][0]["text"], r#"{"choice":"pro"}"#);
    assert_eq!(server.billed().side.calls, 1);
    assert!(post(&server, "/v1beta/models/x:countTokens", &json!({})).1.contains("totalTokens"));
    assert_eq!(server.billed().total.calls, 3);
}

#[test]
fn a_hanging_answer_begins_and_is_not_billed() {
    let server = ModelServer::start(Scenario::always("hang", vec![Step::Hang])).unwrap();
    for (path, body) in [
        ("/v1/messages", claude(0, "x")),
        ("/v1/responses", codex(0, "x")),
        (CHAT, chat(0, "x")),
        (GEMINI, gemini(0, "x")),
    ] {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        let length = body.len();
        write!(stream, "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
        let mut begun = Vec::new();
        while !String::from_utf8_lossy(&begun).contains("data: ") {
            let mut some = [0; 4096];
            let read = stream.read(&mut some).unwrap();
            assert_ne!(read, 0, "{path}: it must not end");
            begun.extend_from_slice(&some[..read]);
        }
    }
    assert_eq!(server.billed().total, Tokens { output: 1, ..price(Wire::Messages, 1) });
}

#[test]
fn every_wire_can_be_refused_and_cut() {
    let refused = Step::Http { status: 500, times: Some(1), resets_at: None };
    let steps = [refused, Step::Drop { times: Some(1) }];
    for (path, body) in [
        ("/v1/messages", claude(0, "x")),
        ("/v1/responses", codex(0, "x")),
        (CHAT, chat(0, "x")),
        (GEMINI, gemini(0, "x")),
    ] {
        let server = ModelServer::start(Scenario::always("page", steps.to_vec())).unwrap();
        assert_eq!(post(&server, path, &body).0, 500, "{path}");
        let (status, cut) = post(&server, path, &body);
        assert_eq!((status, server.billed().total.calls), (200, 0), "{path}: {cut}");
        assert!(cut.contains("data: ") && !cut.contains("0\r\n\r\n"), "{path}: {cut}");
        assert_eq!(post(&server, path, &body).0, 200);
        assert_eq!(server.billed().total.calls, 1, "{path}");
    }
}

#[test]
fn a_tool_that_is_not_offered_is_looked_for_first() {
    let step = Step::CallTool { name: "recall".into(), arguments: json!({"query": "x"}) };
    let server = ModelServer::start(Scenario::always("page", vec![step])).unwrap();
    let mut body = claude(0, "make it");
    body["tools"] = json!([{"name": "ToolSearch"}]);
    body["system"] = json!("Deferred tools: mcp__memory__recall");
    let named = |answer: &str| {
        events(answer).iter().find_map(|e| e["content_block"]["name"].as_str().map(str::to_owned)).unwrap()
    };
    assert_eq!(named(&post(&server, "/v1/messages", &body).1), "ToolSearch");
    body["messages"].as_array_mut().unwrap().extend([
        json!({"role": "assistant", "content": [{"type": "tool_use", "id": "s", "name": "ToolSearch", "input": {}}]}),
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "s", "content": "found"}]}),
    ]);
    assert_eq!(named(&post(&server, "/v1/messages", &body).1), "mcp__memory__recall");
    body["tools"] = json!([{"name": "mcp_memory_recall"}]);
    assert_eq!(named(&post(&server, "/v1/messages", &body).1), "mcp_memory_recall");
}
