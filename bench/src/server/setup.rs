//! From an address and a password to a server that is set up, 50 ms away.

use super::ground::{From, Ground, enter, now, root};
use super::programs::Shipped;
use crate::row::Row;
use crate::spine::ms;
use anyhow::{Context, Result, bail, ensure};
use protocol::AgentId;
use protocol::setup::{SetupEvent, Wish};
use remote::{Begin, Contact, Entry, OurKey, Stage};
use std::time::Instant;
use tokio_util::sync::CancellationToken;

const LOOKS: usize = 5;

pub fn stage_0(ground: &Ground) -> Result<Vec<Row>> {
    let looks = ground.inside(async {
        let mut looks = Vec::new();
        for run in 0..LOOKS {
            let (target, local) = (ground.target(From::Far, "root")?, ground.local(&format!("look-{run}"))?);
            let clock = Instant::now();
            let session = enter(&local, &target, root()).await?;
            let contact = Contact::look(session, &root(), now).await?;
            looks.push(clock.elapsed().as_secs_f64());
            ensure!(contact.found().cores == Some(2), "the look found another server");
            contact.session().close().await;
        }
        Ok(looks)
    })?;
    let how = "connecting, confirming the fingerprint at once, signing in by password, all probes; a server seen for the first time";
    Ok(vec![Row::median("stage 0 at 50 ms round trip", "s", &looks, how).at_most(10.0)])
}

pub fn without_agents(ground: &Ground) -> Result<(Vec<Row>, OurKey)> {
    let shipped = Shipped::find()?;
    let wish = wish(Vec::new());
    let done = ground.inside(whole(ground, &shipped, &wish))?;
    let rows = vec![
        Row::new(
            "the program sent to the server at 50 ms round trip",
            "s",
            done.upload,
            1,
            format!("{}, {:.1} MB, checked by its hash there", shipped.said, shipped.megabytes()),
        ),
        Row::new("the whole set-up without agents", "s", done.total, 1, done.how()).at_most(120.0),
    ];
    Ok((rows, done.key))
}

pub fn with_agents(ground: &Ground) -> Result<Vec<Row>> {
    ground.server.reset()?;
    ground.server.wait()?;
    let agents: Vec<AgentId> = ::agents::install::pins().into_iter().map(|pin| pin.agent).collect();
    let names = agents.iter().map(AgentId::as_str).collect::<Vec<_>>().join(", ");
    let wish = wish(agents);
    let done = ground.inside(whole(ground, &Shipped::find()?, &wish))?;
    let how = format!("with {names}; {}", done.how());
    Ok(vec![Row::new("the whole set-up with every agent's program", "s", done.total, 1, how).at_most(300.0)])
}

fn wish(agents: Vec<AgentId>) -> Wish {
    Wish { agents, project: Some("Bakery".into()), starter: Some("static".into()), ..Wish::default() }
}

struct Whole {
    /// Seconds.
    total: f64,
    upload: f64,
    changes: u32,
    /// With their milliseconds.
    steps: Vec<(String, u64)>,
    key: OurKey,
}

impl Whole {
    fn how(&self) -> String {
        let mut steps = self.steps.clone();
        steps.sort_by_key(|(_, millis)| std::cmp::Reverse(*millis));
        let longest: Vec<String> = steps
            .iter()
            .take(4)
            .map(|(step, millis)| {
                format!("{step} {:.1} s", std::time::Duration::from_millis(*millis).as_secs_f64())
            })
            .collect();
        format!(
            "from connecting to the end of the run, 50 ms away, 2 cores and 1 GiB; {} changes; longest: {}",
            self.changes,
            longest.join(", ")
        )
    }
}

async fn whole(ground: &Ground, shipped: &Shipped, wish: &Wish) -> Result<Whole> {
    let (target, local) = (ground.target(From::Far, "root")?, ground.local("ours")?);
    let programs = [shipped.program()];
    let clock = Instant::now();
    let session = enter(&local, &target, root()).await?;
    let mut contact = Contact::look(session, &root(), now).await?;
    let how = Begin { local: &local, programs: &programs, name: "bench", jumps: Vec::new(), ask: None };
    let (mut began, mut sent) = (None, None);
    let mut on = |stage| match (stage, began) {
        (Stage::Uploading(_), _) => drop(began.get_or_insert_with(Instant::now)),
        // What comes after it.
        (_, Some(_)) => drop(sent.get_or_insert_with(Instant::now)),
        (_, None) => {}
    };
    let stop = CancellationToken::new();
    let plan = contact.plan(wish, &how, &mut on, &stop).await?;
    if let Some((step, obstacle)) = plan.blocked().next() {
        bail!("the plan is blocked at {}: {}", step.id, obstacle.cause);
    }
    let begun = contact.begin(&how, &mut on, &stop).await?;
    let entry = Entry::new(begun.session.clone());
    let after = entry.apply(Some(wish), Some(&plan.hash)).await?;
    let run = follow(&entry, after).await?;
    let total = clock.elapsed().as_secs_f64();
    begun.session.close().await;
    let (began, sent) = (began.context("nothing was sent")?, sent.context("nothing was installed")?);
    Ok(Whole {
        total,
        upload: ms(sent - began) / 1000.0,
        changes: run.changes,
        steps: run.steps,
        key: begun.key,
    })
}

pub struct Run {
    pub changes: u32,
    /// With their milliseconds.
    pub steps: Vec<(String, u64)>,
}

/// Follows a run to its good end.
pub async fn follow(entry: &Entry, after: u64) -> Result<Run> {
    let mut follow = entry.follow(after).await?;
    let (mut steps, mut finished) = (Vec::new(), None);
    while let Some(entry) = follow.next().await {
        match entry?.event {
            SetupEvent::StepDone { step, millis, .. } => steps.push((step, millis)),
            SetupEvent::Blocked { step, obstacle } | SetupEvent::Failed { step, obstacle } => {
                bail!("{step}: {}", obstacle.cause)
            }
            SetupEvent::Finished { ok, changes, .. } => {
                ensure!(ok, "the run did not end well");
                finished = Some(finished.unwrap_or(0) + changes);
            }
            SetupEvent::Started { .. }
            | SetupEvent::StepStarted { .. }
            | SetupEvent::Doing { .. }
            | SetupEvent::Waiting { .. }
            | SetupEvent::Intent { .. }
            | SetupEvent::Wrote { .. }
            | SetupEvent::Kept { .. } => {}
        }
    }
    Ok(Run { changes: finished.context("the run has no end")?, steps })
}
