//! Compares what came with what should have: the end, the tokens, the files, the memory that was asked.

use super::case::{Case, RECALLED};
use super::row::{Agreement, Recorded, Row, agreement};
use crate::mcp::Seen;
use crate::model::{Logged, Tokens};
use agents::RunEnd;
use protocol::fact::AttemptEnd;
use std::collections::BTreeSet;
use std::path::Path;

/// The end's name, and what it says besides.
pub fn end(case: &Case, run: &RunEnd, row: &mut Row) {
    let json = serde_json::to_value(&run.end).unwrap_or_default();
    row.end = json["end"].as_str().unwrap_or("unreadable").to_owned();
    row.said = words(&run.end);
    if !row.expected.contains(&row.end) {
        row.wrong.push(format!(
            "it ended as {} ({}), not as {}",
            row.end,
            row.said,
            row.expected.join(" or ")
        ));
    }
    if !row.leftovers.is_empty() {
        row.wrong.push(format!("it left behind: {}", row.leftovers.join(", ")));
    }
    if let (AttemptEnd::QuotaGone { until: Some(until) }, Some(at)) = (&run.end, case.resets_at) {
        let off = (until.0 / 1000 - at).abs();
        // Some say it in minutes.
        if off > 90 {
            row.wrong.push(format!("the quota is said to be back {off} s from when it is"));
        }
    }
}

fn words(end: &AttemptEnd) -> String {
    match end {
        AttemptEnd::TurnEnded | AttemptEnd::Cancelled | AttemptEnd::HandedOver | AttemptEnd::Lost => {
            String::new()
        }
        AttemptEnd::Silent { ms } | AttemptEnd::TooLong { ms } => format!("{ms} ms"),
        AttemptEnd::QuotaGone { until } => {
            until.map_or_else(|| "no time known".into(), |at| format!("until {}", at.0))
        }
        AttemptEnd::SignedOut { reason } | AttemptEnd::Failed { reason } => reason.clone(),
        AttemptEnd::Asked { question } => question.clone(),
        AttemptEnd::Stuck { what } | AttemptEnd::OverLimit { what } => what.clone(),
    }
}

/// Adds one run's bill and record to the row, and says where they differ.
pub fn tokens(billed: Tokens, run: &RunEnd, row: &mut Row) {
    let recorded = Recorded::from(&run.usage);
    let agrees = agreement(billed, recorded);
    match agrees {
        Agreement::Wrong => row.wrong.push(format!("billed {billed:?}, recorded {recorded:?}")),
        Agreement::Unknown if matches!(run.end, AttemptEnd::TurnEnded) => {
            row.wrong.push(format!(
                "its turn ended and what it cost is not known: billed {billed:?}, recorded {recorded:?}"
            ));
        }
        Agreement::Unknown | Agreement::Free | Agreement::Equal | Agreement::ReasoningUntold => {}
    }
    // Of two runs the worse one counts.
    row.tokens = worse(row.tokens, agrees);
    row.billed += billed;
    row.recorded = plus(row.recorded, recorded, row.billed == billed);
}

fn worse(a: Agreement, b: Agreement) -> Agreement {
    let rank = |agreement| match agreement {
        Agreement::Free => 0,
        Agreement::Equal => 1,
        Agreement::ReasoningUntold => 2,
        Agreement::Unknown => 3,
        Agreement::Wrong => 4,
    };
    if rank(a) > rank(b) { a } else { b }
}

fn plus(sum: Recorded, more: Recorded, first: bool) -> Recorded {
    if first {
        return more;
    }
    let add = |a: Option<u64>, b: Option<u64>| Some(a? + b?);
    Recorded {
        input: add(sum.input, more.input),
        cache_read: add(sum.cache_read, more.cache_read),
        cache_write: add(sum.cache_write, more.cache_write),
        output: add(sum.output, more.output),
        reasoning: add(sum.reasoning, more.reasoning),
    }
}

/// What was billed after `before`.
pub fn since(before: Tokens, now: Tokens) -> Tokens {
    Tokens {
        calls: now.calls - before.calls,
        input: now.input - before.input,
        cache_read: now.cache_read - before.cache_read,
        cache_write: now.cache_write - before.cache_write,
        output: now.output - before.output,
        reasoning: now.reasoning - before.reasoning,
    }
}

/// Exactly the files that the scenario writes, with the text that it gives them; nothing where the turn did not end.
pub fn files(case: &Case, run: &RunEnd, changed: &[String], tree: &Path, row: &mut Row) {
    let files = if matches!(run.end, AttemptEnd::TurnEnded) { case.files.as_slice() } else { &[] };
    let changed: BTreeSet<&str> = changed.iter().map(String::as_str).collect();
    let wanted: BTreeSet<&str> = files.iter().map(|(path, _)| *path).collect();
    if changed != wanted && !case.any_files {
        row.wrong.push(format!("it changed {changed:?}, not {wanted:?}"));
    }
    for (path, text) in files {
        match std::fs::read_to_string(tree.join(path)) {
            Ok(found) if found == *text => {}
            Ok(found) => {
                row.wrong.push(format!("{path} holds {:?}", found.chars().take(80).collect::<String>()))
            }
            Err(error) => row.wrong.push(format!("{path} cannot be read: {error}")),
        }
    }
}

/// The first run of two must name a session, or there is nothing to take up.
pub fn session(run: &RunEnd, row: &mut Row) {
    if run.session.is_none() {
        row.wrong.push("the first run named no session".into());
    }
}

/// In the second run the model was told what the first one had said.
pub fn resumed(log: &[Logged], row: &mut Row) {
    let mut calls = log.iter().rev().filter_map(|entry| entry.call.as_ref());
    let last = calls.find(|call| call.conversation == "second");
    if last.is_none_or(|call| call.earlier == 0) {
        row.wrong.push("the second run did not know the first one's words".into());
    }
}

/// The tool was called with the token, and the model was told what it answered.
pub fn recalled(seen: &[Seen], log: &[Logged], row: &mut Row) {
    if seen.iter().any(|request| !request.trusted) {
        row.wrong.push("it came to the memory without the token".into());
    }
    if !seen.iter().any(|request| request.method == "tools/call") {
        row.wrong.push("it did not call the memory's tool".into());
    }
    let told = log.iter().filter_map(|entry| entry.call.as_ref()?.result.as_deref());
    if !told.into_iter().any(|result| result.contains(RECALLED)) {
        row.wrong.push("the model was not told what the memory answered".into());
    }
}
