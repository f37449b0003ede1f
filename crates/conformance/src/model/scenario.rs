//! What the scripted model does, as data: read from a JSON file or built in a test.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// The first conversation that matches a prompt plays; a prompt that matches none is answered with a text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub conversations: Vec<Conversation>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// How the bill and the log call it. A retry is called `NAME#retry`.
    pub name: String,
    /// Words that must all occur in the user's text, whatever their case. None: every text matches.
    #[serde(default)]
    pub when: Vec<String>,
    pub steps: Vec<Step>,
    /// What is played instead when the text shows that an earlier attempt failed. Empty: `steps` again.
    #[serde(default)]
    pub retry: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Create or replace a file; the path is relative to the agent's working directory.
    Write {
        path: String,
        content: String,
    },
    /// Replace lines. `old` and `new` are whole lines (Codex patches know nothing smaller).
    Edit {
        path: String,
        old: String,
        new: String,
    },
    Shell {
        command: String,
    },
    /// Call a tool that was never offered.
    UnknownTool,
    /// Call an MCP tool by its plain name, as its server knows it; a program that offers tools only when they are looked
    /// for is made to look first.
    CallTool {
        name: String,
        #[serde(default)]
        arguments: Value,
    },
    /// Said beside the next tool call, or as the last word when no tool call follows.
    Text {
        text: String,
    },
    /// As many bytes of text, said like `text`.
    Huge {
        bytes: usize,
    },
    /// End the turn with a question for the user, whatever steps follow.
    Ask {
        question: String,
    },
    /// Wait in the middle of the next answer.
    Delay {
        ms: u64,
    },
    /// Refuse the next answer with this status: `times` calls long, or for ever. 429 takes the end of the quota in
    /// Unix seconds.
    Http {
        status: u16,
        #[serde(default)]
        times: Option<u32>,
        #[serde(default)]
        resets_at: Option<i64>,
    },
    /// Cut the connection in the middle of the next answer: `times` calls long, or for ever.
    Drop {
        #[serde(default)]
        times: Option<u32>,
    },
    /// Begin the next answer and send nothing more, until the client goes.
    Hang,
}

/// Which list of steps a prompt has chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chosen<'a> {
    pub conversation: &'a Conversation,
    pub retry: bool,
}

impl Scenario {
    pub fn read(path: &Path) -> std::io::Result<Scenario> {
        let text = std::fs::read_to_string(path)?;
        serde_json::from_str(&text).map_err(|e| std::io::Error::other(format!("{}: {e}", path.display())))
    }

    /// One conversation that every prompt matches.
    pub fn always(name: &str, steps: Vec<Step>) -> Scenario {
        Scenario {
            conversations: vec![Conversation { name: name.into(), when: vec![], steps, retry: vec![] }],
        }
    }

    pub fn choose(&self, prompt: &str) -> Option<Chosen<'_>> {
        let lower = prompt.to_lowercase();
        let fits = |c: &&Conversation| c.when.iter().all(|word| lower.contains(&word.to_lowercase()));
        let conversation = self.conversations.iter().find(fits)?;
        Some(Chosen { conversation, retry: prompt.contains(super::RETRY_MARK) })
    }
}

impl<'a> Chosen<'a> {
    pub fn steps(&self) -> &'a [Step] {
        if self.retry && !self.conversation.retry.is_empty() {
            &self.conversation.retry
        } else {
            &self.conversation.steps
        }
    }

    pub fn name(&self) -> String {
        if self.retry { format!("{}#retry", self.conversation.name) } else { self.conversation.name.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bakery() -> Scenario {
        serde_json::from_str(
            r#"{"conversations":[
                {"name":"bakery","when":["Bakery"],"steps":[{"do":"write","path":"app/a","content":"x"}],
                 "retry":[{"do":"text","text":"again"}]},
                {"name":"rest","steps":[{"do":"http","status":401}]}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn the_first_conversation_whose_words_occur_is_chosen() {
        let scenario = bakery();
        assert_eq!(scenario.choose("A page for a bakery").unwrap().name(), "bakery");
        assert_eq!(scenario.choose("a florist").unwrap().name(), "rest");
    }

    #[test]
    fn a_brief_that_tells_of_a_failure_plays_the_retry() {
        let scenario = bakery();
        let again = scenario.choose("bakery\n## What failed before\nbuild").unwrap();
        assert_eq!(again.name(), "bakery#retry");
        assert_eq!(again.steps(), [Step::Text { text: "again".into() }]);
    }

    #[test]
    fn a_misspelt_step_is_refused() {
        let wrong = r#"{"conversations":[{"name":"x","steps":[{"do":"write","path":"a","contents":"x"}]}]}"#;
        assert!(serde_json::from_str::<Scenario>(wrong).is_err());
    }
}
