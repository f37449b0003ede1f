//! From a request to a running agent: orientation, the choice, the brief and the checkout lie between.

use crate::home::{Home, StandIn};
use crate::row::Row;
use anyhow::{Context, Result, bail, ensure};
use protocol::fact::{Channel, Entry, Fact};
use protocol::{AgentId, ClientId, Request, RequestId, Response};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use testkit::Daemon;

const RUNS: usize = 15;
const LEGS: [&str; 4] = ["orientation", "choice and brief", "worktree", "process"];
/// How long one request may take to its end.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn accepted_to_started() -> Result<Vec<Row>> {
    let home = Home::new(StandIn::Stamp)?;
    let (daemon, _) = home.start()?;
    let (mut accepted, mut asked) = (Vec::new(), Vec::new());
    let mut legs: [Vec<f64>; 4] = Default::default();
    for number in 0..RUNS {
        let (before, after, request) = ask(&daemon, number)?;
        wait_for_end(&daemon, &request)?;
        let stamp = std::fs::read_to_string(home.stamp()).context("the agent's process never ran")?;
        std::fs::remove_file(home.stamp())?;
        let started: u128 = stamp.trim().parse()?;
        accepted.push(ms_between(after, started));
        asked.push(ms_between(before, started));
        for (leg, took) in legs.iter_mut().zip(legs_of(&daemon.entries()?, &request, started)?) {
            leg.push(took);
        }
    }
    ensure!(daemon.stop()?.success(), "the daemon did not stop well");
    let how = "from the answer Accepted to the moment that the agent's program itself wrote down as its first act; \
               orientation, choice, brief and worktree (static starter) lie between; all facts durable";
    let mut rows = vec![
        Row::median("request accepted to agent process started, with its checkout", "ms", &accepted, how)
            .at_most(50.0)
            .recorded("vibe-kanban, Hermes kanban", "82–168, 57,000"),
        Row::median(
            "request sent to agent process started, with its checkout",
            "ms",
            &asked,
            "the same from before the request was sent, as the peers' figures are",
        )
        .recorded("vibe-kanban, Hermes kanban", "82–168, 57,000"),
    ];
    rows.extend(LEGS.iter().zip(&legs).map(|(name, leg)| {
        let how = "between the times of its facts, in whole milliseconds; the last up to the program's own first act";
        Row::median(format!("- of it: {name}"), "ms", leg, how)
    }));
    Ok(rows)
}

/// Milliseconds of each leg of the way; `stamp` is when the program began.
fn legs_of(entries: &[Entry], request: &RequestId, stamp: u128) -> Result<Vec<f64>> {
    let mut moments = Vec::new();
    for kind in ["request.received", "request.oriented", "task.declared", "attempt.started"] {
        let mut of_kind = entries.iter().filter(|entry| entry.fact.kind() == kind);
        let entry = of_kind.find(|entry| entry.fact.request() == Some(request));
        let at = entry.with_context(|| format!("the journal has no {kind} of the request"))?.at;
        moments.push(u128::try_from(at.0)? * 1_000_000);
    }
    moments.push(stamp);
    Ok(moments.windows(2).map(|pair| ms_between(pair[0], pair[1])).collect())
}

/// Asks; with the moments before and after, in nanoseconds of the clock that the agent's stamp is of.
fn ask(daemon: &Daemon, number: usize) -> Result<(u128, u128, RequestId)> {
    let request = Request::Ask {
        client: ClientId::new(format!("bench-{number}"))?,
        text: format!("A page for a bakery called Sauerteig with opening hours, number {number}"),
        project: None,
        agent: Some(AgentId::new("practice")?),
        race: vec![],
        parts: vec![],
        step: None,
        channel: Channel::CommandLine,
    };
    let before = now()?;
    let answer = daemon.call(&request);
    let after = now()?;
    match answer? {
        Response::Accepted { request, new: true } => Ok((before, after, request)),
        other => bail!("the daemon answered {other:?}"),
    }
}

/// The next request is asked when this one has ended: each is measured alone.
fn wait_for_end(daemon: &Daemon, request: &RequestId) -> Result<()> {
    daemon.wait_for(PATIENCE, |entry| match &entry.fact {
        Fact::RequestClosed(closed) if closed.request == *request => Some(()),
        _ => None,
    })?;
    Ok(())
}

fn now() -> Result<u128> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())
}

#[expect(clippy::cast_precision_loss, reason = "differences of a few seconds")]
fn ms_between(from: u128, to: u128) -> f64 {
    (to as i128 - from as i128) as f64 / 1e6
}
