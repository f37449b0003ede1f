//! From what the model wants to do to a call of a tool that was offered. The programs name their tools and arguments
//! differently; which of the known names to use follows from the offer itself, not from who asks.

use super::turn::Act;
use serde_json::{Map, Value, json};

/// One tool that the request offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tool {
    pub name: String,
    /// The names of its arguments, where the offer tells them.
    pub takes: Vec<String>,
}

impl Tool {
    /// From its name and the JSON schema of its arguments.
    pub fn new(name: &str, schema: &Value) -> Tool {
        let takes =
            schema["properties"].as_object().map(|all| all.keys().cloned().collect()).unwrap_or_default();
        Tool { name: name.to_owned(), takes }
    }
}

const WRITE: &[&str] = &["Write", "write_file", "WriteFile"];
const READ: &[&str] = &["Read", "read_file", "ReadFile"];
const EDIT: &[&str] = &["Edit", "replace", "edit", "StrReplaceFile"];
const SHELL: &[&str] = &["Bash", "run_shell_command", "Shell"];
const SEARCH: &[&str] = &["ToolSearch", "tool_search"];

/// The call of a tool for this act, as its name and its arguments. `None`: the turn ends.
pub fn call(act: &Act, tools: &[Tool], cwd: &str) -> Option<(String, Value)> {
    let place = |path: &str| {
        if path.starts_with('/') || cwd.is_empty() { path.to_owned() } else { format!("{cwd}/{path}") }
    };
    let at = |path: &str| (PATH, Value::from(place(path)));
    Some(match act {
        Act::Write { path, content } => with(pick(tools, WRITE), &[at(path), (&["content"], json!(content))]),
        Act::Read { path } => with(pick(tools, READ), &[at(path)]),
        Act::Edit { path, old, new } => {
            let words = [
                at(path),
                (OLD, json!(old)),
                (NEW, json!(new)),
                (&["instruction"], json!("Change the text")),
            ];
            with(pick(tools, EDIT), &words)
        }
        Act::Shell { command } => {
            let words: [(&[&str], Value); 3] = [
                (&["command"], json!(command)),
                (&["description"], json!("Scripted step")),
                (&["is_background"], json!(false)),
            ];
            with(pick(tools, SHELL), &words)
        }
        Act::Search { name } => {
            with(pick(tools, SEARCH), &[(&["query"], json!(name)), (&["max_results"], json!(5))])
        }
        Act::Call { name, arguments } => (name.clone(), arguments.clone()),
        Act::UnknownTool => ("NoSuchTool".into(), json!({"x": 1})),
        Act::Finish => return None,
    })
}

const PATH: &[&str] = &["file_path", "path", "absolute_path"];
const OLD: &[&str] = &["old_string", "old"];
const NEW: &[&str] = &["new_string", "new"];

/// The first of these that was offered; else one that nobody offered, so that the program says so.
fn pick(tools: &[Tool], names: &[&str]) -> Tool {
    let found = names.iter().find_map(|name| tools.iter().find(|tool| tool.name == *name));
    let first = names.first().copied().unwrap_or_default();
    found.cloned().unwrap_or_else(|| Tool { name: first.to_owned(), takes: vec![] })
}

/// Each value under the first of its names that the tool takes. A tool that does not tell takes the first name; what it
/// does not take is left out.
fn with(tool: Tool, words: &[(&[&str], Value)]) -> (String, Value) {
    let mut arguments = Map::new();
    for (names, value) in words {
        let taken = names.iter().find(|name| tool.takes.iter().any(|takes| takes == *name));
        let key = if tool.takes.is_empty() { names.first() } else { taken };
        if let Some(key) = key {
            arguments.insert((*key).to_owned(), value.clone());
        }
    }
    (tool.name, Value::Object(arguments))
}

/// Whether `tools` has one by which others are found.
pub fn can_search(tools: &[Tool]) -> bool {
    tools.iter().any(|tool| SEARCH.contains(&tool.name.as_str()))
}

/// The offered tool whose plain name this is: `recall` is `mcp__memory__recall` to some and `mcp_memory_recall` to others.
pub fn by_plain_name<'a>(tools: &'a [Tool], plain: &str) -> Option<&'a str> {
    tools.iter().map(|tool| tool.name.as_str()).find(|name| is_plain_name_of(name, plain))
}

fn is_plain_name_of(name: &str, plain: &str) -> bool {
    name.strip_suffix(plain).is_some_and(|server| server.is_empty() || server.ends_with(['_', '/']))
}

/// A tool's full name as it stands somewhere in the request: deferred tools are told by name and not offered.
pub fn mentioned(body: &Value, plain: &str) -> Option<String> {
    match body {
        Value::String(text) => {
            let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
            words.find(|word| word.starts_with("mcp_") && is_plain_name_of(word, plain)).map(str::to_owned)
        }
        Value::Array(all) => all.iter().find_map(|inner| mentioned(inner, plain)),
        Value::Object(all) => all.values().find_map(|inner| mentioned(inner, plain)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A value that fits a JSON schema, for a program that asks for an answer in a form of its own.
pub fn fill(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match schema["type"].as_str().unwrap_or_default().to_lowercase().as_str() {
        "object" => {
            let properties = schema["properties"].as_object();
            properties
                .into_iter()
                .flatten()
                .map(|(name, inner)| (name.clone(), fill(inner)))
                .collect::<Map<_, _>>()
                .into()
        }
        "array" => json!([]),
        "number" | "integer" => json!(1),
        "boolean" => json!(false),
        _ => json!("scripted"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, takes: &[&str]) -> Tool {
        Tool { name: name.into(), takes: takes.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn the_same_act_is_called_as_each_program_calls_it() {
        let act = Act::Write { path: "app/a".into(), content: "x".into() };
        let table = [
            (
                tool("write_file", &["file_path", "content"]),
                json!({"file_path": "/tree/app/a", "content": "x"}),
            ),
            (tool("Write", &["path", "content"]), json!({"path": "/tree/app/a", "content": "x"})),
        ];
        for (offered, arguments) in table {
            let name = offered.name.clone();
            assert_eq!(call(&act, &[tool("other", &[]), offered], "/tree"), Some((name, arguments)));
        }
        assert_eq!(call(&Act::Finish, &[], "/tree"), None);
    }

    #[test]
    fn a_tool_is_found_by_its_plain_name() {
        for full in ["recall", "mcp__memory__recall", "mcp_memory_recall", "mcp__memory/recall"] {
            assert_eq!(by_plain_name(&[tool("xrecall", &[]), tool(full, &[])], "recall"), Some(full));
        }
        let told = json!([{"text": "The following tools are deferred:\nmcp__memory__recall\nothers"}]);
        assert_eq!(mentioned(&told, "recall").as_deref(), Some("mcp__memory__recall"));
        assert_eq!(mentioned(&told, "forget"), None);
    }

    #[test]
    fn an_answer_fits_the_form_that_was_asked_for() {
        let schema = json!({"type": "OBJECT", "properties": {
            "model": {"type": "string", "enum": ["flash", "pro"]}, "why": {"type": "STRING"}, "n": {"type": "integer"}}});
        assert_eq!(fill(&schema), json!({"model": "flash", "why": "scripted", "n": 1}));
    }
}
