//! Where a request stands in which conversation, found from the request alone. Pure.

use super::bill::Wire;
use super::said::Said;
use super::scenario::Scenario;
use super::serve::Asked;
use super::tools;
use super::turn::{self, Act, Hurdle, Turn};
use serde_json::Value;

pub struct Place {
    pub conversation: String,
    /// Tool results since the prompt.
    pub results: usize,
    /// Texts of the user before the prompt.
    pub earlier: usize,
    pub prompt: String,
    /// The newest of them, shortened.
    pub result: Option<String>,
    pub turn: Turn,
}

pub fn find(scenario: &Scenario, asked: &Asked, wire: Wire) -> Place {
    let mut results = 0;
    let mut searched = false;
    let mut result = None;
    for (at, said) in asked.said.iter().enumerate().rev() {
        match said {
            Said::Result { search: true, .. } => searched = true,
            Said::Result { text, search: false } => {
                results += 1;
                result = result.or_else(|| Some(short(text)));
            }
            Said::Text(prompt) => {
                let Some(chosen) = scenario.choose(prompt) else { continue };
                let turn = if asked.tools.is_empty() {
                    title(turn::next(chosen.steps(), 0, wire))
                } else {
                    let mut turn = turn::next(chosen.steps(), results, wire);
                    turn.act = within_reach(turn.act, asked, searched);
                    turn
                };
                let earlier = asked.said.iter().take(at).filter(|said| matches!(said, Said::Text(_))).count();
                return Place {
                    conversation: chosen.name(),
                    results,
                    earlier,
                    prompt: prompt.clone(),
                    result,
                    turn,
                };
            }
        }
    }
    let say = Some("No conversation of the scenario matches.".into());
    let turn = Turn { hurdles: vec![], say, act: Act::Finish };
    Place { conversation: "unmatched".into(), results, earlier: 0, prompt: String::new(), result, turn }
}

/// A call of an MCP tool as the program can take it: by its full name where it is offered; else it is looked for, once; and
/// then it is called by the name under which it was told of.
fn within_reach(act: Act, asked: &Asked, searched: bool) -> Act {
    let Act::Call { name, arguments } = act else { return act };
    if let Some(full) = tools::by_plain_name(&asked.tools, &name) {
        return Act::Call { name: full.to_owned(), arguments };
    }
    let can_search =
        tools::can_search(&asked.tools) || asked.body["tools"].to_string().contains("\"tool_search\"");
    if can_search && !searched {
        return Act::Search { name };
    }
    let full = tools::mentioned(&asked.body, &name).unwrap_or(name);
    Act::Call { name: full, arguments }
}

/// The answer to a call without tools, for a title or a summary. It runs beside the work, so it may not use up a hurdle
/// that stands for a number of calls.
fn title(mut turn: Turn) -> Turn {
    turn.hurdles.retain(|hurdle| {
        matches!(hurdle, Hurdle::Http { times: None, .. } | Hurdle::Drop { times: None, .. })
    });
    Turn { say: Some("Scripted work".into()), act: Act::Finish, hurdles: turn.hurdles }
}

pub fn newest(said: &[Said]) -> String {
    let mut texts = said.iter().rev().filter_map(|said| match said {
        Said::Text(text) => Some(short(text)),
        Said::Result { .. } => None,
    });
    texts.next().unwrap_or_default()
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

/// The programs tell the model where they work, each in words of its own; some file tools want absolute paths.
pub fn working_directory(body: &Value) -> String {
    let text = body.to_string();
    let found = MARKS.iter().find_map(|mark| text.split_once(mark)).map(|(_, rest)| rest);
    let rest = found.unwrap_or_default().trim_start_matches(['`', ' ']);
    let end = rest.find(['"', '\\', '<', ' ', '`', '\'']).unwrap_or(rest.len());
    let path = rest.get(..end).unwrap_or_default().trim_end_matches(['.', ',']);
    if path.starts_with('/') { path.to_owned() } else { String::new() }
}

const MARKS: [&str; 5] = [
    "Primary working directory: ",
    "orking directory: ",
    "orking directory is ",
    "working in the directory: ",
    "<cwd>",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn where_it_works_is_read_in_the_words_of_each_program() {
        for words in [
            "Primary working directory: /tree\nmore",
            "<cwd>/tree</cwd>",
            "The current working directory is `/tree`.",
            "I'm currently working in the directory: /tree\nmore",
        ] {
            assert_eq!(working_directory(&json!({"system": words})), "/tree", "{words}");
        }
        assert_eq!(working_directory(&json!({"system": "the working directory: somewhere"})), "");
    }
}
