//! Reading notes with a model, in the background and only if the user asked for it: entities and relations that words
//! alone do not give. It is never waited for. A failure costs a later try at most; what was read, and what it cost, stands
//! in the journal.

mod book;
mod by_agent;
mod chat;
mod desk;
mod mark;
mod prompt;
mod records;

use super::service::Service;
use crate::context::{Daemon, hold};
use crate::settings::EnrichSettings;
use anyhow::Result;
use desk::Desk;
use protocol::fact::Usage;
use protocol::view::EnrichmentView;
use protocol::{AgentId, JournalId};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What a model said and what that cost.
#[derive(Debug)]
pub struct Said {
    text: String,
    usage: Usage,
}

/// How it stands, for those who look.
#[derive(Debug)]
pub struct Enrichment {
    view: Mutex<EnrichmentView>,
    /// The entry after which notes are read; none while it is switched off.
    after: Option<u64>,
}

impl Enrichment {
    /// Before anything new is remembered: `head` is the journal's newest entry. `file`: where it is kept since when it is
    /// switched on.
    pub fn new(set: Option<&EnrichSettings>, file: &Path, journal: &JournalId, head: u64) -> Result<Self> {
        let Some(set) = set else {
            mark::forget(file);
            return Ok(Self { view: Mutex::default(), after: None });
        };
        let by = By::of(set).map(|by| by.name());
        let view = EnrichmentView { by, budget: set.daily_tokens, ..EnrichmentView::default() };
        Ok(Self { view: Mutex::new(view), after: Some(mark::since(file, journal, head)?) })
    }

    pub fn view(&self) -> EnrichmentView {
        hold(&self.view).clone()
    }

    fn change(&self, change: impl FnOnce(&mut EnrichmentView)) {
        change(&mut hold(&self.view));
    }
}

/// Who reads.
#[derive(Debug, Clone)]
enum By {
    Chat { service: Service, model: String },
    Agent(AgentId),
}

impl By {
    fn of(set: &EnrichSettings) -> Option<Self> {
        let service = |url: &String| Service { url: url.clone(), key_env: set.key_env.clone() };
        match (&set.endpoint, &set.model, &set.agent) {
            (Some(url), Some(model), None) => {
                Some(Self::Chat { service: service(url), model: model.clone() })
            }
            (None, _, Some(agent)) => Some(Self::Agent(agent.clone())),
            _ => None,
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Chat { model, .. } => model.clone(),
            Self::Agent(agent) => agent.to_string(),
        }
    }
}

/// Goes on until the daemon stops.
pub async fn keep(daemon: Arc<Daemon>) {
    let set = daemon.settings.memory.enrich.clone();
    let Some((after, set)) = daemon.enrichment.after.zip(set) else { return };
    let Some(by) = By::of(&set) else { return };
    if let By::Agent(_) = by {
        by_agent::end_leftovers(&daemon);
    }
    Desk::new(daemon, set, by, after).work().await;
}
