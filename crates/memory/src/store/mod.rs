//! The files, and the facts that change them. One [`Memory`] writes to a folder; a fact that was applied before changes
//! nothing, and facts give the same memory in whatever batches they come.

mod apply;
mod dump;
pub(crate) mod files;
mod hand;
mod note;
mod read;
pub(crate) mod schema;
mod shelf;
mod vectors;

pub(crate) use dump::{Part, dump};
pub(crate) use note::{best_names, kind_number, kind_of, mentions_of, note_of_chunk, ordinals, seq};
pub(crate) use read::{any_reading, readings};
pub(crate) use vectors::waiting;

use crate::error::Error;
use crate::reader::Reader;
use protocol::fact::{Entry, Fact};
use protocol::{BlobId, JournalId, NoteId, ProjectId};
use shelf::Shelf;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Files that are kept open at most.
const OPEN: usize = 6;

/// The notes of one journal, searchable. The only writer to its folder.
#[derive(Debug)]
pub struct Memory {
    dir: PathBuf,
    journal: Option<JournalId>,
    known: BTreeMap<ProjectId, Known>,
    /// Most recently used last.
    open: Vec<(ProjectId, Shelf)>,
    /// Goes up when files are thrown away, so that readers let go of them.
    thrown: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Number of the newest entry that was applied.
    head: u64,
    /// An entry after the head was not applied, so that none may be before a replay.
    behind: bool,
}

impl Memory {
    /// Opens the folder's files, or makes the folder. A file that is damaged or of another layout is thrown away: a
    /// replay of the journal, which is due after every opening, makes it anew.
    pub fn open(dir: &Path) -> Result<Memory, Error> {
        std::fs::create_dir_all(dir)?;
        let mut memory = Memory {
            dir: dir.to_owned(),
            journal: None,
            known: BTreeMap::new(),
            open: Vec::new(),
            thrown: Arc::default(),
        };
        let mut journals = Vec::new();
        for space in files::spaces(dir)? {
            match memory.shelf(&space).map(|shelf| (shelf.head(), shelf.journal().cloned())) {
                Ok((head, journal)) => {
                    memory.known.insert(space, Known { head, behind: false });
                    journals.push(journal);
                }
                Err(error) if error.is_ruin() => memory.throw_away(&space)?,
                Err(error) => return Err(error),
            }
        }
        journals.sort();
        journals.dedup();
        if let [journal] = journals.as_slice() {
            memory.journal = journal.clone();
        }
        Ok(memory)
    }

    /// A reader that learns of files that are thrown away.
    pub fn reader(&self) -> Reader {
        Reader::new(self.dir.clone(), self.thrown.clone())
    }

    /// Whose notes these are; none when nobody has given the folder to a journal yet, or files disagree.
    pub fn journal(&self) -> Option<JournalId> {
        self.journal.clone()
    }

    /// Throws all files away and gives the folder to `journal`: to be called when [`journal`](Self::journal) is another.
    pub fn reset(&mut self, journal: &JournalId) -> Result<(), Error> {
        self.open.clear();
        self.known.clear();
        for space in files::spaces(&self.dir)? {
            self.throw_away(&space)?;
        }
        self.journal = Some(journal.clone());
        Ok(())
    }

    /// Number of the newest entry that any file has. Files have heads of their own: hand in the whole journal after
    /// opening, and [`wants`](Self::wants) says what is still to be read.
    pub fn head(&self) -> u64 {
        self.known.values().map(|known| known.head).max().unwrap_or(0)
    }

    /// Whether an entry could not be applied. Its space takes no more until the journal is replayed from its first entry.
    pub fn behind(&self) -> bool {
        self.known.values().any(|known| known.behind)
    }

    /// The journal is handed in from its first entry on: what could not be applied before is tried again.
    pub fn replay(&mut self) {
        self.known.values_mut().for_each(|known| known.behind = false);
    }

