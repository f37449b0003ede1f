//! Several agents' attempts at the same task, of which one is taken.

use super::Look;
use super::draft::Draft;
use crate::policy::{self, Entrant, Next};
use crate::rejected::Rejected;
use crate::state::{Open, Stand, Trouble};
use protocol::fact::*;
use protocol::*;

/// The user takes one. It is the only way to an attempt that failed, and it need not wait for the others.
pub fn pick(look: Look, request: &RequestId, attempt: AttemptId) -> Result<Vec<Fact>, Rejected> {
    look.open(request)?;
    let (open, lane) = look.open_at(&attempt, "the pick")?;
    let is_on = |task: &usize| open.races(*task) && !open.cancelled;
    let Some(task) = open.lanes.get(lane).map(|lane| lane.task).filter(is_on) else {
        return Err(Rejected::NotRacing { attempt });
    };
    if !has_something(open, lane) {
        return Err(Rejected::NothingToPick { attempt });
    }
    let mut draft = Draft::new(look, open);
    if open.tasks.get(task).is_some_and(|task| task.waiting.is_some()) {
        draft.resume(task, "you picked an attempt");
    }
    judged(&mut draft, task, lane, Judge::You, "you picked it".to_owned());
    draft.done()
}

fn has_something(open: &Open, lane: usize) -> bool {
    let attempt = open.current(lane);
    match open.lanes.get(lane).map(|lane| &lane.at) {
        Some(Stand::Proven { .. } | Stand::Checking { .. }) => true,
        Some(Stand::Running { stop: None }) => attempt.is_some_and(|a| a.checkpoints > 0),
        Some(Stand::Out { .. }) => attempt.is_some_and(|a| a.changed()),
        Some(
            Stand::Running { stop: Some(_) }
            | Stand::Idle
            | Stand::Briefing
            | Stand::Landing { .. }
            | Stand::Landed { .. }
            | Stand::Cancelled,
        )
        | None => false,
    }
}

/// Judges the races that are over, or asks the user to.
pub fn settle(draft: &mut Draft) -> Result<(), Rejected> {
    for task in 0..draft.open.tasks.len() {
        let waits = draft.open.tasks.get(task).is_some_and(|task| task.waiting.is_some());
        if waits || draft.open.cancelled || !draft.open.races(task) || !is_run(&draft.open, task) {
            continue;
        }
        let proven = draft.open.lanes_of(task).find(|(_, lane)| matches!(lane.at, Stand::Proven { .. }));
        match (draft.look.limits.pick, proven.map(|(lane, _)| lane)) {
            (Judge::You, Some(lane)) => {
                let question = "the race is over: pick the attempt that lands".to_owned();
                draft.wait(lane, Waiting::You { question });
            }
            (Judge::You, None) | (Judge::Checks, _) => by_checks(draft, task)?,
        }
    }
    Ok(())
}

/// Whether all attempts of the race have ended.
pub fn is_run(open: &Open, task: usize) -> bool {
    open.lanes_of(task).all(|(_, lane)| matches!(lane.at, Stand::Proven { .. } | Stand::Out { .. }))
}

/// If none passed, the best goes on as if it had been alone.
pub fn by_checks(draft: &mut Draft, task: usize) -> Result<(), Rejected> {
    let ranking = ranking(&draft.open, task);
    let Some(best) = ranking.first().cloned() else { return Ok(()) };
    let Some(lane) = draft.open.lane_at(&best.attempt) else { return Ok(()) };
    let agent = draft.open.current(lane).map(|a| a.agent.to_string()).unwrap_or_default();
    judged(draft, task, lane, Judge::Checks, why(&agent, &ranking));
    if best.passed {
        return Ok(());
    }
    match draft.ask(lane, policy::next) {
        Next::Take(pick) => draft.choose(lane, pick)?,
        Next::Wait(waiting) => draft.wait(lane, waiting),
        Next::GiveUp(why) => draft.give_up(task, why),
    }
    Ok(())
}

fn judged(draft: &mut Draft, task: usize, lane: usize, judge: Judge, why: String) {
    let ranking = ranking(&draft.open, task);
    let winner = draft.open.current(lane).map(|attempt| attempt.id.clone());
    let task = draft.open.tasks.get(task).map(|task| task.id.clone());
    if let (Some(winner), Some(task)) = (winner, task) {
        draft.push(RaceJudged { request: draft.request(), task, winner, judge, ranking, why });
    }
}

fn ranking(open: &Open, task: usize) -> Vec<Ranked> {
    let entrants = open.lanes_of(task).filter_map(|(at, lane)| {
        let attempt = open.current(at)?;
        let passed = matches!(lane.at, Stand::Proven { .. });
        let place = open.agents.iter().position(|a| a.agent == attempt.agent).unwrap_or(usize::MAX);
        let (diff, duration_ms) = (attempt.diff, attempt.duration_ms);
        let ranked = Ranked { attempt: attempt.id.clone(), passed, diff, duration_ms };
        Some(Entrant { ranked, checks: checks(&lane.at, attempt.trouble.as_ref()), place })
    });
    policy::rank(entrants.collect())
}

/// How many of its checks an attempt got through; one that left nothing to check is behind all that did.
fn checks(at: &Stand, trouble: Option<&Trouble>) -> usize {
    let before = |check: CheckKind| 1 + CheckKind::ORDER.iter().take_while(|known| **known != check).count();
    match (at, trouble) {
        (Stand::Proven { .. }, _) => 1 + CheckKind::ORDER.len(),
        (Stand::Checking { check, .. }, _) | (_, Some(Trouble::Check(check))) => before(*check),
        (_, Some(Trouble::Conflict)) => before(CheckKind::Gate),
        (
            Stand::Idle
            | Stand::Briefing
            | Stand::Running { .. }
            | Stand::Landing { .. }
            | Stand::Landed { .. }
            | Stand::Out { .. }
            | Stand::Cancelled,
            Some(
                Trouble::NoChange
                | Trouble::Agent
                | Trouble::Quota { .. }
                | Trouble::SignedOut
                | Trouble::Asked
                | Trouble::HandedOver { .. }
                | Trouble::Lost,
            )
            | None,
        ) => 0,
    }
}

fn why(agent: &str, ranking: &[Ranked]) -> String {
    let passed: Vec<&Ranked> = ranking.iter().filter(|ranked| ranked.passed).collect();
    match passed.as_slice() {
        [] => format!("none passed its checks; {agent} got furthest and goes on alone"),
        [_] => format!("{agent} is the only one that passed all checks"),
        [best, second, ..] => {
            let size = |ranked: &Ranked| u64::from(ranked.diff.added) + u64::from(ranked.diff.removed);
            let lead = if size(best) < size(second) {
                "made the smallest change"
            } else if best.duration_ms < second.duration_ms {
                "was the quickest of those with the smallest change"
            } else {
                "comes first in the catalogue among equals"
            };
            format!("{} passed all checks; {agent} {lead}", passed.len())
        }
    }
}
