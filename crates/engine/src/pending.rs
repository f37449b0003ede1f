//! What must be running now, derived from the state alone. Looks only at the requests that are being worked on, those
//! that wait for a moment, and the head of the queue.

use crate::effect::{Effect, Run, Stop};
use crate::limits::Limits;
use crate::state::{Attempt, Open, Phase, State};
use protocol::RequestId;
use protocol::fact::Waiting;

pub fn pending(state: &State, limits: &Limits) -> Vec<Effect> {
    let mut effects = Vec::new();
    for open in state.awake.values().filter_map(|request| state.open.get(request)) {
        of_open(open, &mut effects);
    }
    for open in orienting(state, limits).filter_map(|request| state.open.get(request)) {
        effects.push(Effect::Orient { request: open.request.clone(), project: open.project.clone() });
    }
    effects
}

/// The queued requests whose turn it is.
pub fn orienting<'a>(state: &'a State, limits: &Limits) -> impl Iterator<Item = &'a RequestId> {
    state.queue.values().take(limits.active.saturating_sub(state.busy))
}

fn of_open(open: &Open, effects: &mut Vec<Effect>) {
    let request = open.request.clone();
    match &open.phase {
        Phase::Waiting(Waiting::Quota { until: Some(at), .. }) => {
            effects.push(Effect::Wake { request, task: None, at: *at })
        }
        Phase::Recording { outcome, why } => effects.push(Effect::Record {
            request,
            project: open.project.clone(),
            outcome: *outcome,
            why: why.clone(),
        }),
        Phase::Queued
        | Phase::Waiting(Waiting::Quota { until: None, .. } | Waiting::You { .. } | Waiting::Agent { .. }) => {
        }
        Phase::Briefing
        | Phase::Running { .. }
        | Phase::Checking { .. }
        | Phase::Landing { .. }
        | Phase::Switching { .. } => {
            if let Some(attempt) = open.attempt() {
                of_attempt(open, attempt, effects);
            }
        }
    }
}

fn of_attempt(open: &Open, at: &Attempt, effects: &mut Vec<Effect>) {
    let (request, project, attempt) = (open.request.clone(), open.project.clone(), at.id.clone());
    let agent = at.agent.clone();
    match &open.phase {
        Phase::Briefing => {
            let (task, number) = (at.task.clone(), at.number);
            let bench = attempt.clone();
            effects.push(Effect::Brief {
                request,
                project,
                task,
                attempt,
                agent,
                number,
                bench,
                goes_on: None,
            });
        }
        Phase::Running { stopping } => {
            let why = Stop::Cancelled;
            let stop = Effect::StopAgent { request: request.clone(), attempt: attempt.clone(), why };
            // The run stays listed while it is being stopped: its own end is what is waited for.
            effects.push(Effect::RunAgent(Box::new(Run {
                request,
                project,
                task: at.task.clone(),
                bench: attempt.clone(),
                attempt,
                agent,
                from: at.from.clone(),
                goes_on: None,
                resume: None,
                said: Vec::new(),
            })));
            effects.extend(stopping.then_some(stop));
        }
        Phase::Checking { check, commit } => {
            let bench = attempt.clone();
            effects.push(Effect::Check {
                request,
                project,
                attempt,
                bench,
                check: *check,
                commit: commit.clone(),
            });
        }
        Phase::Landing { commit, .. } => {
            effects.push(Effect::Land { request, project, attempt, commit: commit.clone() });
        }
        Phase::Switching { commit, release } => effects.push(Effect::Switch {
            request,
            project,
            attempt,
            release: release.clone(),
            commit: commit.clone(),
        }),
        Phase::Queued | Phase::Waiting(_) | Phase::Recording { .. } => {}
    }
}
