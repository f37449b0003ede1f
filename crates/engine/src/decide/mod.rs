//! Inputs into facts. One entrance; each room below it answers for some of the inputs and matches every phase.

mod bill;
mod close;
mod draft;
mod effects;
mod memory;
mod people;
mod plan;
mod race;
mod relay;
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
        Input::Retry { request, task, because } => people::retry(look, request, task, because),
        Input::Answer { request, attempt, ask, option, text } => {
            relay::answer(look, &request, attempt, ask, option, text)
        }
        Input::HandOver { request, attempt, to } => relay::hand_over(look, &request, attempt, to),
        Input::Pick { request, attempt } => race::pick(look, &request, attempt),
        Input::Rate { deployment, rating } => people::rate(look, deployment, rating),
        Input::ProjectCreated(f) => people::create_project(look, f),
        Input::Activate { project } => people::activate(look, project),
        Input::PlanStep(f) => people::plan_step(look, f),
        Input::DropStep { step } => people::drop_step(look, step),
        Input::Push(notes) => memory::push(look, notes),
        Input::Supersede { note, by } => memory::supersede(look, note, by),
        Input::Forget { note } => memory::forget(look, note),
        Input::Enriched(f) => memory::enriched(look, f),
        Input::GraphEdited(f) => Ok(vec![f.into()]),
        Input::Recalled(f) => memory::recalled(look, f),
        Input::InstructionEdited(f) => people::edit_instruction(look, f),
        Input::RolledBack(f) => people::roll_back(look, f),
        Input::Oriented(f) => plan::oriented(look, f),
        Input::Briefed { attempt, brief, parts, budget } => run::briefed(look, attempt, brief, parts, budget),
        Input::Started { attempt, version, base, paid } => run::started(look, attempt, version, base, paid),
        Input::Asked { attempt, ask, kind, question, options } => {
            relay::asked(look, relay::Question { attempt, ask, kind, question, options })
        }
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

    /// The request and the lane of it whose newest attempt this is. A result of an earlier attempt is stale.
    fn open_at(self, attempt: &AttemptId, what: &str) -> Result<(&'a Open, usize), Rejected> {
        let unknown = || Rejected::UnknownAttempt { attempt: attempt.clone() };
        let request = ids::request_of(attempt).ok_or_else(unknown)?;
        let open = match self.state.open.get(&request) {
            Some(open) => open,
            None if self.has_ended(&request) => return Err(Rejected::Ended { request }),
            None => return Err(unknown()),
        };
        match open.lane_at(attempt) {
            Some(lane) => Ok((open, lane)),
            None if open.attempts.iter().any(|known| known.id == *attempt) => Err(stale(attempt, what)),
            None => Err(unknown()),
        }
    }
}

fn stale(attempt: &AttemptId, what: &str) -> Rejected {
    Rejected::Stale { what: format!("{what} of attempt {attempt}") }
}
