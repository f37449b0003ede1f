//! The journal of set-ups: one JSON record a line, on the disk before what it announces happens and after it has. A line
//! that a power cut tore is cut off when the journal is opened to be written.

use crate::place::{Root, paths};
use notify::{RecursiveMode, Watcher};
use protocol::At;
use protocol::setup::{SetupEntry, SetupEvent};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc;

/// A moment of a run: just before a record is written, or just after.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    pub entry: &'a SetupEntry,
    pub written: bool,
}

/// Called at each moment; the crash tests end the run there.
pub type Hook = fn(Moment<'_>);

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{doing} {}: {source}", .path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("understand line {line} of {}: {says}; it may be of a newer version", .path.display())]
    Line { path: PathBuf, line: usize, says: String },
}

pub struct Journal {
    path: PathBuf,
    file: File,
    entries: Vec<SetupEntry>,
    opened_at: u64,
    hook: Hook,
}

fn file_of(root: &Root) -> PathBuf {
    root.at(paths::SETUP).join("journal.jsonl")
}

impl Journal {
    /// Opens it to be written; only who holds the lock may.
    pub fn open(root: &Root, hook: Hook) -> Result<Journal, JournalError> {
        let path = file_of(root);
        let failed = |doing| {
            let path = path.clone();
            move |source| JournalError::Io { doing, path, source }
        };
        let folder = root.at(paths::SETUP);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(&folder)
            .map_err(failed("make the folder of"))?;
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o644)
            .open(&path)
            .map_err(failed("open"))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed("read"))?;
        let (entries, whole) = parse(&path, &text)?;
        let whole = u64::try_from(whole).unwrap_or(u64::MAX);
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed("cut"))?;
        file.sync_all().map_err(failed("write"))?;
        for folder in [Some(folder.as_path()), folder.parent()].into_iter().flatten() {
            sync_folder(folder).map_err(failed("write the folder of"))?;
        }
        let opened_at = entries.last().map_or(0, |entry: &SetupEntry| entry.seq) + 1;
        Ok(Journal { path, file, entries, opened_at, hook })
    }

    pub fn entries(&self) -> &[SetupEntry] {
        &self.entries
    }

    /// Entries from this number on were written since it was opened.
    pub fn opened_at(&self) -> u64 {
        self.opened_at
    }

    pub fn last(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.seq)
    }

    /// On the disk when it returns.
    pub fn append(&mut self, at: At, event: SetupEvent) -> Result<&SetupEntry, JournalError> {
        let entry = SetupEntry { seq: self.last() + 1, at, event };
        (self.hook)(Moment { entry: &entry, written: false });
        let failed = |source| JournalError::Io { doing: "write", path: self.path.clone(), source };
        let mut line = serde_json::to_vec(&entry).map_err(io::Error::other).map_err(failed)?;
        line.push(b'\n');
        self.file.write_all(&line).and_then(|()| self.file.sync_data()).map_err(failed)?;
        (self.hook)(Moment { entry: &entry, written: true });
        self.entries.push(entry);
        self.entries.last().ok_or_else(|| JournalError::Io {
            doing: "write",
            path: self.path.clone(),
            source: io::ErrorKind::UnexpectedEof.into(),
        })
    }
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The entries, and how many bytes of the text are whole lines.
fn parse(path: &Path, text: &[u8]) -> Result<(Vec<SetupEntry>, usize), JournalError> {
    let mut entries = Vec::new();
    let mut whole = 0;
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        // Torn: the record was never acknowledged.
        if line.last() != Some(&b'\n') {
            break;
        }
        let entry = serde_json::from_slice(line).map_err(|e| JournalError::Line {
            path: path.to_owned(),
            line: number + 1,
            says: e.to_string(),
        })?;
        entries.push(entry);
        whole += line.len();
    }
    Ok((entries, whole))
}

/// What stands in the journal now; none where nothing was ever set up.
pub fn read(root: &Root) -> Result<Vec<SetupEntry>, JournalError> {
    let path = file_of(root);
    match std::fs::read(&path) {
        Ok(text) => Ok(parse(&path, &text)?.0),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(JournalError::Io { doing: "read", path, source }),
    }
}

/// Reads on as the journal grows; woken by the kernel.
pub struct Follow {
    path: PathBuf,
    file: Option<File>,
    rest: Vec<u8>,
    changed: mpsc::Receiver<notify::Result<notify::Event>>,
    _watcher: notify::RecommendedWatcher,
}

impl Follow {
    pub fn new(root: &Root) -> io::Result<Follow> {
        let path = file_of(root);
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        let (tell, changed) = mpsc::channel();
        let mut watcher = notify::recommended_watcher(tell).map_err(io::Error::other)?;
        watcher.watch(&folder, RecursiveMode::NonRecursive).map_err(io::Error::other)?;
        let file = File::open(&path).ok();
        Ok(Follow { path, file, rest: Vec::new(), changed, _watcher: watcher })
    }

    /// What came since; nothing when nothing did.
    pub fn fresh(&mut self) -> io::Result<Vec<SetupEntry>> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let Some(file) = &mut self.file else { return Ok(Vec::new()) };
        file.read_to_end(&mut self.rest)?;
        let (entries, whole) = parse(&self.path, &self.rest).map_err(io::Error::other)?;
        self.rest.drain(..whole);
        Ok(entries)
    }

    /// Returns when something changed; false when the journal is gone.
    pub fn wait(&mut self) -> bool {
        let told = self.changed.recv();
        while self.changed.try_recv().is_ok() {}
        told.is_ok() && self.path.exists()
    }
}
