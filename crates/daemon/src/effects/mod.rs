//! Carrying out effects: one file each. Every one is idempotent or fenced by its attempt, since it may be started again
//! after a crash at any moment.

mod brief;
mod check;
mod land;
pub mod orient;
mod record;
mod run;

use crate::context::{Daemon, internal};
use crate::shell::Report;
use engine::{Effect, Input};
use protocol::ApiError;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Tries of an effect that fails for the machine's reasons, and the pause before the second one (doubled each time).
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(250);

/// Carries an effect out and says what it came to. `None`: nothing to report, because the report comes another way.
pub async fn carry_out(daemon: &Arc<Daemon>, effect: &Effect) -> Option<Report> {
    if let Effect::StopAgent { attempt, why, .. } = effect {
        return run::stop_agent(daemon, attempt, *why).await;
    }
    // An agent's run is not begun twice under one name: the engine makes a new attempt of it.
    let tries = if matches!(effect, Effect::RunAgent(_)) { 1 } else { TRIES };
    let mut pause = PAUSE;
    for _ in 1..tries {
        match once(daemon, effect).await {
            Ok(report) => return Some(report),
            Err(e) => warn!(error = %e, "an effect failed; it is tried again"),
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    let report = once(daemon, effect).await;
    Some(report.unwrap_or_else(|e| Input::EffectFailed { effect: effect.id(), reason: e.message }.into()))
}

async fn once(daemon: &Arc<Daemon>, effect: &Effect) -> Result<Report, ApiError> {
    match effect {
        Effect::Orient { request, project } => orient::orient(daemon, request, project).await,
        Effect::Brief { request, project, task, attempt, goes_on, .. } => {
            let of = brief::Wanted { request, project, task, attempt, goes_on: goes_on.as_ref() };
            brief::brief(daemon, &of).await
        }
        Effect::RunAgent(run) => run::run_agent(daemon, run).await,
        // Has no report of its own, so it is handled before.
        Effect::StopAgent { attempt, .. } => Err(internal("stop the agent", attempt.to_string())),
        Effect::Check { project, attempt, bench, check, commit, .. } => {
            check::check(daemon, &check::Of { project, attempt, bench, commit }, *check).await
        }
        Effect::Land { project, attempt, commit, .. } => land::land(daemon, project, attempt, commit).await,
        Effect::Switch { project, attempt, release, .. } => {
            land::switch(daemon, project, attempt, release).await
        }
        Effect::Record { request, project, outcome, why } => {
            let recorded = record::record(daemon, request, project, *outcome, why).await;
            tokio::spawn(forget_packages(daemon.clone()));
            recorded
        }
        Effect::Wake { request, task, at } => wake(request, task.as_ref(), *at).await,
    }
}

/// Removes packages that nothing uses any more. Nobody waits for it.
pub async fn forget_packages(daemon: Arc<Daemon>) {
    match daemon.yard.prune_deps(std::time::SystemTime::now()).await {
        Ok(gone) if gone.is_empty() => {}
        Ok(gone) => info!(folders = gone.len(), "packages that nothing used were removed"),
        Err(e) => warn!(error = %e, "failed to remove packages that nothing uses"),
    }
}

async fn wake(
    request: &protocol::RequestId,
    task: Option<&protocol::TaskId>,
    at: protocol::At,
) -> Result<Report, ApiError> {
    let wait = at.since(crate::names::now());
    tokio::time::sleep(Duration::from_millis(wait)).await;
    Ok(Input::Retry {
        request: request.clone(),
        task: task.cloned(),
        because: "the time it waited for has come".into(),
    }
    .into())
}
