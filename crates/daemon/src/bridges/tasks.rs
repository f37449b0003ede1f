//! Runs as MCP Tasks (SEP-2663), for clients that declare the extension. A task is nothing of its own: its id is the run's,
//! its state is read from the journal, so it outlives the daemon that began it.

use super::events::moment;
use super::run::{self, Run};
use super::server::told;
use super::tools::{AnswerRun, CancelRun, RunAsk, RunOutcome, RunState};
use crate::context::Daemon;
use protocol::{AgentId, ApiError, Code};
use rmcp::model::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How often a client should look. It may wait with `wait_run` instead.
const POLL_MS: u64 = 2000;

/// The handle that a client gets in the place of a tool's result.
pub async fn handle(daemon: &Daemon, agent: &AgentId, id: &str) -> Result<CreateTaskResult, ApiError> {
    let run = run::find(daemon, agent, id).await?;
    Ok(CreateTaskResult::new(task(&run, status(&run))))
}

pub async fn get(
    daemon: &Daemon,
    agent: &AgentId,
    id: &str,
    answers: bool,
) -> Result<GetTaskResult, ErrorData> {
    let run = run::find(daemon, agent, id).await.map_err(unknown)?;
    let asks = run.now().asks;
    let payload = match status(&run) {
        TaskStatus::Completed => TaskPayload::Completed { result: result(&run)? },
        TaskStatus::Cancelled => TaskPayload::Cancelled,
        // A client that cannot be asked is told in words, and answers with the tool.
        _ if answers && !asks.is_empty() => TaskPayload::InputRequired { input_requests: questions(asks) },
        _ => TaskPayload::Working,
    };
    Ok(GetTaskResult::new(DetailedTask::new(task(&run, payload.status()), payload)))
}

fn status(run: &Run) -> TaskStatus {
    match (run.state(), run.now().outcome) {
        (RunState::Ended, Some(RunOutcome::Cancelled)) => TaskStatus::Cancelled,
        (RunState::Ended, _) => TaskStatus::Completed,
        _ => TaskStatus::Working,
    }
}

fn task(run: &Run, status: TaskStatus) -> Task {
    let created = moment(run.view.row.created);
    let updated = run.entries.last().map_or_else(|| created.clone(), |entry| moment(entry.at));
    let says = match run.state() {
        RunState::NeedsAnswer => format!("{} (answer with answer_run)", run.view.now),
        _ => run.view.now.clone(),
    };
    Task::new(run.id(), status, created, updated).with_status_message(says).with_poll_interval_ms(POLL_MS)
}

/// In the shape of `run_task`, whose result this is; a run that failed is a tool's error with the same words.
fn result(run: &Run) -> Result<JsonObject, ErrorData> {
    let started = run.started();
    let good = started.result.as_ref().is_some_and(|ended| ended.outcome != RunOutcome::Failed);
    let mut result = told(&started);
    result.is_error = Some(!good);
    match serde_json::to_value(result) {
        Ok(serde_json::Value::Object(object)) => Ok(object),
        _ => Err(ErrorData::internal_error("the run's result cannot be written", None)),
    }
}

fn questions(asks: Vec<RunAsk>) -> InputRequests {
    asks.into_iter().map(|ask| (ask.ask.clone(), question(ask))).collect()
}

fn question(ask: RunAsk) -> InputRequest {
    let schema = if ask.options.is_empty() {
        ElicitationSchema::builder().required_string("text").build_unchecked()
    } else {
        let ids = ask.options.iter().map(|option| option.id.clone()).collect();
        let choice = EnumSchema::builder(ids).build();
        ElicitationSchema::builder().required_enum_schema("option", choice).build_unchecked()
    };
    let labels: Vec<String> =
        ask.options.iter().map(|option| format!("{}: {}", option.id, option.label)).collect();
    let message = [vec![ask.question], labels].concat().join("\n");
    InputRequest::Elicitation(ElicitRequest::new(ElicitRequestParams::FormElicitationParams {
        meta: None,
        message,
        requested_schema: schema,
    }))
}

/// Takes the answers to what was asked. One that was declined stays open.
pub async fn update(
    daemon: &Arc<Daemon>,
    agent: &AgentId,
    id: &str,
    answers: BTreeMap<String, serde_json::Value>,
) -> Result<(), ErrorData> {
    for (ask, answer) in answers {
        if answer.get("action").and_then(|action| action.as_str()) != Some("accept") {
            continue;
        }
        let field = |name: &str| {
            answer.pointer(&format!("/content/{name}")).and_then(|value| value.as_str()).map(str::to_owned)
        };
        let given =
            AnswerRun { run_id: id.to_owned(), ask: Some(ask), option: field("option"), text: field("text") };
        run::reply(daemon, agent, given).await.map_err(unknown)?;
    }
    Ok(())
}

pub async fn cancel(daemon: &Arc<Daemon>, agent: &AgentId, id: &str) -> Result<(), ErrorData> {
    let given = CancelRun { run_id: id.to_owned(), reason: Some("tasks/cancel".into()) };
    run::cancel(daemon, agent, given).await.map(drop).map_err(unknown)
}

fn unknown(e: ApiError) -> ErrorData {
    match e.code {
        Code::Internal | Code::DiskFull | Code::Busy => ErrorData::internal_error(e.to_string(), None),
        Code::BadInput | Code::NotFound | Code::Conflict | Code::SignedOut | Code::Version => {
            ErrorData::invalid_params(e.to_string(), None)
        }
    }
}
