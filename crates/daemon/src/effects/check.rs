//! Stage 6, first half: the gate, the build, the tests and the health check. Only these say whether the work is good.

use crate::context::{Daemon, internal};
use crate::releases::NotStarted;
use crate::shell::Report;
use deploy::{CheckOutcome, GateOutcome};
use engine::Input;
use engine::input::Checked;
use protocol::fact::{CheckKind, CheckResult, DiffStat};
use protocol::{ApiError, AttemptId, CommitId, ProjectId, ReleaseId, clean};
use std::time::Instant;

/// What is checked: `commit`, which `attempt` left, built on `bench`.
pub struct Of<'a> {
    pub project: &'a ProjectId,
    pub attempt: &'a AttemptId,
    pub bench: &'a AttemptId,
    pub commit: &'a CommitId,
}

pub async fn check(daemon: &Daemon, of: &Of<'_>, check: CheckKind) -> Result<Report, ApiError> {
    let Of { project, attempt, bench, commit } = of;
    let clock = Instant::now();
    let found = match check {
        CheckKind::Gate => gate(daemon, project, attempt, commit).await?,
        CheckKind::Build | CheckKind::Test => {
            let outcome = daemon.yard.check(project, bench, check, commit).await;
            Found::from(outcome.map_err(|e| internal(check.word(), e))?)
        }
        CheckKind::Health => health(daemon, of).await?,
    };
    let duration_ms = u64::try_from(clock.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (blobs, log) =
        match found.log.filter(|log| !log.is_empty()).map(|log| daemon.blob(log)).transpose()? {
            Some((blob, named)) => (vec![blob], Some(named)),
            None => (Vec::new(), None),
        };
    let Found { result, release, commit, diff, conflict, .. } = found;
    let checked = Checked { result, log, duration_ms, release, commit, diff, conflict };
    Ok(Report { input: Input::Checked { attempt: (*attempt).clone(), check, checked }, blobs })
}

struct Found {
    result: CheckResult,
    log: Option<Vec<u8>>,
    release: Option<ReleaseId>,
    commit: Option<CommitId>,
    diff: Option<DiffStat>,
    conflict: bool,
}

impl From<CheckOutcome> for Found {
    fn from(outcome: CheckOutcome) -> Self {
        let result = if outcome.passed {
            CheckResult::Passed
        } else {
            CheckResult::Failed { summary: clean::line(&outcome.summary, 300), lines: outcome.lines }
        };
        Self { result, log: Some(outcome.log), release: None, commit: None, diff: None, conflict: false }
    }
}

fn failed(summary: String, lines: Vec<String>) -> Found {
    Found {
        result: CheckResult::Failed { summary, lines },
        log: None,
        release: None,
        commit: None,
        diff: None,
        conflict: false,
    }
}

async fn gate(
    daemon: &Daemon,
    project: &ProjectId,
    attempt: &AttemptId,
    commit: &CommitId,
) -> Result<Found, ApiError> {
    let outcome =
        daemon.yard.gate(project, attempt, commit).await.map_err(|e| internal("read the change", e))?;
    Ok(match outcome {
        GateOutcome::Passed { commit, diff } => Found {
            result: CheckResult::Passed,
            log: None,
            release: None,
            commit: Some(commit),
            diff: Some(diff),
            conflict: false,
        },
        GateOutcome::Refused { violations, cleaned } => {
            let lines: Vec<String> =
                violations.iter().take(40).map(|v| format!("{}: {}", v.path, v.why)).collect();
            let first = lines.first().cloned().unwrap_or_default();
            let more = if violations.len() > 1 {
                format!(" (and {} more)", violations.len() - 1)
            } else {
                String::new()
            };
            Found { commit: cleaned, ..failed(clean::line(&format!("{first}{more}"), 300), lines) }
        }
        GateOutcome::Conflict { lines, commit } => Found {
            commit: Some(commit),
            conflict: true,
            ..failed("the main branch says something else in the same places".into(), lines)
        },
    })
}

/// Stages the release, starts it beside the live one and asks its health route. Visitors still see the old one.
async fn health(daemon: &Daemon, of: &Of<'_>) -> Result<Found, ApiError> {
    let Of { project, attempt, bench, commit } = of;
    let release = crate::releases::name(attempt, commit)?;
    match daemon.yard.stage(project, bench, &release, commit).await {
        Ok(_) => {}
        Err(e) if e.is_of_the_work() => {
            return Ok(failed(clean::line(&format!("cannot {e}"), 300), Vec::new()));
        }
        Err(e) => return Err(internal("stage the release", e)),
    }
    match crate::releases::start(daemon, project, &release).await {
        Ok(()) => Ok(Found {
            result: CheckResult::Passed,
            log: None,
            release: Some(release),
            commit: None,
            diff: None,
            conflict: false,
        }),
        Err(e @ NotStarted::Machine(_)) => Err(internal("start the release", e)),
        Err(NotStarted::Unhealthy(e)) => {
            let log = crate::releases::log_tail(daemon, &release).await;
            let _ = daemon.edge.stop(&release).await;
            if let Err(e) = daemon.yard.unstage(project, &release).await {
                tracing::warn!(error = %e, %release, "failed to remove a release that did not come up");
            }
            let lines =
                String::from_utf8_lossy(&log).lines().rev().take(40).map(str::to_owned).collect::<Vec<_>>();
            let mut found = failed(clean::line(&e, 300), lines.into_iter().rev().collect());
            found.log = Some(log);
            Ok(found)
        }
    }
}
