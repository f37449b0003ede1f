//! A journal of memory facts that exists only here, and memories that are fed from it.

#![expect(clippy::unwrap_used, reason = "tests, and what they share, fail by panicking")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test uses what it needs of it")]

use memory::{Memory, Reader};
use protocol::fact::*;
use protocol::note::{GraphEdit, Reading, pack};
use protocol::{At, BlobId, JournalId, NoteId, ProjectId, RequestId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub fn space(name: &str) -> ProjectId {
    ProjectId::new(name).unwrap()
}

pub fn note_id(name: &str) -> NoteId {
    NoteId::new(name).unwrap()
}

/// Entries, and the blobs that were not forgotten.
#[derive(Debug, Clone, Default)]
pub struct Log {
    pub entries: Vec<Entry>,
    pub blobs: BTreeMap<BlobId, String>,
    readings: BTreeMap<NoteId, Vec<BlobId>>,
    made: usize,
}

impl Log {
    pub fn new() -> Log {
        let mut log = Log::default();
        log.add(JournalOpened { journal: JournalId::new("j1").unwrap(), daemon: "1".into() });
        log
    }

    pub fn add(&mut self, fact: impl Into<Fact>) {
        let seq = self.entries.len() as u64 + 1;
        let at = At(1_000 * seq as i64);
        self.entries.push(Entry { seq, at, prev: String::new(), hash: String::new(), fact: fact.into() });
    }

    pub fn blob(&mut self, text: String) -> BlobRef {
        self.made += 1;
        let blob = BlobId::new(format!("b{}", self.made)).unwrap();
        let bytes = text.len() as u64;
        self.blobs.insert(blob.clone(), text);
        BlobRef { blob, bytes }
    }

    pub fn push(&mut self, note: &str, kind: NoteKind, title: &str, text: &str) {
        self.push_as(note, kind, title, text, "you", None);
    }

    pub fn push_as(
        &mut self,
        note: &str,
        kind: NoteKind,
        title: &str,
        text: &str,
        source: &str,
        request: Option<&str>,
    ) {
        let text = self.blob(pack(title, text));
        self.add(MemoryPushed {
            note: note_id(note),
            project: space("bakery"),
            note_kind: kind,
            title: String::new(),
            text,
            source: source.into(),
            request: request.map(|request| RequestId::new(request).unwrap()),
            agent: None,
            confidence: None,
            batch: None,
        });
    }

    pub fn supersede(&mut self, note: &str, by: &str) {
        self.add(MemorySuperseded { project: space("bakery"), note: note_id(note), by: note_id(by) });
    }

    pub fn enrich(&mut self, note: &str, reading: &Reading) {
        let reading = self.blob(serde_json::to_string(reading).unwrap());
        self.readings.entry(note_id(note)).or_default().push(reading.blob.clone());
        self.add(MemoryEnriched {
            project: space("bakery"),
            note: note_id(note),
            reading: Some(reading),
            by: "model".into(),
            usage: Usage::default(),
            why: None,
        });
    }

    pub fn edit(&mut self, edits: &[GraphEdit]) {
        let edits = self.blob(serde_json::to_string(edits).unwrap());
        self.add(MemoryGraphEdited { project: space("bakery"), edits });
    }

    /// The blobs are gone with it, as in the journal.
    pub fn forget(&mut self, note: &str) {
        let of = |entry: &Entry| match &entry.fact {
            Fact::MemoryPushed(pushed) if pushed.note == note_id(note) => Some(pushed.text.blob.clone()),
            _ => None,
        };
        let Some(blob) = self.entries.iter().find_map(of) else { return };
        let readings = self.readings.remove(&note_id(note)).unwrap_or_default();
        for gone in readings.iter().chain([&blob]) {
            self.blobs.remove(gone);
        }
        self.add(MemoryForgotten { note: note_id(note), blob, readings, project: Some(space("bakery")) });
    }

    /// What the daemon would hand in for these entries.
    pub fn batch(&self, memory: &Memory, entries: &[Entry]) -> Vec<(Entry, Option<String>)> {
        let text = |entry| memory.wants(entry).and_then(|blob| self.blobs.get(&blob).cloned());
        entries.iter().map(|entry| (entry.clone(), text(entry))).collect()
    }

    pub fn replay(&self, memory: &mut Memory) {
        memory.apply_all(&self.batch(memory, &self.entries)).unwrap();
    }
}

/// A memory in a folder of its own, and its journal.
pub struct Shelf {
    pub folder: tempfile::TempDir,
    pub log: Log,
    pub memory: Memory,
    pub reader: Reader,
}

impl Shelf {
    pub fn new() -> Shelf {
        Shelf::of(Log::new())
    }

    pub fn of(log: Log) -> Shelf {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::open(folder.path()).unwrap();
        let reader = memory.reader();
        let mut shelf = Shelf { folder, log, memory, reader };
        shelf.apply();
        shelf
    }

    /// Hands in what was added to the journal since, one entry at a time.
    pub fn apply(&mut self) {
        for (entry, text) in self.log.batch(&self.memory, &self.log.entries) {
            if entry.seq == 1 || entry.seq > self.memory.head() {
                self.memory.apply(&entry, text.as_deref()).unwrap();
            }
        }
    }

    pub fn push(&mut self, note: &str, title: &str, text: &str) {
        self.log.push(note, NoteKind::Document, title, text);
        self.apply();
    }

    pub fn forget(&mut self, note: &str) {
        self.log.forget(note);
        self.apply();
    }

    pub fn dump(&self) -> String {
        dump(&self.reader)
    }

    pub fn entity(&self, name: &str) -> Option<protocol::view::EntityRow> {
        self.reader.entity(&space("bakery"), name).unwrap()
    }

    /// Every byte of every file.
    pub fn bytes(&self) -> Vec<u8> {
        files(self.folder.path()).iter().flat_map(|file| std::fs::read(file).unwrap()).collect()
    }
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect()
}

pub fn dump(reader: &Reader) -> String {
    let mut out = Vec::new();
    reader.dump(&space("bakery"), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

pub fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

pub fn entity(name: &str, kind: &str, description: &str) -> protocol::note::ReadEntity {
    protocol::note::ReadEntity { name: name.into(), kind: kind.into(), description: description.into() }
}

pub fn relation(source: &str, target: &str, keywords: &str) -> protocol::note::ReadRelation {
    protocol::note::ReadRelation {
        source: source.into(),
        target: target.into(),
        keywords: keywords.into(),
        description: format!("{source} and {target}"),
        weight: 1.0,
    }
}
