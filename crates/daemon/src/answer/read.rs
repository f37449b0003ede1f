//! Answers that are read from the journal, from memory and from what runs; none of them changes anything but the age of
//! the probes.

use crate::context::Daemon;
use mirror::rows;
use protocol::view::{Hello, Home, RequestView};
use protocol::*;

/// Entries of the journal are asked for by mirrors, in bigger portions.
const MOST_ENTRIES: u32 = 20_000;

pub(super) async fn hello(daemon: &Daemon) -> Result<Hello, ApiError> {
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

pub(super) async fn home(daemon: &Daemon) -> Result<Response, ApiError> {
    let hello = hello(daemon).await?;
    let active = daemon.active_project().await?;
    let of = active.clone();
    let read = daemon.reads.ask(move |r| Ok((r.projects()?, r.requests(Some(&of), rows::HOME)?)));
    let (projects, requests) = read.await?;
    let current = match rows::shown(&requests).map(|row| row.request.clone()) {
        Some(request) => Some(show(daemon, &request).await?),
        None => None,
    };
    let agents = super::agents::rows(daemon, false).await?;
    let disk_full = *daemon.writer.disk_full.borrow();
    Ok(Response::Home(Box::new(Home { hello, projects, active, requests, current, agents, disk_full })))
}

pub(super) async fn requests(
    daemon: &Daemon,
    project: Option<ProjectId>,
    limit: Option<u32>,
) -> Result<Response, ApiError> {
    let rows = daemon.reads.ask(move |r| r.requests(project.as_ref(), rows::page(limit))).await?;
    Ok(Response::Requests { rows })
}

pub(super) async fn show(daemon: &Daemon, request: &RequestId) -> Result<RequestView, ApiError> {
    let id = request.clone();
    let view = daemon.reads.ask(move |r| r.show(&id)).await?;
    let mut view = view.ok_or_else(|| {
        ApiError::new(Code::NotFound, format!("there is no request {request}"))
            .next("see `loopwrightd requests`")
    })?;
    view.preview = daemon.previews.address(request);
    crate::prices::of_view(&daemon.settings.prices, &mut view);
    Ok(view)
}

pub(super) async fn journal(daemon: &Daemon, after: u64, limit: Option<u32>) -> Result<Response, ApiError> {
    let limit = limit.unwrap_or(rows::MOST).min(MOST_ENTRIES);
    let read = daemon.reads.ask(move |r| Ok((r.entries(after, limit)?, r.head()?.0)));
    let (entries, head) = read.await?;
    Ok(Response::Journal { entries, head })
}

pub(super) async fn verify(daemon: &Daemon) -> Result<Response, ApiError> {
    let (found, journal) = daemon.reads.ask(|r| Ok((r.verify()?, r.id()?))).await?;
    let journal::Verified { entries, head_hash, problems } = found;
    Ok(Response::Verified { journal, entries, head_hash, problems })
}

pub(super) async fn deployments(
    daemon: &Daemon,
    project: Option<ProjectId>,
    filter: Option<String>,
    limit: Option<u32>,
) -> Result<Response, ApiError> {
    let read =
        daemon.reads.ask(move |r| r.deployments(project.as_ref(), filter.as_deref(), rows::page(limit)));
    let mut rows = read.await?;
    rows.iter_mut().for_each(|row| crate::prices::of_row(&daemon.settings.prices, row));
    Ok(Response::Deployments { rows })
}

pub(super) async fn steps(daemon: &Daemon, project: Option<ProjectId>) -> Result<Response, ApiError> {
    let project = daemon.project_or_active(project).await?;
    let (planned, completed) = daemon.reads.ask(move |r| r.steps(&project)).await?;
    Ok(Response::Steps { planned, completed })
}

pub(super) async fn transcript(
    daemon: &Daemon,
    attempt: AttemptId,
    after: u64,
    limit: Option<u32>,
) -> Result<Response, ApiError> {
    let limit = rows::page(limit);
    let read =
        daemon.reads.ask(move |r| Ok((r.transcript(&attempt, after, limit)?, r.transcript_head(&attempt)?)));
    let (lines, head) = read.await?;
    Ok(Response::Transcript { lines, head })
}

pub(super) async fn text(daemon: &Daemon, blob: BlobId) -> Result<Response, ApiError> {
    let bytes = daemon.reads.ask(move |r| r.blob(&blob)).await?;
    let bytes = bytes.ok_or_else(|| ApiError::new(Code::NotFound, "this text is not kept any more"))?;
    Ok(Response::Text { text: String::from_utf8_lossy(&bytes).into_owned() })
}
