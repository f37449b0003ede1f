//! The OpenAI Responses wire, as Codex uses it: one stream per call, a patch as a custom tool call.

use super::bill::{Item, Tokens};
use super::said::Said;
use super::serve::Asked;
use super::sse::{self, Course, Frame};
use super::tools::Tool;
use super::turn::{Act, Turn};
use serde_json::{Value, json};

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
            let text = text_of(item.get("output").or_else(|| item.get("tools")).unwrap_or(&Value::Null));
            all.push(Said::Result { text, search: kind == "tool_search_output" });
        } else if kind == "message" && item.get("role").and_then(Value::as_str) == Some("user") {
            all.extend(Said::user(&text_of(&item["content"])));
        }
    }
    all
}

fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|p| p.get("text").and_then(Value::as_str));
            texts.collect::<Vec<_>>().join("\n")
        }
        Value::Object(_) => content.to_string(),
        _ => String::new(),
    }
}

/// The tools by name, those inside a namespace as `NAMESPACE/NAME`. Those that a search found are offered too.
pub fn offered(body: &Value) -> Vec<Tool> {
    let items = body["input"].as_array().into_iter().flatten();
    let found =
        items.filter(|item| item["type"] == "tool_search_output").filter_map(|item| item["tools"].as_array());
    let mut names = Vec::new();
    for tool in body["tools"].as_array().into_iter().chain(found).flatten() {
        let name = tool.get("name").or_else(|| tool.get("type")).and_then(Value::as_str).unwrap_or_default();
        names.push(name.to_owned());
        for inner in tool.get("tools").and_then(Value::as_array).into_iter().flatten() {
            names.push(format!("{name}/{}", inner.get("name").and_then(Value::as_str).unwrap_or_default()));
        }
    }
    names.into_iter().map(|name| Tool { name, takes: vec![] }).collect()
}

/// The answer as a stream; Codex asks for nothing else.
pub fn frames(asked: &Asked, turn: &Turn, item: Item, course: &Course) -> Vec<Frame> {
    let call = item.request;
    let response = |status: &str, output: Value| {
        json!({"id": format!("resp_scripted_{call}"), "object": "response", "status": status,
               "model": asked.model, "output": output})
    };
    let created = json!({"type": "response.created", "response": response("in_progress", json!([]))});
    let mut frames = vec![Frame::Event(created)];
    if course.begin(&mut frames) {
        return frames;
    }
    let mut output = Vec::new();
    if let Some(text) = spoken(turn) {
        let done = message(call, text);
        let mut begun = done.clone();
        begun["content"] = json!([]);
        let added = json!({"type": "response.output_item.added", "output_index": 0, "item": begun});
        frames.push(Frame::Event(added));
        frames.extend(sse::parts(text).into_iter().map(|part| {
            Frame::Event(json!({"type": "response.output_text.delta", "item_id": done["id"],
                "output_index": 0, "content_index": 0, "delta": part}))
        }));
        output.push(done);
    }
    output.extend(tool_call(&turn.act, call, &asked.tools));
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

fn tool_call(act: &Act, call: u64, tools: &[Tool]) -> Option<Value> {
    let patches = tools.iter().any(|tool| tool.name == "apply_patch");
    match act {
        Act::Write { path, content } if patches => Some(patch(call, &add_file(path, content))),
        Act::Write { path, content } => Some(exec(call, &shell_write(path, content))),
        Act::Edit { path, old, new } if patches => Some(patch(call, &update_file(path, old, new))),
        Act::Edit { path, old, new } => Some(exec(call, &shell_edit(path, old, new))),
        Act::Read { path } => Some(exec(call, &format!("cat {}", quoted(path)))),
        Act::Shell { command } => Some(exec(call, command)),
        Act::UnknownTool => Some(function(call, "no_such_tool", &json!({"x": 1}))),
        Act::Search { name } => Some(json!({"type": "tool_search_call", "id": format!("ts_scripted_{call}"),
            "call_id": format!("call_scripted_{call}"), "execution": "client", "status": "completed",
            "arguments": {"query": name}})),
        Act::Call { name, arguments } => {
            let (namespace, plain) = name.split_once('/').unwrap_or(("", name));
            let mut item = function(call, plain, arguments);
            if !namespace.is_empty() {
                item["namespace"] = namespace.into();
            }
            Some(item)
        }
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
        let named = |name: &str| Tool { name: name.into(), takes: vec![] };
        let act = Act::Write { path: "a b".into(), content: "it's".into() };
        let call = tool_call(&act, 1, &[named("exec_command")]).unwrap();
        assert_eq!(call["name"], "exec_command");
        assert!(call["arguments"].as_str().unwrap().contains(r"'\\''"));
        assert_eq!(tool_call(&act, 1, &[named("apply_patch")]).unwrap()["type"], "custom_tool_call");
    }
}
