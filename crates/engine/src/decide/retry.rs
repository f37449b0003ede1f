//! After a failed attempt: what it is called, and who goes on.

use super::draft::Draft;
use crate::policy::{self, Next};
use crate::rejected::Rejected;
use crate::state::Trouble;
use protocol::fact::*;

/// Lines of a log that a diagnosis keeps.
const LINES: usize = 40;
/// What becomes of an attempt that failed while others at the same task go on.
pub const OUT_OF_RACE: &str = "it is out of the race, unless no other attempt does better";

/// What failed, in words and lines.
pub struct Failure {
    pub what: String,
    pub summary: String,
    pub lines: Vec<String>,
}

pub fn after_failure(draft: &mut Draft, lane: usize, failure: Failure) -> Result<(), Rejected> {
    let lost = draft.open.current(lane).is_some_and(|a| a.trouble == Some(Trouble::Lost));
    if draft.open.is_contender(lane) && !lost {
        diagnose(draft, lane, failure, OUT_OF_RACE.to_owned());
        return Ok(());
    }
    match draft.ask(lane, policy::next) {
        Next::Take(pick) => {
            let next = format!("{} goes on: {}", pick.agent, pick.why);
            diagnose(draft, lane, failure, next);
            draft.choose(lane, pick)?;
        }
        Next::Wait(waiting) => {
            let who = if draft.open.tasks.len() > 1 { "task" } else { "request" };
            diagnose(draft, lane, failure, format!("the {who} waits: {}", waits(&waiting)));
            draft.wait(lane, waiting);
        }
        Next::GiveUp(why) => {
            let next = format!("{why}; the last failure: {}", failure.summary);
            diagnose(draft, lane, failure, next);
        }
    }
    Ok(())
}

/// With nothing after it, this is the end of the lane, and `next` the reason.
pub fn diagnose(draft: &mut Draft, lane: usize, failure: Failure, next: String) {
    let Some(attempt) = draft.open.current(lane).map(|a| a.id.clone()) else { return };
    let Failure { what, summary, mut lines } = failure;
    lines.truncate(LINES);
    draft.push(AttemptDiagnosed { request: draft.request(), attempt, what, summary, lines, next });
}

fn waits(waiting: &Waiting) -> String {
    match waiting {
        Waiting::You { question } => question.clone(),
        Waiting::Quota { agent, until: Some(_) } => {
            format!("{agent} has its quota back later, and no other agent is ready")
        }
        Waiting::Quota { agent, until: None } => {
            format!("{agent} has used up its quota, and no other agent is ready")
        }
        Waiting::Agent { reason } => reason.clone(),
    }
}
