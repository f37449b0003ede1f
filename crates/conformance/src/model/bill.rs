//! What a call costs: numbers that differ from call to call and from class to class, so that a mixed-up field, a dropped
//! call or one counted twice shows in any sum.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::AddAssign;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// Anthropic Messages.
    Messages,
    /// OpenAI Responses.
    Responses,
    /// OpenAI chat completions.
    Chat,
    /// Gemini's `generateContent`, as a stream or not.
    Gemini,
}

/// Tokens by class. `input` leaves out what a cache served or stored; `output` contains `reasoning`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    pub calls: u64,
    pub input: u64,
    pub cache_read: u64,
    /// Always zero on the wires of chat completions and Gemini, which do not tell it.
    pub cache_write: u64,
    pub output: u64,
    /// Always zero on the Messages wire, which does not tell it apart.
    pub reasoning: u64,
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Tokens) {
        self.calls += other.calls;
        self.input += other.input;
        self.cache_read += other.cache_read;
        self.cache_write += other.cache_write;
        self.output += other.output;
        self.reasoning += other.reasoning;
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billed {
    pub total: Tokens,
    pub by_wire: BTreeMap<Wire, Tokens>,
    pub by_conversation: BTreeMap<String, Tokens>,
    /// The part of `total` that came from calls without tools (titles, summaries): some programs leave it out of a turn's
    /// usage and report it elsewhere.
    pub side: Tokens,
}

impl Billed {
    pub fn wire(&self, wire: Wire) -> Tokens {
        self.by_wire.get(&wire).copied().unwrap_or_default()
    }

    pub fn conversation(&self, name: &str) -> Tokens {
        self.by_conversation.get(name).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, item: &Item) {
        self.total += item.tokens;
        *self.by_wire.entry(item.wire).or_default() += item.tokens;
        *self.by_conversation.entry(item.conversation.clone()).or_default() += item.tokens;
        if item.side {
            self.side += item.tokens;
        }
    }
}

/// One line of the bill, written when the answer's usage has gone out.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub request: u64,
    pub wire: Wire,
    pub conversation: String,
    pub side: bool,
    pub tokens: Tokens,
}

/// The price of the `n`th call. The steps are different primes, so no two calls and no two classes agree.
pub fn price(wire: Wire, n: u64) -> Tokens {
    Tokens {
        calls: 1,
        input: 1181 + 37 * n,
        cache_read: 20_323 + 101 * n,
        cache_write: match wire {
            Wire::Messages | Wire::Responses => 307 + 13 * n,
            Wire::Chat | Wire::Gemini => 0,
        },
        output: 59 + 7 * n,
        reasoning: match wire {
            Wire::Messages => 0,
            Wire::Responses | Wire::Chat | Wire::Gemini => 11 + 3 * n,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_calls_cost_the_same_and_the_bill_adds_up() {
        let mut billed = Billed::default();
        for n in 1..=3 {
            billed.add(&Item {
                request: n,
                wire: Wire::Messages,
                conversation: "a".into(),
                side: n == 3,
                tokens: price(Wire::Messages, n),
            });
        }
        assert_ne!(price(Wire::Responses, 1), price(Wire::Responses, 2));
        assert_eq!(billed.total.calls, 3);
        assert_eq!(billed.total.input, 3 * 1181 + 37 * 6);
        assert_eq!(billed.conversation("a"), billed.wire(Wire::Messages));
        assert_eq!(billed.side, price(Wire::Messages, 3));
    }
}
