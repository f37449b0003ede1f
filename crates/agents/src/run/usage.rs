//! What a run cost, as the agent's own program reported it. Each agent counts in its own way; a class that it does not
//! report stays unknown. `input` leaves out what a cache served or stored; `output` contains `reasoning`.

use super::transcript::Transcript;
use crate::Profile;
use protocol::fact::{ModelUsage, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a whole session cost so far, resumed parts included.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Total {
    pub models: Vec<ModelUsage>,
    pub cost_usd: Option<f64>,
}

pub(super) struct Counted {
    pub usage: Usage,
    pub model: Option<String>,
    pub raw: Option<Vec<u8>>,
}

/// All that an agent told of its cost.
pub(super) struct Told<'a> {
    pub said: &'a Transcript,
    /// Call by call, from beside the protocol.
    pub calls: &'a [ModelUsage],
    /// Beside the protocol it told of calls that were refused, so that no call of which it tells nothing was answered.
    pub refused: bool,
    /// The session's total when this run began; `None`: it is not known.
    pub before: Option<Total>,
}

/// This run's part. The first of these that was told: the session's total, each call, each turn.
pub(super) fn count(profile: &Profile, told: &Told<'_>) -> Counted {
    let said = told.said;
    let before = before(told);
    let of_total = match (&said.total, &before) {
        (Some(total), Some(before)) => Some(less(&total.models, &before.models)),
        _ => None,
    };
    // A program that was killed may have told fewer of its calls there than here.
    let calls = if told.calls.len() < said.calls.len() { &said.calls[..] } else { told.calls };
    let nothing = told.refused || of_total.is_some();
    let rows = of_total
        .filter(|rows| !rows.is_empty())
        .or_else(|| (!calls.is_empty()).then(|| by_name(calls)))
        .or_else(|| turns(profile, said))
        .or_else(|| nothing.then(|| vec![nothing_spent()]))
        .unwrap_or_default();
    let sum = add_all(&rows);
    let usage = Usage {
        input: sum.input,
        cache_read: sum.cache_read,
        cache_write: sum.cache_write,
        output: sum.output,
        reasoning: sum.reasoning,
        requests: sum.requests,
        cost_usd: dollars(said, before.as_ref()),
        models: rows.iter().filter(|row| !row.model.is_empty()).cloned().collect(),
        raw: None,
    };
    let model = main_model(&rows).or_else(|| said.model.clone());
    Counted { usage, model, raw: raw(told) }
}

/// The session's total when this run began, as its program knew it. One that could not write its total down when it ended
/// begins again at nothing; that shows in what is left for this run being less than what its turns tell.
fn before(told: &Told<'_>) -> Option<Total> {
    let before = told.before.clone()?;
    let Some(total) = &told.said.total else { return Some(before) };
    let rest = add_all(&less(&total.models, &before.models));
    let turns: Vec<ModelUsage> = told.said.turns.iter().flat_map(of_protocol).collect();
    let turns = add_all(&turns);
    let classes = [
        (rest.input, turns.input),
        (rest.cache_read, turns.cache_read),
        (rest.cache_write, turns.cache_write),
        (rest.output, turns.output),
    ];
    let too_little = |(rest, turns): &(Option<u64>, Option<u64>)| {
        turns.is_some_and(|turns| turns > 0 && rest.is_none_or(|rest| rest < turns))
    };
    Some(if classes.iter().any(too_little) { Total::default() } else { before })
}

fn nothing_spent() -> ModelUsage {
    let zero = Some(0);
    ModelUsage { input: zero, cache_read: zero, cache_write: zero, output: zero, ..ModelUsage::default() }
}

/// The session's total at the run's end, to be kept for a run that goes on with the session.
pub(super) fn total_now(said: &Transcript) -> Option<Total> {
    let total = said.total.clone().unwrap_or_default();
    let cost_usd = said.cost.as_ref().and_then(in_dollars).or(total.cost_usd);
    (said.total.is_some() || cost_usd.is_some()).then_some(Total { cost_usd, ..total })
}

/// Turn by turn. A turn that was asked for and not answered spent something that nobody told us.
fn turns(profile: &Profile, said: &Transcript) -> Option<Vec<ModelUsage>> {
    let complete = !said.turns.is_empty() && said.turns.len() as u64 >= said.prompts;
    let rows: Vec<ModelUsage> = said.turns.iter().flat_map(profile.spent).collect();
    (complete && !rows.is_empty()).then(|| by_name(&rows))
}

/// Dollars are told for the whole session.
fn dollars(said: &Transcript, before: Option<&Total>) -> Option<f64> {
    let now = total_now(said)?.cost_usd?;
    let before = before?;
    let before = if before == &Total::default() { 0.0 } else { before.cost_usd? };
    (now >= before).then_some(now - before)
}

fn raw(told: &Told<'_>) -> Option<Vec<u8>> {
    let said = told.said;
    let in_turns = said.turns.iter().any(|turn| turn.get("usage").or(turn.get("_meta")).is_some());
    let reported = in_turns
        || said.cost.is_some()
        || said.total.is_some()
        || !told.calls.is_empty()
        || !said.calls.is_empty();
    reported.then(|| {
        json!({ "turns": said.turns, "cost": said.cost, "total": said.total, "before": told.before, "calls": told.calls, "in_pieces": said.calls })
            .to_string()
            .into_bytes()
    })
}

