//! A copy of a daemon's journal and memory in a folder elsewhere, which answers with no daemon at all.

use super::keeper::catch_up;
use crate::client::Client;
use anyhow::{Context, Result, bail};
use journal::{Journal, NewBlob, Opening, Reader};
use protocol::fact::Entry;
use protocol::*;
use std::path::{Path, PathBuf};

/// Entries that are asked for at once.
const PAGE: u32 = 500;

fn journal(dir: &Path) -> PathBuf {
    dir.join("journal.db")
}

fn memory(dir: &Path) -> PathBuf {
    dir.join("memory")
}

/// Pulls what is new, with the texts, into `dir`; answers with the head. An end in the middle loses nothing: the next pull
/// goes on from there.
pub async fn pull(client: &Client, dir: &Path) -> Result<u64> {
    std::fs::create_dir_all(dir).with_context(|| format!("failed to make {}", dir.display()))?;
    let Response::Hello(hello) = client.call(&Request::Hello).await? else {
        bail!("the daemon gave another answer than asked for")
    };
    let mut mirror = Journal::open(&journal(dir), Opening::Mirror)?;
    loop {
        let (after, _) = mirror.head();
        let ask = Request::Journal { after, limit: Some(PAGE) };
        let Response::Journal { entries, .. } = client.call(&ask).await? else {
            bail!("the daemon gave another answer than asked for")
        };
        if entries.is_empty() {
            break;
        }
        let blobs = texts(client, &entries).await?;
        mirror.mirror(&hello.journal, &entries, &blobs)?;
    }
    let mut memory = super::open(&memory(dir), &hello.journal)?;
    catch_up(&mut memory, &Reader::open(&journal(dir))?)?;
    Ok(mirror.head().0)
}

/// What was forgotten meanwhile is not there any more; the entry that says so comes later.
async fn texts(client: &Client, entries: &[Entry]) -> Result<Vec<NewBlob>> {
    let mut blobs = Vec::new();
    for id in entries.iter().flat_map(|entry| entry.fact.texts()) {
        if let Some((salt, data)) = client.blob(id).await? {
            blobs.push(NewBlob { id: id.clone(), salt, data });
        }
    }
    Ok(blobs)
}

/// What the mirror in `dir` remembers of a question, with no daemon. Without a project: the active one.
pub fn recall(dir: &Path, ask: api::RecallAsk, now: At) -> Result<Response> {
    let reader = Reader::open(&journal(dir)).with_context(|| {
        format!("there is no mirror in {}; make one with `loopwrightd mirror DIR`", dir.display())
    })?;
    let projects = reader.projects()?;
    let active = projects.iter().find(|row| row.active).or(projects.first()).map(|row| row.project.clone());
    let space = ask.project.clone().or(active).context("the mirror has no project")?;
    let query = crate::answer::memory::query(ask, now);
    let found = memory::Reader::open(&memory(dir)).recall(&space, &query, None)?;
    Ok(Response::Recalled(Box::new(crate::answer::memory::told(&reader, found)?)))
}
