//! The control API: one exhaustive match over everything that may be asked. Every face of the daemon ends up here.

mod instructions;
mod project;
mod work;

use crate::context::{Daemon, hold, internal};
use engine::{Input, Rejected};
use protocol::view::{AgentRow, Hello, Home, NoteRow, RequestView};
use protocol::*;
use std::sync::Arc;

/// Rows of a list where the caller names no limit, and the most that are given at once.
const PAGE: u32 = 100;
const MOST: u32 = 1000;

fn page(limit: Option<u32>) -> u32 {
    limit.unwrap_or(PAGE).clamp(1, MOST)
}

pub async fn answer(daemon: &Arc<Daemon>, request: Request) -> Result<Response, ApiError> {
    use Request::*;
    match request {
        Hello => Ok(Response::Hello(hello(daemon).await?)),
        Home => home(daemon).await,
        Ask { client, text, project, agent, step, channel } => {
            work::ask(daemon, work::Ask { client, text, project, agent, step, channel }).await
        }
        Requests { project, limit } => {
            let rows = daemon.reads.ask(move |r| r.requests(project.as_ref(), page(limit))).await?;
            Ok(Response::Requests { rows })
        }
        Show { request } => Ok(Response::Show(Box::new(show(daemon, &request).await?))),
        Cancel { request } => done(daemon, Input::Cancel { request }).await,
        Steer { request, text } => work::steer(daemon, request, &text).await,
        Retry { request } => {
            daemon.readiness.refresh(&daemon.setup, true).await;
            done(daemon, Input::Retry { request, because: "you asked for another look".into() }).await
        }
        Journal { after, limit } => {
            let limit = limit.unwrap_or(MOST).min(20_000);
            let read = daemon.reads.ask(move |r| Ok((r.entries(after, limit)?, r.head()?.0)));
            let (entries, head) = read.await?;
            Ok(Response::Journal { entries, head })
        }
        VerifyJournal => {
            let (found, journal) = daemon.reads.ask(|r| Ok((r.verify()?, r.id()?))).await?;
            let journal::Verified { entries, head_hash, problems } = found;
            Ok(Response::Verified { journal, entries, head_hash, problems })
        }
        Deployments { project, filter, limit } => {
            let read =
                daemon.reads.ask(move |r| r.deployments(project.as_ref(), filter.as_deref(), page(limit)));
            Ok(Response::Deployments { rows: read.await? })
        }
        Rate { deployment, rating } => done(daemon, Input::Rate { deployment, rating }).await,
        Rollback { project, release } => work::rollback(daemon, project, release).await,
        Releases { project } => work::releases(daemon, project).await,
        Steps { project } => {
            let project = daemon.project_or_active(project).await?;
            let (planned, completed) = daemon.reads.ask(move |r| r.steps(&project)).await?;
            Ok(Response::Steps { planned, completed })
        }
        PlanStep { project, title, text } => project::plan_step(daemon, project, &title, &text).await,
        DropStep { step } => project::drop_step(daemon, step).await,
        Notes { project, limit } => {
            let project = daemon.project_or_active(project).await?;
            let rows = daemon.reads.ask(move |r| r.notes(&project, page(limit))).await?;
            Ok(Response::Notes { rows })
        }
        Recall { project, query, limit } => recall(daemon, project, &query, limit).await,
        Push { project, kind, title, text } => project::push(daemon, project, kind, &title, &text).await,
        Forget { note } => done(daemon, Input::Forget { note }).await,
        Agents { fresh } => Ok(Response::Agents { rows: agents(daemon, fresh).await? }),
        Instructions { project } => instructions::list(daemon, project).await,
        ReadInstruction { project, path, at } => instructions::read(daemon, project, &path, at).await,
        WriteInstruction { project, path, text, base } => {
            instructions::write(daemon, project, &path, &text, &base).await
        }
        Projects => Ok(Response::Projects { rows: daemon.reads.ask(|r| r.projects()).await? }),
        CreateProject { name, starter } => project::create(daemon, &name, &starter).await,
        ActivateProject { project } => done(daemon, Input::Activate { project }).await,
        Transcript { attempt, after, limit } => {
            let limit = page(limit);
            let read = daemon
                .reads
                .ask(move |r| Ok((r.transcript(&attempt, after, limit)?, r.transcript_head(&attempt)?)));
            let (lines, head) = read.await?;
            Ok(Response::Transcript { lines, head })
        }
        Text { blob } => text(daemon, blob).await,
        Diff { attempt } => work::diff(daemon, attempt).await,
        Doctor => Ok(Response::Doctor { rows: crate::doctor::examine(daemon).await }),
    }
}

