//! The embedding models: which one is used, what is being fetched, and what is shown of both. Words and graph alone answer
//! whenever there is none.

mod choice;
mod fetch;

use super::embedder::{self, Loaded, Slot, What};
use crate::context::{Daemon, hold, internal};
use crate::settings::MemorySettings;
use anyhow::{Context, Result};
use choice::Choice;
use clap::Subcommand;
use embed::{Embedder, Model};
use protocol::view::{ModelChoice, ModelView};
use protocol::{ApiError, Code, Response, clean};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::{info, warn};

pub struct Models {
    folder: PathBuf,
    program: PathBuf,
    settings: MemorySettings,
    /// What the command line said.
    line: Option<String>,
    slot: Arc<Slot>,
    now: Mutex<Now>,
    /// Counts the changes of the model in use.
    changed: watch::Sender<u64>,
}

struct Now {
    wish: Choice,
    /// In use: the wish, once its files are here.
    used: Choice,
    /// What is being done, or why it was not.
    says: Option<String>,
    failed: bool,
    fetching: Option<&'static str>,
}

/// Processes of this program that have to do with models.
#[derive(Debug, Subcommand)]
pub enum Work {
    /// Fetch a model and make its files.
    Fetch {
        name: String,
        #[arg(long)]
        folder: PathBuf,
        #[arg(long)]
        index: Option<String>,
    },
    /// Load a model and answer on stdin and stdout.
    Serve {
        name: String,
        #[arg(long)]
        folder: PathBuf,
    },
}

pub fn work(work: Work) -> Result<()> {
    match work {
        Work::Fetch { name, folder, index } => match Choice::named(&name)? {
            Choice::Here(model) => fetch::here(&folder, model, index.as_deref()),
            Choice::Nothing | Choice::Endpoint => Ok(()),
        },
        Work::Serve { name, folder } => embedder::serve(&folder, &name),
    }
}

impl Models {
    /// `line`: what the command line says of it. `memory`: bytes of the machine. Nothing is loaded or fetched yet.
    pub fn new(
        folder: PathBuf,
        program: PathBuf,
        line: Option<String>,
        settings: &MemorySettings,
        memory: u64,
    ) -> Result<Self> {
        std::fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
        let wish = Choice::at_start(&folder, line.as_deref(), settings, memory)?;
        let used = if is_ready(wish, &folder) { wish } else { Choice::Nothing };
        let now = Now { wish, used, says: None, failed: false, fetching: None };
        let idle = Duration::from_secs(settings.unload_s);
        let slot = Slot::new(idle, Handle::current());
        let (settings, changed) = (settings.clone(), watch::Sender::new(0));
        Ok(Self { folder, program, settings, line, slot, now: Mutex::new(now), changed })
    }

    /// The loaded model for a question; `None`: go on with words alone, [`Models::view`] says why. Blocking.
    pub fn embedder(&self) -> Option<Arc<dyn Embedder>> {
        let loaded: Arc<dyn Embedder> = self.loaded()?.ok()?;
        Some(loaded)
    }

    /// The same for background work, with why it could not be loaded. `None`: there is to be none.
    pub fn loaded(&self) -> Option<Result<Arc<Loaded>, String>> {
        Some(self.slot.get(&self.what()?))
    }

    /// What stands with the vectors of the model in use.
    pub fn id(&self) -> Option<String> {
        match hold(&self.now).used {
            Choice::Nothing => None,
            Choice::Here(model) => Some(model.id.to_owned()),
            Choice::Endpoint => self.settings.endpoint.as_ref().map(embedder::endpoint_id),
        }
    }

    fn what(&self) -> Option<What> {
        match hold(&self.now).used {
            Choice::Nothing => None,
            Choice::Here(model) => {
                let (folder, program) = (self.folder.clone(), self.program.clone());
                Some(What::Here { name: model.name, folder, program })
            }
            Choice::Endpoint => self.settings.endpoint.clone().map(What::Endpoint),
        }
    }

    /// Wakes who works with the model in use.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Without how many passages wait: that is asked of the memory.
    pub fn view(&self) -> ModelView {
        let now = hold(&self.now);
        let used = (now.used != Choice::Nothing).then_some(now.used);
        let dim = match now.used {
            Choice::Here(model) => u32::try_from(model.dim).ok(),
            Choice::Endpoint => self.slot.loaded().and_then(|(_, dim)| u32::try_from(dim).ok()),
            Choice::Nothing => None,
        };
        let cannot = used.and_then(|_| self.slot.failed());
        let failed = now.failed || cannot.is_some();
        let says = now.says.clone().or_else(|| {
            cannot.map(|why| {
                format!("it gives no vectors, words alone answer until it does: {}", clean::line(&why, 400))
            })
        });
        ModelView { name: used.map(|used| used.name().to_owned()), dim, waiting: 0, says, failed }
    }

