//! Requests and releases: asking, steering, reading a change, rolling back.

use crate::context::{Daemon, internal};
use crate::names;
use crate::writer::Refused;
use engine::{Input, Rejected};
use protocol::fact::{Channel, PartWish, ReleaseRolledBack, RequestReceived};
use protocol::*;
use std::sync::Arc;

pub struct Ask {
    pub client: ClientId,
    pub text: String,
    pub project: Option<ProjectId>,
    pub agent: Option<AgentId>,
    pub race: Vec<AgentId>,
    pub parts: Vec<Part>,
    pub step: Option<StepId>,
    pub channel: Channel,
}

pub async fn ask(daemon: &Daemon, ask: Ask) -> Result<Response, ApiError> {
    let text = clean::text("the request", &ask.text)?;
    if let Some(agent) = &ask.agent
        && !agents::catalogue().iter().any(|p| p.id == *agent)
    {
        let known: Vec<String> = agents::catalogue().iter().map(|p| p.id.to_string()).collect();
        return Err(ApiError::new(Code::BadInput, format!("there is no agent {agent}"))
            .next(format!("choose one of {}, or none", known.join(", "))));
    }
    let project = daemon.project_or_active(ask.project).await?;
    let request = names::request().map_err(|e| internal("name the request", e))?;
    let (blob, named) = daemon.blob(text)?;
    let mut blobs = vec![blob];
    let mut parts = Vec::with_capacity(ask.parts.len());
    for part in ask.parts {
        let (blob, text) = daemon.blob(clean::text("a part", &part.text)?)?;
        blobs.push(blob);
        parts.push(PartWish { text, agents: part.agents });
    }
    let received = RequestReceived {
        request: request.clone(),
        client: ask.client,
        project,
        channel: ask.channel,
        text: named,
        agent: ask.agent,
        race: ask.race,
        parts,
        step: ask.step,
    };
    match daemon.writer.decide(Input::Submit(received), blobs).await {
        Ok(_) => Ok(Response::Accepted { request, new: true }),
        Err(Refused::Rejected(Rejected::Duplicate { request })) => {
            Ok(Response::Accepted { request, new: false })
        }
        Err(e) => Err(e.into()),
    }
}

pub async fn steer(daemon: &Daemon, request: RequestId, text: &str) -> Result<Response, ApiError> {
    let text = clean::text("the word to the agent", text)?;
    let (blob, named) = daemon.blob(text.clone())?;
    daemon.writer.decide(Input::Steer { request: request.clone(), text: named }, vec![blob]).await?;
    let id = request.clone();
    let view = daemon.reads.ask(move |r| r.show(&id)).await?;
    let running = view.and_then(|v| v.attempts.last().map(|a| a.attempt.clone()));
    if let Some(control) = running.and_then(|attempt| daemon.run(&attempt)) {
        let _ = control.send(agents::Control::Steer(text)).await;
    }
    Ok(Response::Done)
}

pub async fn diff(daemon: &Daemon, attempt: AttemptId) -> Result<Response, ApiError> {
    let id = attempt.clone();
    let read = daemon.reads.ask(move |r| {
        let Some(request) = r.request_of_attempt(&id)? else { return Ok(None) };
        r.show(&request)
    });
    let missing = || ApiError::new(Code::NotFound, format!("there is no attempt {attempt}"));
    let view = read.await?.ok_or_else(missing)?;
    let of = view.attempts.iter().find(|a| a.attempt == attempt).ok_or_else(missing)?;
    let end = of.landed.clone().or_else(|| of.finished.as_ref().and_then(|f| f.commit.clone()));
    let Some(end) = end else { return Ok(Response::Text { text: String::new() }) };
    let base = match &of.landed {
        Some(landed) => daemon.yard.parent(&view.row.project, landed).await,
        None => daemon.yard.merge_base(&view.row.project, &end).await,
    };
    let base = base.map_err(|e| internal("find where the change began", e))?;
    let text =
        daemon.yard.diff(&view.row.project, &base, &end).await.map_err(|e| internal("read the change", e))?;
    Ok(Response::Text { text })
}

pub async fn releases(daemon: &Daemon, project: Option<ProjectId>) -> Result<Response, ApiError> {
    let project = daemon.project_or_active(project).await?;
    let of = project.clone();
    let mut rows = daemon.reads.ask(move |r| r.releases(&of)).await?;
    for row in &mut rows {
        row.kept = daemon.yard.is_staged(&project, &row.release);
    }
    Ok(Response::Releases { rows })
}

/// Starts an earlier release from its folder, without a build, and switches to it once it is healthy.
pub async fn rollback(
    daemon: &Arc<Daemon>,
    project: Option<ProjectId>,
    release: Option<ReleaseId>,
) -> Result<Response, ApiError> {
    let project = daemon.project_or_active(project).await?;
    let of = project.clone();
    let rows = daemon.reads.ask(move |r| r.releases(&of)).await?;
    let live = rows.iter().find(|r| r.live).ok_or_else(|| {
        ApiError::new(Code::Conflict, "nothing is live yet, so there is nothing to go back to")
    })?;
    let to = match &release {
        Some(id) => rows.iter().find(|r| r.release == *id),
        None => rows
            .iter()
            .filter(|r| r.at < live.at || r.release != live.release)
            .find(|r| r.release != live.release),
    };
    let to = to.ok_or_else(|| {
        ApiError::new(Code::NotFound, "there is no such earlier release").next("see `loopwrightd releases`")
    })?;
    if to.release == live.release {
        return Err(ApiError::new(Code::Conflict, format!("{} is live already", to.release)));
    }
    if !daemon.yard.is_staged(&project, &to.release) {
        return Err(ApiError::new(Code::Conflict, format!("{} is not kept any more", to.release))
            .next("only the last five releases are kept; ask for the change in words instead"));
    }
    let unhealthy = |e: crate::releases::NotStarted| {
        ApiError::new(Code::Conflict, format!("the earlier release does not come up: {e}"))
    };
    crate::releases::start(daemon, &project, &to.release).await.map_err(unhealthy)?;
    let fact = ReleaseRolledBack {
        project: project.clone(),
        from: live.release.clone(),
        to: to.release.clone(),
        why: "you asked for it".into(),
        request: None,
    };
    daemon.decide(Input::RolledBack(fact)).await?;
    crate::releases::switch(daemon, &project, &to.release).await?;
    Ok(Response::Done)
}
