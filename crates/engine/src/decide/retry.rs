//! After a failed attempt: what it is called, and who goes on.

use super::draft::Draft;
use crate::policy::{self, Next};
use crate::rejected::Rejected;
use protocol::fact::*;

/// Lines of a log that a diagnosis keeps.
const LINES: usize = 40;

pub fn after_failure(
    draft: &mut Draft,
    what: &str,
    summary: String,
    lines: Vec<String>,
) -> Result<(), Rejected> {
    match draft.ask(policy::next) {
        Next::Take(pick) => {
            let next = format!("{} goes on: {}", pick.agent, pick.why);
            diagnose(draft, what, summary, lines, next);
            draft.choose(pick)?;
        }
        Next::Wait(waiting) => {
            diagnose(draft, what, summary, lines, format!("the request waits: {}", waits(&waiting)));
            draft.wait(waiting);
        }
        Next::GiveUp(why) => {
            let next = format!("{why}; the last failure: {summary}");
            diagnose(draft, what, summary, lines, next);
        }
    }
    Ok(())
}

/// With nothing after it, this is the end of the request, and `next` the reason.
pub fn diagnose(draft: &mut Draft, what: &str, summary: String, mut lines: Vec<String>, next: String) {
    let Some(attempt) = draft.open.attempt().map(|a| a.id.clone()) else { return };
    lines.truncate(LINES);
    draft.push(AttemptDiagnosed {
        request: draft.request(),
        attempt,
        what: what.to_owned(),
        summary,
        lines,
        next,
    });
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
