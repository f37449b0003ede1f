//! What came of one scenario with one agent, and how it is shown.

use crate::model::Tokens;
use protocol::fact::Usage;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub agent: String,
    /// Of its program, as it says itself; `unknown` if it does not.
    pub version: String,
    pub scenario: String,
    /// The ends that count as right.
    pub expected: Vec<String>,
    /// The state in which the run ended, by the name that the journal gives it.
    pub end: String,
    /// What the end itself says, if it says more than its name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub said: String,
    pub ok: bool,
    pub billed: Tokens,
    pub recorded: Recorded,
    pub tokens: Agreement,
    pub seconds: f64,
    /// Processes and files that were still there afterwards.
    pub leftovers: Vec<String>,
    /// What was not as it should be, one line each.
    pub wrong: Vec<String>,
}

/// Tokens by class as the driver recorded them; what it does not know is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    pub input: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub output: Option<u64>,
    pub reasoning: Option<u64>,
}

impl From<&Usage> for Recorded {
    fn from(usage: &Usage) -> Self {
        Recorded {
            input: usage.input,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            output: usage.output,
            reasoning: usage.reasoning,
        }
    }
}

/// How the bill and the record agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// Nothing was billed, and nothing is recorded.
    Free,
    /// To the last token, in every class.
    Equal,
    /// To the last token, but how many of the output's tokens were reasoning is not known.
    ReasoningUntold,
    /// What is recorded is right, and some class is not known.
    Unknown,
    Wrong,
}

impl Agreement {
    pub fn word(self) -> &'static str {
        match self {
            Agreement::Free => "none",
            Agreement::Equal => "equal",
            Agreement::ReasoningUntold => "equal, reasoning untold",
            Agreement::Unknown => "unknown",
            Agreement::Wrong => "WRONG",
        }
    }
}

/// Compares them class by class. A class of which nothing was billed may be unknown.
pub fn agreement(billed: Tokens, recorded: Recorded) -> Agreement {
    let classes = [
        (billed.input, recorded.input),
        (billed.cache_read, recorded.cache_read),
        (billed.cache_write, recorded.cache_write),
        (billed.output, recorded.output),
        (billed.reasoning, recorded.reasoning),
    ];
    if classes.iter().any(|(billed, recorded)| recorded.is_some_and(|recorded| recorded != *billed)) {
        Agreement::Wrong
    } else if billed.calls == 0 {
        Agreement::Free
    } else if classes[..4].iter().any(|(billed, recorded)| *billed > 0 && recorded.is_none()) {
        Agreement::Unknown
    } else if billed.reasoning > 0 && recorded.reasoning.is_none() {
        Agreement::ReasoningUntold
    } else {
        Agreement::Equal
    }
}

/// The table for people, as Markdown.
pub fn table(rows: &[Row]) -> String {
    let head = "| agent | version | scenario | end | tokens billed | tokens recorded | agree | seconds | left behind | |\n\
                |---|---|---|---|---:|---:|---|---:|---:|---|\n";
    rows.iter().fold(head.to_owned(), |text, row| text + &line(row) + "\n")
}

fn line(row: &Row) -> String {
    let billed = row.billed.input + row.billed.cache_read + row.billed.cache_write + row.billed.output;
    format!(
        "| {} | {} | {} | {} | {billed} | {} | {} | {:.1} | {} | {} |",
        row.agent,
        row.version,
        row.scenario,
        row.end,
        recorded_sum(row),
        row.tokens.word(),
        row.seconds,
        row.leftovers.len(),
        if row.ok { "ok".to_owned() } else { format!("**{}**", row.wrong.join("; ").replace('|', "/")) },
    )
}

/// All classes together; a class that is unknown though something of it was billed makes the sum unknown.
fn recorded_sum(row: &Row) -> String {
    match row.tokens {
        Agreement::Unknown => "unknown".into(),
        Agreement::Free | Agreement::Equal | Agreement::ReasoningUntold | Agreement::Wrong => {
            let all =
                [row.recorded.input, row.recorded.cache_read, row.recorded.cache_write, row.recorded.output];
            all.iter().flatten().sum::<u64>().to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Wire, bill::price};

    fn recorded(billed: Tokens) -> Recorded {
        Recorded {
            input: Some(billed.input),
            cache_read: Some(billed.cache_read),
            cache_write: Some(billed.cache_write),
            output: Some(billed.output),
            reasoning: Some(billed.reasoning),
        }
    }

    #[test]
    fn one_token_too_many_is_wrong_and_an_unknown_class_is_not_equal() {
        let billed = price(Wire::Responses, 1);
        let right = recorded(billed);
        assert_eq!(agreement(billed, right), Agreement::Equal);
        assert_eq!(
            agreement(billed, Recorded { output: Some(billed.output + 1), ..right }),
            Agreement::Wrong
        );
        assert_eq!(agreement(billed, Recorded { output: None, ..right }), Agreement::Unknown);
        assert_eq!(agreement(billed, Recorded { input: None, output: Some(1), ..right }), Agreement::Wrong);
        assert_eq!(agreement(billed, Recorded { reasoning: None, ..right }), Agreement::ReasoningUntold);
        assert_eq!(agreement(Tokens::default(), Recorded::default()), Agreement::Free);
        assert_eq!(agreement(Tokens::default(), right), Agreement::Wrong);
    }

    #[test]
    fn a_class_that_the_wire_does_not_have_may_be_unknown() {
        let billed = price(Wire::Messages, 1);
        assert_eq!(agreement(billed, Recorded { reasoning: None, ..recorded(billed) }), Agreement::Equal);
    }
}
