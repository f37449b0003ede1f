//! The single writer: one thread that owns the journal and the engine's state. Inputs are decided one after the other and
//! committed together, so that fifty requests at once cost one disk flush. Nothing is answered, and nobody is woken, before
//! the facts are durable; what is remembered is answered once the memory has it, too.

use crate::names;
use crate::remember::Keeper;
use engine::{Effect, Input, Limits, Rejected, State};
use journal::{Batch, Journal, NewBlob, Reader};
use protocol::fact::{Entry, Fact};
use protocol::view::TranscriptLine;
use protocol::{ApiError, AttemptId, Code};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tracing::{error, warn};

/// Inputs that are committed together at most.
const GROUP: usize = 256;
/// Inputs that may wait; beyond that the caller is told to come back.
const QUEUE: usize = 20_000;

/// Bytes of blobs that may wait with them.
const QUEUED_BYTES: usize = 64 * 1024 * 1024;
/// Attempts whose transcripts are kept: those that printed last.
const TRANSCRIPTS: u32 = 200;

/// While the disk is full, who asks for nothing new looks for room this often at most: a look writes megabytes.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(1);

/// What must be free before the journal is asked to set room aside again: its own share and as much beside. Asking
/// without that would take the last room, for a moment, from those that may still use it.
const ROOM: u64 = 16 * 1024 * 1024;

/// Why an input left no facts.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    #[error("{0}")]
    Rejected(Rejected),
    #[error("the disk is full")]
    DiskFull,
    #[error("the journal could not be written: {0}")]
    Journal(String),
    #[error("too many requests at once")]
    Busy,
    #[error("the daemon is stopping")]
    Stopping,
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> ApiError {
        let text = refused.to_string();
        match refused {
            Refused::Rejected(rejected) => crate::answer::rejected(&rejected),
            Refused::DiskFull => {
                ApiError::new(Code::DiskFull, "the disk is full: nothing was taken, nothing was harmed")
                    .next("make room on the disk that holds the home folder, then send it again")
            }
            Refused::Journal(_) => ApiError::new(Code::Internal, text).next("see `loopwrightd doctor`"),
            Refused::Busy => ApiError::new(Code::Busy, text).next("send it again in a few seconds"),
            Refused::Stopping => ApiError::new(Code::Busy, text).next("start it again with `./dev run`"),
        }
    }
}

struct Job {
    input: Input,
    blobs: Vec<NewBlob>,
    reply: Reply,
    /// The room that its blobs take in the queue, given back when it is dropped.
    _room: OwnedSemaphorePermit,
}

enum Message {
    Decide(Box<Job>),
    Transcript(Vec<(AttemptId, TranscriptLine)>, oneshot::Sender<Result<(), Refused>>),
}

/// The way to the writer's thread. Cheap to clone.
#[derive(Clone)]
pub struct Writer {
    tx: mpsc::Sender<Message>,
    room: Arc<Semaphore>,
    pub head: watch::Receiver<u64>,
    pub pending: watch::Receiver<Arc<Vec<Effect>>>,
    pub disk_full: watch::Receiver<bool>,
}

impl Writer {
    /// Replays the journal into a state and starts the thread. `disk`: a folder on the journal's disk.
    pub fn start(
        disk: PathBuf,
        journal: Journal,
        reader: Reader,
        keeper: Keeper,
        limits: Limits,
    ) -> anyhow::Result<Self> {
        let mut state = State::default();
        replay(&reader, &mut state)?;
        let (tx, rx) = mpsc::channel(QUEUE);
        let (head_tx, head) = watch::channel(journal.head().0);
        let (pending_tx, pending) = watch::channel(Arc::new(engine::pending(&state, &limits)));
        let (full_tx, disk_full) = watch::channel(false);
        let desk = Desk {
            disk,
            journal,
            reader,
            state,
            limits,
            keeper,
            head: head_tx,
            pending: pending_tx,
            full: full_tx,
            looked: None,
            writes: 0,
        };
        std::thread::Builder::new().name("writer".into()).spawn(move || desk.work(rx))?;
        let room = Arc::new(Semaphore::new(QUEUED_BYTES));
        Ok(Self { tx, room, head, pending, disk_full })
    }

    /// Decides `input`; its facts are durable when this returns.
    pub async fn decide(&self, input: Input, blobs: Vec<NewBlob>) -> Result<Vec<Entry>, Refused> {
        let (reply, answer) = oneshot::channel();
        let _room = self.room(&blobs)?;
        self.tx.try_send(Message::Decide(Box::new(Job { input, blobs, reply, _room }))).map_err(
            |e| match e {
                mpsc::error::TrySendError::Full(_) => Refused::Busy,
                mpsc::error::TrySendError::Closed(_) => Refused::Stopping,
            },
        )?;
        answer.await.map_err(|_| Refused::Stopping)?
    }

