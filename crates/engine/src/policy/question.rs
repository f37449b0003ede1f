//! What can be said of the agents: who is ready, who is better, who is next.

use super::words;
use super::*;

impl Question<'_> {
    /// Failures of its own at this request.
    pub(super) fn failures(&self, agent: &AgentId) -> usize {
        let own =
            |t: &&Try| matches!(t.trouble, Some(Trouble::Check(_) | Trouble::NoChange | Trouble::Agent));
        self.past.iter().filter(|t| t.agent == agent).filter(own).count()
    }

    pub(super) fn may_try(&self, agent: &AgentId) -> bool {
        self.failures(agent) <= self.limits.same_agent_again as usize
    }

    pub(super) fn is_out(&self, agent: &AgentId) -> bool {
        self.out.contains(agent)
    }

    pub(super) fn real_ready(&self) -> impl Iterator<Item = &AgentState> {
        self.agents
            .iter()
            .filter(|a| a.readiness.is_ready() && !a.readiness.is_practice())
            .filter(|a| self.may_try(&a.agent) && !self.is_out(&a.agent))
    }

    /// Other tasks of the request that it works at now.
    pub(super) fn load(&self, agent: &AgentId) -> usize {
        self.beside.iter().filter(|busy| **busy == agent).count()
    }

    pub(super) fn record(&self, agent: &AgentId) -> TrackRecord {
        self.record.get(agent).copied().unwrap_or_default()
    }

    pub(super) fn better(&self, a: &AgentState, b: &AgentState) -> bool {
        let smoothed = |r: TrackRecord| (u64::from(r.live) + 1, u64::from(r.runs) + 2);
        let burden = |a: &AgentState| (self.failures(&a.agent), self.load(&a.agent));
        let ((live_a, runs_a), (live_b, runs_b)) =
            (smoothed(self.record(&a.agent)), smoothed(self.record(&b.agent)));
        burden(a) < burden(b) || (burden(a) == burden(b) && live_a * runs_b > live_b * runs_a)
    }

    /// The best of the ready real agents but `except`. The first of equals stays, which is the catalogue's order.
    pub(super) fn best_real(&self, except: Option<&AgentId>) -> Option<Pick> {
        let candidates = || self.real_ready().filter(|a| Some(&a.agent) != except);
        let best = candidates().reduce(|best, a| if self.better(a, best) { a } else { best })?;
        let lead = self.lead(best, candidates().count() == 1);
        let passed: Vec<String> =
            self.agents.iter().filter_map(|a| self.passed_over(a, best, except)).collect();
        let why = if passed.is_empty() { lead } else { format!("{lead}; {}", passed.join("; ")) };
        Some(Pick { agent: best.agent.clone(), practice: false, why })
    }

    /// The practice agent, as long as no real agent worked at this request.
    pub(super) fn practice(&self) -> Option<Pick> {
        let found = self.agents.iter().find(|a| a.readiness.is_practice() && self.may_try(&a.agent))?;
        (!self.real).then(|| Pick {
            agent: found.agent.clone(),
            practice: true,
            why: format!("practice, because no real agent is ready: {}", self.lacks(Self::trouble_in_short)),
        })
    }

    /// Another agent than the last one. Who asked for practice gets no real agent, which might cost money.
    pub(super) fn other(&self, last: &Try) -> Option<Pick> {
        let wants_practice = last.practice && self.wish == Some(last.agent);
        if wants_practice { None } else { self.best_real(Some(last.agent)) }
    }

    pub(super) fn again(&self, last: &Try) -> Option<Pick> {
        let why = words::once_more(last.trouble);
        let can = self.may_try(last.agent) && !self.is_out(last.agent);
        can.then(|| Pick { agent: last.agent.clone(), practice: last.practice, why })
    }

    /// That very agent, if it is ready.
    pub(super) fn itself(&self, agent: &AgentId, why: &str) -> Option<Pick> {
        let found = self.agents.iter().find(|a| a.agent == *agent && a.readiness.is_ready())?;
        let practice = found.readiness.is_practice();
        (!self.is_out(agent)).then(|| Pick { agent: agent.clone(), practice, why: why.to_owned() })
    }

    /// What only the user can answer.
    pub(super) fn for_the_user(&self, last: &Try) -> Option<Waiting> {
        let agent = last.agent;
        match last.trouble? {
            Trouble::Asked => {
                Some(Waiting::You { question: format!("{agent} asked something; answer it to go on") })
            }
            Trouble::Quota { .. } if self.limits.on_quota == OnQuota::Ask => {
                let other = self.other(last)?.agent;
                let question = format!(
                    "the quota of {agent} is used up: go on with {other} now, or when the quota of {agent} is back?"
                );
                Some(Waiting::You { question })
            }
            Trouble::Quota { .. }
            | Trouble::Check(_)
            | Trouble::Conflict
            | Trouble::NoChange
            | Trouble::Agent
            | Trouble::SignedOut
            | Trouble::HandedOver { .. }
            | Trouble::Lost => None,
        }
    }

    pub(super) fn give_up(&self) -> Next {
        let tried = words::attempts(self.past.len());
        Next::GiveUp(format!(
            "given up after {tried}, no other agent can take it: {}",
            self.lacks(Self::trouble_in_short)
        ))
    }

    /// Nobody can take it: wait for the first quota to come back, if one does, else for the user.
    pub(super) fn nobody(&self) -> Waiting {
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

    /// A moment to wait for, if it is one. Waiting for the past would spin.
    pub(super) fn later(&self, until: Option<At>) -> Option<At> {
        until.filter(|until| *until > self.now)
    }
}
