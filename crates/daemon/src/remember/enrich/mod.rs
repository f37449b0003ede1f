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
use desk::Desk;
use protocol::AgentId;
use protocol::fact::Usage;
use protocol::view::EnrichmentView;
use std::sync::{Arc, Mutex};
use tracing::warn;

/// What a model said and what that cost.
#[derive(Debug)]
pub struct Said {
    text: String,
    usage: Usage,
}

/// How it stands, for those who look.
#[derive(Debug, Default)]
pub struct Enrichment(Mutex<EnrichmentView>);

impl Enrichment {
    pub fn view(&self) -> EnrichmentView {
        hold(&self.0).clone()
    }

    fn change(&self, change: impl FnOnce(&mut EnrichmentView)) {
        change(&mut hold(&self.0));
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
    let file = daemon.home.run().join("enrichment.json");
    let set = daemon.settings.memory.enrich.clone();
    let Some((set, by)) = set.and_then(|set| Some((set.clone(), By::of(&set)?))) else {
        mark::forget(&file);
        return;
    };
    daemon.enrichment.change(|view| {
        view.by = Some(by.name());
        view.budget = set.daily_tokens;
    });
    if let By::Agent(_) = by {
        by_agent::end_leftovers(&daemon);
    }
    let begun = daemon.reads.ask(|reader| Ok((reader.id()?, reader.head()?.0))).await;
    let since = begun
        .map_err(|e| e.message)
        .and_then(|(journal, head)| mark::since(&file, &journal, head).map_err(|e| format!("{e:#}")));
    match since {
        Ok(after) => {
            Desk::new(daemon, set, by, after).work().await;
        }
        Err(reason) => {
            warn!(%reason, "notes are not read");
            daemon.enrichment.change(|view| view.failed = Some(reason));
        }
    }
}
