//! From the checks to the live release.

use super::draft::Draft;
use super::{Look, retry, stale};
use crate::apply::MOVED;
use crate::ids;
use crate::input::Checked;
use crate::rejected::Rejected;
use crate::state::Phase;
use protocol::fact::*;
use protocol::*;

type Facts = Result<Vec<Fact>, Rejected>;

pub fn checked(look: Look, attempt: AttemptId, check: CheckKind, checked: Checked) -> Facts {
    let what = format!("the {}", check.word());
    let open = look.open_at(&attempt, &what)?;
    match &open.phase {
        Phase::Checking { check: pending, .. } if *pending == check => {}
        Phase::Checking { .. }
        | Phase::Queued
        | Phase::Waiting(_)
        | Phase::Briefing
        | Phase::Running { .. }
        | Phase::Landing { .. }
        | Phase::Switching { .. }
        | Phase::Recording { .. } => return Err(stale(&attempt, &what)),
    }
    let mut draft = Draft::new(look, open);
    let Checked { result, log, duration_ms, release, commit, diff, conflict: _ } = checked;
    let (release, commit, diff) = match check {
        CheckKind::Gate => (None, commit, diff),
        CheckKind::Build | CheckKind::Test => (None, None, None),
        CheckKind::Health => match &result {
            CheckResult::Passed => (Some(release.map_or_else(|| ids::release(&attempt), Ok)?), None, None),
            CheckResult::Failed { .. } => (None, None, None),
        },
    };
    let (request, verdict) = (draft.request(), result.clone());
    draft.push(CheckFinished { request, attempt, check, result, log, duration_ms, release, commit, diff });
    match verdict {
        CheckResult::Passed => {}
        CheckResult::Failed { summary, lines } => {
            retry::after_failure(&mut draft, check.word(), summary, lines)?
        }
    }
    draft.done()
}

pub fn landed(look: Look, attempt: AttemptId, commit: CommitId) -> Facts {
    let open = look.open_at(&attempt, "the landing")?;
    match &open.phase {
        Phase::Landing { commit: pending, .. } if *pending == commit => {
            Ok(vec![AttemptLanded { request: open.request.clone(), attempt, commit }.into()])
        }
        Phase::Landing { .. }
        | Phase::Queued
        | Phase::Waiting(_)
        | Phase::Briefing
        | Phase::Running { .. }
        | Phase::Checking { .. }
        | Phase::Switching { .. }
        | Phase::Recording { .. } => Err(stale(&attempt, "the landing")),
    }
}

/// Nothing is wrong with the attempt: what it left goes through all checks again, on top of the moved main branch.
pub fn land_stale(look: Look, attempt: AttemptId) -> Facts {
    let open = look.open_at(&attempt, "the landing")?;
    match &open.phase {
        Phase::Landing { .. } => {
            let mut draft = Draft::new(look, open);
            let summary = "the main branch moved since the checks".to_owned();
            let next = "the same work is checked again on top of it".to_owned();
            retry::diagnose(&mut draft, MOVED, summary, Vec::new(), next);
            draft.done()
        }
        Phase::Queued
        | Phase::Waiting(_)
        | Phase::Briefing
        | Phase::Running { .. }
        | Phase::Checking { .. }
        | Phase::Switching { .. }
        | Phase::Recording { .. } => Err(stale(&attempt, "the landing")),
    }
}

pub fn switched(look: Look, attempt: AttemptId, release: ReleaseId, url: String) -> Facts {
    let open = look.open_at(&attempt, "the switch")?;
    match &open.phase {
        Phase::Switching { commit, release: pending } if *pending == release => {
            let (request, project, commit) = (open.request.clone(), open.project.clone(), commit.clone());
            Ok(vec![ReleaseLive { request, attempt, project, release, commit, url }.into()])
        }
        Phase::Switching { .. }
        | Phase::Queued
        | Phase::Waiting(_)
        | Phase::Briefing
        | Phase::Running { .. }
        | Phase::Checking { .. }
        | Phase::Landing { .. }
        | Phase::Recording { .. } => Err(stale(&attempt, "the switch")),
    }
}
