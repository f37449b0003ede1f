//! What must be running now, derived from the state alone. Looks only at the requests that are being worked on, those
//! that wait for a moment, and the head of the queue.

use crate::effect::{Effect, Run};
use crate::limits::Limits;
use crate::state::{Attempt, Lane, Open, Phase, Stand, State};
use crate::turns::Turns;
use protocol::RequestId;
use protocol::fact::{Outcome, Waiting};

pub fn pending(state: &State, limits: &Limits) -> Vec<Effect> {
    let turns = Turns::of(state, limits);
    let mut effects = Vec::new();
    for open in state.awake.values().filter_map(|request| state.open.get(request)) {
        of_open(state, open, &turns, &mut effects);
    }
    for open in queued(state, limits).filter_map(|request| state.open.get(request)) {
        effects.push(orient(open));
    }
    effects
}

/// Whether the request is to be woken now.
pub fn is_orienting(state: &State, limits: &Limits, open: &Open) -> bool {
    match &open.phase {
        Phase::Queued => queued(state, limits).any(|request| *request == open.request),
        Phase::Working => open.looking().next().is_some(),
        Phase::Waiting(_) | Phase::Switching | Phase::Recording { .. } => false,
    }
}

/// The queued requests whose turn it is.
fn queued<'a>(state: &'a State, limits: &Limits) -> impl Iterator<Item = &'a RequestId> {
    state.queue.values().take(limits.active.saturating_sub(state.busy))
}

fn orient(open: &Open) -> Effect {
    Effect::Orient { request: open.request.clone(), project: open.project.clone() }
}

fn of_open(state: &State, open: &Open, turns: &Turns, effects: &mut Vec<Effect>) {
    let (request, project) = (open.request.clone(), open.project.clone());
    let has_main = open.turn.is_some_and(|turn| turns.has_main(&open.project, turn));
    match &open.phase {
        Phase::Queued => {}
        Phase::Waiting(_) => wakes(open, effects),
        Phase::Working => {
            for at in 0..open.lanes.len() {
                of_lane(open, at, turns, effects);
            }
            wakes(open, effects);
            effects.extend(open.looking().next().map(|_| orient(open)));
        }
        Phase::Switching => {
            let ship = state.to_ship(open).filter(|_| has_main);
            effects.extend(ship.map(|(attempt, release, commit)| Effect::Switch {
                request,
                project,
                attempt,
                release,
                commit,
            }));
        }
        Phase::Recording { outcome, why } => {
            // Only what went live writes to the main branch.
            let free = match outcome {
                Outcome::Live | Outcome::Partly => has_main,
                Outcome::Failed | Outcome::Cancelled => true,
            };
            let record = Effect::Record { request, project, outcome: *outcome, why: why.clone() };
            effects.extend(free.then_some(record));
        }
    }
}

fn wakes(open: &Open, effects: &mut Vec<Effect>) {
    for task in &open.tasks {
        match &task.waiting {
            Some(Waiting::Quota { until: Some(at), .. }) => {
                let alone = open.tasks.len() == 1;
                let task = (!alone).then(|| task.id.clone());
                effects.push(Effect::Wake { request: open.request.clone(), task, at: *at });
            }
            Some(Waiting::Quota { until: None, .. } | Waiting::You { .. } | Waiting::Agent { .. }) | None => {
            }
        }
    }
}

fn of_lane(open: &Open, at: usize, turns: &Turns, effects: &mut Vec<Effect>) {
    let (Some(lane), Some(made)) = (open.lanes.get(at), open.current(at)) else { return };
    let (request, project, attempt) = (open.request.clone(), open.project.clone(), made.id.clone());
    match &lane.at {
        Stand::Briefing => effects.push(Effect::Brief {
            request,
            project,
            task: made.task.clone(),
            attempt,
            agent: made.agent.clone(),
            number: made.number,
            bench: made.bench.clone(),
            goes_on: made.goes_on.clone(),
        }),
        Stand::Running { stop } => {
            if turns.may_run(&made.id) {
                effects.push(Effect::RunAgent(Box::new(run(open, made))));
            }
            // The run stays listed while it is being stopped: its own end is what is waited for.
            effects.extend(stop.map(|why| Effect::StopAgent { request, attempt, why }));
        }
        Stand::Checking { check, commit } if has_main(open, lane, turns) => effects.push(Effect::Check {
            request,
            project,
            attempt,
            bench: made.bench.clone(),
            check: *check,
            commit: commit.clone(),
        }),
        Stand::Landing { commit, .. } if has_main(open, lane, turns) => {
            effects.push(Effect::Land { request, project, attempt, commit: commit.clone() });
        }
        Stand::Checking { .. }
        | Stand::Landing { .. }
        | Stand::Idle
        | Stand::Proven { .. }
        | Stand::Landed { .. }
        | Stand::Out { .. }
        | Stand::Cancelled => {}
    }
}

fn has_main(open: &Open, lane: &Lane, turns: &Turns) -> bool {
    lane.turn.is_some_and(|(_, turn)| turns.has_main(&open.project, turn))
}

fn run(open: &Open, made: &Attempt) -> Run {
    let before = made.goes_on.as_ref().and_then(|id| open.attempts.iter().find(|a| a.id == *id));
    let resume = before.filter(|before| before.turn_ended && before.agent == made.agent);
    Run {
        request: open.request.clone(),
        project: open.project.clone(),
        task: made.task.clone(),
        attempt: made.id.clone(),
        agent: made.agent.clone(),
        from: made.from.clone(),
        bench: made.bench.clone(),
        goes_on: made.goes_on.clone(),
        resume: resume.and_then(|before| before.session.clone()),
        said: made.said.clone(),
    }
}