    /// The blob whose text is to be handed in with this entry; none when it has none or was applied already. An entry that
    /// comes without the text it wants is taken for one whose blob was forgotten.
    pub fn wants(&self, entry: &Entry) -> Option<BlobId> {
        let (space, blob) = match &entry.fact {
            Fact::MemoryPushed(f) => (&f.project, &f.text.blob),
            Fact::MemoryEnriched(f) => (&f.project, &f.reading.as_ref()?.blob),
            Fact::MemoryGraphEdited(f) => (&f.project, &f.edits.blob),
            _ => return None,
        };
        let head = self.known.get(space).map_or(0, |known| known.head);
        (entry.seq > head).then(|| blob.clone())
    }

    /// Applies an entry of the journal; one that was applied before, or that is no memory's, changes nothing. `text` is
    /// what the journal still has of the blob that [`wants`](Self::wants) named.
    pub fn apply(&mut self, entry: &Entry, text: Option<&str>) -> Result<(), Error> {
        self.take([(entry, text)].into_iter())
    }

    /// The same for many, in one transaction per space. What can be applied is, whatever happens to other spaces; the
    /// first error is told.
    pub fn apply_all(&mut self, entries: &[(Entry, Option<String>)]) -> Result<(), Error> {
        self.take(entries.iter().map(|(entry, text)| (entry, text.as_deref())))
    }

