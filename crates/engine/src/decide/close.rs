//! The end of a request: all its closing facts are made at once.

use super::draft::Draft;
use super::{Look, bill, memory};
use crate::ids;
use crate::input::{NoteText, Pushing, Record, StepText};
use crate::rejected::Rejected;
use crate::state::{Attempt, Open, Phase};
use protocol::fact::*;
use protocol::*;

pub fn recorded(look: Look, request: RequestId, record: Record) -> Result<Vec<Fact>, Rejected> {
    let open = look.open(&request)?;
    let (outcome, why) = match &open.phase {
        Phase::Recording { outcome, why } => (*outcome, why.clone()),
        Phase::Queued | Phase::Waiting(_) | Phase::Working | Phase::Switching => {
            return Err(Rejected::Stale { what: format!("the record of request {request}") });
        }
    };
    let mut draft = Draft::new(look, open);
    let Record { duration_ms, summary, step, notes } = record;
    let number = match (outcome, step) {
        (Outcome::Live | Outcome::Partly, Some(step)) => complete_step(look, &mut draft, step)?,
        (Outcome::Live | Outcome::Partly, None) | (Outcome::Failed | Outcome::Cancelled, _) => None,
    };
    draft.push(deployment(open, outcome, number, duration_ms, summary)?);
    for fact in remembered(look, open, notes)? {
        draft.push(fact);
    }
    draft.push(RequestClosed { request, outcome, why });
    Ok(draft.closed())
}

/// Without a record, because none could be written. How long it took is then known up to its newest fact.
pub fn unrecorded(draft: &mut Draft, outcome: Outcome, why: String) -> Result<(), Rejected> {
    let duration_ms = draft.open.last.since(draft.open.received);
    let row = deployment(&draft.open, outcome, None, duration_ms, why.clone())?;
    draft.push(row);
    draft.push(RequestClosed { request: draft.request(), outcome, why });
    Ok(())
}

fn complete_step(look: Look, draft: &mut Draft, step: StepText) -> Result<Option<u32>, Rejected> {
    let open = &draft.open;
    let Some(commit) = open.landed.as_ref().map(|landed| landed.commit.clone()) else { return Ok(None) };
    let number = look.state.project(&open.project).map_or(0, |p| p.steps).saturating_add(1);
    // The planned step becomes the completed one, unless another request completed it meanwhile.
    let planned = open.step.clone().filter(|step| look.state.planned.contains_key(step));
    let id = planned.map_or_else(|| ids::step(&open.request), Ok)?;
    let StepText { title, text, errors } = step;
    let (request, project) = (open.request.clone(), open.project.clone());
    draft.push(StepCompleted { request, project, step: id, number, title, commit, text, errors });
    Ok(Some(number))
}

fn deployment(
    open: &Open,
    outcome: Outcome,
    step: Option<u32>,
    duration_ms: u64,
    summary: String,
) -> Result<DeploymentRecorded, Rejected> {
    let ran: Vec<&Attempt> = open.attempts.iter().filter(|a| a.ran()).collect();
    let last = open.author();
    Ok(DeploymentRecorded {
        request: open.request.clone(),
        deployment: ids::deployment(&open.request)?,
        project: open.project.clone(),
        outcome,
        step,
        commit: open.landed.as_ref().map(|landed| landed.commit.clone()),
        release: open.live.as_ref().map(|live| live.release.clone()),
        url: open.live.as_ref().map(|live| live.url.clone()),
        duration_ms,
        attempts: u32::try_from(ran.len()).unwrap_or(u32::MAX),
        agent: last.map(|a| a.agent.clone()),
        practice: last.is_some_and(|a| a.practice),
        model: last.and_then(|a| a.model.clone()),
        usage: bill::used(&ran),
        by_agent: bill::by_agent(&ran),
        paid: bill::paid(&ran),
        summary,
    })
}

/// The notes, then what was read out of them on the way.
fn remembered(look: Look, open: &Open, notes: Vec<NoteText>) -> Result<Vec<Fact>, Rejected> {
    let mut pushed = Vec::with_capacity(notes.len());
    let mut enriched: Vec<Fact> = Vec::new();
    for (at, text) in notes.into_iter().enumerate() {
        let note = ids::note(&open.request, at + 1)?;
        for read in text.readings {
            let reading = MemoryEnriched {
                project: open.project.clone(),
                note: note.clone(),
                reading: Some(read.reading),
                by: read.by.to_string(),
                usage: Usage::default(),
                why: None,
            };
            enriched.push(reading.into());
        }
        let fact = MemoryPushed {
            note,
            project: open.project.clone(),
            note_kind: text.note_kind,
            title: String::new(),
            text: text.text,
            source: text.source.unwrap_or_else(|| format!("request {}", open.request)),
            request: Some(open.request.clone()),
            agent: text.agent,
            confidence: text.confidence,
            batch: None,
        };
        pushed.push(Pushing { fact, supersedes: Vec::new() });
    }
    let mut facts = memory::push(look, pushed)?;
    facts.extend(enriched);
    Ok(facts)
}
