//! What every part of the daemon shares: the way to the writer, to the reads, to the rooms, and what runs now.

use crate::effects::orient::Instructions;
use crate::home::Home;
use crate::settings::Settings;
use crate::writer::{Refused, Writer};
use engine::Input;
use journal::{NewBlob, Reader};
use protocol::fact::{BlobRef, Entry};
use protocol::{ApiError, Code, CommitId, ProjectId};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub struct Daemon {
    pub home: Home,
    pub settings: Settings,
    pub writer: Writer,
    pub reads: Reads,
    pub memory: crate::remember::Remember,
    pub models: std::sync::Arc<crate::remember::models::Models>,
    pub enrichment: crate::remember::enrich::Enrichment,
    pub yard: deploy::Yard,
    pub edge: deploy::edge::EdgeClient,
    pub setup: agents::Setup,
    /// Where agents are installed.
    pub agents_folder: std::path::PathBuf,
    pub jobs: crate::agents_jobs::Jobs,
    pub readiness: crate::roster::Roster,
    pub sign_ins: crate::accounts::SignIns,
    pub previews: crate::previews::Previews,
    pub sessions: crate::session::Sessions,
    pub bridges: crate::bridges::Bridges,
    pub lightrag: crate::lightrag::Face,
    pub elsewhere: crate::remember::elsewhere::Elsewhere,
    pub runs: crate::runs::Runs,
    /// The instruction files that were read last.
    pub instructions: Mutex<Option<(ProjectId, CommitId, Instructions)>>,
    /// Keeps changes of one kind in a row: files of the main branch are written by one at a time.
    pub repository: tokio::sync::Mutex<()>,
    /// Changes when something that is read live has changed: a transcript, the preview, an agent's readiness.
    pub live: watch::Sender<()>,
    pub stop: CancellationToken,
    /// Set once the edge was started, or could not be: who ends the edge waits for this.
    pub edge_settled: CancellationToken,
    /// Until somebody ends the sites. Locked while the edge is started or ended.
    pub edge_wanted: tokio::sync::Mutex<bool>,
    pub host: String,
    pub local: bool,
    /// Set where services run us.
    pub server: Option<Server>,
}

/// What is known of the server that we are a service of.
#[derive(Debug, Clone, Default)]
pub struct Server {
    /// Under which address the world sees the first project's site.
    pub site: Option<String>,
}

/// A lock that a panic elsewhere cannot take away: the data under it stays sound by construction.
pub fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What went wrong with all its causes: an error's own words leave out what is under it.
pub fn internal(what: &str, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ApiError {
    let e = e.into();
    let mut says = e.to_string();
    let mut cause = e.source();
    while let Some(deeper) = cause {
        let text = deeper.to_string();
        if !says.contains(&text) {
            says = format!("{says}: {text}");
        }
        cause = deeper.source();
    }
    ApiError::new(Code::Internal, format!("failed to {what}: {says}"))
        .next("see `loopwrightd doctor` and the daemon's log")
}

impl Daemon {
    pub async fn decide(&self, input: Input) -> Result<Vec<Entry>, Refused> {
        self.writer.decide(input, Vec::new()).await
    }

    /// A blob under a fresh salt. It is stored together with the facts that name it.
    pub fn blob(&self, data: impl Into<Vec<u8>>) -> Result<(NewBlob, BlobRef), ApiError> {
        let salt = crate::names::random().map_err(|e| internal("get random bytes", e))?;
        let blob = NewBlob::new(salt, data);
        let named = blob.to_ref();
        Ok((blob, named))
    }

    /// Wakes readers although there is no new entry.
    pub fn nudge(&self) {
        self.live.send_replace(());
    }

    pub async fn active_project(&self) -> Result<ProjectId, ApiError> {
        let rows = self.reads.ask(|r| r.projects()).await?;
        rows.iter().find(|p| p.active).or(rows.first()).map(|p| p.project.clone()).ok_or_else(|| {
            ApiError::new(Code::NotFound, "there is no project yet").next("create one from a starter")
        })
    }

    /// The project that was named, else the active one.
    pub async fn project_or_active(&self, project: Option<ProjectId>) -> Result<ProjectId, ApiError> {
        let Some(project) = project else { return self.active_project().await };
        let rows = self.reads.ask(|r| r.projects()).await?;
        if rows.iter().any(|p| p.project == project) {
            return Ok(project);
        }
        Err(ApiError::new(Code::NotFound, format!("there is no project {project}"))
            .next("see `loopwrightd projects`"))
    }
}

/// Reads run on the blocking pool: a long one must not hold up the loop.
pub struct Reads(Reader);

impl Reads {
    pub fn new(reader: Reader) -> Self {
        Self(reader)
    }

    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, journal::Error> + Send + 'static,
    ) -> Result<T, ApiError> {
        let reader = self.0.clone();
        let answered = tokio::task::spawn_blocking(move || question(&reader));
        answered
            .await
            .map_err(|e| internal("read the journal", e))?
            .map_err(|e| internal("read the journal", e))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_internal_error_names_its_causes_once() {
        let disk = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let io = deploy::Error::Io { what: "make x".into(), source: disk };
        let says = super::internal("stage the release", io).message;
        assert_eq!(says, "failed to stage the release: make x: no storage space");
        assert_eq!(super::internal("stop", "it is late").message, "failed to stop: it is late");
    }
}
