//! Inputs into facts. One entrance; each room below it answers for some of the inputs and matches every phase.

mod close;
mod draft;
mod effects;
mod people;
mod retry;
mod run;
mod ship;

use crate::ids;
use crate::input::Input;
use crate::limits::Limits;
use crate::rejected::Rejected;
use crate::state::{Open, State};
use protocol::fact::Fact;
use protocol::{AttemptId, RequestId};

/// What the input comes to. No facts: the input is taken and changes nothing. The caller appends the facts in one
/// transaction, applies them, and looks at `pending` again.
pub fn decide(state: &State, limits: &Limits, input: Input) -> Result<Vec<Fact>, Rejected> {
    let look = Look { state, limits };
    match input {
        Input::Submit(f) => people::submit(look, f),
        Input::Cancel { request } => people::cancel(look, request),
        Input::Steer { request, text } => people::steer(look, request, text),
        Input::Retry { request, task: _, because } => people::retry(look, request, because),
        Input::Rate { deployment, rating } => people::rate(look, deployment, rating),
        Input::ProjectCreated(f) => people::create_project(look, f),
        Input::Activate { project } => people::activate(look, project),
        Input::PlanStep(f) => people::plan_step(look, f),
        Input::DropStep { step } => people::drop_step(look, step),
        Input::Push(f) => people::push(look, f),
        Input::Forget { note } => people::forget(look, note),
        Input::InstructionEdited(f) => people::edit_instruction(look, f),
        Input::RolledBack(f) => people::roll_back(look, f),
        Input::Oriented(f) => run::oriented(look, f),
        Input::Briefed { attempt, brief, parts, budget } => run::briefed(look, attempt, brief, parts, budget),
        Input::Started { attempt, version, base, paid } => run::started(look, attempt, version, base, paid),
        Input::Asked { attempt, .. } => Err(stale(&attempt, "the question")),
        Input::Answer { attempt, .. } => Err(stale(&attempt, "the answer")),
        Input::HandOver { attempt, .. } => Err(stale(&attempt, "the hand-over")),
        Input::Pick { attempt, .. } => Err(stale(&attempt, "the pick")),
        Input::Checkpoint { attempt, commit, diff, says, screenshot } => {
            run::checkpoint(look, run::Seen { attempt, commit, diff, says, screenshot })
        }
        Input::Finished { attempt, ended } => run::finished(look, attempt, ended),
        Input::Checked { attempt, check, checked } => ship::checked(look, attempt, check, checked),
        Input::Landed { attempt, commit } => ship::landed(look, attempt, commit),
        Input::LandStale { attempt } => ship::land_stale(look, attempt),
        Input::Switched { attempt, release, url } => ship::switched(look, attempt, release, url),
        Input::Recorded { request, record } => close::recorded(look, request, record),
        Input::EffectLost { effect } => effects::lost(look, effect),
        Input::EffectFailed { effect, reason } => effects::failed(look, effect, reason),
    }
}

#[derive(Clone, Copy)]
struct Look<'a> {
    state: &'a State,
    limits: &'a Limits,
}

impl<'a> Look<'a> {
    fn open(self, request: &RequestId) -> Result<&'a Open, Rejected> {
        match self.state.open.get(request) {
            Some(open) => Ok(open),
            None if self.has_ended(request) => Err(Rejected::Ended { request: request.clone() }),
            None => Err(Rejected::UnknownRequest { request: request.clone() }),
        }
    }

    fn has_ended(self, request: &RequestId) -> bool {
        ids::deployment(request).is_ok_and(|id| self.state.deployments.contains(&id))
    }

    /// The request whose newest attempt this is. A result of an earlier attempt is stale.
    fn open_at(self, attempt: &AttemptId, what: &str) -> Result<&'a Open, Rejected> {
        let unknown = || Rejected::UnknownAttempt { attempt: attempt.clone() };
        let request = ids::request_of(attempt).ok_or_else(unknown)?;
        let open = match self.state.open.get(&request) {
            Some(open) => open,
            None if self.has_ended(&request) => return Err(Rejected::Ended { request }),
            None => return Err(unknown()),
        };
        match open.attempts.iter().rposition(|a| a.id == *attempt) {
            None => Err(unknown()),
            Some(at) if at + 1 == open.attempts.len() => Ok(open),
            Some(_) => Err(stale(attempt, what)),
        }
    }
}

fn stale(attempt: &AttemptId, what: &str) -> Rejected {
    Rejected::Stale { what: format!("{what} of attempt {attempt}") }
}
