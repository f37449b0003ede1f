//! The policy's reasons, in words a user understands.

use super::Question;
use crate::state::{TrackRecord, Trouble};
use protocol::AgentId;
use protocol::fact::*;

impl Question<'_> {
    /// Why `best` was taken.
    pub(super) fn lead(&self, best: &AgentState, alone: bool) -> String {
        let others = || self.beside.iter().any(|busy| **busy != best.agent);
        if alone {
            return "the only ready agent that is left to try".to_owned();
        }
        if self.load(&best.agent) == 0 && others() {
            return "another agent than those that work at the other parts".to_owned();
        }
        match self.record(&best.agent) {
            TrackRecord { runs: 0, .. } => "first choice of the catalogue among equals".to_owned(),
            TrackRecord { runs, live } => {
                format!("best record of the ready agents ({live} of {runs} runs went live)")
            }
        }
    }

    /// Why `a` was not taken; nothing is said of the practice agent, which does not compete.
    pub(super) fn passed_over(
        &self,
        a: &AgentState,
        best: &AgentState,
        except: Option<&AgentId>,
    ) -> Option<String> {
        if a.agent == best.agent || a.readiness.is_practice() {
            return None;
        }
        let says = match self.trouble_of(a) {
            Some(says) => says,
            None if Some(&a.agent) == except => words_of_last(self),
            None if self.load(&a.agent) > 0 => "works at another part".to_owned(),
            None => match self.record(&a.agent) {
                TrackRecord { runs: 0, .. } => "has no runs yet".to_owned(),
                TrackRecord { runs, live } => format!("has {live} of {runs} runs that went live"),
            },
        };
        Some(format!("{} {says}", a.agent))
    }

    /// Why the agent cannot be taken, if it cannot.
    pub(super) fn trouble_of(&self, a: &AgentState) -> Option<String> {
        if !a.readiness.is_ready() {
            return Some(lack(&a.readiness));
        }
        if self.is_out(&a.agent) {
            return Some("has used up its quota or was signed out meanwhile".to_owned());
        }
        (!self.may_try(&a.agent)).then(|| format!("failed {} times at this request", self.failures(&a.agent)))
    }

    /// The same without the next step, where nobody has to take one.
    pub(super) fn trouble_in_short(&self, a: &AgentState) -> Option<String> {
        match &a.readiness {
            Readiness::Missing { .. } => Some("is not installed".to_owned()),
            Readiness::SignedOut { .. } => Some("is signed out".to_owned()),
            Readiness::SignedIn { .. }
            | Readiness::Worked { .. }
            | Readiness::Stale { .. }
            | Readiness::Refused { .. }
            | Readiness::QuotaGone { .. }
            | Readiness::Busy { .. }
            | Readiness::Broken { .. }
            | Readiness::Practice => self.trouble_of(a),
        }
    }

    pub(super) fn lacks(&self, trouble: impl Fn(&Self, &AgentState) -> Option<String>) -> String {
        let real = self.agents.iter().filter(|a| !a.readiness.is_practice());
        let says: Vec<String> =
            real.filter_map(|a| trouble(self, a).map(|says| format!("{} {says}", a.agent))).collect();
        if says.is_empty() { "no other one is known".to_owned() } else { says.join("; ") }
    }
}

/// What the agent that worked last did, to be read after its name.
fn words_of_last(q: &Question) -> String {
    let handed = q.past.last().is_some_and(|last| matches!(last.trouble, Some(Trouble::HandedOver { .. })));
    if handed { "hands it over".to_owned() } else { "has just failed".to_owned() }
}

/// Why the same agent tries again.
pub(super) fn once_more(trouble: Option<&Trouble>) -> String {
    match trouble {
        Some(Trouble::Agent) => "once more, because no other agent is ready".to_owned(),
        Some(Trouble::Check(check)) => {
            format!("once more, now that it is known how the {} failed", check.word())
        }
        Some(Trouble::Conflict) => {
            "once more, on top of what has landed meanwhile in the same places".to_owned()
        }
        Some(
            Trouble::NoChange
            | Trouble::Quota { .. }
            | Trouble::SignedOut
            | Trouble::Asked
            | Trouble::HandedOver { .. }
            | Trouble::Lost,
        )
        | None => "once more, because it changed nothing".to_owned(),
    }
}

/// "1 attempt", "2 attempts"
pub(super) fn attempts(count: usize) -> String {
    if count == 1 { "1 attempt".to_owned() } else { format!("{count} attempts") }
}

/// "a, b and c"
pub(super) fn list<'a>(agents: impl Iterator<Item = &'a AgentId>) -> String {
    let names: Vec<&str> = agents.map(AgentId::as_str).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// What an agent lacks and what to do about it, to be read after its name.
pub(super) fn lack(readiness: &Readiness) -> String {
    match readiness {
        Readiness::Missing { next } => format!("is not installed ({next})"),
        Readiness::SignedOut { next, .. } => format!("is signed out ({next})"),
        Readiness::Stale { reason, next, .. } => format!("does not take its credentials: {reason} ({next})"),
        Readiness::Refused { reason, next, .. } => {
            format!("was refused by its service when it was last used: {reason} ({next})")
        }
        Readiness::QuotaGone { .. } => "has used up its quota".to_owned(),
        Readiness::Busy { .. } => "is busy".to_owned(),
        Readiness::Broken { reason, next } => format!("does not work: {reason} ({next})"),
        Readiness::SignedIn { .. } | Readiness::Worked { .. } => "is ready".to_owned(),
        Readiness::Practice => "is for practice".to_owned(),
    }
}
