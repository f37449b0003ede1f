//! How ready each agent is. Looking costs seconds and hundreds of megabytes, so what was seen is kept: each agent is
//! looked at again only when its programs or credentials changed, when a run gave reason to doubt, or when somebody
//! asks; never two at once, and not as often as somebody may ask.

use crate::context::{Daemon, hold};
use agents::{Judged, Past, Seen};
use protocol::fact::{AgentState, Paid};
use protocol::{AgentId, ApiError, At};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Between two looks because of a doubt.
const DOUBT_MS: u64 = 30_000;
/// Between two looks because somebody asks, or because something changed.
const ASKED_MS: u64 = 5_000;

pub struct Roster(Arc<Inner>);

struct Inner {
    setup: agents::Setup,
    /// Wakes those who read live.
    live: watch::Sender<()>,
    seen: Mutex<BTreeMap<AgentId, Seen>>,
    /// Agents whose last run says that their account is not what it was.
    doubted: Mutex<BTreeSet<AgentId>>,
    /// When the user last signed an agent in through us.
    renewed: Mutex<BTreeMap<AgentId, At>>,
    /// Looks are taken one at a time.
    looking: tokio::sync::Mutex<()>,
    /// What wakes readers when a state ends by itself, such as a quota that comes back.
    wakes: Mutex<BTreeMap<AgentId, (At, AbortHandle)>>,
}

/// Which agents are looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    Changed,
    All,
    One(AgentId),
}

impl Roster {
    pub fn new(setup: agents::Setup, live: watch::Sender<()>) -> Self {
        Self(Arc::new(Inner {
            setup,
            live,
            seen: Mutex::default(),
            doubted: Mutex::default(),
            renewed: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            wakes: Mutex::default(),
        }))
    }

    /// What is known. Waits only for the first look; where something changed, a new look begins and wakes readers.
    pub async fn known(&self) -> Vec<Seen> {
        if hold(&self.0.seen).len() < agents::catalogue().len() {
            return self.current().await;
        }
        if self.0.looking.try_lock().is_ok() {
            let inner = self.0.clone();
            tokio::spawn(async move {
                if inner.look(Which::Changed).await {
                    inner.live.send_replace(());
                }
            });
        }
        self.0.all()
    }

    /// What holds now: waits for a new look at those that changed.
    pub async fn current(&self) -> Vec<Seen> {
        self.0.look(Which::Changed).await;
        self.0.all()
    }

    /// Looks at every agent again, unless that was done a moment ago.
    pub async fn fresh(&self) -> Vec<Seen> {
        self.0.look(Which::All).await;
        self.0.all()
    }

    /// Looks at one agent again, whenever that was done before.
    pub async fn look_at(&self, agent: &AgentId) -> Option<Seen> {
        self.0.look(Which::One(agent.clone())).await;
        self.last(agent)
    }

    /// What was seen last, without a new look.
    pub fn last(&self, agent: &AgentId) -> Option<Seen> {
        hold(&self.0.seen).get(agent).cloned()
    }

    /// A run ended as one does whose account is not good any more.
    pub fn doubt(&self, agent: &AgentId) {
        hold(&self.0.doubted).insert(agent.clone());
    }

    /// The user signed it in: what was said against its account before does not count any more.
    pub fn renewed(&self, agent: &AgentId, at: At) {
        hold(&self.0.renewed).insert(agent.clone(), at);
    }

    fn renewed_at(&self, agent: &AgentId) -> Option<At> {
        hold(&self.0.renewed).get(agent).copied()
    }

    /// Wakes readers at this moment, once.
    fn wake_at(&self, agent: &AgentId, until: Option<At>) {
        let mut wakes = hold(&self.0.wakes);
        if wakes.get(agent).map(|(at, _)| *at) == until {
            return;
        }
        if let Some((_, before)) = wakes.remove(agent) {
            before.abort();
        }
        let Some(at) = until else { return };
        let (live, wait) = (self.0.live.clone(), Duration::from_millis(at.since(crate::names::now())));
        let task = tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            live.send_replace(());
        });
        wakes.insert(agent.clone(), (at, task.abort_handle()));
    }
}

