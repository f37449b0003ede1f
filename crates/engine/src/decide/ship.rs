//! From the checks to the live release.

use super::draft::Draft;
use super::retry::Failure;
use super::{Look, retry, stale};
use crate::apply::{CONFLICT, MOVED};
use crate::ids;
use crate::input::Checked;
use crate::rejected::Rejected;
use crate::state::{Open, Phase, Stand};
use protocol::fact::*;
use protocol::*;

type Facts = Result<Vec<Fact>, Rejected>;

pub fn checked(look: Look, attempt: AttemptId, check: CheckKind, checked: Checked) -> Facts {
    let what = format!("the {}", check.word());
    let (open, lane) = look.open_at(&attempt, &what)?;
    let is_pending = match open.lanes.get(lane).map(|lane| &lane.at) {
        Some(Stand::Checking { check: pending, .. }) => *pending == check,
        Some(
            Stand::Idle
            | Stand::Briefing
            | Stand::Running { .. }
            | Stand::Proven { .. }
            | Stand::Landing { .. }
            | Stand::Landed { .. }
            | Stand::Out { .. }
            | Stand::Cancelled,
        )
        | None => false,
    };
    if !is_pending {
        return Err(stale(&attempt, &what));
    }
    let mut draft = Draft::new(look, open);
    let Checked { result, log, duration_ms, release, commit, diff, conflict } = checked;
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
            let conflict = conflict && check == CheckKind::Gate;
            if conflict {
                // The diagnosis says so too, but it comes after the choice that depends on it.
                draft.open.conflict(lane);
            }
            let what = if conflict { CONFLICT } else { check.word() };
            retry::after_failure(&mut draft, lane, Failure { what: what.to_owned(), summary, lines })?;
        }
    }
    draft.done()
}

/// The commit that is to land, if the lane is landing.
fn landing(open: &Open, lane: usize) -> Option<&CommitId> {
    match open.lanes.get(lane).map(|lane| &lane.at) {
        Some(Stand::Landing { commit, .. }) => Some(commit),
        Some(
            Stand::Idle
            | Stand::Briefing
            | Stand::Running { .. }
            | Stand::Checking { .. }
            | Stand::Proven { .. }
            | Stand::Landed { .. }
            | Stand::Out { .. }
            | Stand::Cancelled,
        )
        | None => None,
    }
}

pub fn landed(look: Look, attempt: AttemptId, commit: CommitId) -> Facts {
    let (open, lane) = look.open_at(&attempt, "the landing")?;
    if landing(open, lane) != Some(&commit) {
        return Err(stale(&attempt, "the landing"));
    }
    let mut draft = Draft::new(look, open);
    draft.push(AttemptLanded { request: open.request.clone(), attempt, commit });
    draft.done()
}

/// Nothing is wrong with the attempt: what it left goes through all checks again, on top of the moved main branch.
pub fn land_stale(look: Look, attempt: AttemptId) -> Facts {
    let (open, lane) = look.open_at(&attempt, "the landing")?;
    if landing(open, lane).is_none() {
        return Err(stale(&attempt, "the landing"));
    }
    let mut draft = Draft::new(look, open);
    let summary = "the main branch moved since the checks".to_owned();
    let next = match open.cancelled {
        false => "the same work is checked again on top of it".to_owned(),
        true => "you cancelled it, so it does not land".to_owned(),
    };
    let failure = Failure { what: MOVED.to_owned(), summary, lines: Vec::new() };
    retry::diagnose(&mut draft, lane, failure, next);
    draft.done()
}

pub fn switched(look: Look, attempt: AttemptId, release: ReleaseId, url: String) -> Facts {
    let (open, _) = look.open_at(&attempt, "the switch")?;
    let due = look.state.to_ship(open).filter(|_| open.phase == Phase::Switching);
    match due {
        Some((own, pending, commit)) if own == attempt && pending == release => {
            let (request, project) = (open.request.clone(), open.project.clone());
            Ok(vec![ReleaseLive { request, attempt, project, release, commit, url }.into()])
        }
        Some(_) | None => Err(stale(&attempt, "the switch")),
    }
}