    fn take<'a>(&mut self, entries: impl Iterator<Item = (&'a Entry, Option<&'a str>)>) -> Result<(), Error> {
        let mut by_space: BTreeMap<ProjectId, Vec<(&Entry, Option<&str>)>> = BTreeMap::new();
        let mut first = Ok(());
        for (entry, text) in entries {
            if let Fact::JournalOpened(opened) = &entry.fact {
                first = first.and(self.write(std::mem::take(&mut by_space)));
                self.replay();
                if self.journal.as_ref() != Some(&opened.journal) {
                    self.reset(&opened.journal)?;
                }
            }
            match self.space_of(entry, &by_space) {
                Ok(Some(space)) => by_space.entry(space).or_default().push((entry, text)),
                Ok(None) => {}
                Err(error) => first = first.and(Err(error)),
            }
        }
        first.and(self.write(by_space))
    }

    fn space_of(
        &mut self,
        entry: &Entry,
        waiting: &BTreeMap<ProjectId, Vec<(&Entry, Option<&str>)>>,
    ) -> Result<Option<ProjectId>, Error> {
        Ok(match &entry.fact {
            Fact::MemoryPushed(f) => Some(f.project.clone()),
            Fact::MemorySuperseded(f) => Some(f.project.clone()),
            Fact::MemoryEnriched(f) => Some(f.project.clone()),
            Fact::MemoryGraphEdited(f) => Some(f.project.clone()),
            Fact::MemoryForgotten(f) => match &f.project {
                Some(project) => Some(project.clone()),
                None => self.where_is(entry.seq, &f.note, waiting)?,
            },
            _ => None,
        })
    }

    /// The space of a note, for facts from before they told it.
    fn where_is(
        &mut self,
        seq: u64,
        note: &NoteId,
        waiting: &BTreeMap<ProjectId, Vec<(&Entry, Option<&str>)>>,
    ) -> Result<Option<ProjectId>, Error> {
        let is_it = |entry: &Entry| matches!(&entry.fact, Fact::MemoryPushed(pushed) if pushed.note == *note);
        if let Some((space, _)) =
            waiting.iter().find(|(_, entries)| entries.iter().any(|(entry, _)| is_it(entry)))
        {
            return Ok(Some(space.clone()));
        }
        let behind: Vec<ProjectId> =
            self.known.iter().filter(|(_, known)| known.head < seq).map(|(space, _)| space.clone()).collect();
        for space in behind {
            if self.shelf(&space)?.has(note)? {
                return Ok(Some(space));
            }
        }
        Ok(None)
    }

    fn write(&mut self, by_space: BTreeMap<ProjectId, Vec<(&Entry, Option<&str>)>>) -> Result<(), Error> {
        let mut first = Ok(());
        for (space, mut entries) in by_space {
            let known = self.known.get(&space).copied().unwrap_or_default();
            entries.retain(|(entry, _)| entry.seq > known.head);
            let Some((last, _)) = entries.last() else { continue };
            let forgets = entries.iter().any(|(entry, _)| matches!(entry.fact, Fact::MemoryForgotten(_)));
            if known.behind {
                let error = Error::Behind { space: space.to_string() };
                first = first.and(self.failed(&space, known, error, forgets));
                continue;
            }
            if known.head > 0 && !files::path(&self.dir, &space).exists() {
                let error = Error::damaged("a file is gone");
                first = first.and(self.failed(&space, known, error, forgets));
                continue;
            }
            let head = last.seq;
            match self.shelf(&space).and_then(|shelf| shelf.apply(&entries)) {
                Ok(()) => drop(self.known.insert(space, Known { head, behind: false })),
                Err(error) => {
                    first = first.and(self.failed(&space, known, error, forgets));
                }
            }
        }
        first
    }

    /// What was lost can only come back in order. A file that was to forget and could not (the disk is full) is thrown away
    /// with what it should not know any more.
    fn failed(&mut self, space: &ProjectId, known: Known, error: Error, forgets: bool) -> Result<(), Error> {
        let mut head = known.head;
        if error.is_ruin() || forgets {
            self.throw_away(space)?;
            head = 0;
        }
        self.known.insert(space.clone(), Known { head, behind: true });
        Err(error)
    }

    fn throw_away(&mut self, space: &ProjectId) -> Result<(), Error> {
        self.open.retain(|(open, _)| open != space);
        // The folder itself may be gone.
        std::fs::create_dir_all(&self.dir)?;
        files::throw_away(&files::path(&self.dir, space))?;
        self.thrown.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// The open file of a space, which is made if there is none.
    fn shelf(&mut self, space: &ProjectId) -> Result<&mut Shelf, Error> {
        let kept = self.open.iter().position(|(open, _)| open == space).map(|at| self.open.remove(at));
        let shelf = match kept {
            Some((_, shelf)) => shelf,
            None => Shelf::open(&files::path(&self.dir, space), self.journal.as_ref())?,
        };
        if self.open.len() >= OPEN {
            self.open.remove(0);
        }
        self.open.push((space.clone(), shelf));
        self.open.last_mut().map(|(_, shelf)| shelf).ok_or_else(|| Error::damaged("no file is open"))
    }

    /// Keeps vectors of passages, by the ids that [`unembedded`](Self::unembedded) gave; those of passages that are gone
    /// are dropped. Returns how many were kept.
    pub fn put_vectors(
        &mut self,
        space: &ProjectId,
        model: &str,
        dim: usize,
        vectors: &[(i64, Vec<f32>)],
    ) -> Result<usize, Error> {
        if !self.known.contains_key(space) {
            return Ok(0);
        }
        self.shelf(space)?.put_vectors(model, dim, vectors)
    }

    /// Passages that have no vector of this model yet, oldest first, with the text to make it of.
    pub fn unembedded(
        &mut self,
        space: &ProjectId,
        model: &str,
        limit: usize,
    ) -> Result<Vec<(i64, String)>, Error> {
        if !self.known.contains_key(space) {
            return Ok(Vec::new());
        }
        self.shelf(space)?.unembedded(model, limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::At;
    use protocol::fact::{BlobRef, JournalOpened, MemoryForgotten, MemoryPushed, NoteKind};

    fn pushed(seq: u64) -> (Entry, Option<String>) {
        let fact = MemoryPushed {
            note: NoteId::new(format!("n{seq}")).unwrap(),
            project: ProjectId::new("bakery").unwrap(),
            note_kind: NoteKind::Step,
            title: String::new(),
            text: BlobRef { blob: BlobId::new("b").unwrap(), bytes: 0 },
            source: "you".into(),
            request: None,
            agent: None,
            confidence: None,
            batch: None,
        };
        let words: String = (0..2_000).map(|n| format!("word{} ", n * seq)).collect();
        (entry(seq, fact), Some(format!("Hours\n\n{words}")))
    }

    fn entry(seq: u64, fact: impl Into<Fact>) -> Entry {
        Entry { seq, at: At(1), prev: String::new(), hash: String::new(), fact: fact.into() }
    }

    #[test]
    fn a_full_disk_is_told_and_what_was_missed_comes_with_a_replay() {
        let folder = tempfile::tempdir().unwrap();
        let mut memory = Memory::open(folder.path()).unwrap();
        let opened = JournalOpened { journal: JournalId::new("j").unwrap(), daemon: "1".into() };
        memory.apply_all(&[(entry(1, opened.clone()), None), pushed(2)]).unwrap();
        let space = ProjectId::new("bakery").unwrap();
        let limit = |memory: &mut Memory, pages: &str| memory.shelf(&space).unwrap().limit(pages);
        limit(&mut memory, "1");
        assert!(memory.apply_all(&[pushed(3)]).unwrap_err().is_disk_full());
        limit(&mut memory, "1000000");
        assert!(matches!(memory.apply_all(&[pushed(4)]), Err(Error::Behind { .. })), "3 is missing");
        assert!(memory.wants(&pushed(3).0).is_some() && memory.wants(&pushed(2).0).is_none());
        memory.replay();
        memory.apply_all(&[pushed(2), pushed(3), pushed(4)]).unwrap();
        assert!(!memory.behind());
        assert_eq!(memory.reader().sizes(&space).unwrap().notes, 3);
    }

    fn forgotten(seq: u64, note: &str) -> (Entry, Option<String>) {
        let (note, blob) = (NoteId::new(note).unwrap(), BlobId::new("b").unwrap());
        let project = Some(ProjectId::new("bakery").unwrap());
        (entry(seq, MemoryForgotten { note, blob, readings: vec![], project }), None)
    }

    #[test]
    fn what_cannot_be_forgotten_in_its_file_goes_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut memory = Memory::open(folder.path()).unwrap();
        let space = ProjectId::new("bakery").unwrap();
        memory.apply_all(&[pushed(2), pushed(3)]).unwrap();
        memory.shelf(&space).unwrap().limit("1");
        assert!(memory.apply_all(&[pushed(4)]).unwrap_err().is_disk_full());
        assert!(memory.apply_all(&[forgotten(5, "n2")]).is_err(), "4 is missing");
        assert!(files::spaces(folder.path()).unwrap().is_empty());
        assert_eq!(memory.reader().sizes(&space).unwrap().notes, 0);
        memory.replay();
        memory.apply_all(&[(pushed(2).0, None), pushed(3), pushed(4), forgotten(5, "n2")]).unwrap();
        assert_eq!(memory.reader().sizes(&space).unwrap().notes, 2);
    }

    #[test]
    fn a_file_that_somebody_removed_is_made_anew_by_a_replay() {
        let folder = tempfile::tempdir().unwrap();
        let mut memory = Memory::open(folder.path()).unwrap();
        let (space, reader) = (ProjectId::new("bakery").unwrap(), memory.reader());
        memory.apply_all(&[pushed(2)]).unwrap();
        assert_eq!(reader.sizes(&space).unwrap().notes, 1);
        std::fs::remove_dir_all(folder.path()).unwrap();
        assert!(memory.apply_all(&[pushed(3)]).is_err());
        memory.replay();
        memory.apply_all(&[pushed(2), pushed(3)]).unwrap();
        assert_eq!(reader.sizes(&space).unwrap().notes, 2);
    }
}