    fn room(&self, blobs: &[NewBlob]) -> Result<OwnedSemaphorePermit, Refused> {
        let bytes: usize = blobs.iter().map(|blob| blob.data.len()).sum();
        // One that needs more than all of it waits until it is alone.
        let bytes = u32::try_from(bytes.min(QUEUED_BYTES)).unwrap_or(u32::MAX);
        self.room.clone().try_acquire_many_owned(bytes).map_err(|_| Refused::Busy)
    }

    /// Appends transcript lines. They are not facts: they may be lost when the power goes, and can be pruned.
    pub async fn transcript(&self, lines: Vec<(AttemptId, TranscriptLine)>) -> Result<(), Refused> {
        let (reply, answer) = oneshot::channel();
        self.tx.send(Message::Transcript(lines, reply)).await.map_err(|_| Refused::Stopping)?;
        answer.await.map_err(|_| Refused::Stopping)?
    }
}

type Reply = oneshot::Sender<Result<Vec<Entry>, Refused>>;
/// What was decided: which of the commit's batches holds its facts, if there are any.
type Decided = (Reply, Result<Option<usize>, Rejected>);
type Answer = (Reply, Result<Vec<Entry>, Refused>);

fn reply((reply, answer): Answer) {
    // Who asked may be gone.
    drop(reply.send(answer));
}

struct Desk {
    disk: PathBuf,
    journal: Journal,
    reader: Reader,
    state: State,
    limits: Limits,
    keeper: Keeper,
    head: watch::Sender<u64>,
    pending: watch::Sender<Arc<Vec<Effect>>>,
    /// The disk was full, and there has not been room for new work since.
    full: watch::Sender<bool>,
    /// When it was last looked for room.
    looked: Option<Instant>,
    /// Commits of facts since the start.
    writes: u64,
}

impl Desk {
    fn work(mut self, mut rx: mpsc::Receiver<Message>) {
        self.forget_old();
        while let Some(first) = rx.blocking_recv() {
            let mut jobs = Vec::new();
            self.sort(first, &mut jobs);
            while jobs.len() < GROUP {
                match rx.try_recv() {
                    Ok(message) => self.sort(message, &mut jobs),
                    Err(_) => break,
                }
            }
            if !jobs.is_empty() {
                self.commit(jobs);
            }
        }
    }

    fn sort(&mut self, message: Message, jobs: &mut Vec<Job>) {
        match message {
            Message::Decide(job) => jobs.push(*job),
            Message::Transcript(lines, reply) => {
                if !self.room(LOOK_FOR_ROOM) {
                    let _ = reply.send(Err(Refused::DiskFull));
                    return;
                }
                let done = self.journal.append_transcript(&lines).map_err(|e| self.refused(&e));
                let _ = reply.send(done);
            }
        }
    }

    /// Decides each job on the state that the ones before it leave, commits all facts in one transaction, then answers.
    fn commit(&mut self, jobs: Vec<Job>) {
        let at = names::now();
        let mut batches = Vec::new();
        let mut decided = Vec::new();
        let asked = jobs.iter().any(|job| is_new_work(&job.input));
        let room = self.room(if asked { Duration::ZERO } else { LOOK_FOR_ROOM });
        for job in jobs {
            if !room && is_new_work(&job.input) {
                let _ = job.reply.send(Err(Refused::DiskFull));
                continue;
            }
            let facts = engine::decide(&self.state, &self.limits, job.input);
            let index = facts.as_ref().ok().filter(|f| !f.is_empty()).map(|facts| {
                facts.iter().for_each(|fact| self.state.apply(at, fact));
                batches.push(Batch { at, facts: facts.clone(), blobs: job.blobs });
                batches.len() - 1
            });
            decided.push((job.reply, facts.map(|_| index)));
        }
        let written = if batches.is_empty() { Ok(Vec::new()) } else { self.journal.append_all(batches) };
        match written {
            Ok(entries) => self.publish(entries, decided),
            Err(e) => {
                let refused = self.refused(&e);
                error!(error = %e, "failed to write the journal; nothing was taken");
                self.reset();
                decided.into_iter().for_each(|(reply, _)| drop(reply.send(Err(refused.clone()))));
            }
        }
    }

