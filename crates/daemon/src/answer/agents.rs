//! The agents with all that is known of them now.

use crate::context::Daemon;
use agents::{Judged, Seen};
use protocol::ApiError;
use protocol::view::{AgentNow, AgentRow};

pub(super) async fn rows(daemon: &Daemon, fresh: bool) -> Result<Vec<AgentRow>, ApiError> {
    let shown = daemon.agents_shown(fresh).await?;
    if fresh {
        daemon.nudge();
    }
    let record = daemon.reads.ask(|r| r.agent_record()).await?;
    let row = |(seen, judged): (Seen, Judged)| {
        let of = record.iter().find(|(agent, ..)| *agent == seen.agent);
        let (runs, live) = of.map_or((0, 0), |(_, runs, live)| (*runs, *live));
        let profile = agents::catalogue().iter().find(|profile| profile.id == seen.agent);
        let now = now(daemon, &seen, judged.ladder);
        AgentRow {
            title: profile.map_or("", |profile| profile.title).into(),
            readiness: judged.readiness,
            probed: Some(seen.at),
            runs,
            live,
            now: Some(Box::new(now)),
            agent: seen.agent,
        }
    };
    Ok(shown.into_iter().map(row).collect())
}

fn now(daemon: &Daemon, seen: &Seen, ladder: Vec<protocol::view::RungRow>) -> AgentNow {
    let agent = &seen.agent;
    let (running, cap) = daemon.setup.leases.status(agent);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut account = daemon.setup.accounts.view(agent);
    account.paid = seen.paid().or(account.paid);
    AgentNow {
        ladder,
        pinned: agents::install::pin(agent).map(|pin| pin.version.to_string()),
        ways: agents::ways(agent),
        sign_in: daemon.sign_ins.view(agent),
        job: daemon.jobs.of(agent),
        account,
        running: count(running),
        cap: count(cap),
        bridge: crate::bridges::view_of(daemon, agent),
    }
}
