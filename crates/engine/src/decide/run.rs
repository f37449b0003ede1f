//! From the wake-up to the end of an agent's run.

use super::draft::Draft;
use super::{Look, retry, stale};
use crate::ids;
use crate::input::Ended;
use crate::pending::orienting;
use crate::policy;
use crate::rejected::Rejected;
use crate::state::{Open, Phase, Trouble};
use protocol::fact::*;
use protocol::*;

type Facts = Result<Vec<Fact>, Rejected>;

pub fn oriented(look: Look, f: RequestOriented) -> Facts {
    let open = look.open(&f.request)?;
    if !orienting(look.state, look.limits).any(|request| *request == f.request) {
        return Err(Rejected::Stale { what: format!("the wake-up for request {}", f.request) });
    }
    let request = f.request.clone();
    let mut draft = Draft::new(look, open);
    draft.push(f);
    if !draft.open.planned {
        let tasks = vec![PlannedTask {
            task: ids::task(&request)?,
            title: "the whole request".to_owned(),
            text: None,
            agents: Vec::new(),
        }];
        let why = "one task: the request is carried out as a whole".to_owned();
        draft.push(PlanMade { request, tasks, why });
    }
    match draft.ask(policy::first) {
        Ok(pick) => draft.choose(pick)?,
        Err(waiting) => draft.wait(waiting),
    }
    draft.done()
}

pub fn briefed(look: Look, attempt: AttemptId, brief: BlobRef, parts: Vec<BriefPart>, budget: u64) -> Facts {
    let open = look.open_at(&attempt, "the brief")?;
    let Some(task) = open.attempt().map(|a| a.task.clone()) else { return Err(stale(&attempt, "the brief")) };
    match &open.phase {
        Phase::Briefing => {
            let request = open.request.clone();
            Ok(vec![TaskDeclared { request, task, attempt, brief, parts, budget }.into()])
        }
        Phase::Queued
        | Phase::Waiting(_)
        | Phase::Running { .. }
        | Phase::Checking { .. }
        | Phase::Landing { .. }
        | Phase::Switching { .. }
        | Phase::Recording { .. } => Err(stale(&attempt, "the brief")),
    }
}

pub fn started(
    look: Look,
    attempt: AttemptId,
    version: Option<String>,
    base: CommitId,
    paid: Option<Paid>,
) -> Facts {
    let open = running(look, &attempt, "the start")?;
    match open.attempt() {
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
    let open = running(look, &attempt, "a checkpoint")?;
    match open.attempt() {
        Some(a) if a.started => {
            let (request, number) = (open.request.clone(), a.checkpoints.saturating_add(1));
            Ok(vec![AttemptCheckpoint { request, attempt, number, commit, diff, says, screenshot }.into()])
        }
        Some(_) | None => Err(stale(&attempt, "a checkpoint")),
    }
}

/// Also taken before `Started`: a program may fail to come up.
pub fn finished(look: Look, attempt: AttemptId, ended: Ended) -> Facts {
    let open = running(look, &attempt, "the end")?;
    let mut draft = Draft::new(look, open);
    finish(&mut draft, attempt, ended)?;
    draft.done()
}

/// The run ended. What follows is read from where that leads the request.
pub fn finish(draft: &mut Draft, attempt: AttemptId, ended: Ended) -> Result<(), Rejected> {
    let Ended { end, commit, diff, model, usage, duration_ms, session, unknown_events } = ended;
    let says = says(&end);
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
    let Some(trouble) = draft.open.attempt().and_then(|a| a.trouble.clone()) else { return Ok(()) };
    let what = match trouble {
        Trouble::NoChange => "no change",
        Trouble::Agent | Trouble::Quota { .. } | Trouble::SignedOut | Trouble::Lost | Trouble::Check(_) => {
            "agent"
        }
    };
    retry::after_failure(draft, what, says, Vec::new())
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
        AttemptEnd::HandedOver => "the agent was stopped so that another one goes on".to_owned(),
        AttemptEnd::Failed { reason } => format!("the agent failed: {reason}"),
        AttemptEnd::Lost => "the daemon went away while the agent worked".to_owned(),
    }
}

fn running<'a>(look: Look<'a>, attempt: &AttemptId, what: &str) -> Result<&'a Open, Rejected> {
    let open = look.open_at(attempt, what)?;
    match &open.phase {
        Phase::Running { .. } => Ok(open),
        Phase::Queued
        | Phase::Waiting(_)
        | Phase::Briefing
        | Phase::Checking { .. }
        | Phase::Landing { .. }
        | Phase::Switching { .. }
        | Phase::Recording { .. } => Err(stale(attempt, what)),
    }
}
