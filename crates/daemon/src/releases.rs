//! Releases as the daemon handles them: started beside the live one, asked for their health, switched to.

use crate::context::{Daemon, internal};
use deploy::edge::{EdgeConfig, EdgeError, Phase, Refusal, ReleaseSpec};
use engine::Effect;
use protocol::view::RequestView;
use protocol::{ApiError, AttemptId, CommitId, ProjectId, ReleaseId};
use std::collections::BTreeSet;
use tracing::warn;

/// Why a release does not run.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// It does not answer as it should. One line for the diagnosis.
    #[error("{0}")]
    Unhealthy(String),
    /// The machine's doing, such as an edge that was just away: it may be tried again.
    #[error("{0}")]
    Machine(String),
}

/// What the release of an attempt's commit is called.
pub fn name(attempt: &AttemptId, commit: &CommitId) -> Result<ReleaseId, ApiError> {
    let commit = commit.as_str().get(..7).unwrap_or("x");
    ReleaseId::new(format!("{}{commit}", prefix(attempt))).map_err(|e| internal("name the release", e))
}

fn prefix(attempt: &AttemptId) -> String {
    format!("rel-{attempt}-")
}

/// Starts a staged release and waits until its health route answers.
pub async fn start(daemon: &Daemon, project: &ProjectId, release: &ReleaseId) -> Result<(), NotStarted> {
    let plan =
        daemon.yard.start_plan(project, release).await.map_err(|e| NotStarted::Machine(e.to_string()))?;
    let spec = ReleaseSpec {
        release: release.clone(),
        project: project.clone(),
        argv: plan.argv,
        cwd: plan.cwd,
        env: plan.env,
        run_as: daemon.yard.run_as_app,
        socket: Some(daemon.home.app_sockets().join(format!("{release}.sock"))),
        memory_mb: plan.memory_mb,
    };
    daemon.edge.ensure_project(project, None).await.map_err(said)?;
    daemon.edge.start(spec).await.map_err(said)?;
    daemon.edge.health(release, &plan.health_path, plan.health_timeout).await.map_err(said)
}

/// What the edge says of a release, without our own preface.
fn said(e: EdgeError) -> NotStarted {
    match e {
        EdgeError::Refused { why: Refusal::NotHealthy | Refusal::Invalid, says } => {
            NotStarted::Unhealthy(says)
        }
        // Unknown: the edge that was asked to start it is another one now.
        EdgeError::Refused { why: Refusal::Machine | Refusal::Unknown, says } => NotStarted::Machine(says),
        other => NotStarted::Machine(other.to_string()),
    }
}

/// Sends visitors to the release; gives the site's address.
pub async fn switch(daemon: &Daemon, project: &ProjectId, release: &ReleaseId) -> Result<String, ApiError> {
    let port =
        daemon.edge.ensure_project(project, None).await.map_err(|e| internal("open the site's port", e))?;
    daemon.edge.switch(project, release).await.map_err(|e| internal("switch the site", e))?;
    if let Some(server) = &daemon.server {
        let edge = daemon.edge.state().await.map_err(|e| internal("ask the edge", e))?;
        let named = edge.domain_of(project).and_then(|domain| domain.address());
        let by_address = || server.site.clone().filter(|_| edge.front.as_ref() == Some(project));
        if let Some(site) = named.or_else(by_address) {
            return Ok(site);
        }
    }
    Ok(format!("http://127.0.0.1:{port}/"))
}

/// At a request's end: its releases that never went live are ended and removed, such as those of a race's losers, of a part
/// before the last one, and of work that was checked again. Then old releases are removed, but none that still runs: the
/// one before goes on until its last visitor is served.
pub async fn tidy(daemon: &Daemon, project: &ProjectId, of: &RequestView) -> Result<(), ApiError> {
    let prefixes: Vec<String> = of.attempts.iter().map(|attempt| prefix(&attempt.attempt)).collect();
    let is_own = |release: &ReleaseId| prefixes.iter().any(|own| release.as_str().starts_with(own));
    let id = project.clone();
    let rows = daemon.reads.ask(move |r| r.releases(&id)).await?;
    let has_served = |release: &ReleaseId| rows.iter().any(|row| row.release == *release);
    let runs = daemon.edge.state().await.map_err(|e| internal("ask the edge", e))?.releases;
    let visited = |release: &ReleaseId| {
        runs.iter().any(|run| run.release == *release && matches!(run.phase, Phase::Live | Phase::Draining))
    };
    let staged = daemon.yard.staged(project).await.map_err(|e| internal("look at the releases", e))?;
    let known: BTreeSet<&ReleaseId> = runs.iter().map(|run| &run.release).chain(&staged).collect();
    for release in known.into_iter().filter(|id| is_own(id) && !has_served(id) && !visited(id)) {
        daemon.edge.stop(release).await.map_err(|e| internal("end a release", e))?;
        daemon.yard.unstage(project, release).await.map_err(|e| internal("remove a release", e))?;
    }
    let runs = daemon.edge.state().await.map_err(|e| internal("ask the edge", e))?.releases;
    let runs = runs.into_iter().filter(|run| run.phase != Phase::Failed);
    let live = rows.iter().filter(|row| row.live).map(|row| row.release.clone());
    let in_use = runs.map(|run| run.release).chain(live).collect();
    daemon.yard.prune(project, in_use).await.map_err(|e| internal("remove old releases", e))
}

/// Makes the edge serve what the journal says is live, after a crash between the two: a rollback is recorded before it
/// happens. A release that is on its way out is left to its own effect.
pub async fn agree(daemon: &Daemon) -> Result<(), ApiError> {
    let pending = daemon.writer.pending.borrow().clone();
    let switching = |project: &ProjectId| {
        pending.iter().any(|effect| matches!(effect, Effect::Switch { project: of, .. } if of == project))
    };
    let state = daemon.edge.state().await.map_err(|e| internal("ask the edge", e))?;
    for row in daemon.reads.ask(|r| r.projects()).await? {
        let project = row.project;
        let of = project.clone();
        let releases = daemon.reads.ask(move |r| r.releases(&of)).await?;
        let Some(live) = releases.into_iter().find(|row| row.live).map(|row| row.release) else { continue };
        let served = state.projects.iter().find(|site| site.project == project).and_then(|s| s.live.as_ref());
        if served == Some(&live) || switching(&project) || !daemon.yard.is_staged(&project, &live) {
            continue;
        }
        warn!(%project, release = %live, "the site is not what was recorded; it is switched");
        start(daemon, &project, &live).await.map_err(|e| internal("start the release", e))?;
        switch(daemon, &project, &live).await?;
    }
    Ok(())
}

/// The last lines that the release printed.
pub async fn log_tail(daemon: &Daemon, release: &ReleaseId) -> Vec<u8> {
    const TAIL: usize = 64 * 1024;
    let log = EdgeConfig::in_folder(&daemon.home.run()).logs.join(format!("{release}.log"));
    let bytes = tokio::fs::read(log).await.unwrap_or_default();
    bytes.get(bytes.len().saturating_sub(TAIL)..).unwrap_or_default().to_vec()
}
