//! Mirroring: the same entries and the same views, or a refusal that changes nothing.

use crate::script::*;
use crate::views::dump;
use journal::{Error, Journal, NewBlob, Opening, Reader};
use protocol::fact::*;
use protocol::*;

struct Pair {
    source: Home,
    folder: tempfile::TempDir,
    mirror: Journal,
}

impl Pair {
    /// A source with a whole request, and an empty mirror.
    fn new() -> Self {
        let mut source = Home::new();
        for (fact, blob) in whole_request() {
            source.append_with(fact, blob.into_iter().collect());
        }
        let folder = tempfile::tempdir().unwrap();
        let mirror = Journal::open(&folder.path().join("mirror.db"), Opening::Mirror).unwrap();
        Self { source, folder, mirror }
    }
    fn reader(&self) -> Reader {
        Reader::open(&self.folder.path().join("mirror.db")).unwrap()
    }
    fn blobs(&self) -> Vec<NewBlob> {
        whole_request().into_iter().filter_map(|(_, blob)| blob).collect()
    }
    fn refused(&mut self, entries: &[Entry], why: &str) {
        let head = self.mirror.head();
        match self.mirror.mirror(&source_id(), entries, &[]) {
            Err(Error::BrokenChain { why: said, .. }) => assert!(said.contains(why), "{said}"),
            other => panic!("{why}: {other:?}"),
        }
        assert_eq!(self.mirror.head(), head, "nothing of a refused call is taken");
    }
}

#[test]
fn a_mirror_in_pieces_has_the_same_entries_and_views() {
    let mut pair = Pair::new();
    let (all, blobs) = (pair.source.all(), pair.blobs());
    // As they come over the wire: by JSON, in pieces that overlap.
    let wire: Vec<Entry> = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
    for piece in wire.chunks(5) {
        let from = piece[0].seq.saturating_sub(3).max(1) as usize - 1;
        let head = pair
            .mirror
            .mirror(&source_id(), &wire[from..piece[piece.len() - 1].seq as usize], &blobs)
            .unwrap();
        assert_eq!(head, piece[piece.len() - 1].seq);
    }
    let reader = pair.reader();
    assert_eq!(reader.entries(0, u32::MAX).unwrap(), all);
    assert_eq!(reader.verify().unwrap(), pair.source.reader.verify().unwrap());
    assert_eq!(pair.mirror.id(), &source_id());
    assert_eq!(dump(&pair.folder.path().join("mirror.db")), dump(&pair.source.path()));
    assert_eq!(reader.show(&id("r1")).unwrap(), pair.source.reader.show(&id("r1")).unwrap());
}

#[test]
fn what_does_not_continue_the_chain_is_refused() {
    let mut pair = Pair::new();
    let all = pair.source.all();
    pair.refused(&all[1..3], "missing after 0");
    pair.mirror.mirror(&source_id(), &all[..4], &[]).unwrap();
    pair.refused(&all[5..], "missing after 4");
    pair.refused(&[all[4].clone(), all[6].clone()], "missing after 5");

    let mut changed = all[4].clone();
    changed.at = At(changed.at.0 + 1);
    pair.refused(&[changed], "its hash is not that of its content");

    let mut other_fact = all[6].clone();
    other_fact.fact = ProjectActivated { project: id("garage") }.into();
    pair.refused(&[all[4].clone(), all[5].clone(), other_fact], "its hash is not that of its content");

    let mut elsewhere = all[4].clone();
    elsewhere.prev = all[2].hash.clone();
    pair.refused(&[elsewhere], "does not follow");

    let mut rewritten = all[2].clone();
    rewritten.hash = all[3].hash.clone();
    pair.refused(&[rewritten], "another entry was mirrored");
    assert_eq!(
        pair.mirror.mirror(&source_id(), &all, &[]).unwrap(),
        all.len() as u64,
        "the true ones still go in"
    );
}

#[test]
fn another_journal_is_refused() {
    let mut pair = Pair::new();
    let all = pair.source.all();
    let other = JournalId::new("rebuilt").unwrap();
    assert!(matches!(pair.mirror.mirror(&other, &all, &[]), Err(Error::BrokenChain { seq: 1, .. })));
    pair.mirror.mirror(&source_id(), &all, &[]).unwrap();
    assert!(matches!(pair.mirror.mirror(&other, &all, &[]), Err(Error::OtherJournal { .. })));
}

#[test]
fn a_mirror_does_not_append_and_a_source_does_not_mirror() {
    let mut pair = Pair::new();
    let batch = journal::Batch { at: At(0), facts: vec![], blobs: vec![] };
    assert!(matches!(pair.mirror.append(batch), Err(Error::OtherRole { .. })));
    let all = pair.source.all();
    assert!(matches!(pair.source.journal.mirror(&source_id(), &all, &[]), Err(Error::OtherRole { .. })));
}

#[test]
fn what_was_forgotten_is_forgotten_in_the_mirror_too() {
    let mut pair = Pair::new();
    let (all, blobs) = (pair.source.all(), pair.blobs());
    pair.mirror.mirror(&source_id(), &all, &blobs).unwrap();
    let note = pair.source.reader.note(&id("n1")).unwrap().unwrap();
    assert_eq!(pair.reader().note(&id("n1")).unwrap().unwrap(), note);
    let forgotten =
        MemoryForgotten { note: id("n1"), blob: blob("the note's text").id, readings: vec![], project: None };
    let entry = pair.source.append(forgotten);
    pair.mirror.mirror(&source_id(), &[entry], &blobs).unwrap();
    let reader = pair.reader();
    assert_eq!(
        (reader.note(&id("n1")).unwrap(), reader.blob(&blob("the note's text").id).unwrap()),
        (None, None)
    );
    pair.mirror.mirror(&source_id(), &[], &blobs).unwrap();
    assert_eq!(reader.blob(&blob("the note's text").id).unwrap(), None, "a late blob does not bring it back");
    assert_eq!(reader.verify().unwrap().problems, Vec::<String>::new());
}

#[test]
fn an_empty_mirror_is_whole() {
    let pair = Pair::new();
    assert_eq!(pair.reader().verify().unwrap().problems, Vec::<String>::new());
    assert_eq!(pair.mirror.head().0, 0);
    assert_eq!(pair.mirror.id().as_str(), "none-yet");
}
