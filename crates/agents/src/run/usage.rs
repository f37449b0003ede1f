//! What a run cost, as the agent's own program reported it. Each agent counts in its own way; a class that it does not
//! report stays unknown.

use super::transcript::Transcript;
use crate::Profile;
use protocol::fact::Usage;
use serde_json::{Value, json};

/// Tokens of one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tokens {
    pub input: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub output: Option<u64>,
    pub reasoning: Option<u64>,
}

pub(super) struct Counted {
    pub usage: Usage,
    pub model: Option<String>,
    pub raw: Option<Vec<u8>>,
}

/// Sums the turns of a run. Adapters report tokens per turn, and dollars for the whole session.
pub(super) fn count(profile: &Profile, said: &Transcript) -> Counted {
    let turns = &said.turns;
    let per_turn: Vec<Tokens> = turns.iter().map(profile.tokens).collect();
    // A turn that was asked for and not answered spent something that nobody told us.
    let complete = !turns.is_empty() && turns.len() as u64 >= said.prompts;
    let sum = |class: fn(&Tokens) -> Option<u64>| -> Option<u64> {
        if !complete {
            return None;
        }
        per_turn.iter().map(class).try_fold(0u64, |sum, tokens| Some(sum.saturating_add(tokens?)))
    };
    let usage = Usage {
        input: sum(|t| t.input),
        cache_read: sum(|t| t.cache_read),
        cache_write: sum(|t| t.cache_write),
        output: sum(|t| t.output),
        reasoning: sum(|t| t.reasoning),
        cost_usd: said.cost.as_ref().and_then(dollars),
        raw: None,
    };
    let model = turns.iter().rev().find_map(main_model).or_else(|| said.model.clone());
    let reported =
        turns.iter().any(|turn| turn.get("usage").or(turn.get("_meta")).is_some()) || said.cost.is_some();
    let raw = reported.then(|| json!({ "turns": turns, "cost": said.cost }).to_string().into_bytes());
    Counted { usage, model, raw }
}

/// The `usage` of the protocol itself.
pub(crate) fn standard(result: &Value) -> Tokens {
    let usage = &result["usage"];
    Tokens {
        input: usage["inputTokens"].as_u64(),
        cache_read: usage["cachedReadTokens"].as_u64(),
        cache_write: usage["cachedWriteTokens"].as_u64(),
        output: usage["outputTokens"].as_u64(),
        reasoning: usage["thoughtTokens"].as_u64(),
    }
}

/// Claude Code: `usage` leaves side calls out that the account is billed for; the rows by model have them. It does not
/// count reasoning apart, so a zero there says nothing.
pub(crate) fn claude(result: &Value) -> Tokens {
    let tokens = by_model(result).unwrap_or_else(|| standard(result));
    Tokens { reasoning: tokens.reasoning.filter(|count| *count > 0), ..tokens }
}

/// Codex: `usage` is whole, and its input leaves out what came from the cache.
pub(crate) fn codex(result: &Value) -> Tokens {
    let tokens = standard(result);
    if tokens == Tokens::default() { by_model(result).unwrap_or_default() } else { tokens }
}

fn rows(result: &Value) -> &[Value] {
    result["_meta"]["quota"]["model_usage"].as_array().map_or(&[], Vec::as_slice)
}

fn by_model(result: &Value) -> Option<Tokens> {
    let rows = rows(result);
    if rows.is_empty() {
        return None;
    }
    let sum = |names: &[&str]| -> Option<u64> {
        let row = |row: &Value| names.iter().find_map(|name| row["token_count"][*name].as_u64());
        rows.iter().map(row).try_fold(0u64, |sum, count| Some(sum.saturating_add(count?)))
    };
    Some(Tokens {
        input: sum(&["inputTokens"]),
        cache_read: sum(&["cachedInputTokens"]),
        cache_write: sum(&["cachedWriteTokens", "cacheWriteInputTokens"]),
        output: sum(&["outputTokens"]),
        reasoning: sum(&["reasoningOutputTokens"]),
    })
}

/// The model that did most of the work: side calls often go to a smaller one.
fn main_model(result: &Value) -> Option<String> {
    let most = rows(result).iter().max_by_key(|row| row["token_count"]["totalTokens"].as_u64())?;
    most["model"].as_str().map(str::to_owned)
}

fn dollars(cost: &Value) -> Option<f64> {
    (cost["currency"].as_str()? == "USD").then(|| cost["amount"].as_f64())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(input: u64, cached: u64, out: u64, reasoning: u64) -> Value {
        json!({ "inputTokens": input, "cachedInputTokens": cached, "cachedWriteTokens": 0, "outputTokens": out,
                "reasoningOutputTokens": reasoning, "totalTokens": input + cached + out })
    }

    #[test]
    fn claude_counts_side_calls_that_usage_leaves_out() {
        let result = json!({
            "stopReason": "end_turn",
            "usage": { "inputTokens": 10, "outputTokens": 2, "cachedReadTokens": 30, "cachedWriteTokens": 0, "totalTokens": 42 },
            "_meta": { "quota": { "model_usage": [
                { "model": "big", "token_count": counts(10, 30, 2, 0) },
                { "model": "small", "token_count": counts(7, 0, 1, 0) } ] } } });
        let tokens = claude(&result);
        assert_eq!((tokens.input, tokens.cache_read, tokens.output), (Some(17), Some(30), Some(3)));
        assert_eq!(tokens.reasoning, None);
        assert_eq!(main_model(&result).as_deref(), Some("big"));
    }

    #[test]
    fn codex_counts_reasoning_and_leaves_the_cache_out_of_the_input() {
        let result = json!({ "stopReason": "end_turn", "usage": { "totalTokens": 1234, "inputTokens": 200,
            "cachedReadTokens": 1000, "cachedWriteTokens": 0, "outputTokens": 34, "thoughtTokens": 5 } });
        let tokens = codex(&result);
        assert_eq!((tokens.input, tokens.cache_read, tokens.output), (Some(200), Some(1000), Some(34)));
        assert_eq!(tokens.reasoning, Some(5));
    }

    #[test]
    fn what_is_not_reported_is_unknown_and_not_zero() {
        for read in [standard, claude, codex] {
            assert_eq!(read(&json!({ "stopReason": "end_turn" })), Tokens::default());
        }
        assert_eq!(dollars(&json!({ "amount": 1.5, "currency": "EUR" })), None);
        assert_eq!(dollars(&json!({ "amount": 1.5, "currency": "USD" })), Some(1.5));
    }
}
