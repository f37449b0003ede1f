//! The memory's thread: it alone writes to the memory, which is a view of the journal. It is told of every entry that is
//! durable, in their order, and takes what has gathered since in one go. After a failure, and at the start, it reads what
//! it lacks from the journal.

use anyhow::{Context, Result};
use journal::Reader;
use memory::Memory;
use protocol::fact::{Entry, Fact};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::warn;

/// Messages that may wait; beyond that the journal's writer waits with them.
const QUEUE: usize = 256;
/// Entries that are applied together at most.
const ENTRIES: usize = 512;
/// What could not be taken is tried again after so long.
const AGAIN: Duration = Duration::from_secs(30);

type Then = Box<dyn FnOnce() + Send>;
type Work = Box<dyn FnOnce(&mut Memory) + Send>;

enum Message {
    /// Entries that are durable, and what is to be done once they can be found.
    Apply(Vec<Entry>, Then),
    Work(Work),
}

/// The way to the memory's thread. Cheap to clone.
#[derive(Clone)]
pub struct Keeper {
    tx: mpsc::Sender<Message>,
    /// The newest entry that was handed over.
    told: Arc<AtomicU64>,
    /// The newest entry that was taken, or could not be and will be tried again.
    pub applied: watch::Receiver<u64>,
    /// Entries could not be taken, and wait for another try.
    pub behind: watch::Receiver<bool>,
}

impl Keeper {
    /// `head`: of the journal now; what the memory lacks up to there is read from it.
    pub fn start(memory: Memory, reader: Reader, head: u64) -> Result<Self> {
        let (tx, rx) = mpsc::channel(QUEUE);
        let (applied_tx, applied) = watch::channel(0);
        let told = Arc::new(AtomicU64::new(head));
        let (behind_tx, behind) = watch::channel(true);
        let shelf = Shelf { memory, reader, behind: behind_tx, applied: applied_tx };
        let work = move || shelf.work(rx, head);
        std::thread::Builder::new().name("memory".into()).spawn(work).context("failed to start a thread")?;
        Ok(Self { tx, told, applied, behind })
    }

    /// Whether an entry changes the memory.
    pub fn is_for(fact: &Fact) -> bool {
        matches!(
            fact,
            Fact::MemoryPushed(_)
                | Fact::MemorySuperseded(_)
                | Fact::MemoryEnriched(_)
                | Fact::MemoryGraphEdited(_)
                | Fact::MemoryForgotten(_)
        )
    }

    /// From the journal's writer, in the journal's order: `then` is called when the entries can be found. It is called
    /// too when they cannot be taken now: they are durable, and taken later.
    pub fn apply(&self, entries: Vec<Entry>, then: Then) {
        if let Some(last) = entries.last() {
            self.told.store(last.seq, Ordering::Release);
        }
        if let Err(lost) = self.tx.blocking_send(Message::Apply(entries, then))
            && let Message::Apply(_, then) = lost.0
        {
            then();
        }
    }

    /// Returns once all that was in the journal before is in the memory.
    pub async fn settled(&self) {
        let told = self.told.load(Ordering::Acquire);
        // An error means that the daemon stops.
        drop(self.applied.clone().wait_for(|applied| *applied >= told).await);
    }

    /// Does something with the memory between two batches.
    pub async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |memory| drop(reply.send(work(memory))));
        self.tx.send(Message::Work(work)).await.ok()?;
        answer.await.ok()
    }
}

struct Shelf {
    memory: Memory,
    reader: Reader,
    /// Entries may be missing: they are read from the journal.
    behind: watch::Sender<bool>,
    applied: watch::Sender<u64>,
}

