//! Reading a long journal from elsewhere, as a desktop's mirror does.

use super::ms;
use crate::home::{Home, StandIn};
use crate::row::Row;
use crate::socket::{Kept, alone};
use crate::story;
use anyhow::{Result, bail, ensure};
use journal::{Journal, Opening};
use protocol::fact::{Entry, Fact};
use protocol::{At, CommitId, JournalId, ProjectId, Request, Response};
use std::path::Path;
use std::time::Instant;

const RUNS: usize = 5;
pub const ENTRIES: u64 = 20_000;
const PAGE: u32 = 1000;

pub fn twenty_thousand() -> Result<Vec<Row>> {
    let home = Home::new(StandIn::None)?;
    fill(&home.workspace.home().join("journal.db"))?;
    // The first start after that indexes the notes; the figures are of the later ones.
    home.start()?.0.stop()?;
    let (mut reads, mut mirrors, mut resumes) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        let (daemon, resumed) = home.start()?;
        resumes.push(ms(resumed));
        let clock = Instant::now();
        let read = alone(pull(&home.socket(), |_| Ok(())))?;
        reads.push(ms(clock.elapsed()));
        ensure!(read >= ENTRIES, "only {read} entries were read");
        let file = home.workspace.path().join(format!("mirror-{run}.db"));
        let clock = Instant::now();
        mirror(&daemon, &home.socket(), &file)?;
        mirrors.push(ms(clock.elapsed()));
        daemon.kill9()?;
    }
    Ok(vec![
        Row::median(
            "mirror read of 20,000 entries through the API",
            "ms",
            &reads,
            "pages of 1,000 on one kept connection to the control socket, each parsed into entries",
        )
        .at_most(1000.0),
        Row::median(
            "the same into a fresh mirror, chain verified, views built",
            "ms",
            &mirrors,
            "each page by Journal::mirror into a new file, one transaction a page; blobs are not part of it",
        ),
        Row::median(
            "resume with 20,000 facts of finished requests",
            "ms",
            &resumes,
            "after kill -9, from making the process to its answer to Hello",
        ),
    ])
}

/// Appends whole requests, as they end, until there are enough entries.
pub fn fill(path: &Path) -> Result<()> {
    let fresh_id = JournalId::new("unused")?;
    let opening = Opening::Source { fresh_id: &fresh_id, daemon: "bench", at: At(0) };
    let mut journal = Journal::open(path, opening)?;
    let (project, base) = project_of(path)?;
    let mut number = 0;
    while journal.head().0 < ENTRIES {
        let stories = (0..50).map(|_| {
            number += 1;
            story::story(&project, &base, number)
        });
        let batches = stories.collect::<Result<Vec<_>>>()?;
        journal.append_all(batches)?;
    }
    Ok(())
}

fn project_of(path: &Path) -> Result<(ProjectId, CommitId)> {
    let entries = journal::Reader::open(path)?.entries(0, 100)?;
    let made = entries.into_iter().find_map(|entry| match entry.fact {
        Fact::ProjectCreated(made) => Some((made.project, made.commit)),
        _ => None,
    });
    made.ok_or_else(|| anyhow::anyhow!("the home has no project"))
}

/// Hands every page to `each`; how many entries there were.
async fn pull(socket: &Path, mut each: impl FnMut(Vec<Entry>) -> Result<()>) -> Result<u64> {
    let mut kept = Kept::open(socket).await?;
    let mut cursor = 0;
    loop {
        let page = kept.ask(&Request::Journal { after: cursor, limit: Some(PAGE) }).await?;
        let Response::Journal { entries, .. } = page else { bail!("the daemon answered something else") };
        let Some(last) = entries.last() else { return Ok(cursor) };
        cursor = last.seq;
        each(entries)?;
    }
}

fn mirror(daemon: &testkit::Daemon, socket: &Path, file: &Path) -> Result<()> {
    let Response::Hello(hello) = daemon.call(&Request::Hello)? else { bail!("no Hello") };
    let mut copy = Journal::open(file, Opening::Mirror)?;
    let read = alone(pull(socket, |entries| {
        copy.mirror(&hello.journal, &entries, &[])?;
        Ok(())
    }))?;
    ensure!(copy.head().0 == read && read >= hello.head, "the mirror is behind");
    Ok(())
}
