//! What people ask.

use super::Look;
use crate::ids;
use crate::rejected::Rejected;
use crate::state::Phase;
use protocol::fact::*;
use protocol::*;

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
    if let Some(step) = &f.step
        && look.state.planned.get(step) != Some(&f.project)
    {
        return Err(Rejected::UnknownStep { step: step.clone() });
    }
    Ok(vec![f.into()])
}

pub fn cancel(look: Look, request: RequestId) -> Facts {
    let open = look.open(&request)?;
    match &open.phase {
        Phase::Queued
        | Phase::Waiting(_)
        | Phase::Briefing
        | Phase::Running { stopping: false }
        | Phase::Checking { .. } => Ok(vec![CancelAsked { request }.into()]),
        // Asked before: it is under way.
        Phase::Running { stopping: true } | Phase::Recording { outcome: Outcome::Cancelled, .. } => {
            Ok(vec![])
        }
        Phase::Landing { .. }
        | Phase::Switching { .. }
        | Phase::Recording { outcome: Outcome::Live | Outcome::Partly | Outcome::Failed, .. } => {
            Err(Rejected::TooLate { request, stage: open.phase.word() })
        }
    }
}

pub fn steer(look: Look, request: RequestId, text: BlobRef) -> Facts {
    let open = look.open(&request)?;
    match &open.phase {
        Phase::Queued | Phase::Waiting(_) | Phase::Briefing | Phase::Running { stopping: false } => {
            Ok(vec![TaskSteered { request, text }.into()])
        }
        Phase::Running { stopping: true }
        | Phase::Checking { .. }
        | Phase::Landing { .. }
        | Phase::Switching { .. }
        | Phase::Recording { .. } => Err(Rejected::TooLate { request, stage: open.phase.word() }),
    }
}

/// Back into the queue, at the place of its arrival, for a fresh look at the agents.
pub fn retry(look: Look, request: RequestId, because: String) -> Facts {
    let open = look.open(&request)?;
    match &open.phase {
        Phase::Waiting(_) => Ok(vec![RequestResumed { request, task: None, because }.into()]),
        Phase::Queued
        | Phase::Briefing
        | Phase::Running { .. }
        | Phase::Checking { .. }
        | Phase::Landing { .. }
        | Phase::Switching { .. }
        | Phase::Recording { .. } => Err(Rejected::NotWaiting { request }),
    }
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

pub fn push(look: Look, f: MemoryPushed) -> Facts {
    known(look, &f.project)?;
    if look.state.notes.contains_key(&f.note) {
        return Err(taken(&f.note));
    }
    Ok(vec![f.into()])
}

pub fn forget(look: Look, note: NoteId) -> Facts {
    match look.state.notes.get(&note) {
        Some(blob) => Ok(vec![MemoryForgotten { blob: blob.clone(), note }.into()]),
        None => Err(Rejected::UnknownNote { note }),
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
