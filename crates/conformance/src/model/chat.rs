//! The OpenAI chat completions wire, as Qwen Code and Kimi Code use it.

use super::bill::{Item, Tokens};
use super::said::Said;
use super::serve::Asked;
use super::sse::{self, Course, Frame};
use super::tools::{self, Tool};
use super::turn::Turn;
use serde_json::{Value, json};
use std::collections::HashSet;

/// What was said, in order: the user's texts and the tool results.
pub fn said(body: &Value) -> Vec<Said> {
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let searches = searches(messages);
    let mut all = Vec::new();
    for message in messages {
        match message["role"].as_str() {
            Some("tool") => {
                let search = message["tool_call_id"].as_str().is_some_and(|id| searches.contains(id));
                all.push(Said::Result { text: text_of(&message["content"]), search });
            }
            Some("user") => all.extend(Said::user(&text_of(&message["content"]))),
            _ => {}
        }
    }
    all
}

/// The ids of the calls that looked for a tool.
fn searches(messages: &[Value]) -> HashSet<&str> {
    let calls = messages.iter().filter_map(|message| message["tool_calls"].as_array()).flatten();
    let named = calls.filter(|call| call["function"]["name"] == "tool_search");
    named.filter_map(|call| call["id"].as_str()).collect()
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            texts.filter(|text| !Said::is_reminder(text)).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

pub fn offered(body: &Value) -> Vec<Tool> {
    let all = body["tools"].as_array().into_iter().flatten().map(|tool| &tool["function"]);
    all.map(|tool| Tool::new(tool["name"].as_str().unwrap_or_default(), &tool["parameters"])).collect()
}

/// The answer, as a stream where one was asked for.
pub fn frames(asked: &Asked, turn: &Turn, item: Item, course: &Course) -> Vec<Frame> {
    let (message, finish) = message(asked, turn, item.request);
    let head = |object: &str| json!({"id": format!("chatcmpl-scripted-{}", item.request), "object": object, "created": 0, "model": asked.model});
    if asked.body["stream"].as_bool() != Some(true) {
        let mut whole = head("chat.completion");
        whole["choices"] = json!([{"index": 0, "message": message, "finish_reason": finish}]);
        whole["usage"] = usage(item.tokens);
        return sse::in_one_piece(whole, item, course);
    }
    let chunk = |delta: Value, finish: Option<&str>| {
        let mut chunk = head("chat.completion.chunk");
        chunk["choices"] = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        Frame::Data(chunk)
    };
    let mut frames = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    if course.begin(&mut frames) {
        return frames;
    }
    for part in sse::parts(message["content"].as_str().unwrap_or_default()) {
        frames.push(chunk(json!({"content": part}), None));
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let mut call = call.clone();
        call["index"] = 0.into();
        frames.push(chunk(json!({"tool_calls": [call]}), None));
    }
    frames.push(chunk(json!({}), Some(finish)));
    let mut last = head("chat.completion.chunk");
    last["choices"] = json!([]);
    last["usage"] = usage(item.tokens);
    frames.extend([Frame::Bill(item), Frame::Data(last), Frame::Done]);
    frames
}

/// The assistant's message and why it ends.
fn message(asked: &Asked, turn: &Turn, call: u64) -> (Value, &'static str) {
    match tools::call(&turn.act, &asked.tools, &asked.cwd) {
        None => (json!({"role": "assistant", "content": turn.last_words()}), "stop"),
        Some((name, arguments)) => {
            let function = json!({"name": name, "arguments": arguments.to_string()});
            let calls =
                json!([{"id": format!("call_scripted_{call}"), "type": "function", "function": function}]);
            let text = turn.say.as_deref().unwrap_or_default();
            (json!({"role": "assistant", "content": text, "tool_calls": calls}), "tool_calls")
        }
    }
}

/// This wire counts cached tokens into its input, and reasoning into its output. Kimi says the cached ones a second time.
fn usage(tokens: Tokens) -> Value {
    let input = tokens.input + tokens.cache_read;
    json!({
        "prompt_tokens": input,
        "completion_tokens": tokens.output,
        "total_tokens": input + tokens.output,
        "cached_tokens": tokens.cache_read,
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_results_and_searches_are_read_apart() {
        let body = json!({"messages": [
            {"role": "system", "content": "rules"},
            {"role": "user", "content": [{"type": "text", "text": "<system-reminder>x"}, {"type": "text", "text": "make it"}]},
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "tool_search"}}, {"id": "b", "function": {"name": "x"}}]},
            {"role": "tool", "tool_call_id": "a", "content": "found"},
            {"role": "tool", "tool_call_id": "b", "content": [{"type": "text", "text": "did"}]},
        ]});
        let result = |text: &str, search| Said::Result { text: text.into(), search };
        assert_eq!(said(&body), [Said::Text("make it".into()), result("found", true), result("did", false)]);
    }
}
