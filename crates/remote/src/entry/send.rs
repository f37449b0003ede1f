//! Files by verbs: a program to the server, an export from it.

use super::EntryError;
use super::verb::Verb;
use crate::connect::Session;
use crate::exec::ExecError;
use crate::upload::{IDLE, Program, Progress, UploadError, pump};
use serde::Deserialize;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

#[derive(Deserialize)]
struct Have {
    have: u64,
}

#[derive(Deserialize)]
struct Put {
    path: String,
}

pub(super) async fn put(
    session: &Session,
    program: &Program,
    on: &mut (dyn FnMut(Progress) + Send),
    stop: &CancellationToken,
) -> Result<String, UploadError> {
    let size = program.verify().await?;
    let mut verb = Verb::start(session, &format!("put {} {size}", program.sha256)).await?;
    tokio::select! {
        done = talk(&mut verb, program, size, on) => done,
        () = stop.cancelled() => Err(UploadError::Stopped),
    }
}

async fn talk(
    verb: &mut Verb,
    program: &Program,
    size: u64,
    on: &mut (dyn FnMut(Progress) + Send),
) -> Result<String, UploadError> {
    let stalled = || UploadError::Stalled { seconds: IDLE.as_secs() };
    let mut more = true;
    let have = loop {
        if let Some(Have { have }) = line(&verb.out) {
            break Some(have);
        }
        if !more {
            break None;
        }
        more = timeout(IDLE, verb.step()).await.map_err(|_| stalled())??;
    };
    if let (Some(have), Some(writer)) = (have, verb.channel.writer()) {
        let reader = program.reader(have).await?;
        let sending = pump(reader, Box::pin(writer), Progress { done: have.min(size), of: size }, on);
        tokio::pin!(sending);
        while more {
            tokio::select! {
                sent = &mut sending => { sent?; break }
                step = verb.step() => more = step?,
            }
        }
        while more {
            more = timeout(IDLE * 2, verb.step()).await.map_err(|_| stalled())??;
        }
    }
    if let Some(Put { path }) = line(&verb.out) {
        return Ok(path);
    }
    let words = verb.done().words();
    Err(if words.contains("hash") { UploadError::Corrupt } else { UploadError::NotStored { words } })
}

/// The last whole line of that form.
fn line<T: serde::de::DeserializeOwned>(out: &[u8]) -> Option<T> {
    let text = String::from_utf8_lossy(out);
    let whole = text.get(..text.rfind('\n')?)?;
    whole.lines().rev().find_map(|line| serde_json::from_str(line).ok())
}

pub(super) async fn get(
    session: &Session,
    words: &str,
    into: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<u64, EntryError> {
    let mut verb = Verb::start(session, words).await?;
    let mut count = 0;
    loop {
        let seconds = IDLE.as_secs();
        let more = timeout(IDLE, verb.step()).await.map_err(|_| ExecError::TimedOut { seconds })??;
        count += verb.out.len() as u64;
        into.write_all(&verb.out).await.map_err(EntryError::Local)?;
        verb.out.clear();
        if !more {
            into.flush().await.map_err(EntryError::Local)?;
            return verb.done().lines().map(|_| count);
        }
    }
}
