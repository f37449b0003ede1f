//! A run of a client is a request of the journal. Here: starting one, which ones a bridge may see and change, how they are
//! told, and the answers and cancels that a client may give. All of it goes through `answer`, as for every other face.

use super::events::moment;
use super::tools::*;
use crate::answer::answer;
use crate::context::Daemon;
use crate::names;
use protocol::fact::{AskKind, Channel, Entry, Outcome, RequestReceived, Waiting};
use protocol::view::{AttemptView, CostBasis, RequestView, Stage, Status};
use protocol::*;
use serde::Serialize;
use std::sync::Arc;

/// A run as a bridge sees it.
pub struct Run {
    pub received: RequestReceived,
    pub entries: Vec<Entry>,
    pub view: RequestView,
}

/// Starts a run, or finds the one that was started with the same key.
pub async fn start(daemon: &Arc<Daemon>, agent: &AgentId, asked: RunTask) -> Result<RunStarted, ApiError> {
    let client = client(daemon, agent, asked.idempotency_key.as_deref())?;
    let project = asked.project.map(|id| id.parse::<ProjectId>()).transpose().map_err(|_| {
        ApiError::new(Code::NotFound, "there is no such project").next("leave it out for the active one")
    })?;
    let ask = Request::Ask {
        client,
        text: asked.task,
        project,
        agent: Some(agent.clone()),
        race: Vec::new(),
        parts: Vec::new(),
        step: None,
        channel: Channel::Mcp,
    };
    let Response::Accepted { request, new } = answer(daemon, ask).await? else { return Err(other_answer()) };
    if new {
        let run_id = request.to_string();
        return Ok(RunStarted { run_id, state: RunState::Queued, new: Some(true), result: None });
    }
    let found = find(daemon, agent, request.as_str()).await?;
    Ok(RunStarted { new: Some(false), ..found.started() })
}

fn other_answer() -> ApiError {
    ApiError::new(Code::Internal, "another answer came than was asked for").next("see the daemon's log")
}

/// A key is the caller's own text. It is hashed under the bridges' token, so that keys of another token or another bridge
/// name other runs, and any text makes a valid id.
fn client(daemon: &Daemon, agent: &AgentId, key: Option<&str>) -> Result<ClientId, ApiError> {
    let failed =
        |e: &dyn std::fmt::Display| ApiError::new(Code::Internal, format!("failed to name the run: {e}"));
    let Some(key) = key.filter(|key| !key.is_empty()) else { return names::client().map_err(|e| failed(&e)) };
    let mut hasher = blake3::Hasher::new();
    for part in [daemon.bridges.token().unwrap_or_default().as_str(), agent.as_str(), key] {
        hasher.update(&part.len().to_le_bytes()).update(part.as_bytes());
    }
    let name: String = hasher.finalize().to_hex().chars().take(40).collect();
    ClientId::new(format!("mcp-{name}")).map_err(|e| failed(&e))
}

/// A run that this bridge may see: one that asked for its agent. Of others it knows nothing.
pub async fn find(daemon: &Daemon, agent: &AgentId, id: &str) -> Result<Run, ApiError> {
    let missing = || {
        ApiError::new(Code::NotFound, format!("this agent has no run {}", clean::line(id, 80)))
            .next("use the run_id that run_task gave on this very server")
    };
    let request: RequestId = id.parse().map_err(|_| missing())?;
    let asked = request.clone();
    let found = daemon.reads.ask(move |r| Ok((r.entries_of(&asked)?, r.show(&asked)?))).await?;
    let (entries, Some(mut view)) = found else { return Err(missing()) };
    let received = entries.iter().find_map(|entry| match &entry.fact {
        Fact::RequestReceived(received) => Some(received.clone()),
        _ => None,
    });
    let received = received.filter(|received| wants(received, agent)).ok_or_else(missing)?;
    view.preview = daemon.previews.address(&request);
    Ok(Run { received, entries, view })
}

fn wants(received: &RequestReceived, agent: &AgentId) -> bool {
    let parts = received.parts.iter().flat_map(|part| &part.agents);
    received.agent.iter().chain(&received.race).chain(parts).any(|wanted| wanted == agent)
}

impl Run {
    /// What others started is not a client's to change: it may be read and nothing else.
    fn yours(&self) -> bool {
        self.received.channel == Channel::Mcp
    }

    fn to_change(&self) -> Result<&Self, ApiError> {
        if self.yours() {
            return Ok(self);
        }
        let says =
            format!("run {} was not started over MCP, so it can only be read here", self.view.row.request);
        Err(ApiError::new(Code::Conflict, says).next("use the dashboard or `loopwrightd`"))
    }

