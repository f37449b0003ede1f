//! How fast an agent's output is read: the very code of a run, over a long conversation in memory.

use crate::row::Row;
use crate::socket::alone;
use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::time::Instant;

const RUNS: usize = 7;
const BYTES: usize = 64 << 20;
const LIMIT: f64 = 200.0;

pub fn rows() -> Result<Vec<Row>> {
    let output = conversation();
    let mut samples = Vec::new();
    for _ in 0..RUNS {
        let clock = Instant::now();
        let agent = ::agents::practice();
        let read = alone(async { Ok(::agents::read_events(&agent, output.as_slice()).await) })?;
        let took = clock.elapsed().as_secs_f64();
        ensure!(
            read.is_some_and(|read| read.bytes == output.len() as u64
                && read.events > 0
                && read.unknown == 0),
            "the conversation was not read to its end: {read:?}"
        );
        samples.push(output.len() as f64 / 1e6 / took);
    }
    let how = format!(
        "agents::read_events, the reader of every run, over {} MB of ACP: words and thoughts in pieces, tool calls with their \
         output, a plan, usage",
        output.len() / 1_000_000
    );
    Ok(vec![Row::median("reading an agent's events", "MB/s", &samples, how).at_least(LIMIT)])
}

/// What agents write most, in a mix that a long run has, again and again.
fn conversation() -> Vec<u8> {
    let code = "export default function Page() {\n  return <h1>Sauerteig</h1>;\n}\n".repeat(40);
    let mut round = Vec::new();
    for n in 0..40 {
        let words = format!("Now the opening hours of day {n} go into the page. ");
        round.push(update(
            json!({ "sessionUpdate": "agent_message_chunk", "content": { "type": "text", "text": words } }),
        ));
        round.push(update(
            json!({ "sessionUpdate": "agent_thought_chunk", "content": { "type": "text", "text": words } }),
        ));
    }
    for (n, status) in ["pending", "in_progress", "completed"].into_iter().enumerate() {
        let kind = if n == 0 { "tool_call" } else { "tool_call_update" };
        round.push(update(json!({
            "sessionUpdate": kind, "toolCallId": "call_1", "title": "Write app/home.tsx", "kind": "edit", "status": status,
            "locations": [{ "path": "/home/app/home.tsx" }], "rawInput": { "file_path": "/home/app/home.tsx", "content": code },
            "content": [{ "type": "diff", "path": "/home/app/home.tsx", "oldText": null, "newText": code }] })));
    }
    round.push(update(json!({ "sessionUpdate": "plan", "entries": [
        { "content": "the page", "priority": "high", "status": "completed" },
        { "content": "the form", "priority": "medium", "status": "pending" }] })));
    round.push(update(json!({ "sessionUpdate": "usage_update", "used": 20_000, "size": 200_000 })));
    let round: Vec<u8> = round.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
    round.repeat(BYTES / round.len() + 1)
}

fn update(update: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": "session/update", "params": { "sessionId": "s", "update": update } })
}
