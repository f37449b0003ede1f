//! The OpenAI Responses wire, as Codex uses it: one stream per call, a patch as a custom tool call.

use super::bill::{Item, Tokens};
use super::serve::Said;
use super::sse::Frame;
use super::turn::{Act, Turn};
use serde_json::{Value, json};
use std::time::Duration;

/// What was said, in order: the user's texts and the tool results.
pub fn said(body: &Value) -> Vec<Said> {
    let mut all = Vec::new();
    let items = match body.get("input") {
        Some(Value::String(text)) => return vec![Said::Text(text.clone())],
        Some(Value::Array(items)) => items.as_slice(),
        _ => &[],
    };
    for item in items {
        let kind = item.get("type").and_then(Value::as_str).unwrap_or("message");
        if kind.ends_with("_output") {
            all.push(Said::Result);
        } else if kind == "message" && item.get("role").and_then(Value::as_str) == Some("user") {
            let text = text_of(&item["content"]);
            if !INSTRUCTIONS.iter().any(|mark| text.starts_with(mark)) {
                all.push(Said::Text(text));
            }
        }
    }
    all
}

/// How Codex begins the messages that it writes in the user's name; they must not choose a conversation.
const INSTRUCTIONS: [&str; 3] = ["# AGENTS.md instructions", "<environment_context>", "<user_instructions>"];

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|p| p.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// The tools by name, those inside a namespace as `NAMESPACE/NAME`.
pub fn tools(body: &Value) -> Vec<String> {
    let mut names = Vec::new();
    let listed = body.get("tools").and_then(Value::as_array);
    for tool in listed.into_iter().flatten() {
        let name = tool.get("name").or_else(|| tool.get("type")).and_then(Value::as_str).unwrap_or_default();
        names.push(name.to_owned());
        for inner in tool.get("tools").and_then(Value::as_array).into_iter().flatten() {
            names.push(format!("{name}/{}", inner.get("name").and_then(Value::as_str).unwrap_or_default()));
        }
    }
    names
}

/// The answer as a stream. A `cut` one ends after its first event.
pub fn frames(
    body: &Value,
    turn: &Turn,
    item: Item,
    waits: &[Duration],
    cut: bool,
    tools: &[String],
) -> Vec<Frame> {
    let call = item.request;
    let response = |status: &str, output: Value| {
        json!({"id": format!("resp_scripted_{call}"), "object": "response", "status": status,
               "model": body["model"], "output": output})
    };
    let created = json!({"type": "response.created", "response": response("in_progress", json!([]))});
    let mut frames = vec![Frame::Event(created)];
    frames.extend(waits.iter().map(|time| Frame::Wait(*time)));
    if cut {
        frames.push(Frame::Cut);
        return frames;
    }
    let mut output = Vec::new();
    if let Some(text) = spoken(turn) {
        let done = message(call, text);
        let mut begun = done.clone();
        begun["content"] = json!([]);
        frames.push(Frame::Event(
            json!({"type": "response.output_item.added", "output_index": 0, "item": begun}),
        ));
        frames.push(Frame::Event(json!({"type": "response.output_text.delta", "item_id": done["id"],
            "output_index": 0, "content_index": 0, "delta": text})));
        output.push(done);
    }
    output.extend(tool_call(&turn.act, call, tools));
    for (index, done) in output.iter().enumerate() {
        frames.push(Frame::Event(
            json!({"type": "response.output_item.done", "output_index": index, "item": done}),
        ));
    }
    let mut last = response("completed", Value::Array(output));
    last["usage"] = usage(item.tokens);
    frames.push(Frame::Bill(item));
    frames.push(Frame::Event(json!({"type": "response.completed", "response": last})));
    frames
}

fn spoken(turn: &Turn) -> Option<&str> {
    match (&turn.say, &turn.act) {
        (Some(text), _) => Some(text),
        (None, Act::Finish) => Some("Done."),
        (None, _) => None,
    }
}

fn message(call: u64, text: &str) -> Value {
    json!({"type": "message", "id": format!("msg_scripted_{call}"), "role": "assistant", "status": "completed",
           "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

/// This wire counts cached tokens into its input.
fn usage(tokens: Tokens) -> Value {
    let input = tokens.input + tokens.cache_read + tokens.cache_write;
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": tokens.cache_read, "cache_write_tokens": tokens.cache_write},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": input + tokens.output,
    })
}

fn tool_call(act: &Act, call: u64, tools: &[String]) -> Option<Value> {
    let patches = tools.iter().any(|name| name == "apply_patch");
    match act {
        Act::Write { path, content } if patches => Some(patch(call, &add_file(path, content))),
        Act::Write { path, content } => Some(exec(call, &shell_write(path, content))),
        Act::Edit { path, old, new } if patches => Some(patch(call, &update_file(path, old, new))),
        Act::Edit { path, old, new } => Some(exec(call, &shell_edit(path, old, new))),
        Act::Read { path } => Some(exec(call, &format!("cat {}", quoted(path)))),
        Act::Shell { command } => Some(exec(call, command)),
        Act::UnknownTool => Some(function(call, "no_such_tool", &json!({"x": 1}))),
        Act::Finish => None,
    }
}

fn function(call: u64, name: &str, arguments: &Value) -> Value {
    json!({"type": "function_call", "id": format!("fc_scripted_{call}"), "call_id": format!("call_scripted_{call}"),
           "name": name, "arguments": arguments.to_string(), "status": "completed"})
}

fn exec(call: u64, command: &str) -> Value {
    function(call, "exec_command", &json!({"cmd": command}))
}

fn patch(call: u64, input: &str) -> Value {
    json!({"type": "custom_tool_call", "id": format!("ctc_scripted_{call}"), "name": "apply_patch",
           "call_id": format!("call_scripted_{call}"), "input": input, "status": "completed"})
}

fn add_file(path: &str, content: &str) -> String {
    let lines: String = content.lines().map(|line| format!("+{line}\n")).collect();
    format!("*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch\n")
}

fn update_file(path: &str, old: &str, new: &str) -> String {
    let gone: String = old.lines().map(|line| format!("-{line}\n")).collect();
    let come: String = new.lines().map(|line| format!("+{line}\n")).collect();
    format!("*** Begin Patch\n*** Update File: {path}\n@@\n{gone}{come}*** End Patch\n")
}

fn shell_write(path: &str, content: &str) -> String {
    let path = quoted(path);
    format!("mkdir -p \"$(dirname {path})\" && printf %s {} > {path}", quoted(content))
}

fn shell_edit(path: &str, old: &str, new: &str) -> String {
    let program =
        "import sys; p, a, b = sys.argv[1:]; t = open(p).read(); open(p, 'w').write(t.replace(a, b))";
    format!("python3 -c {} {} {} {}", quoted(program), quoted(path), quoted(old), quoted(new))
}

/// As one word of a POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_written_line_by_line() {
        assert_eq!(
            update_file("app/a", "one\n", "two\nthree\n"),
            "*** Begin Patch\n*** Update File: app/a\n@@\n-one\n+two\n+three\n*** End Patch\n"
        );
    }

    #[test]
    fn without_the_patch_tool_the_shell_writes() {
        let act = Act::Write { path: "a b".into(), content: "it's".into() };
        let call = tool_call(&act, 1, &["exec_command".into()]).unwrap();
        assert_eq!(call["name"], "exec_command");
        assert!(call["arguments"].as_str().unwrap().contains(r"'\\''"));
        assert_eq!(tool_call(&act, 1, &["apply_patch".into()]).unwrap()["type"], "custom_tool_call");
    }
}
