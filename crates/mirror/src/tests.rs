//! A copy against a journal that answers as a daemon does, in all the ways in which the two can come apart.

use super::*;
use journal::{Batch, Journal, NewBlob, Opening, Reader};
use protocol::fact::{MemoryPushed, NoteKind, ProjectCreated};
use protocol::view::Hello;
use protocol::*;
use std::path::{Path, PathBuf};

struct House {
    dir: tempfile::TempDir,
    journal: Journal,
}

/// What the house's daemon answers.
struct Asked(PathBuf);

impl Source for Asked {
    async fn call(&self, request: &Request) -> Result<Response, ApiError> {
        let reader = Reader::open(&self.0).unwrap();
        let head = reader.head().unwrap().0;
        Ok(match request {
            Request::Hello => Response::Hello(Hello {
                daemon: "1".into(),
                api: API_VERSION,
                journal: reader.id().unwrap(),
                head,
                host: "bakery-1".into(),
                local: false,
            }),
            Request::Journal { after, limit } => {
                Response::Journal { entries: reader.entries(*after, limit.unwrap()).unwrap(), head }
            }
            _ => return Err(ApiError::new(Code::NotFound, "not asked here")),
        })
    }
    /// Never more than two at once.
    async fn blobs(&self, ids: &[BlobId]) -> Result<Vec<blobs::Kept>, ApiError> {
        let reader = Reader::open(&self.0).unwrap();
        let kept = |id| reader.blob_with_salt(id).unwrap().map(|blob| (blob.salt, blob.data));
        Ok(ids.iter().take(2).map(kept).collect())
    }
}

impl House {
    fn new(id: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fresh_id = &JournalId::new(id).unwrap();
        let path = dir.path().join("journal.db");
        let journal = Journal::open(&path, Opening::Source { fresh_id, daemon: "1", at: At(0) }).unwrap();
        let mut house = Self { dir, journal };
        let project = ProjectCreated {
            project: bakery(),
            name: "Bakery".into(),
            starter: "static".into(),
            commit: CommitId::new("c1").unwrap(),
        };
        house.append(project.into(), vec![]);
        house
    }

    fn append(&mut self, fact: Fact, blobs: Vec<NewBlob>) {
        self.journal.append(Batch { at: At(1), facts: vec![fact], blobs }).unwrap();
    }

    fn push(&mut self, n: u8, word: &str) {
        let blob = NewBlob::new([n; 16], note::pack(&format!("Note {n}"), word));
        let fact = MemoryPushed {
            note: NoteId::new(format!("n{n}")).unwrap(),
            project: bakery(),
            note_kind: NoteKind::Decision,
            title: String::new(),
            text: blob.to_ref(),
            source: note::YOU.into(),
            request: None,
            agent: None,
            confidence: None,
            batch: None,
        };
        self.append(fact.into(), vec![blob]);
    }

    fn asked(&self) -> Asked {
        Asked(self.dir.path().join("journal.db"))
    }
    fn head(&self) -> u64 {
        self.journal.head().0
    }
}

fn bakery() -> ProjectId {
    ProjectId::new("bakery").unwrap()
}

fn offline() -> Unreached {
    Unreached { why: "bakery-1 is not reached".into(), sent: false }
}

