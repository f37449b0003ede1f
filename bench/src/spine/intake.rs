//! Many requests at once, and a crash with all of them queued.

use super::ms;
use crate::home::{Home, StandIn};
use crate::process;
use crate::row::Row;
use crate::socket::{Kept, alone};
use anyhow::{Context, Result, bail, ensure};
use protocol::fact::{Channel, Entry, Fact};
use protocol::{AgentId, ClientId, Request, RequestId, Response};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use testkit::Daemon;

const RUNS: usize = 3;
const REQUESTS: usize = 10_000;
const CONNECTIONS: usize = 48;

struct Run {
    took: Duration,
    resumed: Duration,
    loaded_mb: f64,
}

pub fn ten_thousand() -> Result<Vec<Row>> {
    let runs = (0..RUNS).map(|_| one_run()).collect::<Result<Vec<Run>>>()?;
    let of = |figure: fn(&Run) -> f64| runs.iter().map(figure).collect::<Vec<f64>>();
    Ok(vec![
        Row::median(
            "10,000 requests accepted",
            "s",
            &of(|run| run.took.as_secs_f64()),
            format!(
                "{CONNECTIONS} kept connections to the control socket, connecting included, while an agent runs; then every \
                 accepted request was found in the journal, none twice, in the order of its connection, no number missing"
            ),
        )
        .at_most(5.0),
        Row::median(
            "resume with 10,000 queued requests",
            "ms",
            &of(|run| ms(run.resumed)),
            "kill -9 of that daemon, then from making the process to its answer to Hello with the same head",
        )
        .at_most(1000.0),
        Row::median(
            "memory of the daemon with 10,000 queued requests",
            "MB",
            &of(|run| run.loaded_mb),
            "VmRSS right after the last was accepted",
        ),
    ])
}

fn one_run() -> Result<Run> {
    let home = Home::new(StandIn::Hold)?;
    let (daemon, _) = home.start()?;
    occupy(&daemon)?;
    let socket = home.socket();
    let clock = Instant::now();
    let accepted = alone(flood(socket))?;
    let took = clock.elapsed();
    let loaded_mb = process::resident(daemon.pid())?;
    let entries = daemon.entries()?;
    none_lost(&entries, &accepted)?;
    daemon.kill9()?;
    let (daemon, resumed) = home.start()?;
    let Response::Hello(hello) = daemon.call(&Request::Hello)? else { bail!("no Hello") };
    ensure!(hello.head >= entries.len() as u64, "entries were lost by the crash");
    daemon.kill9()?;
    Ok(Run { took, resumed, loaded_mb })
}

/// A request that runs: those behind it stay queued, so that only the intake is measured.
fn occupy(daemon: &Daemon) -> Result<()> {
    daemon.call(&ask("first")?)?;
    daemon.wait_for(Duration::from_secs(30), |entry| {
        matches!(entry.fact, Fact::AttemptStarted(_)).then_some(())
    })?;
    Ok(())
}

fn ask(client: &str) -> Result<Request> {
    Ok(Request::Ask {
        client: ClientId::new(client)?,
        text: format!("A page for a bakery called Sauerteig with opening hours and an order form ({client})"),
        project: None,
        agent: Some(AgentId::new("practice")?),
        race: vec![],
        parts: vec![],
        step: None,
        channel: Channel::CommandLine,
    })
}

/// Every connection sends its share, one after the other; what was accepted, by client.
async fn flood(socket: PathBuf) -> Result<BTreeMap<ClientId, RequestId>> {
    let shares: Vec<_> = (0..CONNECTIONS).map(|lane| tokio::spawn(send(socket.clone(), lane))).collect();
    let mut accepted = BTreeMap::new();
    for share in shares {
        accepted.extend(share.await??);
    }
    Ok(accepted)
}

async fn send(socket: impl AsRef<Path>, lane: usize) -> Result<Vec<(ClientId, RequestId)>> {
    let mut kept = Kept::open(socket.as_ref()).await?;
    let mut accepted = Vec::new();
    for number in (lane..REQUESTS).step_by(CONNECTIONS) {
        let name = name(lane, number);
        match kept.ask(&ask(&name)?).await? {
            Response::Accepted { request, new: true } => accepted.push((ClientId::new(name)?, request)),
            other => bail!("the daemon answered {other:?}"),
        }
    }
    Ok(accepted)
}

/// Sorts within its lane as it was sent.
fn name(lane: usize, number: usize) -> String {
    format!("lane{lane:02}-{number:05}")
}

fn none_lost(entries: &[Entry], accepted: &BTreeMap<ClientId, RequestId>) -> Result<()> {
    ensure!(accepted.len() == REQUESTS, "{} of {REQUESTS} were accepted", accepted.len());
    let gapless = entries.iter().zip(1u64..).all(|(entry, seq)| entry.seq == seq);
    ensure!(gapless, "the journal has a gap");
    let mut newest_of_lane: BTreeMap<&str, &str> = BTreeMap::new();
    let mut found = 0;
    for entry in entries {
        let Fact::RequestReceived(received) = &entry.fact else { continue };
        let Some(request) = accepted.get(&received.client) else { continue };
        ensure!(*request == received.request, "{} has another request in the journal", received.client);
        let (lane, number) = received.client.as_str().split_once('-').context("a client of another name")?;
        let before = newest_of_lane.insert(lane, number);
        ensure!(before.is_none_or(|before| before < number), "{lane}: {number} came out of order");
        found += 1;
    }
    ensure!(found == REQUESTS, "{found} of {REQUESTS} are in the journal");
    Ok(())
}
