//! From steps and the number of tool results so far to the one answer that comes next. Pure.

use super::bill::Wire;
use super::scenario::Step;
use serde_json::Value;

/// What the model does in one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Write {
        path: String,
        content: String,
    },
    /// Most programs refuse to edit a file that they have not read.
    Read {
        path: String,
    },
    Edit {
        path: String,
        old: String,
        new: String,
    },
    Shell {
        command: String,
    },
    UnknownTool,
    /// Look for the tool of this plain name.
    Search {
        name: String,
    },
    /// A tool of some MCP server; by its plain name until it is known what the program calls it.
    Call {
        name: String,
        arguments: Value,
    },
    /// Nothing left to do: the turn ends.
    Finish,
}

/// What stands between the request and its answer. `at` is the step's place, by which repeats are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hurdle {
    Delay { ms: u64 },
    Http { at: usize, status: u16, times: Option<u32>, resets_at: Option<i64> },
    Drop { at: usize, times: Option<u32> },
    Hang,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    pub hurdles: Vec<Hurdle>,
    pub say: Option<String>,
    pub act: Act,
}

impl Turn {
    /// What is said when the turn ends.
    pub fn last_words(&self) -> &str {
        self.say.as_deref().unwrap_or("Done.")
    }
}

/// The answer after `results` tool results.
pub fn next(steps: &[Step], results: usize, wire: Wire) -> Turn {
    let mut left = results;
    let mut hurdles = Vec::new();
    let mut say = None;
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Delay { ms } => hurdles.push(Hurdle::Delay { ms: *ms }),
            Step::Http { status, times, resets_at } => {
                hurdles.push(Hurdle::Http { at, status: *status, times: *times, resets_at: *resets_at });
            }
            Step::Drop { times } => hurdles.push(Hurdle::Drop { at, times: *times }),
            Step::Hang => hurdles.push(Hurdle::Hang),
            Step::Text { text } => say = Some(text.clone()),
            Step::Huge { bytes } => say = Some(huge(*bytes)),
            Step::Ask { question } => {
                return Turn { hurdles, say: Some(question.clone()), act: Act::Finish };
            }
            Step::Write { .. }
            | Step::Edit { .. }
            | Step::Shell { .. }
            | Step::UnknownTool
            | Step::CallTool { .. } => {
                let acts = acts(step, wire);
                if let Some(act) = acts.get(left) {
                    return Turn { hurdles, say, act: act.clone() };
                }
                left -= acts.len();
                hurdles.clear();
                say = None;
            }
        }
    }
    Turn { hurdles, say, act: Act::Finish }
}

fn acts(step: &Step, wire: Wire) -> Vec<Act> {
    match step {
        Step::Write { path, content } => vec![Act::Write { path: path.clone(), content: content.clone() }],
        Step::Edit { path, old, new } => {
            let edit = Act::Edit { path: path.clone(), old: old.clone(), new: new.clone() };
            match wire {
                Wire::Messages | Wire::Chat | Wire::Gemini => vec![Act::Read { path: path.clone() }, edit],
                Wire::Responses => vec![edit],
            }
        }
        Step::Shell { command } => vec![Act::Shell { command: command.clone() }],
        Step::UnknownTool => vec![Act::UnknownTool],
        Step::CallTool { name, arguments } => {
            vec![Act::Call { name: name.clone(), arguments: arguments.clone() }]
        }
        Step::Text { .. }
        | Step::Huge { .. }
        | Step::Ask { .. }
        | Step::Delay { .. }
        | Step::Http { .. }
        | Step::Drop { .. }
        | Step::Hang => vec![],
    }
}

/// Lines of words in an order that does not come again: some programs break off what goes round in circles.
fn huge(bytes: usize) -> String {
    const WORDS: [&str; 16] = [
        "page", "oven", "flour", "salt", "hour", "form", "order", "crumb", "crust", "rye", "wheat", "table",
        "window", "street", "morning", "guest",
    ];
    let mut text = String::with_capacity(bytes + 80);
    let mut seed: u64 = 1;
    while text.len() < bytes {
        for _ in 0..9 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(WORDS.get((seed >> 60) as usize).copied().unwrap_or_default());
            text.push(' ');
        }
        text.push_str(&format!("{}\n", text.len()));
    }
    text.truncate(bytes);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps() -> Vec<Step> {
        vec![
            Step::Http { status: 500, times: Some(1), resets_at: None },
            Step::Edit { path: "p".into(), old: "a\n".into(), new: "b\n".into() },
            Step::Text { text: "now the shell".into() },
            Step::Shell { command: "true".into() },
            Step::Text { text: "all done".into() },
        ]
    }

    #[test]
    fn an_edit_is_two_calls_for_claude_and_one_for_codex() {
        assert_eq!(next(&steps(), 0, Wire::Messages).act, Act::Read { path: "p".into() });
        assert!(matches!(next(&steps(), 1, Wire::Messages).act, Act::Edit { .. }));
        assert!(matches!(next(&steps(), 0, Wire::Responses).act, Act::Edit { .. }));
    }

    #[test]
    fn hurdles_and_words_belong_to_the_step_after_them() {
        let first = next(&steps(), 0, Wire::Responses);
        assert_eq!(first.hurdles.len(), 1);
        let second = next(&steps(), 1, Wire::Responses);
        assert_eq!(second.hurdles, []);
        assert_eq!(second.say.as_deref(), Some("now the shell"));
    }

    #[test]
    fn a_question_ends_the_turn_whatever_follows() {
        let steps = [Step::Ask { question: "Which?".into() }, Step::UnknownTool];
        let turn = next(&steps, 0, Wire::Chat);
        assert_eq!((turn.last_words(), turn.act.clone()), ("Which?", Act::Finish));
    }

    #[test]
    fn a_huge_text_has_the_size_that_was_asked_for() {
        for bytes in [0, 1, 100_000] {
            assert_eq!(next(&[Step::Huge { bytes }], 0, Wire::Chat).last_words().len(), bytes);
        }
    }

    #[test]
    fn after_the_last_step_the_turn_ends_with_the_last_word() {
        let last = next(&steps(), 2, Wire::Responses);
        assert_eq!((last.say.as_deref(), last.act), (Some("all done"), Act::Finish));
        assert_eq!(next(&steps(), 9, Wire::Responses).act, Act::Finish);
    }
}
