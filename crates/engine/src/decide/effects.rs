//! Effects that went away or could not be carried out. Both are inputs of their own: unknown is not success.

use super::draft::Draft;
use super::{Look, close, retry, run};
use crate::effect::Effect;
use crate::input::{EffectId, Ended};
use crate::pending::pending;
use crate::rejected::Rejected;
use crate::state::Phase;
use protocol::fact::*;

type Facts = Result<Vec<Fact>, Rejected>;

/// A run that had begun is over, and what it was doing is unknown. Everything else can simply be done again: it stays
/// pending.
pub fn lost(look: Look, effect: EffectId) -> Facts {
    let (effect, mut draft) = find(look, effect)?;
    match effect {
        Effect::RunAgent(of) => {
            let begun = draft.open.attempt().is_some_and(|a| a.started);
            let stopping = draft.open.phase == Phase::Running { stopping: true };
            if begun || stopping {
                run::finish(&mut draft, of.attempt, ended(AttemptEnd::Lost))?;
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
/// the request, with the reason.
pub fn failed(look: Look, effect: EffectId, reason: String) -> Facts {
    let (effect, mut draft) = find(look, effect)?;
    match effect {
        Effect::RunAgent(of) => {
            run::finish(&mut draft, of.attempt, ended(AttemptEnd::Failed { reason }))?;
        }
        Effect::StopAgent { attempt, .. } => {
            let reason = format!("it could not be stopped: {reason}");
            run::finish(&mut draft, attempt, ended(AttemptEnd::Failed { reason }))?;
        }
        Effect::Brief { .. } => end(&mut draft, "brief", reason),
        Effect::Check { check, .. } => end(&mut draft, check.word(), reason),
        Effect::Land { .. } => end(&mut draft, "landing", reason),
        Effect::Switch { .. } => end(&mut draft, "switch", reason),
        Effect::Orient { .. } => {
            close::unrecorded(
                &mut draft,
                Outcome::Failed,
                format!("the wake-up could not be carried out: {reason}"),
            )?;
        }
        Effect::Wake { .. } => {
            close::unrecorded(&mut draft, Outcome::Failed, format!("the wait could not be kept: {reason}"))?;
        }
        Effect::Record { outcome, why, .. } => {
            close::unrecorded(&mut draft, outcome, format!("{why}; writing the record failed: {reason}"))?;
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

fn end(draft: &mut Draft, what: &str, reason: String) {
    let next = format!("the request ends: the {what} could not be carried out: {reason}");
    retry::diagnose(draft, what, reason, Vec::new(), next);
}

fn ended(end: AttemptEnd) -> Ended {
    let diff = DiffStat::default();
    Ended {
        end,
        commit: None,
        diff,
        model: None,
        usage: Usage::default(),
        duration_ms: None,
        session: None,
        unknown_events: None,
    }
}
