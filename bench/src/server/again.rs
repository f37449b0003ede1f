//! What is done to a server that is set up: the same once more, and another version.

use super::ground::{From, Ground};
use super::programs::Shipped;
use super::{setup, visitors};
use crate::row::Row;
use anyhow::{Result, ensure};
use remote::{Entry, OurKey};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

const RUNS: usize = 3;

pub fn second_run(ground: &Ground, key: &OurKey) -> Result<Vec<Row>> {
    let (times, changes) = ground.inside(async {
        let (mut times, mut changes) = (Vec::new(), 0);
        for _ in 0..RUNS {
            let clock = Instant::now();
            let entry = Entry::new(ground.ours(From::Far, key).await?);
            let plan = entry.plan(None).await?;
            let after = entry.apply(None, Some(&plan.hash)).await?;
            changes += setup::follow(&entry, after).await?.changes;
            times.push(clock.elapsed().as_secs_f64());
            entry.session().close().await;
        }
        Ok((times, changes))
    })?;
    let how = "connecting, plan, apply and following it to its end, 50 ms away";
    let mut changed = Row::new("changes of a second run", "changes", f64::from(changes), RUNS, how);
    changed.summed = true;
    Ok(vec![Row::median("a second run", "s", &times, how).at_most(5.0), changed.at_most(0.0)])
}

pub fn upgrade(ground: &Ground, key: &OurKey) -> Result<Vec<Row>> {
    let asked = ground.exec("loopwrightd ask 'A page for a bakery' --agent practice --wait")?;
    ensure!(asked.code == 0, "no site went live: {}{}", asked.out, asked.err);
    let next = Shipped::find()?.next();
    let (took, seen) = ground.inside(async {
        let visitors = visitors::come(&format!("http://{}/", ground.server.ip())).await?;
        let entry = Entry::new(ground.ours(From::Far, key).await?);
        let clock = Instant::now();
        let path = entry.put(&next, &mut |_| (), &CancellationToken::new()).await?;
        let after = entry.upgrade(&path, &next.sha256).await?;
        setup::follow(&entry, after).await?;
        let took = clock.elapsed().as_secs_f64();
        let seen = visitors.leave().await?;
        let now = entry.hello().await?.sha256;
        ensure!(now == next.sha256, "another program than the sent one is in use: {now}");
        entry.session().close().await;
        Ok((took, seen))
    })?;
    let first = seen.first.as_ref().map_or_else(String::new, |first| format!("; the first: {first}"));
    let how = format!(
        "{} requests of {} visitors at port 80 meanwhile, half of them on kept connections; slowest {:.0} ms{first}",
        seen.ok + seen.failed,
        visitors::VISITORS,
        seen.slowest.as_secs_f64() * 1000.0
    );
    Ok(vec![
        Row::new(
            "an upgrade",
            "s",
            took,
            1,
            "sending the program 50 ms away, switching, its own look over all steps",
        )
        .at_most(10.0),
        Row::new("failed requests on the live site during it", "failed", f64::from(seen.failed), 1, how)
            .at_most(0.0),
    ])
}