    pub fn id(&self) -> String {
        self.view.row.request.to_string()
    }

    pub fn state(&self) -> RunState {
        state(&self.view)
    }

    /// Nothing more comes of it without the client.
    pub fn rests(&self) -> bool {
        matches!(self.state(), RunState::Ended | RunState::NeedsAnswer)
    }

    pub fn newest(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.seq)
    }

    pub fn now(&self) -> RunNow {
        let view = &self.view;
        let (stage, outcome) = match &view.row.status {
            Status::Running { stage } => (Some(stage.title().to_owned()), None),
            Status::Closed { outcome, .. } => (None, Some(ended_as(*outcome))),
            Status::Queued | Status::Waiting { .. } | Status::Cancelling => (None, None),
        };
        RunNow {
            run_id: self.id(),
            project: view.row.project.to_string(),
            state: self.state(),
            outcome,
            stage,
            now: view.now.clone(),
            asks: asks(view),
            attempts: u32::try_from(view.attempts.len()).unwrap_or(u32::MAX),
            url: view.url.clone(),
            preview: view.preview.clone(),
            next_seq: self.newest(),
            yours: self.yours(),
        }
    }

    pub fn changed(&self) -> RunChanged {
        RunChanged { run_id: self.id(), state: self.state(), now: self.view.now.clone() }
    }

    /// What `run_task` tells of it, which is also what its Task comes to.
    pub fn started(&self) -> RunStarted {
        RunStarted { run_id: self.id(), state: self.state(), new: None, result: self.ended().ok() }
    }

    /// What it came to, once it has ended.
    pub fn ended(&self) -> Result<RunEnded, ApiError> {
        let (Status::Closed { outcome, why }, row) = (&self.view.row.status, &self.view.deployment) else {
            let says = format!("run {} has not ended: {}", self.id(), self.view.now);
            return Err(ApiError::new(Code::Conflict, says).next("call wait_run with until=end"));
        };
        let row = row.as_ref().ok_or_else(|| {
            ApiError::new(Code::Internal, format!("run {} ended without a row", self.id()))
                .next("see `loopwrightd doctor`")
        })?;
        Ok(RunEnded {
            run_id: self.id(),
            outcome: ended_as(*outcome),
            summary: if row.summary.is_empty() { why.clone() } else { row.summary.clone() },
            commit: row.commit.as_ref().map(ToString::to_string),
            diffstat: landed(&self.view.attempts),
            url: row.url.clone(),
            agent: row.agent.as_ref().map(ToString::to_string),
            model: row.model.clone(),
            attempts: row.attempts,
            duration_ms: row.duration_ms,
            tokens: RunTokens {
                input: row.usage.input,
                cache_read: row.usage.cache_read,
                cache_write: row.usage.cache_write,
                output: row.usage.output,
                reasoning: row.usage.reasoning,
                requests: row.usage.requests,
            },
            cost: RunCost {
                usd: row.cost.usd,
                basis: match row.cost.basis {
                    CostBasis::Reported => "reported",
                    CostBasis::ListPrice => "list_price",
                    CostBasis::Unknown => "unknown",
                }
                .into(),
                as_of: row.cost.as_of.clone(),
                paid: row.cost.paid.as_ref().map(word),
            },
        })
    }
}

/// The name under which a value goes over the wire.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// All that landed, together.
fn landed(attempts: &[AttemptView]) -> Option<RunDiff> {
    let diffs = attempts.iter().filter(|attempt| attempt.landed.is_some());
    let diffs = diffs.filter_map(|attempt| attempt.finished.as_ref().map(|finished| finished.diff));
    diffs.fold(None, |sum, diff| {
        let sum: RunDiff = sum.unwrap_or_default();
        Some(RunDiff {
            files: sum.files.saturating_add(diff.files),
            added: sum.added.saturating_add(diff.added),
            removed: sum.removed.saturating_add(diff.removed),
        })
    })
}

fn ended_as(outcome: Outcome) -> RunOutcome {
    match outcome {
        Outcome::Live => RunOutcome::Live,
        Outcome::Partly => RunOutcome::Partly,
        Outcome::Failed => RunOutcome::Failed,
        Outcome::Cancelled => RunOutcome::Cancelled,
    }
}

