//! The state and the ladder, of what was seen now and of what the journal tells. Both come from one place, so that they
//! cannot disagree.

use super::{Accepted, Credential, Installed, Seen};
use crate::profile;
use protocol::At;
use protocol::fact::{AttemptEnd, Readiness};
use protocol::view::{Proven, Rung, RungRow};

/// A quota that is gone without a word of when it comes back is tried again after this time.
const UNKNOWN_QUOTA_MS: i64 = 60 * 60 * 1000;

/// What the journal and the daemon know of an agent's real turns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// When a turn last came to its own end.
    pub worked: Option<At>,
    /// The last run that says something of the account: it worked, was refused, or had no quota.
    pub last: Option<(At, AttemptEnd)>,
    /// When the user last signed it in or gave it a key.
    pub renewed: Option<At>,
}

/// How ready an agent is, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    pub readiness: Readiness,
    /// Each rung, the lowest first.
    pub ladder: Vec<RungRow>,
    /// When this changes by itself, such as when a quota comes back.
    pub until: Option<At>,
}

/// What the last turn says against the account.
enum Sideways {
    Refused { at: At, reason: String },
    QuotaGone { until: Option<At>, ends: At },
}

/// `busy`: no run may start on its account now.
pub fn judge(seen: &Seen, past: &Past, now: At, busy: bool) -> Judged {
    let sideways = sideways(seen, past, now);
    let until = match &sideways {
        Some(Sideways::QuotaGone { ends, .. }) => Some(*ends),
        Some(Sideways::Refused { .. }) | None => None,
    };
    let ladder =
        vec![installed(seen), credentials(seen), accepted(seen), worked(seen, past, sideways.as_ref())];
    Judged { readiness: readiness(seen, past, sideways, busy), ladder, until }
}

fn readiness(seen: &Seen, past: &Past, sideways: Option<Sideways>, busy: bool) -> Readiness {
    let profile = profile::find(&seen.agent);
    if profile.is_some_and(|profile| profile.practice) {
        return Readiness::Practice;
    }
    let next = || profile.map_or_else(String::new, |profile| profile.account.next.to_owned());
    let broken = |reason: &str| {
        let again = "press \"look again\"; if that does not help, install it again".to_owned();
        Readiness::Broken { reason: reason.to_owned(), next: again }
    };
    let version = match &seen.installed {
        Installed::Missing { next } => return Readiness::Missing { next: next.clone() },
        Installed::Broken { reason } => return broken(reason),
        Installed::Yes { version, .. } => version.clone(),
    };
    match &seen.accepted {
        Accepted::NotAsked => return broken("nobody could be asked whether it is signed in"),
        Accepted::Unclear { reason } => return broken(reason),
        Accepted::No { .. } if seen.credentials.is_empty() => {
            return Readiness::SignedOut { version, next: next() };
        }
        Accepted::No { reason, .. } => {
            return Readiness::Stale { version, reason: reason.clone(), next: next() };
        }
        Accepted::Yes { .. } => {}
    }
    match (sideways, proof(seen, past)) {
        (Some(Sideways::Refused { at, reason }), _) => {
            Readiness::Refused { version, at, reason, next: next() }
        }
        (Some(Sideways::QuotaGone { until, .. }), _) => Readiness::QuotaGone { version, until },
        (None, _) if busy => Readiness::Busy { version },
        (None, Some(at)) => Readiness::Worked { version, at },
        (None, None) => Readiness::SignedIn { version },
    }
}

/// When the account worked. A turn that was made before a key was given says nothing of that key.
fn proof(seen: &Seen, past: &Past) -> Option<At> {
    past.worked.filter(|worked| renewed(seen, past).is_none_or(|renewed| *worked >= renewed))
}

fn renewed(seen: &Seen, past: &Past) -> Option<At> {
    seen.key_set.max(past.renewed)
}

