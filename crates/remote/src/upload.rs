//! Carrying the server's program over: to a temporary name, from where the last try ended, checked by its hash there, and
//! only then under its own name.

use crate::connect::Session;
use crate::exec::{ExecError, Running};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A build of the server's program.
#[derive(Debug, Clone)]
pub struct Program {
    pub source: Source,
    /// Hex.
    pub sha256: String,
    pub version: String,
    /// As `uname -m` says it: "x86_64", "aarch64".
    pub arch: String,
}

#[derive(Debug, Clone)]
pub enum Source {
    File(PathBuf),
    Bytes(Bytes),
}

/// Bytes that are over, of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub of: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    #[error("the program to be sent cannot be read")]
    Local(#[source] io::Error),
    #[error("the program to be sent is not the one that was meant: its hash is {found}")]
    WrongProgram { found: String },
    #[error("the server has no folder in which a program may be put and started")]
    NoFolder,
    #[error("the server cannot store the program{}", colon(words))]
    NotStored { words: String },
    #[error("nothing moved for {seconds} s while the program was sent")]
    Stalled { seconds: u64 },
    #[error("what arrived is not what was sent, twice")]
    Corrupt,
    #[error("it was stopped")]
    Stopped,
    #[error(transparent)]
    Exec(#[from] ExecError),
}

fn colon(words: &str) -> String {
    let words = words.trim();
    if words.is_empty() { String::new() } else { format!(": {words}") }
}

impl UploadError {
    pub fn next(&self) -> String {
        match self {
            Self::Local(_) | Self::WrongProgram { .. } => "install this app again".into(),
            Self::NoFolder => "give the user a home folder from which programs may be started".into(),
            Self::NotStored { .. } => "make room on the server's disk, then try again".into(),
            Self::Stalled { .. } => "check the connection; it goes on from where it was".into(),
            Self::Corrupt => "try again; if it stays so, the line or the disk is damaged".into(),
            Self::Stopped => "start it again whenever you like: it goes on from where it was".into(),
            Self::Exec(error) => error.next(),
        }
    }
}

/// Nothing moved for so long: the line is as good as dead.
pub(crate) const IDLE: Duration = Duration::from_secs(30);
const CHUNK: usize = 64 << 10;

impl Program {
    /// Its size, once the hash is seen to be right.
    pub(crate) async fn verify(&self) -> Result<u64, UploadError> {
        let mut reader = self.reader(0).await?;
        let (mut hash, mut size, mut chunk) = (Sha256::new(), 0_u64, vec![0; CHUNK]);
        loop {
            let count = reader.read(&mut chunk).await.map_err(UploadError::Local)?;
            if count == 0 {
                break;
            }
            hash.update(chunk.get(..count).unwrap_or_default());
            size += count as u64;
        }
        let found = protocol::hex(hash.finalize());
        if found == self.sha256 { Ok(size) } else { Err(UploadError::WrongProgram { found }) }
    }

    async fn reader(&self, from: u64) -> Result<Box<dyn AsyncRead + Send + Unpin>, UploadError> {
        Ok(match &self.source {
            Source::Bytes(bytes) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                Box::new(io::Cursor::new(bytes.slice(from..)))
            }
            Source::File(path) => {
                let mut file = tokio::fs::File::open(path).await.map_err(UploadError::Local)?;
                file.seek(io::SeekFrom::Start(from)).await.map_err(UploadError::Local)?;
                Box::new(file)
            }
        })
    }
}

/// Puts the program on the server and gives its path there. After a cut, the same call goes on from where that was.
pub(crate) async fn upload(
    session: &Session,
    program: &Program,
    on: &mut (dyn FnMut(Progress) + Send),
    stop: &CancellationToken,
) -> Result<String, UploadError> {
    let size = program.verify().await?;
    // Something else than this program may lie under its temporary name: then once more, from the start.
    for _ in 0..2 {
        if let Some(path) = once(session, program, size, on, stop).await? {
            return Ok(path);
        }
    }
    Err(UploadError::Corrupt)
}

async fn once(
    session: &Session,
    program: &Program,
    size: u64,
    on: &mut (dyn FnMut(Progress) + Send),
    stop: &CancellationToken,
) -> Result<Option<String>, UploadError> {
    let script = format!("s={}\nn={size}\n{}", program.sha256, include_str!("upload.sh"));
    let mut running = Running::start(session, &script).await?;
    let sent = send(&mut running, program, size, on, stop).await;
    let ended = ended(&running);
    running.close().await;
    sent.and(ended)
}

/// It says `at N` and takes the rest; at the end it says `done PATH` or `bad`.
impl Taker for Running {
    fn has(&self) -> Option<u64> {
        self.lines().iter().find_map(|line| line.strip_prefix("at ")?.parse().ok())
    }
    fn step(&mut self) -> impl Future<Output = Result<bool, ExecError>> + Send {
        Running::step(self)
    }
    fn writer(&self) -> Option<Writer> {
        Running::writer(self)
    }
}

