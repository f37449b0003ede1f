//! The MCP server as a client sees it.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

use conformance::mcp::McpServer;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

fn post(server: &McpServer, token: &str, message: &Value) -> (u16, Value) {
    let address = server.url();
    let address = address.strip_prefix("http://").unwrap().strip_suffix("/mcp").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let body = message.to_string();
    let length = body.len();
    write!(
        stream,
        "POST /mcp HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap_or_default())
}

#[test]
fn with_the_token_it_answers_and_without_it_not() {
    let server = McpServer::start("right", "what is known").unwrap();
    let call = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "recall", "arguments": {}}});
    let (status, answer) = post(&server, "right", &call);
    assert_eq!((status, &answer["id"]), (200, &json!(7)));
    assert_eq!(answer["result"]["content"][0]["text"], "what is known");
    assert_eq!(post(&server, "wrong", &call).0, 401);
    assert_eq!(
        post(&server, "right", &json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).0,
        202
    );
    let unknown = json!({"jsonrpc": "2.0", "id": 8, "method": "resources/list"});
    assert_eq!(post(&server, "right", &unknown).1["error"]["code"], -32601);
    let trusted: Vec<bool> = server.seen().iter().map(|seen| seen.trusted).collect();
    assert_eq!(trusted, [true, false, true, true]);
}
