//! What is remembered, by id: enough to replace and to forget it.

use protocol::fact::{MemoryEnriched, MemoryForgotten, MemoryPushed, MemorySuperseded};
use protocol::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Notes {
    known: BTreeMap<NoteId, Kept>,
    /// Of each source that is not shared, its notes; the newest is the last.
    sources: BTreeMap<(ProjectId, String), Vec<NoteId>>,
    forgotten: BTreeSet<NoteId>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    pub project: ProjectId,
    pub blob: BlobId,
    /// What was read out of it.
    pub readings: Vec<BlobId>,
    pub superseded_by: Option<NoteId>,
    source: Option<String>,
}

impl Notes {
    pub(crate) fn get(&self, note: &NoteId) -> Option<&Kept> {
        self.known.get(note)
    }

    /// Whether it was there once, and its text may be told to nobody any more.
    pub(crate) fn is_forgotten(&self, note: &NoteId) -> bool {
        self.forgotten.contains(note)
    }

    #[cfg(test)]
    pub(crate) fn blobs(&self) -> impl Iterator<Item = (&NoteId, &BlobId)> {
        self.known.iter().map(|(note, kept)| (note, &kept.blob))
    }

    /// The note that says so far what this source says.
    pub(crate) fn of_source(&self, project: &ProjectId, source: &str) -> Option<&NoteId> {
        self.sources.get(&(project.clone(), source.to_owned()))?.last()
    }

    /// Whether `newest` says better what `note` says, or what one says that it supersedes in turn.
    pub(crate) fn is_superseded_by(&self, note: &NoteId, newest: &NoteId) -> bool {
        let mut at = Some(note);
        while let Some(here) = at {
            if here == newest {
                return true;
            }
            at = self.known.get(here).and_then(|kept| kept.superseded_by.as_ref());
        }
        false
    }

    pub(crate) fn push(&mut self, f: &MemoryPushed) {
        let source = (!note::is_shared(&f.source)).then(|| f.source.clone());
        if let Some(source) = &source {
            self.sources.entry((f.project.clone(), source.clone())).or_default().push(f.note.clone());
        }
        let kept = Kept {
            project: f.project.clone(),
            blob: f.text.blob.clone(),
            readings: Vec::new(),
            superseded_by: None,
            source,
        };
        self.known.insert(f.note.clone(), kept);
    }

    pub(crate) fn supersede(&mut self, f: &MemorySuperseded) {
        if let Some(kept) = self.known.get_mut(&f.note) {
            kept.superseded_by = Some(f.by.clone());
        }
    }

    pub(crate) fn enrich(&mut self, f: &MemoryEnriched) {
        if let (Some(kept), Some(reading)) = (self.known.get_mut(&f.note), &f.reading) {
            kept.readings.push(reading.blob.clone());
        }
    }

    /// What it superseded is the newest again.
    pub(crate) fn forget(&mut self, f: &MemoryForgotten) {
        self.forgotten.insert(f.note.clone());
        let Some(gone) = self.known.remove(&f.note) else { return };
        if let Some(source) = gone.source {
            let of = (gone.project, source);
            if let Some(notes) = self.sources.get_mut(&of) {
                notes.retain(|note| *note != f.note);
                if notes.is_empty() {
                    self.sources.remove(&of);
                }
            }
        }
        for kept in self.known.values_mut() {
            if kept.superseded_by.as_ref() == Some(&f.note) {
                kept.superseded_by = None;
            }
        }
    }
}
