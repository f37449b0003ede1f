//! The plan: what every step would change, before anything is.

use crate::run::{Order, Setup};
use crate::saved::hash;
use crate::steps::{self, Look, Step};
use crate::stop::Stop;
use protocol::setup::{Plan, PlannedStep, StepPlan};

pub struct Planned {
    pub plan: Plan,
}

/// Looks at everything and touches nothing.
pub fn plan(setup: &Setup<'_>, order: &Order, steps: &[Step]) -> Result<Planned, Stop> {
    let mut planned = Vec::new();
    for step in steps {
        let state = match steps::look(setup, order, step)? {
            Look::Skipped(why) => StepPlan::Skipped { why },
            Look::Blocked(obstacle) => StepPlan::Blocked { obstacle },
            Look::Wants(wants) => {
                let mut changes = Vec::new();
                for change in
                    wants.iter().map(|want| want.check(setup)).collect::<Result<Vec<_>, _>>()?.concat()
                {
                    if !changes.contains(&change) {
                        changes.push(change);
                    }
                }
                if changes.is_empty() { StepPlan::Satisfied } else { StepPlan::Needed { changes } }
            }
        };
        planned.push(PlannedStep {
            id: step.id.to_owned(),
            title: step.title.to_owned(),
            why: step.why.to_owned(),
            state,
        });
    }
    Ok(Planned { plan: Plan { hash: hash_of(&planned), steps: planned, takes: None } })
}

/// The plan of an order as the user is shown it.
pub fn seen(setup: &Setup<'_>, order: &Order) -> Result<Plan, Stop> {
    Ok(crate::run::look(setup, order)?.plan)
}

/// A piece for each step that is not satisfied, so that two plans can be compared by their hashes alone.
fn hash_of(steps: &[PlannedStep]) -> String {
    let pieces = steps.iter().filter(|step| step.state != StepPlan::Satisfied).map(piece);
    let joined = pieces.collect::<Vec<_>>().join("-");
    if joined.is_empty() { "nothing".to_owned() } else { joined }
}

fn piece(step: &PlannedStep) -> String {
    let text = serde_json::to_vec(&(&step.id, &step.state)).unwrap_or_default();
    hash(&text).get(..8).unwrap_or_default().to_owned()
}

/// Whether all that the plan would do was in the plan that the user saw: steps that are satisfied by now may be missing.
pub(crate) fn covers(seen: &str, plan: &Plan) -> bool {
    let seen: Vec<&str> = seen.split('-').collect();
    let open = plan.steps.iter().filter(|step| step.state != StepPlan::Satisfied);
    open.map(piece).all(|piece| seen.contains(&piece.as_str()))
}
