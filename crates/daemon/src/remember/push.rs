//! What is pushed, from every face and from the loop itself: cleaned, without its secrets, then into the journal.

use crate::context::{Daemon, internal};
use crate::names;
use engine::Input;
use engine::input::Pushing;
use journal::NewBlob;
use protocol::api::NewNote;
use protocol::fact::{Fact, MemoryPushed, NoteKind};
use protocol::view::PushedNote;
use protocol::*;

/// Notes that are taken in one transaction at most.
const TOGETHER: usize = 100;
/// Characters of a title, and of a source.
const TITLE: usize = 120;
const SOURCE: usize = 300;

/// Whose notes these are.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Of a note that names no source of its own.
    pub source: &'static str,
    pub agent: Option<AgentId>,
    pub request: Option<RequestId>,
    /// Per cent, of what a model or an agent claims.
    pub confidence: Option<u8>,
    /// Names what is pushed together.
    pub batch: Option<String>,
}

impl Origin {
    pub fn you() -> Self {
        Self { source: note::YOU, agent: None, request: None, confidence: None, batch: None }
    }
}

/// Remembers notes, all or none: when this returns they are durable, and can be found.
pub async fn push(
    daemon: &Daemon,
    space: ProjectId,
    notes: Vec<NewNote>,
    origin: Origin,
) -> Result<Vec<PushedNote>, ApiError> {
    if notes.is_empty() || notes.len() > TOGETHER {
        let message = format!("{} notes at once; 1 to {TOGETHER} are taken", notes.len());
        return Err(ApiError::new(Code::BadInput, message).next("push them in portions"));
    }
    let mut blobs = Vec::with_capacity(notes.len());
    let mut pushing = Vec::with_capacity(notes.len());
    // Megabytes are gone through for secrets: not on a thread that others wait for.
    let read = tokio::task::spawn_blocking(move || notes.into_iter().map(Kept::of).collect());
    let kept: Result<Vec<Kept>, ApiError> = read.await.map_err(|e| internal("read the notes", e))?;
    for kept in kept? {
        let (note, blob) = one(daemon, &space, kept, &origin)?;
        pushing.push(note);
        blobs.push(blob);
    }
    let entries = daemon.writer.decide(Input::Push(pushing), blobs).await?;
    let mut pushed: Vec<PushedNote> = Vec::new();
    for entry in entries {
        match entry.fact {
            Fact::MemoryPushed(f) => pushed.push(PushedNote { note: f.note, superseded: Vec::new() }),
            Fact::MemorySuperseded(f) => {
                if let Some(by) = pushed.iter_mut().find(|pushed| pushed.note == f.by) {
                    by.superseded.push(f.note);
                }
            }
            _ => {}
        }
    }
    Ok(pushed)
}

/// What of a note is kept.
struct Kept {
    kind: NoteKind,
    packed: String,
    source: Option<String>,
    supersedes: Vec<NoteId>,
}

impl Kept {
    fn of(new: NewNote) -> Result<Self, ApiError> {
        let text = clean::note("the note", &new.text)?;
        let source = new.source.map(|source| clean::line(&deploy::redacted(&source), SOURCE));
        Ok(Self {
            kind: new.kind,
            packed: packed(&new.title, &text),
            source: source.filter(|source| !source.is_empty()),
            supersedes: new.supersedes,
        })
    }
}

fn one(
    daemon: &Daemon,
    space: &ProjectId,
    kept: Kept,
    origin: &Origin,
) -> Result<(Pushing, NewBlob), ApiError> {
    let (blob, named) = daemon.blob(kept.packed)?;
    let fact = MemoryPushed {
        note: names::note().map_err(|e| internal("name the note", e))?,
        project: space.clone(),
        note_kind: kept.kind,
        title: String::new(),
        text: named,
        source: kept.source.unwrap_or_else(|| origin.source.to_owned()),
        request: origin.request.clone(),
        agent: origin.agent.clone(),
        confidence: origin.confidence,
        batch: origin.batch.clone(),
    };
    Ok((Pushing { fact, supersedes: kept.supersedes }, blob))
}

/// A note as it lies in its blob, without its secrets. Without a title, its first line that says something is one.
pub fn packed(title: &str, text: &str) -> String {
    let (title, text) = (deploy::redacted(title), deploy::redacted(text));
    let mut title = clean::line(&title, TITLE);
    if title.is_empty() {
        let lines = text.lines().map(|line| clean::line(line.trim_start_matches('#'), TITLE));
        title = lines.into_iter().find(|line| !line.is_empty()).unwrap_or_default();
    }
    note::pack(&title, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_without_a_title_is_called_by_its_first_words() {
        let title = |title: &str, text: &str| note::unpack(&packed(title, text)).0.to_owned();
        assert_eq!(title("", "\n# Rye only\n\nWe bake rye."), "Rye only");
        assert_eq!(title("Colours\nof all", "x"), "Colours of all");
        assert_eq!(title(" ", &"a word ".repeat(100)).chars().count(), TITLE);
    }

    #[test]
    fn no_secret_is_kept_in_title_or_text() {
        let token = format!("ghp_{}", "q7Zt2Lw9Xc4Vb6Nm1Kj8Hg5Fd3Sa0PoIuYtR");
        let kept = packed(&format!("use {token}"), &format!("the token is {token}"));
        assert!(!kept.contains(&token) && kept.contains("[a GitHub token, not kept]"), "{kept}");
    }
}
