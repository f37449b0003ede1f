//! Which agent takes the next attempt, and why, in words a user understands. Pure: the answer follows from how the
//! agents were found, the user's wish, what this request tried so far, and the agents' track record.
//!
//! - The agent that was asked for is taken or waited for; another one takes over only after it was tried.
//! - Else the ready real agent with the best record; the order of the catalogue decides between equals.
//! - The practice agent works only if it was asked for, or if no real agent was ready from the start on.
//! - After a failure of its work (a check, no change) the same agent tries once more, then the next one; after a failure
//!   of the agent itself another one comes first. A lost run is nobody's failure.

use crate::limits::Limits;
use crate::state::{Attempt, TrackRecord, Trouble};
use protocol::fact::*;
use protocol::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// In the order of the catalogue.
    pub agents: &'a [AgentState],
    pub wish: Option<&'a AgentId>,
    /// The attempts at this request so far, oldest first.
    pub past: &'a [Try<'a>],
    /// How many of them were made before the agents were looked at.
    pub looked: usize,
    pub record: &'a BTreeMap<AgentId, TrackRecord>,
    pub limits: &'a Limits,
    /// The newest moment known: a quota's end before it is not waited for.
    pub now: At,
}

#[derive(Debug, Clone, Copy)]
pub struct Try<'a> {
    pub agent: &'a AgentId,
    pub practice: bool,
    pub trouble: Option<&'a Trouble>,
    pub checkpoints: u32,
}

impl<'a> From<&'a Attempt> for Try<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            agent: &attempt.agent,
            practice: attempt.practice,
            trouble: attempt.trouble.as_ref(),
            checkpoints: attempt.checkpoints,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    pub agent: AgentId,
    pub practice: bool,
    pub why: String,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Take(Pick),
    Wait(Waiting),
    /// The end, and why.
    GiveUp(String),
}

/// The choice right after the agents were looked at.
pub fn first(q: &Question) -> Result<Pick, Waiting> {
    if let Some(wish) = q.wish.filter(|wish| q.may_try(wish)) {
        return wished(q, wish);
    }
    q.best_real(None).or_else(|| q.practice()).ok_or_else(|| q.nobody())
}

/// The choice after the last attempt of `past` failed.
pub fn next(q: &Question) -> Next {
    let Some(last) = q.past.last() else {
        return first(q).map_or_else(Next::Wait, Next::Take);
    };
    if last.trouble == Some(&Trouble::Lost) {
        return after_loss(q, last);
    }
    let tried = q.past.iter().filter(|t| t.trouble != Some(&Trouble::Lost)).count();
    if tried >= q.limits.attempts as usize {
        return Next::GiveUp(format!("given up after {tried} attempts, which is the limit"));
    }
    let other = || q.other(last);
    match last.trouble {
        Some(Trouble::Check(_) | Trouble::NoChange) | None => match q.again(last).or_else(other) {
            Some(pick) => Next::Take(pick),
            None => q.give_up(),
        },
        Some(Trouble::Agent | Trouble::Lost) => match other().or_else(|| q.again(last)) {
            Some(pick) => Next::Take(pick),
            None => q.give_up(),
        },
        Some(Trouble::Quota { until }) => other().map_or_else(
            || Next::Wait(Waiting::Quota { agent: last.agent.clone(), until: q.later(*until) }),
            Next::Take,
        ),
        Some(Trouble::SignedOut) => other().map_or_else(
            || {
                let reason = format!("{} was signed out while it worked: sign it in, then go on", last.agent);
                Next::Wait(Waiting::Agent { reason })
            },
            Next::Take,
        ),
    }
}

fn wished(q: &Question, wish: &AgentId) -> Result<Pick, Waiting> {
    let Some(found) = q.agents.iter().find(|a| a.agent == *wish) else {
        let known: Vec<&str> = q.agents.iter().map(|a| a.agent.as_str()).collect();
        let reason =
            format!("you asked for {wish}, which is not known here; known are: {}", known.join(", "));
        return Err(Waiting::Agent { reason });
    };
    let practice = found.readiness.is_practice();
    match &found.readiness {
        Readiness::SignedIn { .. } | Readiness::Worked { .. } | Readiness::Practice => {
            Ok(Pick { agent: wish.clone(), practice, why: "you asked for it".to_owned() })
        }
        Readiness::QuotaGone { until, .. } => {
            Err(Waiting::Quota { agent: wish.clone(), until: q.later(*until) })
        }
        lacking @ (Readiness::Missing { .. }
        | Readiness::SignedOut { .. }
        | Readiness::Stale { .. }
        | Readiness::Refused { .. }
        | Readiness::Busy { .. }
        | Readiness::Broken { .. }) => {
            Err(Waiting::Agent { reason: format!("you asked for {wish}, which {}", lack(lacking)) })
        }
    }
}