impl Shelf {
    fn work(mut self, mut rx: mpsc::Receiver<Message>, head: u64) {
        self.take(Vec::new());
        self.applied.send_replace(head);
        while let Some(first) = rx.blocking_recv() {
            let mut batch = Gathered::default();
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Apply(entries, then) => batch.add(entries, then),
                    Message::Work(work) => {
                        self.finish(std::mem::take(&mut batch));
                        if *self.behind.borrow() {
                            self.take(Vec::new());
                        }
                        work(&mut self.memory);
                    }
                }
                next = if batch.entries.len() < ENTRIES { rx.try_recv().ok() } else { None };
            }
            self.finish(batch);
        }
    }

    fn finish(&mut self, batch: Gathered) {
        let Some(last) = batch.entries.last().map(|entry| entry.seq) else { return };
        self.take(batch.entries);
        self.applied.send_replace(last);
        batch.thens.into_iter().for_each(|then| then());
    }

    /// Applies entries that follow what is known. After a failure all is read from the journal, at once: a file that was
    /// found to be broken is made anew by that. If that fails too, it is tried again by the next entry, and by [`heal`].
    fn take(&mut self, entries: Vec<Entry>) {
        let mut done = match *self.behind.borrow() {
            true => Err(anyhow::anyhow!("entries are missing")),
            false => mirror::apply(&mut self.memory, &self.reader, entries)
                .map_err(anyhow::Error::from)
                .and_then(|done| Ok(done?)),
        };
        if done.is_err() {
            done = mirror::catch_up(&mut self.memory, &self.reader).map_err(anyhow::Error::from);
        }
        self.behind.send_replace(done.is_err());
        if let Err(e) = done {
            warn!(error = %format!("{e:#}"), "failed to bring the memory up to date; it is tried again");
        }
    }
}

/// After a failure the memory is brought up to date again, though nothing new is remembered. Ends with the daemon.
pub async fn heal(daemon: Arc<crate::context::Daemon>) {
    let mut behind = daemon.memory.keeper.behind.clone();
    loop {
        let tried = async {
            behind.wait_for(|behind| *behind).await.ok()?;
            tokio::time::sleep(AGAIN).await;
            daemon.memory.keeper.work(|_| ()).await
        };
        tokio::select! {
            tried = tried => if tried.is_none() { return },
            () = daemon.stop.cancelled() => return,
        }
    }
}

#[derive(Default)]
struct Gathered {
    entries: Vec<Entry>,
    thens: Vec<Then>,
}

impl Gathered {
    fn add(&mut self, entries: Vec<Entry>, then: Then) {
        self.entries.extend(entries);
        self.thens.push(then);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::{Batch, Journal, NewBlob, Opening};
    use memory::Query;
    use protocol::fact::{MemoryForgotten, MemoryPushed, NoteKind};
    use protocol::{At, JournalId, NoteId, ProjectId, note};

    struct Home {
        dir: tempfile::TempDir,
        journal: Journal,
        reader: Reader,
    }

    impl Home {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let fresh_id = &JournalId::new("j1").unwrap();
            let path = dir.path().join("journal.db");
            let journal = Journal::open(&path, Opening::Source { fresh_id, daemon: "1", at: At(0) }).unwrap();
            let reader = Reader::open(&path).unwrap();
            Self { dir, journal, reader }
        }

        fn keeper(&self) -> (Keeper, memory::Reader) {
            let memory = mirror::open_memory(&self.dir.path().join("memory"), self.journal.id()).unwrap();
            let reader = memory.reader();
            (Keeper::start(memory, self.reader.clone(), self.journal.head().0).unwrap(), reader)
        }

        fn push(&mut self, n: u8) -> Vec<Entry> {
            self.push_to("bakery", n)
        }

        fn push_to(&mut self, space: &str, n: u8) -> Vec<Entry> {
            let text = note::pack(&format!("Note {n}"), &format!("the bakery says word{n}"));
            let blob = NewBlob::new([n; 16], text);
            let fact = MemoryPushed {
                note: NoteId::new(format!("n{n}")).unwrap(),
                project: ProjectId::new(space).unwrap(),
                note_kind: NoteKind::Decision,
                title: String::new(),
                text: blob.to_ref(),
                source: note::YOU.into(),
                request: None,
                agent: None,
                confidence: None,
                batch: None,
            };
            self.journal.append(Batch { at: At(1), facts: vec![fact.into()], blobs: vec![blob] }).unwrap()
        }
    }

    fn bakery() -> ProjectId {
        ProjectId::new("bakery").unwrap()
    }

    fn found(reader: &memory::Reader, query: &str) -> Vec<String> {
        let found = reader.recall(&bakery(), &Query::new(query, At(2)), None).unwrap();
        found.hits.into_iter().map(|hit| hit.note.to_string()).collect()
    }

