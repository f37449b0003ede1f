//! Each agent's way to count, and what a run makes of it.

use super::*;

fn counts(input: u64, cached: u64, out: u64, reasoning: u64) -> Value {
    json!({ "inputTokens": input, "cachedInputTokens": cached, "cachedWriteTokens": 0, "outputTokens": out,
            "reasoningOutputTokens": reasoning, "totalTokens": input + cached + out })
}

fn row(model: &str, input: u64, output: u64) -> ModelUsage {
    ModelUsage {
        model: model.into(),
        requests: Some(1),
        input: Some(input),
        cache_read: Some(0),
        cache_write: Some(0),
        output: Some(output),
        reasoning: None,
    }
}

fn said() -> Transcript {
    Transcript::new(profile())
}

fn profile() -> &'static Profile {
    crate::profile::find(&crate::practice()).unwrap()
}

fn counted(said: &Transcript, calls: &[ModelUsage], before: Option<Total>) -> Counted {
    count(profile(), &Told { said, calls, refused: false, before })
}

#[test]
fn side_calls_that_usage_leaves_out_are_counted() {
    let result = json!({
        "stopReason": "end_turn",
        "usage": { "inputTokens": 10, "outputTokens": 2, "cachedReadTokens": 30, "cachedWriteTokens": 0, "totalTokens": 42 },
        "_meta": { "quota": { "model_usage": [
            { "model": "big", "token_count": counts(10, 30, 2, 0) },
            { "model": "small", "token_count": counts(7, 0, 1, 0) } ] } } });
    let rows = by_model_or_usage(&result);
    let sum = add_all(&rows);
    assert_eq!((sum.input, sum.cache_read, sum.output, sum.reasoning), (Some(17), Some(30), Some(3), None));
    assert_eq!(main_model(&rows).as_deref(), Some("big"));
}

#[test]
fn the_protocols_own_usage_keeps_reasoning_apart() {
    let result = json!({ "stopReason": "end_turn", "usage": { "totalTokens": 1234, "inputTokens": 200,
        "cachedReadTokens": 1000, "cachedWriteTokens": 0, "outputTokens": 34, "thoughtTokens": 5 } });
    let [row] = &by_model_or_usage(&result)[..] else { panic!() };
    assert_eq!((row.input, row.cache_read, row.output), (Some(200), Some(1000), Some(34)));
    assert_eq!(row.reasoning, Some(5));
}

#[test]
fn what_is_not_reported_is_unknown_and_not_zero() {
    for read in [of_protocol, by_model_or_usage, gemini] {
        assert_eq!(read(&json!({ "stopReason": "end_turn" })), Vec::new());
    }
    let none = counted(&said(), &[], Some(Total::default()));
    assert_eq!(none.usage, Usage::default());
    assert_eq!(none.raw, None);
    assert_eq!(in_dollars(&json!({ "amount": 1.5, "currency": "EUR" })), None);
    let mixed = [row("a", 1, 2), ModelUsage { input: None, ..row("a", 0, 3) }];
    let sum = counted(&said(), &mixed, None).usage;
    assert_eq!((sum.input, sum.output, sum.requests), (None, Some(5), Some(2)));
}

#[test]
fn a_turn_that_was_not_answered_makes_the_sum_unknown() {
    let turn = json!({ "stopReason": "end_turn", "usage": { "inputTokens": 1, "outputTokens": 1 } });
    let mut said = said();
    said.turns = vec![turn];
    said.prompts = 1;
    assert_eq!(counted(&said, &[], None).usage.input, Some(1));
    said.prompts = 2;
    assert_eq!(counted(&said, &[], None).usage.input, None);
}

#[test]
fn calls_are_summed_by_model() {
    let sum = counted(&said(), &[row("a", 5, 1), row("b", 7, 1), row("a", 5, 1)], None).usage;
    assert_eq!((sum.input, sum.output, sum.requests), (Some(17), Some(3), Some(3)));
    let names: Vec<_> = sum.models.iter().map(|m| (m.model.as_str(), m.requests)).collect();
    assert_eq!(names, [("a", Some(2)), ("b", Some(1))]);
}

#[test]
fn a_session_that_goes_on_is_charged_only_for_what_it_added() {
    let total = |input, cost| Total { models: vec![row("a", input, 1)], cost_usd: Some(cost) };
    let mut said = said();
    said.total = Some(total(30, 0.75));
    let new = counted(&said, &[], Some(Total::default())).usage;
    assert_eq!((new.input, new.cost_usd), (Some(30), Some(0.75)));
    let resumed = counted(&said, &[], Some(total(10, 0.5))).usage;
    assert_eq!((resumed.input, resumed.cost_usd), (Some(20), Some(0.25)));
    let unknown = counted(&said, &[], None).usage;
    assert_eq!((unknown.input, unknown.cost_usd), (None, None));
    let shrunk = counted(&said, &[], Some(total(40, 0.9))).usage;
    assert_eq!((shrunk.input, shrunk.cost_usd), (None, None));
}

#[test]
fn claude_codes_own_result_is_read_as_the_sessions_total() {
    let params = json!({ "sessionId": "s", "message": { "type": "result", "total_cost_usd": 0.5, "modelUsage": {
        "big": { "inputTokens": 6, "outputTokens": 2, "cacheReadInputTokens": 30, "cacheCreationInputTokens": 1, "costUSD": 0.5 } } } });
    let total = claude_total(&params).unwrap();
    assert_eq!(total.cost_usd, Some(0.5));
    let [row] = &total.models[..] else { panic!() };
    assert_eq!(
        (row.input, row.cache_read, row.cache_write, row.output),
        (Some(6), Some(30), Some(1), Some(2))
    );
    assert_eq!(claude_total(&json!({})), None);
}

#[test]
fn counts_that_are_too_large_do_not_run_over() {
    let sum = counted(&said(), &[row("a", u64::MAX, 1), row("b", u64::MAX, u64::MAX)], None).usage;
    assert_eq!((sum.input, sum.output), (Some(u64::MAX), Some(u64::MAX)));
}

#[test]
fn a_total_that_began_again_at_nothing_is_this_runs_own() {
    let mut said = said();
    said.prompts = 1;
    said.turns.push(json!({ "usage": { "inputTokens": 90, "outputTokens": 20, "cachedReadTokens": 0, "cachedWriteTokens": 0 } }));
    let before = || Some(Total { models: vec![row("m", 60, 15)], cost_usd: Some(0.5) });
    // The session's: 100 of this run beside the 60 before it.
    said.total = Some(Total { models: vec![row("m", 160, 37)], cost_usd: Some(1.5) });
    let whole = counted(&said, &[], before()).usage;
    assert_eq!((whole.input, whole.output, whole.cost_usd), (Some(100), Some(22), Some(1.0)));
    // The same run, of a program that had not written the 60 down.
    said.total = Some(Total { models: vec![row("m", 100, 22)], cost_usd: Some(1.0) });
    let own = counted(&said, &[], before()).usage;
    assert_eq!((own.input, own.output, own.cost_usd), (Some(100), Some(22), Some(1.0)));
}
