//! Carrying out effects: one file each. Every one is idempotent or fenced by its attempt, since it may be started again
//! after a crash at any moment.

mod brief;
mod check;
mod land;
pub mod orient;
mod record;
mod run;

use crate::context::Daemon;
use crate::shell::Report;
use engine::{Effect, Input};
use protocol::ApiError;
use std::sync::Arc;

/// Carries an effect out and says what it came to. `None`: nothing to report, because the report comes another way.
pub async fn carry_out(daemon: &Arc<Daemon>, effect: &Effect) -> Option<Report> {
    let outcome = match effect {
        Effect::Orient { request, project } => orient::orient(daemon, request, project).await,
        Effect::Brief { request, project, attempt, .. } => brief::brief(daemon, request, project, attempt).await,
        Effect::RunAgent { request, project, attempt, agent, from } => {
            run::run_agent(daemon, &run::Run { request, project, attempt, agent, from }).await
        }
        Effect::StopAgent { attempt, .. } => return run::stop_agent(daemon, attempt).await,
        Effect::Check { project, attempt, check, commit, .. } => check::check(daemon, project, attempt, *check, commit).await,
        Effect::Land { project, attempt, commit, .. } => land::land(daemon, project, attempt, commit).await,
        Effect::Switch { project, attempt, release, .. } => land::switch(daemon, project, attempt, release).await,
        Effect::Record { request, project, outcome, why } => record::record(daemon, request, project, *outcome, why).await,
        Effect::Wake { request, at } => wake(request, *at).await,
    };
    Some(outcome.unwrap_or_else(|e: ApiError| Input::EffectFailed { effect: effect.id(), reason: e.message }.into()))
}

async fn wake(request: &protocol::RequestId, at: protocol::At) -> Result<Report, ApiError> {
    let wait = at.since(crate::names::now());
    tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
    Ok(Input::Retry { request: request.clone(), because: "the time it waited for has come".into() }.into())
}
