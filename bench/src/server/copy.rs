//! A server's journal of 20,000 entries, copied as the desktop copies it: entries, texts, memory.

use super::ground::{From, Ground, now, path_on};
use crate::process;
use crate::row::Row;
use crate::spine::{self, ms};
use anyhow::{Context, Result, ensure};
use mirror::{Folder, Source};
use protocol::blobs::Kept;
use protocol::{ApiError, BlobId, Code, Request, Response};
use remote::{Control, ControlError, Entry, OurKey};
use std::path::Path;
use std::time::Instant;

const RUNS: usize = 5;

/// A daemon as the copy is filled from it.
struct Daemon(Control);

fn told(error: &ControlError) -> ApiError {
    ApiError::new(Code::Internal, error.cause())
}

impl Source for Daemon {
    async fn call(&self, request: &Request) -> Result<Response, ApiError> {
        self.0.request(request).await.map_err(|error| told(&error))
    }
    async fn blobs(&self, ids: &[BlobId]) -> Result<Vec<Kept>, ApiError> {
        self.0.blobs(ids).await.map_err(|error| told(&error))
    }
}

pub fn twenty_thousand(ground: &Ground, key: &OurKey) -> Result<Vec<Row>> {
    fill(ground)?;
    let daemon = ground.process(&["loopwrightd", "serve"])?;
    // Its own memory takes the new notes in.
    process::processor_at_rest(daemon)?;
    let folder = tempfile::tempdir()?;
    let times = ground.inside(async {
        let session = ground.ours(From::Near, key).await?;
        let greeting = Entry::new(session.clone()).hello().await?;
        let source = Daemon(Control::open(&session, &greeting, None).await?);
        let mut times = Vec::new();
        for run in 0..RUNS {
            let copy = Folder::new(folder.path().join(run.to_string()));
            let clock = Instant::now();
            let pulled = copy.pull(&source, now()).await?;
            times.push(ms(clock.elapsed()));
            ensure!(pulled.head >= spine::ENTRIES && pulled.warning.is_none(), "{pulled:?}");
        }
        session.close().await;
        Ok(times)
    })?;
    let how = "a fresh copy through the tunnel, no added distance: entries with their texts, chain verified, views and memory built";
    Ok(vec![Row::median("20,000 entries mirrored", "ms", &times, how).at_most(1000.0)])
}

/// The daemon rests meanwhile: a journal has one writer. The server's first process sees all of its files; SQLite does not
/// open one by that way, so it is filled beside it.
fn fill(ground: &Ground) -> Result<()> {
    let there = path_on(ground.process(&["systemd"])?, "/var/lib/loopwright/workspace");
    let here = tempfile::tempdir()?;
    ground.exec("systemctl stop loopwright.service")?.ok()?;
    copied(&there, here.path())?;
    spine::fill(&here.path().join("journal.db")).context("the journal was not filled")?;
    copied(here.path(), &there)?;
    ground.exec("systemctl start loopwright.service && loopwrightd hello")?.ok()?;
    Ok(())
}

/// As files of their own, and without the index of what waits in the log, which SQLite makes anew.
fn copied(from: &Path, to: &Path) -> Result<()> {
    for name in ["journal.db", "journal.db-wal", "journal.db-shm"] {
        let (from, to) = (from.join(name), to.join(name));
        if to.exists() {
            std::fs::remove_file(&to)?;
        }
        if from.exists() && !name.ends_with("-shm") {
            std::fs::copy(&from, &to)?;
        }
    }
    Ok(())
}