    pub fn choices(&self) -> Vec<ModelChoice> {
        let choice = |model: &'static Model| ModelChoice {
            name: model.name.to_owned(),
            what: model.what.to_owned(),
            fetch_bytes: model.fetch_bytes,
            disk_bytes: model.disk_bytes,
            here: is_ready(Choice::Here(model), &self.folder),
        };
        embed::MODELS.iter().map(choice).collect()
    }

    fn say(&self, says: Option<String>, failed: bool) {
        let mut now = hold(&self.now);
        now.says = says;
        now.failed = failed;
    }

    /// Begins to use what is wished for, if it still is.
    fn adopt(&self, choice: Choice) {
        {
            let mut now = hold(&self.now);
            if now.wish != choice {
                return;
            }
            now.used = choice;
            now.says = None;
            now.failed = false;
        }
        self.slot.clear();
        self.changed.send_modify(|count| *count += 1);
    }
}

fn is_ready(choice: Choice, folder: &Path) -> bool {
    match choice {
        Choice::Nothing | Choice::Endpoint => true,
        Choice::Here(model) => embed::Catalogue::is_here(folder, model.name).unwrap_or(false),
    }
}

/// `UseModel`: uses it at once where it is here, else fetches it first.
pub async fn use_model(daemon: &Arc<Daemon>, name: String) -> Result<Response, ApiError> {
    let models = &daemon.models;
    let choice = Choice::named(&name)?;
    if choice == Choice::Endpoint && models.settings.endpoint.is_none() {
        return Err(ApiError::new(Code::BadInput, "no embedding endpoint is set").next(
            "write [memory.endpoint] with url and model into loopwright.toml, and start the daemon again",
        ));
    }
    choice
        .keep(&models.folder, models.line.as_deref(), &models.settings)
        .map_err(|e| internal("keep the choice", e))?;
    hold(&models.now).wish = choice;
    if is_ready(choice, &models.folder) {
        let daemon = daemon.clone();
        let adopted = tokio::task::spawn_blocking(move || daemon.models.adopt(choice));
        adopted.await.map_err(|e| internal("change the model", e))?;
    } else {
        fetch_wish(daemon);
    }
    daemon.nudge();
    Ok(Response::Done)
}

/// After the start: what is wished for and is not here is fetched, without anybody waiting for it.
pub fn begin(daemon: &Arc<Daemon>) {
    let ready = {
        let now = hold(&daemon.models.now);
        is_ready(now.wish, &daemon.models.folder)
    };
    if !ready {
        fetch_wish(daemon);
    }
}

/// One is fetched at a time. When the wish changes meanwhile, the new one is fetched next.
fn fetch_wish(daemon: &Arc<Daemon>) {
    let model = {
        let mut now = hold(&daemon.models.now);
        let Choice::Here(model) = now.wish else { return };
        if now.fetching.is_some() {
            now.says = Some(format!("{} is fetched as soon as another one is here", model.name));
            return;
        }
        now.fetching = Some(model.name);
        now.says = Some(format!("fetching {}", model.name));
        now.failed = false;
        model
    };
    let daemon = daemon.clone();
    tokio::spawn(async move {
        let fetched = tokio::select! {
            fetched = fetch(&daemon, model) => fetched,
            () = daemon.stop.cancelled() => return,
        };
        hold(&daemon.models.now).fetching = None;
        match fetched {
            Ok(()) => info!(model = model.name, "an embedding model is here"),
            Err((reason, next)) => {
                warn!(model = model.name, %reason, "failed to fetch an embedding model");
                let says = format!(
                    "{}; words alone answer until then. Next: {}",
                    clean::line(&reason, 400),
                    clean::line(&next, 400)
                );
                daemon.models.say(Some(says), true);
            }
        }
        let adopting = daemon.clone();
        let _ = tokio::task::spawn_blocking(move || {
            if is_ready(Choice::Here(model), &adopting.models.folder) {
                adopting.models.adopt(Choice::Here(model));
            }
        })
        .await;
        daemon.nudge();
        let other = hold(&daemon.models.now).wish;
        if other != Choice::Here(model) && !is_ready(other, &daemon.models.folder) {
            fetch_wish(&daemon);
        }
    });
}

async fn fetch(daemon: &Arc<Daemon>, model: &'static Model) -> Result<(), (String, String)> {
    let models = &daemon.models;
    let told = |line: &str| {
        models.say(Some(clean::line(line, 200)), false);
        daemon.nudge();
    };
    fetch::beside(&models.program, &models.folder, model, models.settings.index.as_deref(), told).await
}
