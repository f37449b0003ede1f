//! What a request used, over all its attempts and agent by agent. What one of them did not report is unknown, which is
//! not zero.

use crate::state::Attempt;
use protocol::AgentId;
use protocol::fact::*;
use std::collections::BTreeMap;

pub fn used(ran: &[&Attempt]) -> Usage {
    let sum = |class: fn(&Usage) -> Option<u64>| total(ran.iter().map(|a| class(&a.usage)));
    let cost_usd = ran.iter().map(|a| a.usage.cost_usd).reduce(|sum, next| Some(sum? + next?)).flatten();
    let raw = match ran {
        [only] => only.usage.raw.clone(),
        [] | [_, ..] => None,
    };
    Usage {
        input: sum(|u| u.input),
        cache_read: sum(|u| u.cache_read),
        cache_write: sum(|u| u.cache_write),
        output: sum(|u| u.output),
        reasoning: sum(|u| u.reasoning),
        requests: sum(|u| u.requests),
        cost_usd,
        models: models(ran),
        raw,
    }
}

fn total(counts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    counts.reduce(|sum, next| Some(sum?.saturating_add(next?))).flatten()
}

/// By model, in the order in which they were used. Told only if all of it can be told apart.
fn models(ran: &[&Attempt]) -> Vec<ModelUsage> {
    if ran.iter().all(|a| a.usage.models.is_empty()) {
        return Vec::new();
    }
    let mut rows: Vec<ModelUsage> = Vec::new();
    for attempt in ran {
        let Some(parts) = by_model(attempt) else { return Vec::new() };
        for part in parts {
            match rows.iter_mut().find(|row| row.model == part.model) {
                Some(row) => *row = both(row, &part),
                None => rows.push(part),
            }
        }
    }
    rows
}

/// What a run used without telling its models apart is the one model's that it named.
fn by_model(attempt: &Attempt) -> Option<Vec<ModelUsage>> {
    let usage = &attempt.usage;
    if !usage.models.is_empty() {
        return Some(usage.models.clone());
    }
    let &Usage { requests, input, cache_read, cache_write, output, reasoning, .. } = usage;
    let model = attempt.model.clone()?;
    Some(vec![ModelUsage { model, requests, input, cache_read, cache_write, output, reasoning }])
}

fn both(a: &ModelUsage, b: &ModelUsage) -> ModelUsage {
    let sum = |class: fn(&ModelUsage) -> Option<u64>| total([class(a), class(b)].into_iter());
    ModelUsage {
        model: a.model.clone(),
        requests: sum(|m| m.requests),
        input: sum(|m| m.input),
        cache_read: sum(|m| m.cache_read),
        cache_write: sum(|m| m.cache_write),
        output: sum(|m| m.output),
        reasoning: sum(|m| m.reasoning),
    }
}

/// In the order in which they came to work; none if it was one agent alone.
pub fn by_agent(ran: &[&Attempt]) -> Vec<AgentShare> {
    let mut order: Vec<&AgentId> = Vec::new();
    let mut runs: BTreeMap<&AgentId, Vec<&Attempt>> = BTreeMap::new();
    for attempt in ran {
        if !runs.contains_key(&attempt.agent) {
            order.push(&attempt.agent);
        }
        runs.entry(&attempt.agent).or_default().push(attempt);
    }
    if order.len() < 2 {
        return Vec::new();
    }
    let share = |agent: &AgentId| {
        let own = runs.get(agent).map(Vec::as_slice).unwrap_or_default();
        AgentShare {
            agent: agent.clone(),
            attempts: u32::try_from(own.len()).unwrap_or(u32::MAX),
            model: own.iter().rev().find_map(|a| a.model.clone()),
            usage: used(own),
        }
    };
    order.into_iter().map(share).collect()
}

/// How the accounts pay, if all runs agree.
pub fn paid(ran: &[&Attempt]) -> Option<Paid> {
    ran.iter().map(|a| a.paid).reduce(|all, next| if all == next { all } else { None }).flatten()
}
