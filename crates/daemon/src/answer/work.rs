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
    pub parts: Vec<api::Part>,
    pub step: Option<StepId>,
    pub channel: Channel,
}

pub async fn ask(daemon: &Daemon, ask: Ask) -> Result<Response, ApiError> {
    let text = clean::text("the request", &ask.text)?;
    wanted(&ask)?;
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

/// Refuses agents that nobody knows. Whether the wishes fit together is the engine's to say.
fn wanted(ask: &Ask) -> Result<(), ApiError> {
    let of_parts = ask.parts.iter().flat_map(|part| &part.agents);
    ask.agent.iter().chain(&ask.race).chain(of_parts).try_for_each(known)
}

fn known(agent: &AgentId) -> Result<(), ApiError> {
    if agents::catalogue().iter().any(|profile| profile.id == *agent) {
        return Ok(());
    }
    let known: Vec<String> = agents::catalogue().iter().map(|p| p.id.to_string()).collect();
    Err(ApiError::new(Code::BadInput, format!("there is no agent {agent}"))
        .next(format!("choose one of {}, or none", known.join(", "))))
}

/// Said to every agent that works at the request now. Who begins later finds it in its brief.
pub async fn steer(daemon: &Daemon, request: RequestId, text: &str) -> Result<Response, ApiError> {
    let text = clean::text("the word to the agent", text)?;
    let (blob, named) = daemon.blob(text.clone())?;
    let said = named.blob.clone();
    daemon.writer.decide(Input::Steer { request: request.clone(), text: named }, vec![blob]).await?;
    let mut told = 0;
    for attempt in daemon.runs.of_request(&request) {
        if let Some(control) = daemon.runs.control(&attempt).filter(|_| daemon.runs.is_news(&attempt, &said))
        {
            told += usize::from(control.send(agents::Control::Steer(text.clone())).await.is_ok());
        }
    }
    Ok(match told {
        0 => Response::Text {
            text: "no agent works at it right now: the next one that does finds this in its brief".into(),
        },
        _ => Response::Done,
    })
}

pub struct Answer {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub asked: String,
    pub option: Option<String>,
    pub text: Option<String>,
}

/// Kept first, then told to the agent. If its run is gone, the next one finds it in its brief.
pub async fn answer(daemon: &Daemon, answer: Answer) -> Result<Response, ApiError> {
    let Answer { request, attempt, asked: ask, option, text } = answer;
    let text = text.map(|text| clean::text("the answer", &text)).transpose()?;
    if option.is_none() && text.is_none() {
        return Err(ApiError::new(Code::BadInput, "the answer is empty").next("choose an option or write it"));
    }
    let (blobs, named) = match text.clone().map(|text| daemon.blob(text)).transpose()? {
        Some((blob, named)) => (vec![blob], Some(named)),
        None => (Vec::new(), None),
    };
    let input = Input::Answer {
        request,
        attempt: attempt.clone(),
        ask: ask.clone(),
        option: option.clone(),
        text: named,
    };
    daemon.writer.decide(input, blobs).await?;
    let told = match daemon.runs.control(&attempt) {
        Some(control) => control.send(agents::Control::Answer { ask, option, text }).await.is_ok(),
        None => false,
    };
    Ok(match told {
        true => Response::Done,
        false => Response::Text {
            text: "the run that asked is gone: the next one finds your answer in its brief".into(),
        },
    })
}

pub async fn hand_over(
    daemon: &Daemon,
    request: RequestId,
    attempt: AttemptId,
    to: Option<AgentId>,
) -> Result<Response, ApiError> {
    to.iter().try_for_each(known)?;
    daemon.decide(Input::HandOver { request, attempt, to }).await?;
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
        // Newest first: the one before is never the one that was just left.
        None => rows.iter().skip_while(|r| r.release != live.release).nth(1),
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
