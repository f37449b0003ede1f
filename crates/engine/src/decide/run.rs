//! From the brief to the end of an agent's run.

use super::draft::Draft;
use super::retry::Failure;
use super::{Look, memory, relay, retry, stale};
use crate::input::Ended;
use crate::rejected::Rejected;
use crate::state::{Open, Stand, Trouble};
use protocol::fact::*;
use protocol::*;

type Facts = Result<Vec<Fact>, Rejected>;

pub fn briefed(look: Look, attempt: AttemptId, brief: BlobRef, parts: Vec<BriefPart>, budget: u64) -> Facts {
    let (open, lane) = look.open_at(&attempt, "the brief")?;
    let task = open.current(lane).map(|a| a.task.clone());
    let is_briefing = open.lanes.get(lane).is_some_and(|lane| lane.at == Stand::Briefing);
    match task.filter(|_| is_briefing) {
        Some(task) => {
            let notes = parts.iter().filter(|part| part.part == BriefPart::MEMORY);
            let notes: Vec<NoteId> = notes.filter_map(|part| NoteId::new(&*part.source).ok()).collect();
            memory::untold(look, notes.iter())?;
            let request = open.request.clone();
            Ok(vec![TaskDeclared { request, task, attempt, brief, parts, budget }.into()])
        }
        None => Err(stale(&attempt, "the brief")),
    }
}

pub fn started(
    look: Look,
    attempt: AttemptId,
    version: Option<String>,
    base: CommitId,
    paid: Option<Paid>,
) -> Facts {
    let (open, lane) = running(look, &attempt, "the start")?;
    match open.current(lane) {
        Some(a) if !a.started => {
            let (request, agent) = (open.request.clone(), a.agent.clone());
            Ok(vec![AttemptStarted { request, attempt, agent, version, base, paid }.into()])
        }
        Some(_) | None => Err(stale(&attempt, "the start")),
    }
}

pub struct Seen {
    pub attempt: AttemptId,
    pub commit: CommitId,
    pub diff: DiffStat,
    pub says: String,
    pub screenshot: Option<BlobRef>,
}

pub fn checkpoint(look: Look, seen: Seen) -> Facts {
    let Seen { attempt, commit, diff, says, screenshot } = seen;
    let (open, lane) = running(look, &attempt, "a checkpoint")?;
    match open.current(lane) {
        Some(a) if a.started => {
            let (request, number) = (open.request.clone(), a.checkpoints.saturating_add(1));
            Ok(vec![AttemptCheckpoint { request, attempt, number, commit, diff, says, screenshot }.into()])
        }
        Some(_) | None => Err(stale(&attempt, "a checkpoint")),
    }
}

/// Also taken before `Started`: a program may fail to come up.
pub fn finished(look: Look, attempt: AttemptId, ended: Ended) -> Facts {
    let (open, lane) = running(look, &attempt, "the end")?;
    let mut draft = Draft::new(look, open);
    finish(&mut draft, lane, attempt, ended)?;
    draft.done()
}

/// The run ended. What follows is read from where that leads its lane.
pub fn finish(draft: &mut Draft, lane: usize, attempt: AttemptId, ended: Ended) -> Result<(), Rejected> {
    let Ended { end, commit, diff, model, usage, duration_ms, session, unknown_events } = ended;
    let summary = says(&end);
    let request = draft.request();
    draft.push(AttemptFinished {
        request,
        attempt,
        end,
        commit,
        diff,
        model,
        usage,
        duration_ms,
        session,
        unknown_events,
    });
    let Some(trouble) = draft.open.current(lane).and_then(|a| a.trouble.clone()) else { return Ok(()) };
    let what = match trouble {
        Trouble::HandedOver { .. } => return relay::go_on(draft, lane),
        Trouble::NoChange => "no change",
        Trouble::Agent
        | Trouble::Quota { .. }
        | Trouble::SignedOut
        | Trouble::Asked
        | Trouble::Lost
        | Trouble::Check(_)
        | Trouble::Conflict => "agent",
    };
    let failure = Failure { what: what.to_owned(), summary, lines: Vec::new() };
    retry::after_failure(draft, lane, failure)
}

fn says(end: &AttemptEnd) -> String {
    match end {
        AttemptEnd::TurnEnded => "the agent ended its turn and changed nothing".to_owned(),
        AttemptEnd::Cancelled => "the agent was stopped, but not by us".to_owned(),
        AttemptEnd::Silent { ms } => format!("nothing was heard from the agent for {} s", ms / 1000),
        AttemptEnd::TooLong { ms } => format!("the agent was not done after {} s", ms / 1000),
        AttemptEnd::QuotaGone { .. } => "the account's quota is used up".to_owned(),
        AttemptEnd::SignedOut { reason } => format!("the agent is signed out: {reason}"),
        AttemptEnd::Asked { question } => {
            format!("the agent asked, and nobody could answer any more: {question}")
        }
        AttemptEnd::Stuck { what } => format!("the agent went round in circles: {what}"),
        AttemptEnd::OverLimit { what } => format!("the agent used more of the machine than it may: {what}"),
        AttemptEnd::HandedOver => "the agent was stopped to be replaced, but not by us".to_owned(),
        AttemptEnd::Failed { reason } => format!("the agent failed: {reason}"),
        AttemptEnd::Lost => "the daemon went away while the agent worked".to_owned(),
    }
}

pub fn running<'a>(look: Look<'a>, attempt: &AttemptId, what: &str) -> Result<(&'a Open, usize), Rejected> {
    let (open, lane) = look.open_at(attempt, what)?;
    match open.lanes.get(lane).and_then(|lane| lane.at.run()) {
        Some(_) => Ok((open, lane)),
        None => Err(stale(attempt, what)),
    }
}
