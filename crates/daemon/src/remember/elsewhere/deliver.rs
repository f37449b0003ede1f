//! Delivering what the journal says to the server, in the journal's order: pushed notes are documents there, superseded and
//! forgotten ones are deleted. How far it came is kept, so that a restart goes on where it was.

use super::server::{Failed, Server};
use crate::context::Daemon;
use protocol::fact::{Entry, Fact};
use protocol::{ApiError, NoteId, ProjectId, note};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use tracing::warn;

/// Entries that are read at once.
const PAGE: u32 = 50;
/// A note over which the server fell so often in a row is left out, so that those behind it are delivered.
const STUMBLES: u32 = 3;

/// How far notes were delivered, and to which server.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Upto {
    url: String,
    seq: u64,
    /// How often the server fell over the entry after that one.
    #[serde(default)]
    stumbles: u32,
}

/// Delivers whenever something was pushed, or asked. Ends with the daemon.
pub async fn keep(daemon: Arc<Daemon>) {
    let Some(server) = daemon.elsewhere.server.clone() else { return };
    let mut applied = daemon.memory.keeper.applied.clone();
    loop {
        if let Err(why) = deliver(&daemon, &server).await {
            warn!(error = %why, "notes wait for the LightRAG server; the next push or question tries again");
            daemon.elsewhere.came_to(Some(why));
        }
        tokio::select! {
            changed = applied.changed() => if changed.is_err() { return },
            () = daemon.elsewhere.asked.notified() => {}
            () = daemon.stop.cancelled() => return,
        }
    }
}

async fn deliver(daemon: &Arc<Daemon>, server: &Server) -> Result<(), String> {
    let file = &daemon.elsewhere.file;
    let gone = || format!("{} is gone; the next start of the daemon begins it anew", file.display());
    let mut upto = read(file, &server.shown()).ok_or_else(gone)?;
    loop {
        let after = upto.seq;
        let page = daemon.reads.ask(move |r| r.memory_entries(after, PAGE)).await;
        let page = page.map_err(|e: ApiError| e.message)?;
        if page.is_empty() {
            return Ok(());
        }
        for entry in page {
            let seq = entry.seq;
            match one(daemon, server, entry).await {
                Ok(()) => {}
                Err(Failed::Unfit(why)) => {
                    warn!(seq, why, "the LightRAG server does not take a note; it stays in the journal");
                }
                Err(Failed::Stumbled(why)) if upto.stumbles + 1 >= STUMBLES => {
                    warn!(seq, why, "the LightRAG server fell over a note again; it is left out there");
                }
                Err(Failed::Stumbled(why)) => {
                    upto.stumbles += 1;
                    write(file, &upto)?;
                    return Err(why);
                }
                Err(Failed::Passing(why)) => return Err(why),
            }
            (upto.seq, upto.stumbles) = (seq, 0);
            write(file, &upto)?;
        }
        daemon.elsewhere.came_to(None);
    }
}

async fn one(daemon: &Daemon, server: &Server, entry: Entry) -> Result<(), Failed> {
    let (project, note, text) = match entry.fact {
        Fact::MemoryPushed(f) => {
            let blob = f.text.blob.clone();
            let text =
                daemon.reads.ask(move |r| r.blob(&blob)).await.map_err(|e| Failed::Passing(e.message))?;
            // One that was forgotten meanwhile has no text: nothing to deliver.
            let Some(text) = text else { return Ok(()) };
            let text = String::from_utf8_lossy(&text).into_owned();
            let text = if f.title.is_empty() { text } else { note::pack(&f.title, &text) };
            (f.project, f.note, Some(text))
        }
        Fact::MemorySuperseded(f) => (f.project, f.note, None),
        Fact::MemoryForgotten(f) => match f.project {
            Some(project) => (project, f.note, None),
            None => return Ok(()),
        },
        _ => return Ok(()),
    };
    if !is_project(daemon, &project).await.map_err(Failed::Passing)? {
        return Ok(());
    }
    let (server, name) = (server.clone(), document_of(&note));
    let done = tokio::task::spawn_blocking(move || match text {
        Some(text) => server.push(&project, &name, &text),
        None => server.delete(&project, &name),
    });
    done.await.map_err(|e| Failed::Passing(e.to_string()))?
}

/// Spaces of the HTTP face's clients are not the loop's.
async fn is_project(daemon: &Daemon, project: &ProjectId) -> Result<bool, String> {
    let rows = daemon.reads.ask(|r| r.projects()).await.map_err(|e| e.message)?;
    Ok(rows.iter().any(|row| row.project == *project))
}

/// The document that a note is there.
fn document_of(note: &NoteId) -> String {
    format!("loopwright-{note}.md")
}

/// The note that such a document is.
pub fn note_of(document: &str) -> Option<NoteId> {
    let name = document.rsplit('/').next()?.strip_prefix("loopwright-")?.strip_suffix(".md")?;
    NoteId::new(name).ok()
}

/// What was remembered before the server was named is not delivered: it would cost its models a lot unasked. Done before
/// anybody can push, so that nothing pushed since is taken for older.
pub fn begin(file: &Path, url: String, head: u64) -> Result<(), String> {
    match read(file, &url) {
        Some(_) => Ok(()),
        None => write(file, &Upto { url, seq: head, stumbles: 0 }),
    }
}

fn read(file: &Path, url: &str) -> Option<Upto> {
    let text = std::fs::read(file).ok()?;
    serde_json::from_slice::<Upto>(&text).ok().filter(|upto| upto.url == url)
}

/// Whole or not at all.
fn write(file: &Path, upto: &Upto) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("failed to write {}: {e}", file.display());
    let fresh = file.with_extension("new");
    let text = serde_json::to_vec(upto).map_err(|e| failed(e.into()))?;
    std::fs::write(&fresh, text).map_err(failed)?;
    std::fs::rename(&fresh, file).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_found_again_by_its_document() {
        let note = NoteId::new("n0abc").unwrap();
        assert_eq!(note_of(&document_of(&note)), Some(note));
        for other in ["a.md", "loopwright-.md", "loopwright-n0abc.txt", "loopwright-../x.md"] {
            assert_eq!(note_of(other), None, "{other}");
        }
    }

    #[test]
    fn another_server_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("elsewhere.json");
        let upto = |url: &str, seq, stumbles| Upto { url: url.into(), seq, stumbles };
        begin(&file, "http://a".into(), 7).unwrap();
        assert_eq!(read(&file, "http://a"), Some(upto("http://a", 7, 0)));
        write(&file, &upto("http://a", 8, 1)).unwrap();
        begin(&file, "http://a".into(), 9).unwrap();
        assert_eq!(read(&file, "http://a"), Some(upto("http://a", 8, 1)), "a start goes on where it was");
        begin(&file, "http://b".into(), 9).unwrap();
        assert_eq!(read(&file, "http://b"), Some(upto("http://b", 9, 0)));
    }
}