async fn done(daemon: &Daemon, input: Input) -> Result<Response, ApiError> {
    daemon.decide(input).await?;
    Ok(Response::Done)
}

pub async fn hello(daemon: &Daemon) -> Result<Hello, ApiError> {
    let (journal, head) = daemon.reads.ask(|r| Ok((r.id()?, r.head()?.0))).await?;
    Ok(Hello {
        daemon: env!("CARGO_PKG_VERSION").into(),
        api: API_VERSION,
        journal,
        head,
        host: daemon.host.clone(),
        local: daemon.local,
    })
}

async fn home(daemon: &Daemon) -> Result<Response, ApiError> {
    let hello = hello(daemon).await?;
    let active = daemon.active_project().await?;
    let of = active.clone();
    let read = daemon.reads.ask(move |r| Ok((r.projects()?, r.requests(Some(&of), 30)?)));
    let (projects, requests) = read.await?;
    let running = requests
        .iter()
        .rev()
        .find(|r| matches!(r.status, view::Status::Running { .. } | view::Status::Cancelling));
    let current = match running.or(requests.first()).map(|r| r.request.clone()) {
        Some(request) => Some(show(daemon, &request).await?),
        None => None,
    };
    let agents = agents(daemon, false).await?;
    let disk_full = *daemon.writer.disk_full.borrow();
    Ok(Response::Home(Box::new(Home { hello, projects, active, requests, current, agents, disk_full })))
}

async fn show(daemon: &Daemon, request: &RequestId) -> Result<RequestView, ApiError> {
    let id = request.clone();
    let view = daemon.reads.ask(move |r| r.show(&id)).await?;
    let mut view = view.ok_or_else(|| {
        ApiError::new(Code::NotFound, format!("there is no request {request}"))
            .next("see `loopwrightd requests`")
    })?;
    view.preview = daemon.previews.address(request);
    Ok(view)
}

async fn agents(daemon: &Daemon, fresh: bool) -> Result<Vec<AgentRow>, ApiError> {
    if fresh {
        daemon.readiness.refresh(&daemon.setup, true).await;
        daemon.nudge();
    }
    let states = daemon.agents_now().await?;
    let record = daemon.reads.ask(|r| r.agent_record()).await?;
    let probed = daemon.readiness.probed_at();
    let rows = states.into_iter().zip(agents::catalogue()).map(|(state, profile)| {
        let (runs, live) = record
            .iter()
            .find(|(agent, ..)| *agent == state.agent)
            .map_or((0, 0), |(_, runs, live)| (*runs, *live));
        AgentRow {
            agent: state.agent,
            title: profile.title.into(),
            readiness: state.readiness,
            probed,
            runs,
            live,
        }
    });
    Ok(rows.collect())
}

async fn recall(
    daemon: &Daemon,
    project: Option<ProjectId>,
    query: &str,
    limit: Option<u32>,
) -> Result<Response, ApiError> {
    let project = daemon.project_or_active(project).await?;
    let hits = {
        let memory = hold(&daemon.writer.memory);
        memory
            .recall(&project, query, page(limit.or(Some(20))) as usize)
            .map_err(|e| internal("recall from memory", e))?
    };
    let read = daemon.reads.ask(move |r| {
        let mut rows = Vec::new();
        for hit in hits {
            if let Some(note) = r.note(&hit.note)? {
                rows.push(NoteRow { score: Some(hit.score), why: Some(hit.why), ..note });
            }
        }
        Ok(rows)
    });
    Ok(Response::Recalled { rows: read.await? })
}

async fn text(daemon: &Daemon, blob: BlobId) -> Result<Response, ApiError> {
    let bytes = daemon.reads.ask(move |r| r.blob(&blob)).await?;
    let bytes = bytes.ok_or_else(|| ApiError::new(Code::NotFound, "this text is not kept any more"))?;
    Ok(Response::Text { text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// A rejection in the words of the API.
pub fn rejected(rejected: &Rejected) -> ApiError {
    let text = rejected.to_string();
    let code = match rejected {
        Rejected::UnknownRequest { .. }
        | Rejected::UnknownProject { .. }
        | Rejected::UnknownAttempt { .. }
        | Rejected::UnknownDeployment { .. }
        | Rejected::UnknownNote { .. }
        | Rejected::UnknownStep { .. } => Code::NotFound,
        Rejected::BadRating { .. } => Code::BadInput,
        _ => Code::Conflict,
    };
    ApiError::new(code, text)
}
