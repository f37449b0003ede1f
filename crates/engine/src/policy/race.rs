//! Several agents at the same task: who takes part, and whose attempt is the best.

use super::words::list;
use super::{Pick, Question, wished};
use protocol::fact::*;
use protocol::*;

/// Those of the wanted agents that are ready, each with the reason. If it is only one, it works alone; if it is none,
/// there is something to wait for.
pub fn contenders(q: &Question, wanted: &[AgentId]) -> Result<Vec<Pick>, Waiting> {
    let asked: Vec<(&AgentId, Result<Pick, Waiting>)> =
        wanted.iter().map(|agent| (agent, wished(q, agent, "you asked for it"))).collect();
    let missing: Vec<String> = asked
        .iter()
        .filter(|(_, answer)| answer.is_err())
        .map(|(agent, _)| {
            let known = q.agents.iter().find(|a| a.agent == **agent);
            let lacks = known.and_then(|a| q.trouble_of(a)).unwrap_or_else(|| "is not known here".to_owned());
            format!("{agent} {lacks}")
        })
        .collect();
    let mut waits = Vec::new();
    let mut picks = Vec::new();
    for (_, answer) in asked {
        match answer {
            Ok(pick) => picks.push(pick),
            Err(waiting) => waits.push(waiting),
        }
    }
    if picks.is_empty() {
        return Err(first_back(waits, &missing));
    }
    let lead = if picks.len() == 1 {
        "the only one that is ready of those that you asked for".to_owned()
    } else {
        format!("you asked for {} at the same time", list(wanted.iter()))
    };
    let why = [vec![lead], missing].concat().join("; ");
    Ok(picks.into_iter().map(|pick| Pick { why: why.clone(), ..pick }).collect())
}

/// The first quota that comes back, if one does, else the user.
fn first_back(waits: Vec<Waiting>, missing: &[String]) -> Waiting {
    let until = |waiting: &Waiting| match waiting {
        Waiting::Quota { until, .. } => *until,
        Waiting::You { .. } | Waiting::Agent { .. } => None,
    };
    let quota = waits.into_iter().filter(|waiting| until(waiting).is_some()).min_by_key(until);
    quota.unwrap_or_else(|| Waiting::Agent {
        reason: format!("none of the agents that you asked for is ready: {}", missing.join("; ")),
    })
}

/// What is known of an attempt when a race is judged.
#[derive(Debug, Clone)]
pub struct Entrant {
    pub ranked: Ranked,
    /// How many of its checks it passed.
    pub checks: usize,
    /// The agent's place in the catalogue.
    pub place: usize,
}

/// Best first: what got furthest in its checks, then the smaller change, then the shorter time, then the catalogue.
pub fn rank(mut entrants: Vec<Entrant>) -> Vec<Ranked> {
    entrants.sort_by_key(|e| {
        let DiffStat { added, removed, .. } = e.ranked.diff;
        let size = u64::from(added) + u64::from(removed);
        (usize::MAX - e.checks, size, e.ranked.duration_ms.unwrap_or(u64::MAX), e.place)
    });
    entrants.into_iter().map(|e| e.ranked).collect()
}