fn recalled(folder: &Folder, query: &str) -> Vec<String> {
    let ask = api::RecallAsk { query: query.into(), ..api::RecallAsk::default() };
    match folder.answer(Request::Recall(Box::new(ask)), &offline(), At(9)).unwrap().0 {
        Response::Recalled(found) => found.rows.into_iter().map(|row| row.note.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

async fn filled(house: &House, dir: &Path) -> Folder {
    let folder = Folder::new(dir.join("copy"));
    let pulled = folder.pull(&house.asked(), At(5)).await.unwrap();
    assert_eq!((pulled.head, pulled.warning), (house.head(), None));
    folder
}

#[tokio::test]
async fn a_copy_answers_reads_says_since_when_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new(dir.path().join("copy"));
    let nothing = folder.answer(Request::Projects, &offline(), At(9)).unwrap_err();
    assert!(nothing.message.contains("nothing was copied"), "{nothing}");
    let mut house = House::new("j1");
    house.push(1, "rye bread on Tuesdays");
    let folder = filled(&house, dir.path()).await;
    let (answer, since) = folder.answer(Request::Projects, &offline(), At(9)).unwrap();
    assert!(matches!(answer, Response::Projects { rows } if rows.len() == 1));
    assert_eq!(since, At(5));
    folder.seen(At(8)).unwrap();
    assert_eq!(folder.answer(Request::Hello, &offline(), At(9)).unwrap().1, At(8));
    assert_eq!(recalled(&folder, "rye"), ["n1"]);

    let forget = || Request::Forget { note: NoteId::new("n1").unwrap() };
    let refused = folder.answer(forget(), &offline(), At(9)).unwrap_err();
    assert!(refused.message.contains("bakery-1 is not reached: nothing was changed"), "{refused}");
    assert!(refused.next.is_some());
    // It was on its way when the connection broke: nobody knows.
    let sent = Unreached { sent: true, ..offline() };
    let unknown = folder.answer(forget(), &sent, At(9)).unwrap_err();
    assert!(unknown.message.contains("may have been done"), "{unknown}");
}

#[tokio::test]
async fn what_is_new_comes_by_cursor_and_a_pull_of_nothing_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::new("j1");
    let folder = filled(&house, dir.path()).await;
    let before = house.head();
    house.push(1, "word1");
    house.push(2, "word2");
    for _ in 0..2 {
        let pulled = folder.pull(&house.asked(), At(6)).await.unwrap();
        assert_eq!((pulled.head, pulled.warning), (before + 2, None));
    }
    assert_eq!(recalled(&folder, "word2"), ["n2"]);
    assert_eq!(folder.news(before).unwrap(), []);
}

#[tokio::test]
async fn another_journal_is_fetched_anew_and_that_stays_said() {
    let dir = tempfile::tempdir().unwrap();
    let mut old = House::new("j1");
    old.push(1, "zyzzyva");
    let folder = filled(&old, dir.path()).await;
    let mut new = House::new("j2");
    new.push(2, "quokka");
    for _ in 0..2 {
        let pulled = folder.pull(&new.asked(), At(6)).await.unwrap();
        assert_eq!(pulled.journal.as_str(), "j2");
        let warning = pulled.warning.unwrap();
        assert!(warning.contains("another journal") && warning.contains("j1"), "{warning}");
    }
    assert_eq!(recalled(&folder, "quokka"), ["n2"]);
    assert_eq!(recalled(&folder, "zyzzyva"), Vec::<String>::new());
}

#[tokio::test]
async fn a_source_that_was_set_back_is_told_and_the_copy_keeps_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::new("j1");
    // The same journal, as it was before.
    let earlier = tempfile::tempdir().unwrap();
    copied(&house, earlier.path());
    house.push(1, "rye");
    let folder = filled(&house, dir.path()).await;
    let pulled = folder.pull(&Asked(earlier.path().join("journal.db")), At(7)).await.unwrap();
    assert!(pulled.warning.unwrap().contains("set back"));
    assert_eq!(pulled.head, house.head());
    assert_eq!(recalled(&folder, "rye"), ["n1"]);
    // Back again: nothing to warn of.
    assert_eq!(folder.pull(&house.asked(), At(8)).await.unwrap().warning, None);
}

#[tokio::test]
async fn a_chain_that_goes_on_otherwise_is_told_even_at_the_same_length() {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::new("j1");
    let other = tempfile::tempdir().unwrap();
    copied(&house, other.path());
    house.push(1, "rye");
    let folder = filled(&house, dir.path()).await;
    let path = other.path().join("journal.db");
    let fresh_id = &JournalId::new("j1").unwrap();
    let journal = Journal::open(&path, Opening::Source { fresh_id, daemon: "1", at: At(0) }).unwrap();
    let mut forged = House { dir: other, journal };
    forged.push(1, "wheat");
    assert_eq!(forged.head(), house.head());
    let pulled = folder.pull(&forged.asked(), At(7)).await.unwrap();
    assert!(pulled.warning.unwrap().contains("keeps what it has"));
    assert_eq!(recalled(&folder, "rye"), ["n1"]);
    forged.push(2, "spelt");
    assert!(folder.pull(&forged.asked(), At(8)).await.unwrap().warning.is_some());
    assert_eq!(recalled(&folder, "spelt"), Vec::<String>::new());
}

/// The journal's file as it is now, in another folder.
fn copied(house: &House, to: &Path) -> PathBuf {
    for name in ["journal.db", "journal.db-wal"] {
        let from = house.dir.path().join(name);
        if from.exists() {
            std::fs::copy(from, to.join(name)).unwrap();
        }
    }
    to.join("journal.db")
}
