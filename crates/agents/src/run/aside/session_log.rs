//! The log that Kimi Code keeps of a session: a file of JSON lines for the agent and one for each of its sub-agents. Only
//! what is written while the run goes on counts.
//!
//! It lies in a home that the agent writes: links are not followed, what is no plain file is not read, and no more than
//! a bound is.

use super::Told;
use super::changes::Changes;
use protocol::fact::ModelUsage;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use tokio::sync::{mpsc, oneshot};

/// What is read of all files of one run.
const MAX_READ: u64 = 256 << 20;
const MAX_LINE: usize = 4 << 20;
/// Sub-agents that are looked for.
const MAX_AGENTS: usize = 1000;

pub(super) struct SessionLog {
    sessions: PathBuf,
    session: String,
    folder: Option<PathBuf>,
    files: BTreeMap<OsString, Reading>,
    read: u64,
    /// Aliases of models, as the calls name both.
    models: BTreeMap<String, String>,
}

#[derive(Default)]
struct Reading {
    offset: u64,
    rest: Vec<u8>,
    skipping: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    model_alias: Option<String>,
    #[serde(default)]
    usage: Option<Value>,
    #[serde(default)]
    status_code: Option<Value>,
    #[serde(default)]
    error_message: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

impl SessionLog {
    /// Before the run begins. What the session that it goes on with holds by now belongs to earlier runs.
    pub fn new(sessions: PathBuf, resumed: Option<&str>) -> Self {
        let mut log = Self {
            sessions,
            session: resumed.unwrap_or_default().to_owned(),
            folder: None,
            files: BTreeMap::new(),
            read: 0,
            models: BTreeMap::new(),
        };
        log.find();
        for name in log.agents() {
            let length = log.open(&name).and_then(|file| file.metadata().ok()).map_or(0, |meta| meta.len());
            log.files.insert(name, Reading { offset: length, ..Reading::default() });
        }
        log
    }

    /// Waits for the session, and follows its log until the run is over.
    pub async fn listen(
        self,
        opened: oneshot::Receiver<String>,
        tell: mpsc::UnboundedSender<Told>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let Ok(session) = opened.await else { return };
        let Some(mut log) = off_the_loop(move || self.opened(session)).await else { return };
        let mut changes = Changes::of(log.folder.as_deref());
        loop {
            let over = tokio::select! {
                () = changes.next() => false,
                _ = &mut stopped => true,
            };
            let read = off_the_loop(move || {
                let told = log.news();
                (log, told)
            });
            let Some((again, news)) = read.await else { return };
            log = again;
            for told in news {
                // Nobody listens to a run that was dropped.
                let _ = tell.send(told);
            }
            if over {
                return;
            }
        }
    }

    fn opened(mut self, session: String) -> Self {
        if session != self.session {
            self.session = session;
            self.folder = None;
            self.files.clear();
        }
        self.find();
        self
    }

    /// Its folder is there as soon as something was written. An agent's name for it is not trusted to be one of a file.
    fn find(&mut self) {
        let plain =
            !self.session.is_empty() && !self.session.contains(['/', '\0']) && !self.session.starts_with('.');
        if self.folder.is_some() || !plain {
            return;
        }
        let folders = fs::read_dir(&self.sessions).into_iter().flatten().flatten().take(MAX_AGENTS);
        let mut folders = folders.map(|entry| entry.path().join(&self.session).join("agents"));
        self.folder = folders.find(|path| is_folder(path));
    }

    fn news(&mut self) -> Vec<Told> {
        self.find();
        let mut told = Vec::new();
        for name in self.agents() {
            let Some(mut file) = self.open(&name) else { continue };
            let mut reading = self.files.remove(&name).unwrap_or_default();
            let room = MAX_READ.saturating_sub(self.read);
            let mut new = Vec::new();
            if file.seek(SeekFrom::Start(reading.offset)).is_ok() {
                // What could not be read now is tried again with the next change.
                let _ = file.take(room).read_to_end(&mut new);
            }
            reading.offset += new.len() as u64;
            self.read += new.len() as u64;
            self.lines(&mut reading, &new, &mut told);
            self.files.insert(name, reading);
        }
        told
    }

    fn lines(&mut self, reading: &mut Reading, mut bytes: &[u8], told: &mut Vec<Told>) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            reading.rest.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut reading.rest);
            if !std::mem::take(&mut reading.skipping) {
                told.extend(self.line(&line));
            }
        }
        reading.rest.extend_from_slice(bytes);
        if reading.rest.len() > MAX_LINE {
            reading.rest.clear();
            reading.skipping = true;
        }
    }

    fn line(&mut self, line: &[u8]) -> Option<Told> {
        // Most lines are of other things, and some are large.
        let head = &line[..line.len().min(64)];
        let wanted: [&[u8]; 4] = [b"usage.record", b"llm.request", b"turn.step.retrying", b"turn.ended"];
        if !wanted.iter().any(|word| memchr::memmem::find(head, word).is_some()) {
            return None;
        }
        let line: Line<'_> = serde_json::from_slice(line).ok()?;
        match &*line.kind {
            "usage.record" => Some(Told::Answered(self.usage(&line)?)),
            "turn.step.retrying" => {
                let words = line.error_message.unwrap_or_default();
                Some(Told::Refused { status: status(line.status_code.as_ref()), words })
            }
            "turn.ended" => {
                let error = line.error.filter(Value::is_object)?;
                let words = error["message"].as_str().or(error["code"].as_str()).unwrap_or_default();
                Some(Told::Refused {
                    status: status(error["details"].get("statusCode")),
                    words: words.to_owned(),
                })
            }
            "llm.request" => {
                self.models.insert(line.model_alias?, line.model?);
                None
            }
            _ => None,
        }
    }

    fn usage(&self, line: &Line<'_>) -> Option<ModelUsage> {
        let usage = line.usage.as_ref()?;
        let alias = line.model.clone().unwrap_or_default();
        Some(ModelUsage {
            model: self.models.get(&alias).cloned().unwrap_or(alias),
            requests: Some(1),
            input: usage["inputOther"].as_u64(),
            cache_read: usage["inputCacheRead"].as_u64(),
            cache_write: usage["inputCacheCreation"].as_u64(),
            output: usage["output"].as_u64(),
            reasoning: None,
        })
    }

    fn agents(&self) -> Vec<OsString> {
        let Some(entries) = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok()) else {
            return Vec::new();
        };
        let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut names: Vec<OsString> = folders.map(|entry| entry.file_name()).take(MAX_AGENTS).collect();
        names.sort();
        names
    }

    /// Its log, when it is a plain file. Only the last two parts of the path are the agent's to exchange meanwhile, and
    /// neither may be a link.
    fn open(&self, agent: &OsString) -> Option<File> {
        let folder = self.folder.as_ref()?.join(agent);
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        let folder = rustix::fs::openat(CWD, &folder, flags | OFlags::DIRECTORY, Mode::empty()).ok()?;
        let file = rustix::fs::openat(&folder, "wire.jsonl", flags | OFlags::NONBLOCK, Mode::empty()).ok()?;
        let plain = FileType::from_raw_mode(rustix::fs::fstat(&file).ok()?.st_mode).is_file();
        plain.then(|| File::from(file))
    }
}

fn status(value: Option<&Value>) -> Option<u16> {
    value?.as_u64().and_then(|number| u16::try_from(number).ok())
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir())
}

async fn off_the_loop<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
#[path = "session_log_tests.rs"]
mod tests;