fn state(view: &RequestView) -> RunState {
    match &view.row.status {
        Status::Closed { .. } => RunState::Ended,
        Status::Cancelling => RunState::Cancelling,
        _ if view.attempts.iter().any(|attempt| attempt.asked.is_some()) => RunState::NeedsAnswer,
        Status::Queued => RunState::Queued,
        Status::Running { stage: Stage::Request } => RunState::Queued,
        Status::Running { .. } => RunState::Working,
        Status::Waiting { waiting: Waiting::You { .. } | Waiting::Quota { .. } | Waiting::Agent { .. } } => {
            RunState::Waiting
        }
    }
}

fn asks(view: &RequestView) -> Vec<RunAsk> {
    let asked = view.attempts.iter().filter_map(|attempt| Some((attempt, attempt.asked.as_ref()?)));
    asked
        .map(|(attempt, asked)| RunAsk {
            ask: format!("{}/{}", attempt.attempt, asked.ask),
            kind: match asked.ask_kind {
                AskKind::Question => "question",
                AskKind::Permission => "permission",
            }
            .into(),
            question: asked.question.clone().unwrap_or_else(|| "(forgotten)".into()),
            options: asked
                .options
                .iter()
                .map(|option| AskChoice { id: option.id.clone(), label: option.label.clone() })
                .collect(),
        })
        .collect()
}

/// Answers the question that was named, else the only one.
pub async fn reply(daemon: &Arc<Daemon>, agent: &AgentId, given: AnswerRun) -> Result<RunChanged, ApiError> {
    let run = find(daemon, agent, &given.run_id).await?;
    let open = asks(&run.to_change()?.view);
    let named = match (&given.ask, open.as_slice()) {
        (Some(ask), _) => open.iter().find(|known| known.ask == *ask),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let Some(ask) = named else {
        let says =
            format!("run {} has {} open questions, and none was named that is open", run.id(), open.len());
        return Err(ApiError::new(Code::Conflict, says).next("see `asks` of run_status"));
    };
    let (Some((attempt, asked)), true) =
        (ask.ask.split_once('/'), given.option.is_some() != given.text.is_some())
    else {
        return Err(
            ApiError::new(Code::BadInput, "an answer is either an option or a text").next("give one of them")
        );
    };
    let request = Request::Answer {
        request: run.view.row.request.clone(),
        attempt: attempt.parse().map_err(|e: BadId| ApiError::new(Code::BadInput, e.to_string()))?,
        asked: asked.to_owned(),
        option: given.option,
        text: given.text,
    };
    answer(daemon, request).await?;
    Ok(find(daemon, agent, &given.run_id).await?.changed())
}

/// To cancel what has ended is no failure: a client that lost the first answer asks again.
pub async fn cancel(daemon: &Arc<Daemon>, agent: &AgentId, given: CancelRun) -> Result<RunChanged, ApiError> {
    let run = find(daemon, agent, &given.run_id).await?;
    if matches!(run.to_change()?.state(), RunState::Ended | RunState::Cancelling) {
        return Ok(run.changed());
    }
    let request = run.view.row.request.clone();
    let reason = clean::line(given.reason.as_deref().unwrap_or_default(), 200);
    tracing::info!(request_id = %request, reason, "an MCP client cancels");
    match answer(daemon, Request::Cancel { request }).await {
        Ok(_) => {}
        // It ended meanwhile.
        Err(e) if e.code == Code::Conflict => {}
        Err(e) => return Err(e),
    }
    Ok(find(daemon, agent, &given.run_id).await?.changed())
}

/// Readiness of the bridge's agent.
pub async fn agent(daemon: &Arc<Daemon>, agent: &AgentId) -> Result<AgentNow, ApiError> {
    let Response::Agents { rows } = answer(daemon, Request::Agents { fresh: false }).await? else {
        return Err(other_answer());
    };
    let row = rows.into_iter().find(|row| row.agent == *agent).ok_or_else(other_answer)?;
    // The states differ in what they hold; on the wire each is an object with its own fields.
    let readiness = serde_json::to_value(&row.readiness).unwrap_or_default();
    let text = |name: &str| readiness.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let time = |name: &str| readiness.get(name).and_then(serde_json::Value::as_i64).map(|ms| moment(At(ms)));
    let ladder = row.now.iter().flat_map(|now| &now.ladder).map(|rung| Rung {
        rung: word(&rung.rung),
        proven: word(&rung.proven),
        at: rung.at.map(moment),
        how: rung.how.clone(),
    });
    Ok(AgentNow {
        ready: row.readiness.is_ready(),
        state: text("state").unwrap_or_default(),
        version: text("version"),
        reason: text("reason"),
        next: text("next"),
        until: time("until"),
        probed: row.probed.map(moment),
        ladder: ladder.collect(),
        runs: row.runs,
        live: row.live,
        agent: row.agent.to_string(),
        title: row.title,
    })
}
