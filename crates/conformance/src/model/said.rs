//! What a conversation holds for us: the user's texts and the results of tools, in their order.

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Text(String),
    Result {
        text: String,
        /// The answer to a look for tools, which is no step of a scenario.
        search: bool,
    },
}

/// How the programs begin what they say in the user's name, such as instruction files; it must not choose a conversation.
const REMINDERS: &[&str] = &[
    "<system-reminder>",
    "<system>",
    "<session_context>",
    "<environment_context>",
    "<user_instructions>",
    "<git-context>",
    "# AGENTS.md instructions",
];

impl Said {
    /// Nothing where the text is the program's own or empty.
    pub fn user(text: &str) -> Option<Said> {
        (!Self::is_reminder(text) && !text.trim().is_empty()).then(|| Said::Text(text.to_owned()))
    }

    pub fn is_reminder(text: &str) -> bool {
        let text = text.trim_start();
        REMINDERS.iter().any(|mark| text.starts_with(mark))
    }
}
