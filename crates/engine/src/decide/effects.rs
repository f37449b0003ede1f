//! Effects that went away or could not be carried out. Both are inputs of their own: unknown is not success.

use super::draft::Draft;
use super::retry::Failure;
use super::{Look, close, retry, run};
use crate::effect::Effect;
use crate::input::{EffectId, Ended};
use crate::pending::pending;
use crate::rejected::Rejected;
use crate::state::{Lane, Phase, Stand};
use protocol::AttemptId;
use protocol::fact::*;

type Facts = Result<Vec<Fact>, Rejected>;

/// A run that had begun is over, and what it was doing is unknown. Everything else can simply be done again: it stays
/// pending.
pub fn lost(look: Look, effect: EffectId) -> Facts {
    let (effect, mut draft) = find(look, effect)?;
    match effect {
        Effect::RunAgent(of) => {
            let Some(lane) = draft.open.lane_at(&of.attempt) else { return draft.done() };
            let begun = draft.open.current(lane).is_some_and(|a| a.started);
            let stopping =
                draft.open.lanes.get(lane).is_some_and(|l| l.at != (Stand::Running { stop: None }));
            if begun || stopping {
                run::finish(&mut draft, lane, of.attempt, Ended::without_a_trace(AttemptEnd::Lost))?;
            }
        }
        Effect::Orient { .. }
        | Effect::Brief { .. }
        | Effect::StopAgent { .. }
        | Effect::Check { .. }
        | Effect::Land { .. }
        | Effect::Switch { .. }
        | Effect::Record { .. }
        | Effect::Wake { .. } => {}
    }
    draft.done()
}

/// The shell has tried as often as the limits say. A run that cannot be begun is the agent's failure; anything else ends
/// the lane, or the request if it is about all of it, with the reason.
pub fn failed(look: Look, effect: EffectId, reason: String) -> Facts {
    let (effect, mut draft) = find(look, effect)?;
    match effect {
        Effect::RunAgent(of) => fail(&mut draft, of.attempt, reason)?,
        Effect::StopAgent { attempt, .. } => {
            fail(&mut draft, attempt, format!("it could not be stopped: {reason}"))?;
        }
        Effect::Brief { attempt, .. } => end(&mut draft, &attempt, "brief", reason),
        Effect::Check { attempt, check, .. } => end(&mut draft, &attempt, check.word(), reason),
        Effect::Land { attempt, .. } => end(&mut draft, &attempt, "landing", reason),
        Effect::Switch { attempt, .. } => end(&mut draft, &attempt, "switch", reason),
        Effect::Orient { .. } => {
            let lanes: Vec<usize> = draft.open.looking().collect();
            return stuck(draft, lanes, format!("the wake-up could not be carried out: {reason}"));
        }
        Effect::Wake { task, .. } => {
            let of = |at: usize| {
                draft.open.task_of(at).is_some_and(|known| task.as_ref().is_none_or(|t| *t == known.id))
            };
            let lanes = (0..draft.open.lanes.len()).filter(|at| of(*at)).collect();
            return stuck(draft, lanes, format!("the wait could not be kept: {reason}"));
        }
        Effect::Record { outcome, why, .. } => {
            close::unrecorded(&mut draft, outcome, format!("{why}; writing the record failed: {reason}"))?;
            return Ok(draft.closed());
        }
    }
    draft.done()
}

/// These lanes cannot go on, and with them their tasks. If nothing else of the request does and nothing of it landed, that is its end.
fn stuck(mut draft: Draft, lanes: Vec<usize>, why: String) -> Facts {
    let others = |(at, lane): (usize, &Lane)| !lanes.contains(&at) && !lane.at.is_end();
    let rest = draft.open.lanes.iter().enumerate().any(others);
    if !rest && draft.open.landed.is_none() {
        close::unrecorded(&mut draft, Outcome::Failed, why)?;
        return Ok(draft.closed());
    }
    for lane in lanes {
        let Some(task) = draft.open.lanes.get(lane).map(|lane| lane.task) else { continue };
        if draft.open.is_contender(lane) {
            let failure = Failure { what: "agent".to_owned(), summary: why.clone(), lines: Vec::new() };
            retry::diagnose(&mut draft, lane, failure, retry::OUT_OF_RACE.to_owned());
        } else if !draft.open.is_over(task) {
            draft.give_up(task, why.clone());
        }
    }
    draft.done()
}

fn find<'a>(look: Look<'a>, effect: EffectId) -> Result<(Effect, Draft<'a>), Rejected> {
    let found = pending(look.state, look.limits).into_iter().find(|pending| pending.id() == effect);
    let Some(found) = found else { return Err(Rejected::Stale { what: effect.0 }) };
    let open = look.open(found.request())?;
    let draft = Draft::new(look, open);
    Ok((found, draft))
}

fn fail(draft: &mut Draft, attempt: AttemptId, reason: String) -> Result<(), Rejected> {
    let Some(lane) = draft.open.lane_at(&attempt) else { return Ok(()) };
    run::finish(draft, lane, attempt, Ended::without_a_trace(AttemptEnd::Failed { reason }))
}

fn end(draft: &mut Draft, attempt: &AttemptId, what: &str, reason: String) {
    let Some(lane) = draft.open.lane_at(attempt) else { return };
    let whose =
        if draft.open.tasks.len() > 1 && draft.open.phase != Phase::Switching { "task" } else { "request" };
    let next = format!("the {whose} ends: the {what} could not be carried out: {reason}");
    let failure = Failure { what: what.to_owned(), summary: reason, lines: Vec::new() };
    retry::diagnose(draft, lane, failure, next);
}
