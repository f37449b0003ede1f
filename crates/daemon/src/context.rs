//! What every part of the daemon shares: the way to the writer, to the reads, to the rooms, and what runs now.

use crate::effects::orient::Instructions;
use crate::home::Home;
use crate::settings::Settings;
use crate::writer::{Refused, Writer};
use agents::Control;
use engine::Input;
use journal::{NewBlob, Reader};
use protocol::fact::{AgentState, BlobRef, Entry, Readiness};
use protocol::{AgentId, ApiError, At, AttemptId, Code, CommitId, ProjectId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub struct Daemon {
    pub home: Home,
    pub settings: Settings,
    pub writer: Writer,
    pub reads: Reads,
    pub yard: deploy::Yard,
    pub edge: deploy::edge::EdgeClient,
    pub setup: agents::Setup,
    pub readiness: Roster,
    pub previews: crate::previews::Previews,
    pub sessions: crate::session::Sessions,
    /// Runs of agents in this process, by attempt: where a word to them goes.
    pub runs: Mutex<HashMap<AttemptId, mpsc::Sender<Control>>>,
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

    pub fn note_run(&self, attempt: &AttemptId, control: mpsc::Sender<Control>) {
        hold(&self.runs).insert(attempt.clone(), control);
    }

    pub fn forget_run(&self, attempt: &AttemptId) {
        hold(&self.runs).remove(attempt);
    }

    /// The way to a running agent, if it runs here.
    pub fn run(&self, attempt: &AttemptId) -> Option<mpsc::Sender<Control>> {
        hold(&self.runs).get(attempt).cloned()
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

    /// The catalogue with what is known of each agent now. `Worked` comes from the journal, the rest from probes.
    pub async fn agents_now(&self) -> Result<Vec<AgentState>, ApiError> {
        let probed = self.readiness.get(&self.setup).await;
        let known = probed.clone();
        let worked = self
            .reads
            .ask(move |r| known.iter().map(|s| r.last_worked(&s.agent)).collect::<Result<Vec<_>, _>>())
            .await?;
        Ok(probed
            .into_iter()
            .zip(worked)
            .map(|(state, at)| AgentState { readiness: with_work(state.readiness, at), ..state })
            .collect())
    }
}

fn with_work(readiness: Readiness, worked: Option<At>) -> Readiness {
    match (readiness, worked) {
        (Readiness::SignedIn { version }, Some(at)) => Readiness::Worked { version, at },
        (other, _) => other,
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

/// What the last probe of each agent found. Probing costs seconds and hundreds of megabytes, so it is done at start, on
/// demand, one at a time, and after a run that says that something changed.
pub struct Roster {
    states: watch::Sender<Option<(At, Vec<AgentState>)>>,
    probing: tokio::sync::Mutex<()>,
}

impl Roster {
    pub fn new() -> Self {
        Self { states: watch::Sender::new(None), probing: tokio::sync::Mutex::new(()) }
    }

    /// The last probe, or the first one if there was none.
    pub async fn get(&self, setup: &agents::Setup) -> Vec<AgentState> {
        let known = self.states.borrow().as_ref().map(|(_, states)| states.clone());
        match known {
            Some(states) => states,
            None => self.refresh(setup, false).await,
        }
    }

    pub fn probed_at(&self) -> Option<At> {
        self.states.borrow().as_ref().map(|(at, _)| *at)
    }

    /// Probes every agent of the catalogue, one after the other.
    pub async fn refresh(&self, setup: &agents::Setup, again: bool) -> Vec<AgentState> {
        let _one_at_a_time = self.probing.lock().await;
        if let (false, Some((_, states))) = (again, self.states.borrow().as_ref()) {
            return states.clone();
        }
        let mut states = Vec::new();
        for profile in agents::catalogue() {
            let agent: AgentId = profile.id.clone();
            let readiness = agents::probe(setup, &agent).await;
            states.push(AgentState { agent, readiness });
        }
        self.states.send_replace(Some((crate::names::now(), states.clone())));
        states
    }

    /// A run just showed this of an agent: no probe is needed to know it.
    pub fn learned(&self, agent: &AgentId, readiness: Readiness) {
        self.states.send_if_modified(|known| match known {
            Some((_, states)) => states.iter_mut().filter(|s| &s.agent == agent).fold(false, |_, state| {
                state.readiness = readiness.clone();
                true
            }),
            None => false,
        });
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