    /// Hands entries over as the journal's writer does, and waits until it may answer.
    async fn applied(keeper: &Keeper, entries: Vec<Entry>) {
        let (tx, rx) = oneshot::channel();
        let told = keeper.clone();
        let apply = move || told.apply(entries, Box::new(move || tx.send(()).unwrap()));
        tokio::task::spawn_blocking(apply).await.unwrap();
        rx.await.unwrap();
    }

    #[tokio::test]
    async fn what_came_in_before_the_start_and_after_it_is_found() {
        let mut home = Home::new();
        home.push(1);
        home.push(2);
        let (keeper, reader) = home.keeper();
        keeper.settled().await;
        assert_eq!(found(&reader, "word2"), ["n2"]);
        let entries = [home.push(3), home.push(4)].concat();
        applied(&keeper, entries).await;
        assert_eq!(
            (found(&reader, "word3"), found(&reader, "word4")),
            (vec!["n3".into()], vec!["n4".into()])
        );
        let head = home.journal.head().0;
        assert_eq!(keeper.work(|memory| memory.head()).await, Some(head));
        assert_eq!(*keeper.applied.borrow(), head);
    }

    #[tokio::test]
    async fn a_memory_that_lost_its_files_is_made_anew_beside_pushes() {
        let mut home = Home::new();
        let first = home.push(1);
        let (keeper, _) = home.keeper();
        applied(&keeper, first).await;
        drop(keeper);
        std::fs::remove_dir_all(home.dir.path().join("memory")).unwrap();
        let pushed = home.push(2);
        let (keeper, reader) = home.keeper();
        // It is in the replay as well as handed over: once is enough.
        applied(&keeper, pushed).await;
        assert_eq!(found(&reader, "word1"), ["n1"]);
        assert_eq!(found(&reader, "word2"), ["n2"]);
    }

    #[tokio::test]
    async fn a_memory_whose_files_go_while_it_runs_is_made_anew_by_the_next_note() {
        let mut home = Home::new();
        let (keeper, reader) = home.keeper();
        let first = home.push(1);
        applied(&keeper, first).await;
        std::fs::remove_dir_all(home.dir.path().join("memory")).unwrap();
        let second = home.push(2);
        applied(&keeper, second).await;
        assert_eq!(
            (found(&reader, "word1"), found(&reader, "word2")),
            (vec!["n1".into()], vec!["n2".into()])
        );
        assert!(!*keeper.behind.borrow());
    }

    #[tokio::test]
    async fn a_space_that_cannot_be_written_keeps_back_no_other_and_is_tried_again() {
        let mut home = Home::new();
        let (keeper, reader) = home.keeper();
        let first = home.push(1);
        // Where its file should be is something else.
        let in_the_way = home.dir.path().join("memory/attic.db");
        std::fs::create_dir_all(in_the_way.join("x")).unwrap();
        let attic = home.push_to("attic", 2);
        let third = home.push(3);
        applied(&keeper, [first, attic, third].concat()).await;
        assert_eq!(found(&reader, "word3"), ["n3"]);
        assert!(*keeper.behind.borrow());
        std::fs::remove_dir_all(&in_the_way).unwrap();
        keeper.work(|_| ()).await.unwrap();
        assert!(!*keeper.behind.borrow());
        let query = Query::new("word2", At(2));
        assert_eq!(reader.recall(&ProjectId::new("attic").unwrap(), &query, None).unwrap().hits.len(), 1);
    }

    #[tokio::test]
    async fn a_note_that_was_forgotten_before_it_was_taken_is_not_found() {
        let mut home = Home::new();
        let pushed = home.push(1);
        let Some(Fact::MemoryPushed(f)) = pushed.first().map(|entry| entry.fact.clone()) else {
            unreachable!()
        };
        let gone =
            MemoryForgotten { note: f.note, blob: f.text.blob, readings: vec![], project: Some(bakery()) };
        let gone = home.journal.append(Batch { at: At(2), facts: vec![gone.into()], blobs: vec![] }).unwrap();
        let (keeper, reader) = home.keeper();
        applied(&keeper, [pushed, gone].concat()).await;
        assert_eq!(found(&reader, "word1"), Vec::<String>::new());
    }
}