fn ended(running: &Running) -> Result<Option<String>, UploadError> {
    let framed = running.framed();
    let done = framed.out.lines().find_map(|line| line.strip_prefix("done ").map(str::to_owned));
    match (framed.code, done) {
        (0, Some(path)) => Ok(Some(path)),
        (3, _) => Err(UploadError::NoFolder),
        (6, _) => Ok(None),
        (4, _) => Err(UploadError::NotStored { words: framed.err }),
        (code, _) => Err(ExecError::Failed { code, words: framed.err }.into()),
    }
}

pub(crate) type Writer = Pin<Box<dyn AsyncWrite + Send>>;

/// The other end of a transfer.
pub(crate) trait Taker {
    /// The bytes that it has from an earlier try, once it has said so.
    fn has(&self) -> Option<u64>;
    /// Takes one message; false when it has ended.
    fn step(&mut self) -> impl Future<Output = Result<bool, ExecError>> + Send;
    fn writer(&self) -> Option<Writer>;
}

/// Sends what the other end does not have yet, and waits for its end. What that means stands in what it said.
pub(crate) async fn send(
    taker: &mut impl Taker,
    program: &Program,
    size: u64,
    on: &mut (dyn FnMut(Progress) + Send),
    stop: &CancellationToken,
) -> Result<(), UploadError> {
    tokio::select! {
        sent = hand_over(taker, program, size, on) => sent,
        () = stop.cancelled() => Err(UploadError::Stopped),
    }
}

async fn hand_over(
    taker: &mut impl Taker,
    program: &Program,
    size: u64,
    on: &mut (dyn FnMut(Progress) + Send),
) -> Result<(), UploadError> {
    let idle = || UploadError::Stalled { seconds: IDLE.as_secs() };
    let mut more = true;
    let has = loop {
        if let Some(has) = taker.has() {
            break Some(has);
        }
        if !more {
            break None;
        }
        more = timeout(IDLE, taker.step()).await.map_err(|_| idle())??;
    };
    if let (Some(has), Some(writer)) = (has, taker.writer()) {
        let reader = program.reader(has).await?;
        let sending = pump(reader, writer, Progress { done: has.min(size), of: size }, on);
        tokio::pin!(sending);
        while more {
            tokio::select! {
                sent = &mut sending => { sent?; break }
                // It ended, so nobody takes the rest: why stands in what it said.
                step = taker.step() => more = step?,
            }
        }
        // It reads the whole program once more for its hash.
        while more {
            more = timeout(IDLE * 2, taker.step()).await.map_err(|_| idle())??;
        }
    }
    Ok(())
}

/// Copies until the end, with a limit on standing still.
async fn pump(
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    mut progress: Progress,
    on: &mut (dyn FnMut(Progress) + Send),
) -> Result<(), UploadError> {
    let stalled = || UploadError::Stalled { seconds: IDLE.as_secs() };
    let mut chunk = vec![0; CHUNK];
    on(progress);
    loop {
        let count = reader.read(&mut chunk).await.map_err(UploadError::Local)?;
        let Some(bytes) = chunk.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        match timeout(IDLE, writer.write_all(bytes)).await {
            Ok(Ok(())) => {}
            // The other side took no more; what it says tells why.
            Ok(Err(_)) => return Ok(()),
            Err(_) => return Err(stalled()),
        }
        progress.done += count as u64;
        on(progress);
    }
    // As with the writes: an end that is not taken shows in the answer.
    let _ = timeout(IDLE, writer.shutdown()).await.map_err(|_| stalled())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io;

    fn program(bytes: &'static [u8], sha256: &str) -> Program {
        let source = Source::Bytes(Bytes::from_static(bytes));
        Program { source, sha256: sha256.into(), version: "0".into(), arch: "x86_64".into() }
    }

    #[tokio::test]
    async fn a_program_is_what_its_hash_says_or_is_not_sent() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(program(b"abc", abc).verify().await.unwrap(), 3);
        assert!(matches!(program(b"abd", abc).verify().await, Err(UploadError::WrongProgram { .. })));
        let gone = Program { source: Source::File("/nonexistent".into()), ..program(b"", abc) };
        assert!(matches!(gone.verify().await, Err(UploadError::Local(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_that_moves_for_half_a_minute_is_an_end_and_slow_is_not() {
        let (near, mut far) = io::duplex(CHUNK);
        let progress = Progress { done: 0, of: 1 << 20 };
        let bytes = vec![7; 1 << 20];
        let slow = async {
            let mut taken = vec![0; CHUNK];
            for _ in 0..16 {
                tokio::time::sleep(IDLE - Duration::from_secs(1)).await;
                far.read_exact(&mut taken).await.unwrap();
            }
        };
        let mut last = 0;
        let mut on = |progress: Progress| last = progress.done;
        let (done, ()) = tokio::join!(pump(bytes.as_slice(), near, progress, &mut on), slow);
        done.unwrap();
        assert_eq!(last, 1 << 20);
        let (near, _far) = io::duplex(CHUNK);
        let stalled = pump(bytes.as_slice(), near, progress, &mut |_| {}).await;
        assert!(matches!(stalled, Err(UploadError::Stalled { seconds: 30 })), "{stalled:?}");
    }
}