fn by_name(rows: &[ModelUsage]) -> Vec<ModelUsage> {
    let mut by_name: BTreeMap<&str, ModelUsage> = BTreeMap::new();
    for row in rows {
        match by_name.get_mut(row.model.as_str()) {
            Some(sum) => *sum = add(sum, row),
            None => drop(by_name.insert(&row.model, row.clone())),
        }
    }
    by_name.into_values().collect()
}

fn add_all(rows: &[ModelUsage]) -> ModelUsage {
    let mut rows = rows.iter();
    let first = rows.next().cloned().unwrap_or_default();
    rows.fold(first, |sum, row| add(&sum, row))
}

fn add(one: &ModelUsage, other: &ModelUsage) -> ModelUsage {
    each(one, other, |a, b| Some(a?.saturating_add(b?)))
}

/// What was added to each model's total. A total that went down says nothing.
fn less(now: &[ModelUsage], before: &[ModelUsage]) -> Vec<ModelUsage> {
    let part = |row: &ModelUsage| match before.iter().find(|old| old.model == row.model) {
        Some(old) => each(row, old, |a, b| a?.checked_sub(b?)),
        None => row.clone(),
    };
    now.iter().map(part).filter(|row| add_classes(row) != Some(0)).collect()
}

fn add_classes(row: &ModelUsage) -> Option<u64> {
    [row.input, row.cache_read, row.cache_write, row.output]
        .into_iter()
        .try_fold(0u64, |sum, class| Some(sum.saturating_add(class?)))
}

fn each(
    one: &ModelUsage,
    other: &ModelUsage,
    of: impl Fn(Option<u64>, Option<u64>) -> Option<u64>,
) -> ModelUsage {
    ModelUsage {
        model: one.model.clone(),
        requests: of(one.requests, other.requests),
        input: of(one.input, other.input),
        cache_read: of(one.cache_read, other.cache_read),
        cache_write: of(one.cache_write, other.cache_write),
        output: of(one.output, other.output),
        reasoning: of(one.reasoning, other.reasoning),
    }
}

/// The model that did most of the work: side calls often go to a smaller one.
fn main_model(rows: &[ModelUsage]) -> Option<String> {
    let named = rows.iter().filter(|row| !row.model.is_empty());
    named.max_by_key(|row| add_classes(row)).map(|row| row.model.clone())
}

fn in_dollars(cost: &Value) -> Option<f64> {
    (cost["currency"].as_str()? == "USD").then(|| cost["amount"].as_f64())?
}

/// The `usage` of the protocol itself, which names no model.
pub(crate) fn of_protocol(result: &Value) -> Vec<ModelUsage> {
    let usage = &result["usage"];
    if !usage.is_object() {
        return Vec::new();
    }
    vec![ModelUsage {
        model: String::new(),
        requests: None,
        input: usage["inputTokens"].as_u64(),
        cache_read: usage["cachedReadTokens"].as_u64(),
        cache_write: usage["cachedWriteTokens"].as_u64(),
        output: usage["outputTokens"].as_u64(),
        reasoning: usage["thoughtTokens"].as_u64(),
    }]
}

/// The adapters of Claude Code and Codex: their rows by model have side calls that `usage` leaves out. Reasoning that is
/// zero there was not counted.
pub(crate) fn by_model_or_usage(result: &Value) -> Vec<ModelUsage> {
    let rows = rows(result);
    if rows.is_empty() {
        return of_protocol(result);
    }
    let row = |row: &Value| {
        let tokens = &row["token_count"];
        ModelUsage {
            model: row["model"].as_str().unwrap_or_default().to_owned(),
            requests: None,
            input: tokens["inputTokens"].as_u64(),
            cache_read: tokens["cachedInputTokens"].as_u64(),
            cache_write: tokens["cachedWriteTokens"].as_u64().or(tokens["cacheWriteInputTokens"].as_u64()),
            output: tokens["outputTokens"].as_u64(),
            reasoning: tokens["reasoningOutputTokens"].as_u64().filter(|count| *count > 0),
        }
    };
    rows.iter().map(row).collect()
}

/// Gemini CLI's own words over ACP: its input contains what the cache served, and it does not say how much that was.
pub(crate) fn gemini(result: &Value) -> Vec<ModelUsage> {
    let row = |row: &Value| ModelUsage {
        model: row["model"].as_str().unwrap_or_default().to_owned(),
        output: row["token_count"]["output_tokens"].as_u64(),
        ..ModelUsage::default()
    };
    rows(result).iter().map(row).collect()
}

/// Claude Code's own result: the session's total by model, side calls and resumed parts included.
pub(crate) fn claude_total(params: &Value) -> Option<Total> {
    let message = &params["message"];
    let rows = message["modelUsage"].as_object()?;
    let row = |(model, tokens): (&String, &Value)| ModelUsage {
        model: model.clone(),
        requests: None,
        input: tokens["inputTokens"].as_u64(),
        cache_read: tokens["cacheReadInputTokens"].as_u64(),
        cache_write: tokens["cacheCreationInputTokens"].as_u64(),
        output: tokens["outputTokens"].as_u64(),
        reasoning: None,
    };
    Some(Total { models: rows.iter().map(row).collect(), cost_usd: message["total_cost_usd"].as_f64() })
}

fn rows(result: &Value) -> &[Value] {
    result["_meta"]["quota"]["model_usage"].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
