//! A LightRAG server of the user's own, which the loop asks instead of its own memory (`[memory.lightrag]`). The journal
//! stays the record: what is pushed there is delivered to the server in the journal's order, and what the server does not
//! take now, because it does not answer, is delivered when something is next pushed or asked. Nothing waits for it.

mod deliver;
mod server;

pub use deliver::keep;

use crate::context::{Daemon, hold};
use crate::names;
use crate::settings::MemorySettings;
use protocol::fact::NoteKind;
use protocol::view::NoteRow;
use protocol::{NoteId, ProjectId, clean};
use server::{Chunk, Server};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tracing::warn;

pub struct Elsewhere {
    server: Option<Server>,
    /// How far notes were delivered.
    file: PathBuf,
    /// Why the last call came to nothing.
    trouble: Mutex<Option<String>>,
    /// Something was asked: a delivery that was put off may be tried again.
    asked: tokio::sync::Notify,
}

impl Elsewhere {
    /// `head`: the journal's last entry before this start.
    pub fn new(settings: &MemorySettings, home: &Path, head: u64) -> Result<Self, String> {
        let server = settings.lightrag.as_ref().map(Server::new);
        let file = home.join("elsewhere.json");
        if let Some(server) = &server {
            deliver::begin(&file, server.shown(), head)?;
        }
        Ok(Self { server, file, trouble: Mutex::default(), asked: tokio::sync::Notify::new() })
    }

    /// Whether the loop uses another server.
    pub fn is_set(&self) -> bool {
        self.server.is_some()
    }

    /// Its address, and what is wrong with it.
    pub fn view(&self) -> Option<String> {
        let shown = self.server.as_ref()?.shown();
        Some(match &*hold(&self.trouble) {
            Some(why) => format!("{shown} ({why})"),
            None => shown,
        })
    }

    fn came_to(&self, trouble: Option<String>) {
        *hold(&self.trouble) = trouble;
    }
}

/// What the server tells about a request's words, as notes of a brief. A server that does not answer tells nothing, and the
/// daemon's log and the memory's page say so.
pub async fn told(daemon: &Daemon, project: &ProjectId, text: &str) -> Vec<NoteRow> {
    let Some(server) = daemon.elsewhere.server.clone() else { return Vec::new() };
    let set = &daemon.settings.memory;
    let (most, tokens) = (set.recall, set.tokens);
    if most == 0 || clean::line(text, usize::MAX).chars().count() < 3 {
        return Vec::new();
    }
    let (of, query) = (project.clone(), text.to_owned());
    let answered = tokio::task::spawn_blocking(move || server.ask(&of, &query, most, tokens)).await;
    daemon.elsewhere.asked.notify_one();
    let chunks = match answered {
        Ok(Ok(chunks)) => {
            daemon.elsewhere.came_to(None);
            chunks
        }
        Ok(Err(e)) => {
            warn!(error = %e, "the LightRAG server told nothing; the request goes on without");
            daemon.elsewhere.came_to(Some(e.to_string()));
            return Vec::new();
        }
        Err(e) => {
            warn!(error = %e, "failed to ask the LightRAG server");
            return Vec::new();
        }
    };
    rows(daemon, project, chunks).await
}

/// A chunk of one of our own notes is told as that note, unless it was forgotten or superseded since.
async fn rows(daemon: &Daemon, project: &ProjectId, chunks: Vec<Chunk>) -> Vec<NoteRow> {
    let project = project.clone();
    let shown = daemon.elsewhere.view().unwrap_or_default();
    let read = daemon.reads.ask(move |r| {
        let mut rows: Vec<NoteRow> = Vec::new();
        for (chunk, nth) in chunks.into_iter().zip(1..) {
            match deliver::note_of(&chunk.file_path) {
                Some(note) => {
                    let Some(own) = r.note(&note)? else { continue };
                    let known = rows.iter().any(|row| row.note == own.note);
                    if own.project == project && own.superseded_by.is_none() && !known {
                        rows.push(NoteRow { why: Some("the LightRAG server told of it".into()), ..own });
                    }
                }
                None => rows.extend(foreign(&project, &shown, chunk, nth)),
            }
        }
        Ok(rows)
    });
    read.await.unwrap_or_else(|e| {
        warn!(error = %e, "failed to read the notes that the LightRAG server told of");
        Vec::new()
    })
}

/// What the server has from others.
fn foreign(project: &ProjectId, shown: &str, chunk: Chunk, nth: usize) -> Option<NoteRow> {
    let text = clean::note("the text", &chunk.content).ok()?;
    Some(NoteRow {
        note: NoteId::new(format!("elsewhere-{nth}")).ok()?,
        project: project.clone(),
        note_kind: NoteKind::Document,
        title: clean::line(text.lines().next().unwrap_or_default(), 100),
        source: clean::line(&format!("{} at {shown}", chunk.file_path), 300),
        request: None,
        agent: None,
        at: names::now(),
        confidence: None,
        superseded_by: None,
        tokens: (text.len() as u64).div_ceil(4),
        score: None,
        why: Some("the LightRAG server told it".into()),
        text,
    })
}
