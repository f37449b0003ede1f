//! The Anthropic Messages wire, as Claude Code uses it.
//!
//! Claude Code merges a tool result and the user's next text into one message and puts `system` entries among the
//! messages, so what counts are the blocks in their order, not the messages.

use super::bill::{Item, Tokens};
use super::serve::Said;
use super::sse::Frame;
use super::turn::{Act, Turn};
use serde_json::{Value, json};
use std::time::Duration;

/// What was said, in order: the user's texts and the tool results.
pub fn said(body: &Value) -> Vec<Said> {
    let mut all = Vec::new();
    for message in list(body, "messages") {
        if message.get("role").and_then(Value::as_str) != Some("user") {
            continue;
        }
        match message.get("content") {
            Some(Value::String(text)) => all.push(Said::Text(text.clone())),
            Some(Value::Array(blocks)) => blocks_said(blocks, &mut all),
            _ => {}
        }
    }
    all
}

/// Texts that stand side by side in a message are one text: a client may split its prompt.
fn blocks_said(blocks: &[Value], all: &mut Vec<Said>) {
    let mut text = String::new();
    for block in blocks {
        match block.get("type").and_then(Value::as_str) {
            Some("tool_result") => {
                if !text.is_empty() {
                    all.push(Said::Text(std::mem::take(&mut text)));
                }
                all.push(Said::Result);
            }
            Some("text") => {
                let part = block.get("text").and_then(Value::as_str).unwrap_or_default();
                // Not the user: instruction files and the like, which must not choose a conversation.
                if !part.starts_with("<system-reminder>") {
                    text.push_str(part);
                    text.push('\n');
                }
            }
            _ => {}
        }
    }
    if !text.is_empty() {
        all.push(Said::Text(text));
    }
}

pub fn tools(body: &Value) -> Vec<String> {
    list(body, "tools")
        .iter()
        .filter_map(|t| t.get("name").and_then(Value::as_str))
        .map(String::from)
        .collect()
}

/// The whole answer in one piece, for a request that did not ask for a stream.
pub fn whole(body: &Value, turn: &Turn, tokens: Tokens, call: u64, cwd: &str) -> Value {
    let (content, stop) = content(turn, call, cwd);
    let mut message = message(body, call);
    message["content"] = Value::Array(content);
    message["stop_reason"] = stop.into();
    message["usage"] = usage(tokens);
    message
}

/// The answer as a stream. A `cut` one ends in the middle of its text.
pub fn frames(body: &Value, turn: &Turn, item: Item, waits: &[Duration], cut: bool, cwd: &str) -> Vec<Frame> {
    let (content, stop) = content(turn, item.request, cwd);
    let mut start = message(body, item.request);
    start["usage"] = usage(Tokens { output: 1, ..item.tokens });
    let mut frames = vec![Frame::Event(json!({"type": "message_start", "message": start}))];
    frames.extend(waits.iter().map(|time| Frame::Wait(*time)));
    if cut {
        frames.push(open_block(0, json!({"type": "text", "text": ""})));
        frames.push(delta(0, json!({"type": "text_delta", "text": "I was about to"})));
        frames.push(Frame::Cut);
        return frames;
    }
    for (index, block) in content.iter().enumerate() {
        let (empty, change) = if block["type"] == "text" {
            (json!({"type": "text", "text": ""}), json!({"type": "text_delta", "text": block["text"]}))
        } else {
            let mut empty = block.clone();
            empty["input"] = json!({});
            (empty, json!({"type": "input_json_delta", "partial_json": block["input"].to_string()}))
        };
        frames.push(open_block(index, empty));
        frames.push(delta(index, change));
        frames.push(Frame::Event(json!({"type": "content_block_stop", "index": index})));
    }
    let usage = usage(item.tokens);
    frames.push(Frame::Bill(item));
    let end = json!({"stop_reason": stop, "stop_sequence": null});
    frames.push(Frame::Event(json!({"type": "message_delta", "delta": end, "usage": usage})));
    frames.push(Frame::Event(json!({"type": "message_stop"})));
    frames
}

fn open_block(index: usize, block: Value) -> Frame {
    Frame::Event(json!({"type": "content_block_start", "index": index, "content_block": block}))
}

fn delta(index: usize, change: Value) -> Frame {
    Frame::Event(json!({"type": "content_block_delta", "index": index, "delta": change}))
}

fn message(body: &Value, call: u64) -> Value {
    json!({
        "id": format!("msg_scripted_{call}"), "type": "message", "role": "assistant", "model": body["model"],
        "content": [], "stop_reason": null, "stop_sequence": null,
    })
}

fn usage(tokens: Tokens) -> Value {
    json!({
        "input_tokens": tokens.input,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation_input_tokens": tokens.cache_write,
        "output_tokens": tokens.output,
    })
}

/// The blocks of the answer and its stop reason.
fn content(turn: &Turn, call: u64, cwd: &str) -> (Vec<Value>, &'static str) {
    let text = |text: &str| json!({"type": "text", "text": text});
    let Some((name, input)) = tool(&turn.act, cwd) else {
        return (vec![text(turn.say.as_deref().unwrap_or("Done."))], "end_turn");
    };
    let mut blocks: Vec<Value> = turn.say.as_deref().map(text).into_iter().collect();
    blocks.push(
        json!({"type": "tool_use", "id": format!("toolu_scripted_{call}"), "name": name, "input": input}),
    );
    (blocks, "tool_use")
}

fn tool(act: &Act, cwd: &str) -> Option<(&'static str, Value)> {
    // Claude Code's file tools take absolute paths only.
    let absolute = |path: &str| if path.starts_with('/') { path.to_owned() } else { format!("{cwd}/{path}") };
    Some(match act {
        Act::Write { path, content } => ("Write", json!({"file_path": absolute(path), "content": content})),
        Act::Read { path } => ("Read", json!({"file_path": absolute(path)})),
        Act::Edit { path, old, new } => {
            ("Edit", json!({"file_path": absolute(path), "old_string": old, "new_string": new}))
        }
        Act::Shell { command } => ("Bash", json!({"command": command, "description": "Scripted step"})),
        Act::UnknownTool => ("NoSuchTool", json!({"x": 1})),
        Act::Finish => return None,
    })
}

fn list<'a>(body: &'a Value, key: &str) -> &'a [Value] {
    body.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_merged_with_the_next_text_counts_before_it() {
        let body = json!({"messages": [
            {"role": "user", "content": [{"type": "text", "text": "<system-reminder>x"}, {"type": "text", "text": "a"},
                {"type": "text", "text": "b"}]},
            {"role": "system", "content": "not the user"},
            {"role": "user", "content": [{"type": "tool_result", "content": "ok"}, {"type": "text", "text": "c"}]},
        ]});
        assert_eq!(said(&body), [Said::Text("a\nb\n".into()), Said::Result, Said::Text("c\n".into())]);
    }
}