    fn publish(&mut self, mut entries: Vec<Vec<Entry>>, decided: Vec<Decided>) {
        if !entries.is_empty() {
            self.writes += 1;
            crate::faults::after_write(self.writes);
        }
        let closed = entries.iter().flatten().any(|entry| matches!(entry.fact, Fact::RequestClosed(_)));
        let noted: Vec<Entry> =
            entries.iter().flatten().filter(|entry| Keeper::is_for(&entry.fact)).cloned().collect();
        let mut answers = Vec::with_capacity(decided.len());
        for (reply, result) in decided {
            let answer = match result {
                Ok(Some(index)) => Ok(entries.get_mut(index).map(std::mem::take).unwrap_or_default()),
                Ok(None) => Ok(Vec::new()),
                Err(rejected) => Err(Refused::Rejected(rejected)),
            };
            answers.push((reply, answer));
        }
        // What is remembered is answered once it can be found.
        let is_noted = |answer: &Answer| answer.1.iter().flatten().any(|entry| Keeper::is_for(&entry.fact));
        let (later, now): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(is_noted);
        if !noted.is_empty() {
            self.keeper.apply(noted, Box::new(move || later.into_iter().for_each(reply)));
        }
        self.head.send_if_modified(|head| std::mem::replace(head, self.journal.head().0) != *head);
        let _ = self.pending.send(Arc::new(engine::pending(&self.state, &self.limits)));
        now.into_iter().for_each(reply);
        if closed {
            self.forget_old();
        }
    }

    /// Transcripts are plenty, and nobody reads the old ones.
    fn forget_old(&mut self) {
        // To delete takes room too, and the last of it is not for this.
        if !free(&self.disk).is_ok_and(|free| free >= ROOM) {
            return;
        }
        if let Err(e) = self.journal.prune_transcripts(TRANSCRIPTS) {
            warn!(error = %e, "failed to forget old transcripts");
        }
    }

    /// After a failed commit the state is ahead of the journal: it is made anew from what is durable.
    fn reset(&mut self) {
        let mut state = State::default();
        match replay(&self.reader, &mut state) {
            Ok(()) => self.state = state,
            // A journal that can be neither written nor read leaves no sound state to go on from.
            Err(e) => {
                error!(error = %e, "failed to read the journal back");
                std::process::exit(1);
            }
        }
    }

    /// Whether new work may be taken. The journal keeps some room back for the ends of what runs; new work waits until
    /// that is set aside again.
    fn room(&mut self, every: Duration) -> bool {
        if !*self.full.borrow() {
            return true;
        }
        if self.looked.is_some_and(|at| at.elapsed() < every) {
            return false;
        }
        let room = match free(&self.disk).and_then(|free| Ok(free >= ROOM && self.journal.room()?)) {
            Ok(room) => room,
            Err(e) => {
                warn!(error = %e, "failed to look for room on the disk");
                false
            }
        };
        self.looked = Some(Instant::now());
        self.full.send_replace(!room);
        room
    }

    fn refused(&self, e: &journal::Error) -> Refused {
        if e.is_disk_full() {
            self.full.send_if_modified(|full| !std::mem::replace(full, true));
            return Refused::DiskFull;
        }
        Refused::Journal(e.to_string())
    }
}

/// Bytes that are free on the disk.
fn free(folder: &Path) -> anyhow::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// What people ask for anew. The ends of effects, a cancel and a forget are taken on a full disk too.
fn is_new_work(input: &Input) -> bool {
    matches!(
        input,
        Input::Submit(_)
            | Input::Steer { .. }
            | Input::PlanStep(_)
            | Input::Push(_)
            | Input::Enriched(_)
            | Input::GraphEdited(_)
    )
}

fn replay(reader: &Reader, state: &mut State) -> anyhow::Result<()> {
    reader.replay(|entry| state.apply(entry.at, &entry.fact))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::Opening;

    #[tokio::test]
    async fn more_bytes_than_may_wait_are_refused_until_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let fresh_id = &names::journal().unwrap();
        let opening = Opening::Source { fresh_id, daemon: "1", at: names::now() };
        let journal = Journal::open(&path, opening).unwrap();
        let reader = Reader::open(&path).unwrap();
        let memory = mirror::open_memory(&dir.path().join("memory"), journal.id()).unwrap();
        let keeper = Keeper::start(memory, reader.clone(), journal.head().0).unwrap();
        let writer =
            Writer::start(dir.path().to_owned(), journal, reader, keeper, Limits::default()).unwrap();
        let blob = |bytes: usize| vec![NewBlob::new([0; 16], vec![0; bytes])];
        let held = writer.room(&blob(QUEUED_BYTES - 10)).unwrap();
        let cancel = || Input::Cancel { request: names::request().unwrap() };
        assert!(matches!(writer.decide(cancel(), blob(11)).await, Err(Refused::Busy)));
        assert!(matches!(writer.decide(cancel(), blob(10)).await, Err(Refused::Rejected(_))));
        drop(held);
        assert!(matches!(writer.decide(cancel(), blob(QUEUED_BYTES + 1)).await, Err(Refused::Rejected(_))));
        assert_eq!(writer.room.available_permits(), QUEUED_BYTES);
    }
}
