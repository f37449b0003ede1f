//! The Anthropic Messages wire, as Claude Code uses it.
//!
//! Claude Code merges a tool result and the user's next text into one message and puts `system` entries among the
//! messages, so what counts are the blocks in their order, not the messages.

use super::bill::{Item, Tokens};
use super::said::Said;
use super::serve::Asked;
use super::sse::{self, Course, Fate, Frame};
use super::tools::{self, Tool};
use super::turn::Turn;
use serde_json::{Value, json};
use std::collections::HashSet;

/// What was said, in order: the user's texts and the tool results.
pub fn said(body: &Value) -> Vec<Said> {
    let messages = list(body, "messages");
    let searches = searches(messages);
    let mut all = Vec::new();
    for message in messages.iter().filter(|message| message["role"] == "user") {
        match &message["content"] {
            Value::String(text) => all.extend(Said::user(text)),
            Value::Array(blocks) => blocks_said(blocks, &searches, &mut all),
            _ => {}
        }
    }
    all
}

/// The ids of the calls that looked for a tool.
fn searches(messages: &[Value]) -> HashSet<&str> {
    let blocks = messages.iter().filter_map(|message| message["content"].as_array()).flatten();
    blocks.filter(|block| block["name"] == "ToolSearch").filter_map(|block| block["id"].as_str()).collect()
}

/// Texts that stand side by side in a message are one text: a client may split its prompt.
fn blocks_said(blocks: &[Value], searches: &HashSet<&str>, all: &mut Vec<Said>) {
    let mut text = String::new();
    for block in blocks {
        match block["type"].as_str() {
            Some("tool_result") => {
                all.extend(Said::user(&std::mem::take(&mut text)));
                let search = block["tool_use_id"].as_str().is_some_and(|id| searches.contains(id));
                all.push(Said::Result { text: text_of(&block["content"]), search });
            }
            Some("text") => {
                let part = block["text"].as_str().unwrap_or_default();
                // Not the user: instruction files and the like, which must not choose a conversation.
                if !Said::is_reminder(part) {
                    text.push_str(part);
                    text.push('\n');
                }
            }
            _ => {}
        }
    }
    all.extend(Said::user(&text));
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

pub fn offered(body: &Value) -> Vec<Tool> {
    let all = list(body, "tools").iter();
    all.map(|tool| Tool::new(tool["name"].as_str().unwrap_or_default(), &tool["input_schema"])).collect()
}

/// The answer, as a stream where one was asked for.
pub fn frames(asked: &Asked, turn: &Turn, item: Item, course: &Course) -> Vec<Frame> {
    let (content, stop) = content(asked, turn, item.request);
    let mut start = message(asked, item.request);
    if asked.body["stream"].as_bool() != Some(true) {
        start["content"] = Value::Array(content);
        start["stop_reason"] = stop.into();
        start["usage"] = usage(item.tokens);
        return sse::in_one_piece(start, item, course);
    }
    let mut frames = vec![Frame::Event(json!({"type": "ping"}))];
    // Cut before it has told what it costs: some clients count what a broken stream has told, and some times they do not.
    if course.fate == Fate::Cut {
        course.begin(&mut frames);
        return frames;
    }
    let told = Tokens { output: 1, ..item.tokens };
    start["usage"] = usage(told);
    if course.fate == Fate::Hang {
        // What this wire tells at its beginning is billed, however the call ends.
        frames.push(Frame::Bill(Item { tokens: told, ..item.clone() }));
    }
    frames.push(Frame::Event(json!({"type": "message_start", "message": start})));
    if course.begin(&mut frames) {
        return frames;
    }
    for (index, block) in content.iter().enumerate() {
        frames.extend(block_frames(index, block));
    }
    let usage = usage(item.tokens);
    frames.push(Frame::Bill(item));
    let end = json!({"stop_reason": stop, "stop_sequence": null});
    frames.push(Frame::Event(json!({"type": "message_delta", "delta": end, "usage": usage})));
    frames.push(Frame::Event(json!({"type": "message_stop"})));
    frames
}

fn block_frames(index: usize, block: &Value) -> Vec<Frame> {
    let mut frames = Vec::new();
    match block["text"].as_str() {
        Some(text) => {
            frames.push(open_block(index, json!({"type": "text", "text": ""})));
            let parts = sse::parts(text).into_iter();
            frames.extend(parts.map(|part| delta(index, json!({"type": "text_delta", "text": part}))));
        }
        None => {
            let mut empty = block.clone();
            empty["input"] = json!({});
            frames.push(open_block(index, empty));
            let input = block["input"].to_string();
            frames.push(delta(index, json!({"type": "input_json_delta", "partial_json": input})));
        }
    }
    frames.push(Frame::Event(json!({"type": "content_block_stop", "index": index})));
    frames
}

fn open_block(index: usize, block: Value) -> Frame {
    Frame::Event(json!({"type": "content_block_start", "index": index, "content_block": block}))
}

fn delta(index: usize, change: Value) -> Frame {
    Frame::Event(json!({"type": "content_block_delta", "index": index, "delta": change}))
}

fn message(asked: &Asked, call: u64) -> Value {
    json!({
        "id": format!("msg_scripted_{call}"), "type": "message", "role": "assistant", "model": asked.model,
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
fn content(asked: &Asked, turn: &Turn, call: u64) -> (Vec<Value>, &'static str) {
    let text = |text: &str| json!({"type": "text", "text": text});
    let Some((name, input)) = tools::call(&turn.act, &asked.tools, &asked.cwd) else {
        return (vec![text(turn.last_words())], "end_turn");
    };
    let mut blocks: Vec<Value> = turn.say.as_deref().map(text).into_iter().collect();
    blocks.push(
        json!({"type": "tool_use", "id": format!("toolu_scripted_{call}"), "name": name, "input": input}),
    );
    (blocks, "tool_use")
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
        let result = Said::Result { text: "ok".into(), search: false };
        assert_eq!(said(&body), [Said::Text("a\nb\n".into()), result, Said::Text("c\n".into())]);
    }
}