fn sideways(seen: &Seen, past: &Past, now: At) -> Option<Sideways> {
    let (at, end) = past.last.as_ref()?;
    let newer = |moment: Option<At>| moment.is_some_and(|moment| moment > *at);
    if newer(renewed(seen, past)) {
        return None;
    }
    match end {
        AttemptEnd::SignedOut { reason } => {
            // Programs write new tokens into the same file: that is a new account's chance, too.
            let changed = seen.credentials.iter().filter_map(|credential| credential.changed).max();
            (!newer(changed)).then(|| Sideways::Refused { at: *at, reason: reason.clone() })
        }
        AttemptEnd::QuotaGone { until } => {
            let ends = until.unwrap_or(At(at.0.saturating_add(UNKNOWN_QUOTA_MS)));
            (now < ends).then_some(Sideways::QuotaGone { until: *until, ends })
        }
        AttemptEnd::TurnEnded
        | AttemptEnd::Cancelled
        | AttemptEnd::Silent { .. }
        | AttemptEnd::TooLong { .. }
        | AttemptEnd::Asked { .. }
        | AttemptEnd::Stuck { .. }
        | AttemptEnd::OverLimit { .. }
        | AttemptEnd::HandedOver
        | AttemptEnd::Failed { .. }
        | AttemptEnd::Lost => None,
    }
}

fn row(rung: Rung, proven: Proven, at: Option<At>, how: impl Into<String>) -> RungRow {
    RungRow { rung, proven, at, how: how.into() }
}

fn installed(seen: &Seen) -> RungRow {
    let at = Some(seen.at);
    match &seen.installed {
        Installed::Yes { how, .. } => row(Rung::Installed, Proven::Yes, at, how.as_str()),
        Installed::Missing { next } => row(Rung::Installed, Proven::No, at, next.as_str()),
        Installed::Broken { reason } => row(Rung::Installed, Proven::Unknown, at, reason.as_str()),
    }
}

fn credentials(seen: &Seen) -> RungRow {
    let at = Some(seen.at);
    if !seen.credentials.is_empty() {
        let names: Vec<String> = seen.credentials.iter().map(present).collect();
        let how = format!("{}; this alone does not mean that they are good", names.join(", "));
        return row(Rung::Credentials, Proven::Yes, at, how);
    }
    match &seen.accepted {
        Accepted::Yes { how } => {
            let how = format!("none where we look, but its program has what it needs ({how})");
            row(Rung::Credentials, Proven::Unknown, at, how)
        }
        Accepted::No { .. } | Accepted::Unclear { .. } | Accepted::NotAsked => {
            row(Rung::Credentials, Proven::No, at, "none of its files and variables is there")
        }
    }
}

fn present(credential: &Credential) -> String {
    match credential.changed {
        Some(_) => format!("{} is there, unopened", credential.name),
        None => format!("{} is set", credential.name),
    }
}

fn accepted(seen: &Seen) -> RungRow {
    let at = Some(seen.at);
    match &seen.accepted {
        Accepted::Yes { how } => row(Rung::Accepted, Proven::Yes, at, how.as_str()),
        Accepted::No { how, reason } => row(Rung::Accepted, Proven::No, at, format!("{how}: {reason}")),
        Accepted::Unclear { reason } => row(Rung::Accepted, Proven::Unknown, at, reason.as_str()),
        Accepted::NotAsked => row(Rung::Accepted, Proven::Unknown, None, "there is no program to ask"),
    }
}

fn worked(seen: &Seen, past: &Past, sideways: Option<&Sideways>) -> RungRow {
    if let Some(Sideways::Refused { at, reason }) = sideways {
        let how = format!("the service refused its last turn: {reason}");
        return row(Rung::Worked, Proven::No, Some(*at), how);
    }
    match (proof(seen, past), past.worked) {
        (Some(at), _) => row(Rung::Worked, Proven::Yes, Some(at), "a turn came to its end"),
        (None, Some(at)) => row(
            Rung::Worked,
            Proven::Unknown,
            Some(at),
            "the last turn was made with an account before this one",
        ),
        (None, None) => row(Rung::Worked, Proven::Unknown, None, "no turn was made yet"),
    }
}
