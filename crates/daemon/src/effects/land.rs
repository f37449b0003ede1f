//! Stage 6, second half: land the change on the main branch, then let visitors reach the new release.

use crate::context::{Daemon, internal};
use crate::shell::Report;
use deploy::LandOutcome;
use engine::Input;
use protocol::{ApiError, AttemptId, CommitId, ProjectId, ReleaseId};

pub async fn land(
    daemon: &Daemon,
    project: &ProjectId,
    attempt: &AttemptId,
    commit: &CommitId,
) -> Result<Report, ApiError> {
    let _main = daemon.repository.lock().await;
    let outcome = daemon.yard.land(project, commit).await.map_err(|e| internal("land the change", e))?;
    Ok(match outcome {
        LandOutcome::Landed => Input::Landed { attempt: attempt.clone(), commit: commit.clone() }.into(),
        LandOutcome::Stale => Input::LandStale { attempt: attempt.clone() }.into(),
    })
}

pub async fn switch(
    daemon: &Daemon,
    project: &ProjectId,
    attempt: &AttemptId,
    release: &ReleaseId,
) -> Result<Report, ApiError> {
    // After a crash the staged release may not run any more: it is started again before visitors are sent to it.
    crate::releases::start(daemon, project, release).await.map_err(|e| internal("start the release", e))?;
    let url = crate::releases::switch(daemon, project, release).await?;
    Ok(Input::Switched { attempt: attempt.clone(), release: release.clone(), url }.into())
}
