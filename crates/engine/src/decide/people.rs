//! What people ask.

use super::draft::Draft;
use super::relay::waits_for_an_answer;
use super::{Look, race};
use crate::ids;
use crate::rejected::Rejected;
use crate::state::{Phase, Task};
use protocol::fact::*;
use protocol::*;
use std::collections::BTreeSet;

const MOST_IN_A_RACE: usize = 3;

type Facts = Result<Vec<Fact>, Rejected>;

pub fn submit(look: Look, f: RequestReceived) -> Facts {
    if let Some(request) = look.state.clients.get(&f.client) {
        return Err(Rejected::Duplicate { request: request.clone() });
    }
    ids::fits(&f.request)?;
    if look.state.open.contains_key(&f.request) || look.has_ended(&f.request) {
        return Err(taken(&f.request));
    }
    known(look, &f.project)?;
    can_be_made(look, &f)?;
    if let Some(step) = &f.step
        && look.state.planned.get(step) != Some(&f.project)
    {
        return Err(Rejected::UnknownStep { step: step.clone() });
    }
    Ok(vec![f.into()])
}

fn can_be_made(look: Look, f: &RequestReceived) -> Result<(), Rejected> {
    let bad = |why: String| Err(Rejected::BadSplit { why });
    let most = look.limits.parts;
    if f.parts.len() > most {
        return bad(format!("it has {} parts, and at most {most} are done at the same time", f.parts.len()));
    }
    if !f.race.is_empty() && (!f.parts.is_empty() || f.agent.is_some()) {
        return bad("a race is run by the whole request or by one of its parts".to_owned());
    }
    if f.race.len() == 1 {
        return bad("a race needs two or three agents".to_owned());
    }
    for wanted in f.parts.iter().map(|part| &part.agents).chain([&f.race]) {
        let different: BTreeSet<&AgentId> = wanted.iter().collect();
        if wanted.len() > MOST_IN_A_RACE || different.len() < wanted.len() {
            return bad("a race needs two or three agents, each of them once".to_owned());
        }
    }
    Ok(())
}

pub fn cancel(look: Look, request: RequestId) -> Facts {
    let open = look.open(&request)?;
    if open.cancelled {
        // Asked before: it is under way.
        return Ok(vec![]);
    }
    let can = !open.is_planned() || open.lanes.iter().any(|lane| lane.at.is_before_landing());
    let over = matches!(open.phase, Phase::Switching | Phase::Recording { .. });
    if over || !can {
        return Err(Rejected::TooLate { request, stage: open.word() });
    }
    let mut draft = Draft::new(look, open);
    draft.push(CancelAsked { request });
    draft.done()
}

/// Words to an agent whose question nobody answered make its task go on.
pub fn steer(look: Look, request: RequestId, text: BlobRef) -> Facts {
    let open = look.open(&request)?;
    if open.is_planned() && !open.lanes.iter().any(|lane| lane.at.takes_words()) {
        return Err(Rejected::TooLate { request, stage: open.word() });
    }
    let mut draft = Draft::new(look, open);
    draft.push(TaskSteered { request, text });
    for lane in 0..open.lanes.len() {
        if waits_for_an_answer(open, lane) {
            draft.resume(open.lanes.get(lane).map_or(0, |lane| lane.task), "you answered");
        }
    }
    draft.done()
}

/// Back into the queue, at the place of its arrival, for a fresh look at the agents. Who does not pick the winner of a
/// race leaves it to the checks.
pub fn retry(look: Look, request: RequestId, task: Option<TaskId>, because: String) -> Facts {
    let open = look.open(&request)?;
    let of = |known: &Task| task.as_ref().is_none_or(|task| *task == known.id);
    let waits: Vec<usize> = open
        .tasks
        .iter()
        .enumerate()
        .filter(|(_, known)| of(known) && known.waiting.is_some())
        .map(|(at, _)| at)
        .collect();
    if waits.is_empty() {
        return Err(Rejected::NotWaiting { request });
    }
    let mut draft = Draft::new(look, open);
    for at in waits {
        draft.resume(at, &because);
        if draft.open.races(at) && race::is_run(&draft.open, at) {
            race::by_checks(&mut draft, at)?;
        }
    }
    draft.done()
}

pub fn rate(look: Look, deployment: DeploymentId, rating: u8) -> Facts {
    if !look.state.deployments.contains(&deployment) {
        return Err(Rejected::UnknownDeployment { deployment });
    }
    if !(1..=5).contains(&rating) {
        return Err(Rejected::BadRating { rating });
    }
    Ok(vec![DeploymentRated { deployment, rating }.into()])
}

/// The first project becomes the active one.
pub fn create_project(look: Look, f: ProjectCreated) -> Facts {
    if look.state.projects.contains_key(&f.project) {
        return Err(taken(&f.project));
    }
    let activated = ProjectActivated { project: f.project.clone() };
    let mut facts = vec![f.into()];
    if look.state.active.is_none() {
        facts.push(activated.into());
    }
    Ok(facts)
}

pub fn activate(look: Look, project: ProjectId) -> Facts {
    known(look, &project)?;
    if look.state.active.as_ref() == Some(&project) {
        return Ok(vec![]);
    }
    Ok(vec![ProjectActivated { project }.into()])
}

pub fn plan_step(look: Look, f: StepPlanned) -> Facts {
    known(look, &f.project)?;
    if look.state.planned.contains_key(&f.step) {
        return Err(taken(&f.step));
    }
    Ok(vec![f.into()])
}

pub fn drop_step(look: Look, step: StepId) -> Facts {
    match look.state.planned.get(&step) {
        Some(project) => Ok(vec![StepDropped { project: project.clone(), step }.into()]),
        None => Err(Rejected::UnknownStep { step }),
    }
}

pub fn edit_instruction(look: Look, f: InstructionEdited) -> Facts {
    known(look, &f.project)?;
    Ok(vec![f.into()])
}

pub fn roll_back(look: Look, f: ReleaseRolledBack) -> Facts {
    let project = look.state.project(&f.project);
    let project = project.ok_or_else(|| Rejected::UnknownProject { project: f.project.clone() })?;
    if project.live.as_ref() == Some(&f.to) {
        return Err(Rejected::AlreadyLive { release: f.to });
    }
    Ok(vec![f.into()])
}

fn known(look: Look, project: &ProjectId) -> Result<(), Rejected> {
    if look.state.projects.contains_key(project) {
        Ok(())
    } else {
        Err(Rejected::UnknownProject { project: project.clone() })
    }
}

fn taken(id: &impl ToString) -> Rejected {
    Rejected::Taken { id: id.to_string() }
}