fn after_loss(q: &Question, last: &Try) -> Next {
    let is_lost = |t: &&Try| t.trouble == Some(&Trouble::Lost);
    let lost = q.past.iter().filter(is_lost).count();
    // A run that got as far as a checkpoint is none that kills the daemon at once.
    let in_vain = q.past.iter().rev().take_while(|t| is_lost(t) && t.checkpoints == 0).count();
    let given_up = |says: String| Next::GiveUp(format!("given up: {says}"));
    if in_vain > q.limits.lost as usize {
        return given_up(format!(
            "{in_vain} runs were lost because the daemon went away, one after the other"
        ));
    }
    if lost > q.limits.lost_in_all as usize {
        return given_up(format!("{lost} runs were lost because the daemon went away"));
    }
    let why = "its run was lost when the daemon went away, so it begins again from the same place".to_owned();
    Next::Take(Pick { agent: last.agent.clone(), practice: last.practice, why })
}

impl Question<'_> {
    /// Failures of its own at this request.
    fn failures(&self, agent: &AgentId) -> usize {
        let own =
            |t: &&Try| matches!(t.trouble, Some(Trouble::Check(_) | Trouble::NoChange | Trouble::Agent));
        self.past.iter().filter(|t| t.agent == agent).filter(own).count()
    }

    fn may_try(&self, agent: &AgentId) -> bool {
        self.failures(agent) <= self.limits.same_agent_again as usize
    }

    /// Its quota ended or it was signed out after the agents were looked at, so their look is out of date.
    fn is_out(&self, agent: &AgentId) -> bool {
        let ended = |t: &Try| matches!(t.trouble, Some(Trouble::Quota { .. } | Trouble::SignedOut));
        self.past.iter().skip(self.looked).any(|t| t.agent == agent && ended(t))
    }

    fn real_ready(&self) -> impl Iterator<Item = &AgentState> {
        self.agents
            .iter()
            .filter(|a| a.readiness.is_ready() && !a.readiness.is_practice())
            .filter(|a| self.may_try(&a.agent) && !self.is_out(&a.agent))
    }

    fn record(&self, agent: &AgentId) -> TrackRecord {
        self.record.get(agent).copied().unwrap_or_default()
    }

    fn better(&self, a: &AgentState, b: &AgentState) -> bool {
        let smoothed = |r: TrackRecord| (u64::from(r.live) + 1, u64::from(r.runs) + 2);
        let (fails_a, fails_b) = (self.failures(&a.agent), self.failures(&b.agent));
        let ((live_a, runs_a), (live_b, runs_b)) =
            (smoothed(self.record(&a.agent)), smoothed(self.record(&b.agent)));
        fails_a < fails_b || (fails_a == fails_b && live_a * runs_b > live_b * runs_a)
    }

    /// The best of the ready real agents but `except`. The first of equals stays, which is the catalogue's order.
    fn best_real(&self, except: Option<&AgentId>) -> Option<Pick> {
        let candidates = || self.real_ready().filter(|a| Some(&a.agent) != except);
        let best = candidates().reduce(|best, a| if self.better(a, best) { a } else { best })?;
        let lead = if candidates().count() == 1 {
            "the only ready agent that is left to try".to_owned()
        } else {
            match self.record(&best.agent) {
                TrackRecord { runs: 0, .. } => "first choice of the catalogue among equals".to_owned(),
                TrackRecord { runs, live } => {
                    format!("best record of the ready agents ({live} of {runs} runs went live)")
                }
            }
        };
        let passed: Vec<String> =
            self.agents.iter().filter_map(|a| self.passed_over(a, best, except)).collect();
        let why = if passed.is_empty() { lead } else { format!("{lead}; {}", passed.join("; ")) };
        Some(Pick { agent: best.agent.clone(), practice: false, why })
    }

    /// Why `a` was not taken; nothing is said of the practice agent, which does not compete.
    fn passed_over(&self, a: &AgentState, best: &AgentState, except: Option<&AgentId>) -> Option<String> {
        if a.agent == best.agent || a.readiness.is_practice() {
            return None;
        }
        let says = match self.trouble_of(a) {
            Some(says) => says,
            None if Some(&a.agent) == except => "has just failed".to_owned(),
            None => match self.record(&a.agent) {
                TrackRecord { runs: 0, .. } => "has no runs yet".to_owned(),
                TrackRecord { runs, live } => format!("has {live} of {runs} runs that went live"),
            },
        };
        Some(format!("{} {says}", a.agent))
    }

    /// Why the agent cannot be taken, if it cannot.
    fn trouble_of(&self, a: &AgentState) -> Option<String> {
        if !a.readiness.is_ready() {
            return Some(lack(&a.readiness));
        }
        if self.is_out(&a.agent) {
            return Some("has used up its quota or was signed out meanwhile".to_owned());
        }
        (!self.may_try(&a.agent)).then(|| format!("failed {} times at this request", self.failures(&a.agent)))
    }

    /// The same without the next step, where nobody has to take one.
    fn trouble_in_short(&self, a: &AgentState) -> Option<String> {
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

    /// The practice agent, as long as no real agent worked at this request.
    fn practice(&self) -> Option<Pick> {
        let ours = self.past.iter().all(|t| t.practice);
        let found = self.agents.iter().find(|a| a.readiness.is_practice() && self.may_try(&a.agent))?;
        ours.then(|| Pick {
            agent: found.agent.clone(),
            practice: true,
            why: format!("practice, because no real agent is ready: {}", self.lacks(Self::trouble_in_short)),
        })
    }

    /// Another agent than the last one. Who asked for practice gets no real agent, which might cost money.
    fn other(&self, last: &Try) -> Option<Pick> {
        let wants_practice = last.practice && self.wish == Some(last.agent);
        if wants_practice { None } else { self.best_real(Some(last.agent)) }
    }

    fn again(&self, last: &Try) -> Option<Pick> {
        let why = match last.trouble {
            Some(Trouble::Agent) => "once more, because no other agent is ready".to_owned(),
            Some(Trouble::Check(check)) => {
                format!("once more, now that it is known how the {} failed", check.word())
            }
            Some(Trouble::NoChange | Trouble::Quota { .. } | Trouble::SignedOut | Trouble::Lost) | None => {
                "once more, because it changed nothing".to_owned()
            }
        };
        (self.may_try(last.agent)).then(|| Pick { agent: last.agent.clone(), practice: last.practice, why })
    }

    fn give_up(&self) -> Next {
        let tried = self.past.len();
        let attempts = if tried == 1 { "attempt" } else { "attempts" };
        Next::GiveUp(format!(
            "given up after {tried} {attempts}, no other agent can take it: {}",
            self.lacks(Self::trouble_in_short)
        ))
    }

    /// Nobody can take it: wait for the first quota to come back, if one does, else for the user.
    fn nobody(&self) -> Waiting {
        let back = |a: &AgentState| match &a.readiness {
            Readiness::QuotaGone { until, .. } => self.later(*until).map(|until| (until, a.agent.clone())),
            Readiness::Missing { .. }
            | Readiness::SignedOut { .. }
            | Readiness::SignedIn { .. }
            | Readiness::Worked { .. }
            | Readiness::Stale { .. }
            | Readiness::Refused { .. }
            | Readiness::Busy { .. }
            | Readiness::Broken { .. }
            | Readiness::Practice => None,
        };
        match self.agents.iter().filter_map(back).min_by_key(|(until, _)| *until) {
            Some((until, agent)) => Waiting::Quota { agent, until: Some(until) },
            None => Waiting::Agent { reason: format!("no agent is ready: {}", self.lacks(Self::trouble_of)) },
        }
    }

    fn lacks(&self, trouble: impl Fn(&Self, &AgentState) -> Option<String>) -> String {
        let real = self.agents.iter().filter(|a| !a.readiness.is_practice());
        let says: Vec<String> =
            real.filter_map(|a| trouble(self, a).map(|says| format!("{} {says}", a.agent))).collect();
        if says.is_empty() { "no other one is known".to_owned() } else { says.join("; ") }
    }

    /// A moment to wait for, if it is one. Waiting for the past would spin.
    fn later(&self, until: Option<At>) -> Option<At> {
        until.filter(|until| *until > self.now)
    }
}

/// What an agent lacks and what to do about it, to be read after its name.
fn lack(readiness: &Readiness) -> String {
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
