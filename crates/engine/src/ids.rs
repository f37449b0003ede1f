//! Ids that follow from the request's id. Derived, not random, so that deciding twice names everything alike.

use crate::Rejected;
use protocol::*;

/// The longest request id: what is derived from it (`rel-{request}-a{n}`) must be an id too.
const LONGEST_REQUEST: usize = 60;

pub fn fits(request: &RequestId) -> Result<(), Rejected> {
    if request.as_str().len() <= LONGEST_REQUEST { Ok(()) } else { Err(bad(request.as_str())) }
}

/// `number`: 1, 2, 3 … within the request.
pub fn task(request: &RequestId, number: usize) -> Result<TaskId, Rejected> {
    let id = format!("{request}-t{number}");
    TaskId::new(&*id).map_err(|_| bad(&id))
}

/// `number`: 1, 2, 3 … within the request, over all tasks.
pub fn attempt(request: &RequestId, number: u32) -> Result<AttemptId, Rejected> {
    let id = format!("{request}-a{number}");
    AttemptId::new(&*id).map_err(|_| bad(&id))
}

/// The request that an attempt's id was derived from.
pub fn request_of(attempt: &AttemptId) -> Option<RequestId> {
    let (request, _) = attempt.as_str().rsplit_once("-a")?;
    RequestId::new(request).ok()
}

pub fn release(attempt: &AttemptId) -> Result<ReleaseId, Rejected> {
    let id = format!("rel-{attempt}");
    ReleaseId::new(&*id).map_err(|_| bad(&id))
}

pub fn deployment(request: &RequestId) -> Result<DeploymentId, Rejected> {
    let id = format!("dep-{request}");
    DeploymentId::new(&*id).map_err(|_| bad(&id))
}

pub fn step(request: &RequestId) -> Result<StepId, Rejected> {
    let id = format!("step-{request}");
    StepId::new(&*id).map_err(|_| bad(&id))
}

/// `number`: 1, 2, 3 … within the request.
pub fn note(request: &RequestId, number: usize) -> Result<NoteId, Rejected> {
    let id = format!("note-{request}-{number}");
    NoteId::new(&*id).map_err(|_| bad(&id))
}

fn bad(id: &str) -> Rejected {
    Rejected::BadId { id: id.to_owned() }
}
