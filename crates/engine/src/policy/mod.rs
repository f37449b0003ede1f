//! Which agent takes the next attempt, and why, in words a user understands. Pure: the answer follows from how the
//! agents were found, the user's wish, what this request tried so far, and the agents' track record.
//!
//! - The agent that was asked for is taken or waited for; another one takes over only after it was tried.
//! - Else the ready real agent with the best record; the order of the catalogue decides between equals.
//! - The practice agent works only if it was asked for, or if no real agent was ready from the start on.
//! - Tasks that are done at the same time get different agents, as far as there are enough.
//! - After a failure of its work (a check, no change) the same agent tries once more, then the next one; after a failure
//!   of the agent itself another one comes first. A lost run is nobody's failure.

mod question;
mod race;
mod words;

pub use race::{Entrant, contenders, rank};

use crate::limits::{Limits, OnQuota};
use crate::state::{Attempt, TrackRecord, Trouble};
use protocol::fact::*;
use protocol::*;
use std::collections::{BTreeMap, BTreeSet};
use words::lack;

#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// In the order of the catalogue.
    pub agents: &'a [AgentState],
    pub wish: Option<&'a AgentId>,
    /// The attempts in this lane so far, oldest first.
    pub past: &'a [Try<'a>],
    /// Agents whose quota ended or who were signed out after the agents were looked at, so that their look is out of date.
    pub out: &'a BTreeSet<AgentId>,
    /// Agents that work at other tasks of the request at this moment.
    pub beside: &'a [&'a AgentId],
    /// A real agent worked at the request.
    pub real: bool,
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

impl Try<'_> {
    /// Whether it is one of the attempts that there may be only so many of.
    fn counts(&self) -> bool {
        !matches!(self.trouble, Some(Trouble::Lost | Trouble::Asked | Trouble::HandedOver { .. }))
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
    match q.past.last().map(|last| (last, last.trouble)) {
        Some((last, Some(Trouble::HandedOver { to }))) => return taken_over(q, last, to.as_ref()),
        Some((last, Some(Trouble::Asked))) => {
            if let Some(pick) = q.itself(last.agent, "it had asked something and goes on") {
                return Ok(pick);
            }
        }
        Some((last, Some(Trouble::Quota { .. }))) if q.limits.on_quota == OnQuota::Wait => {
            return wished(q, last.agent, "it goes on now that its quota is back");
        }
        Some((_, Some(Trouble::Quota { .. })))
        | Some((
            _,
            Some(
                Trouble::Check(_)
                | Trouble::Conflict
                | Trouble::NoChange
                | Trouble::Agent
                | Trouble::SignedOut
                | Trouble::Lost,
            )
            | None,
        ))
        | None => {}
    }
    if let Some(wish) = q.wish.filter(|wish| q.may_try(wish)) {
        return wished(q, wish, "you asked for it");
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
    if let Some(waiting) = q.for_the_user(last) {
        return Next::Wait(waiting);
    }
    let tried = q.past.iter().filter(|t| t.counts()).count();
    if tried >= q.limits.attempts as usize {
        let tried = words::attempts(tried);
        return Next::GiveUp(format!("given up after {tried}, which is the limit"));
    }
    let other = || q.other(last);
    match last.trouble {
        Some(Trouble::Check(_) | Trouble::Conflict | Trouble::NoChange) | None => {
            q.again(last).or_else(other).map_or_else(|| q.give_up(), Next::Take)
        }
        Some(Trouble::Agent | Trouble::Lost | Trouble::Asked | Trouble::HandedOver { .. }) => {
            other().or_else(|| q.again(last)).map_or_else(|| q.give_up(), Next::Take)
        }
        Some(Trouble::Quota { until }) => {
            let waiting = Waiting::Quota { agent: last.agent.clone(), until: q.later(*until) };
            let instead = if q.limits.on_quota == OnQuota::Wait { None } else { other() };
            instead.map_or(Next::Wait(waiting), Next::Take)
        }
        Some(Trouble::SignedOut) => other().map_or_else(
            || {
                let reason = format!("{} was signed out while it worked: sign it in, then go on", last.agent);
                Next::Wait(Waiting::Agent { reason })
            },
            Next::Take,
        ),
    }
}

/// Who goes on with what was handed over, if that is known without another look at the agents.
pub fn heir(q: &Question) -> Option<Pick> {
    let last = q.past.last()?;
    match last.trouble? {
        Trouble::HandedOver { to } => {
            taken_over(q, last, to.as_ref()).ok().filter(|pick| !q.is_out(&pick.agent))
        }
        Trouble::Check(_)
        | Trouble::Conflict
        | Trouble::NoChange
        | Trouble::Agent
        | Trouble::Quota { .. }
        | Trouble::SignedOut
        | Trouble::Asked
        | Trouble::Lost => None,
    }
}

fn taken_over(q: &Question, last: &Try, to: Option<&AgentId>) -> Result<Pick, Waiting> {
    if let Some(to) = to {
        return wished(q, to, "you handed the work over to it");
    }
    let handed = |pick: Pick| Pick { why: format!("you handed the work over: {}", pick.why), ..pick };
    let itself = || q.itself(last.agent, "no other agent is ready, so it goes on itself");
    q.other(last).map(handed).or_else(itself).ok_or_else(|| q.nobody())
}

fn wished(q: &Question, wish: &AgentId, why: &str) -> Result<Pick, Waiting> {
    let Some(found) = q.agents.iter().find(|a| a.agent == *wish) else {
        let known: Vec<&str> = q.agents.iter().map(|a| a.agent.as_str()).collect();
        let reason =
            format!("you asked for {wish}, which is not known here; known are: {}", known.join(", "));
        return Err(Waiting::Agent { reason });
    };
    let practice = found.readiness.is_practice();
    match &found.readiness {
        Readiness::SignedIn { .. } | Readiness::Worked { .. } | Readiness::Practice => {
            Ok(Pick { agent: wish.clone(), practice, why: why.to_owned() })
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
    let from = if last.checkpoints == 0 {
        "begins again from the same place"
    } else {
        "goes on from its last checkpoint"
    };
    let why = format!("its run was lost when the daemon went away, so it {from}");
    Next::Take(Pick { agent: last.agent.clone(), practice: last.practice, why })
}
