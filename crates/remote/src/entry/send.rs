//! Files by verbs: a program to the server, an export from it.

use super::EntryError;
use super::verb::Verb;
use crate::connect::Session;
use crate::exec::ExecError;
use crate::upload::{IDLE, Program, Progress, Taker, UploadError, Writer, send};
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
    send(&mut verb, program, size, on, stop).await?;
    if let Some(Put { path }) = line(&verb.out) {
        return Ok(path);
    }
    let words = verb.done().words();
    Err(if words.contains("hash") { UploadError::Corrupt } else { UploadError::NotStored { words } })
}

impl Taker for Verb {
    fn has(&self) -> Option<u64> {
        line(&self.out).map(|Have { have }| have)
    }
    fn step(&mut self) -> impl Future<Output = Result<bool, ExecError>> + Send {
        Verb::step(self)
    }
    fn writer(&self) -> Option<Writer> {
        self.channel.writer().map(|writer| Box::pin(writer) as _)
    }
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