impl Inner {
    fn all(&self) -> Vec<Seen> {
        let seen = hold(&self.seen);
        agents::catalogue().iter().filter_map(|profile| seen.get(&profile.id).cloned()).collect()
    }

    /// True when anything was looked at.
    async fn look(&self, which: Which) -> bool {
        let _one_at_a_time = self.looking.lock().await;
        let mut looked = false;
        for agent in self.due(which).await {
            hold(&self.doubted).remove(&agent);
            let seen = agents::look(&self.setup, &agent, crate::names::now()).await;
            hold(&self.seen).insert(agent, seen);
            looked = true;
        }
        looked
    }

    async fn due(&self, which: Which) -> Vec<AgentId> {
        let all = agents::catalogue().iter().map(|profile| profile.id.clone());
        if let Which::One(agent) = which {
            return all.filter(|known| *known == agent).collect();
        }
        let setup = self.setup.clone();
        let agents: Vec<AgentId> = all.collect();
        let marks = tokio::task::spawn_blocking(move || {
            agents.into_iter().map(|agent| (agents::mark(&setup, &agent), agent)).collect::<Vec<_>>()
        });
        // A pool that is gone is the daemon's end.
        let marks = marks.await.unwrap_or_default();
        let (seen, doubted) = (hold(&self.seen), hold(&self.doubted));
        let now = crate::names::now();
        let is_due = |agent: &AgentId, mark: &agents::Mark| {
            let Some(seen) = seen.get(agent) else { return true };
            let age = now.since(seen.at);
            let changed = seen.mark() != mark || which == Which::All;
            (changed && age >= ASKED_MS) || (doubted.contains(agent) && age >= DOUBT_MS)
        };
        marks.into_iter().filter(|(mark, agent)| is_due(agent, mark)).map(|(_, agent)| agent).collect()
    }
}

impl Daemon {
    /// How ready each agent is for a new plan. That one is busy is no reason against it: its run waits for its turn.
    pub async fn agents_now(&self) -> Result<Vec<AgentState>, ApiError> {
        let seen = self.readiness.current().await;
        let judged = self.judged(seen, |_| false).await?;
        let state =
            |(seen, judged): (Seen, Judged)| AgentState { agent: seen.agent, readiness: judged.readiness };
        Ok(judged.into_iter().map(state).collect())
    }

    /// The same with each agent's ladder, from what is known already.
    pub async fn agents_shown(&self, fresh: bool) -> Result<Vec<(Seen, Judged)>, ApiError> {
        let seen = if fresh { self.readiness.fresh().await } else { self.readiness.known().await };
        let leases = &self.setup.leases;
        self.judged(seen, |agent| {
            let (running, cap) = leases.status(agent);
            running >= cap
        })
        .await
    }

    /// One agent, as it was seen last.
    pub async fn judged_one(&self, seen: Seen) -> Result<Judged, ApiError> {
        let mut judged = self.judged(vec![seen], |_| false).await?;
        judged
            .pop()
            .map(|(_, judged)| judged)
            .ok_or_else(|| ApiError::new(protocol::Code::Internal, "nothing was made of what was seen"))
    }

    async fn judged(
        &self,
        seen: Vec<Seen>,
        busy: impl Fn(&AgentId) -> bool,
    ) -> Result<Vec<(Seen, Judged)>, ApiError> {
        let agents: Vec<AgentId> = seen.iter().map(|seen| seen.agent.clone()).collect();
        let of = agents.clone();
        let read = self.reads.ask(move |r| {
            of.iter()
                .map(|agent| Ok((r.last_worked(agent)?, r.last_verdict(agent)?)))
                .collect::<Result<Vec<_>, _>>()
        });
        let now = crate::names::now();
        let judge = |(seen, (worked, last)): (Seen, _)| {
            let past = Past { worked, last, renewed: self.readiness.renewed_at(&seen.agent) };
            let judged = agents::judge(&seen, &past, now, busy(&seen.agent));
            self.readiness.wake_at(&seen.agent, judged.until);
            (seen, judged)
        };
        Ok(seen.into_iter().zip(read.await?).map(judge).collect())
    }

    /// How the agent's account pays, as far as its own program told when it was asked last.
    pub fn paid(&self, agent: &AgentId) -> Option<Paid> {
        self.readiness.last(agent).and_then(|seen| seen.paid())
    }
}
