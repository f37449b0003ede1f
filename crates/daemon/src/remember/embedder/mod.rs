//! The embedding model that is loaded now. It is loaded by the first that needs it, a question or a new note, and let go
//! when nothing needed it for a while. Whoever gets none goes on with words alone.

mod child;
mod endpoint;
mod process;
mod wire;

pub use endpoint::id as endpoint_id;
pub use process::serve;
pub use wire::Lane;

use crate::context::hold;
use crate::settings::EmbeddingEndpoint;
use child::Child;
use embed::{Embedder, Error};
use endpoint::Endpoint;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// One that could not be loaded is not tried again by every question.
const AGAIN: Duration = Duration::from_secs(60);

/// What is to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A model of the catalogue, whose files are in the folder.
    Here {
        name: &'static str,
        folder: PathBuf,
        program: PathBuf,
    },
    Endpoint(EmbeddingEndpoint),
}

/// The place for one loaded model.
pub struct Slot {
    now: Mutex<Now>,
    /// Held while one is loaded: others wait for it instead of loading a second one.
    loading: Mutex<()>,
    idle: Duration,
    runtime: Handle,
}

#[derive(Default)]
struct Now {
    loaded: Option<(What, Arc<Loaded>)>,
    failed: Option<(What, Instant, String)>,
    timer: Option<AbortHandle>,
    /// Calls that go on.
    busy: usize,
}

/// A loaded model.
pub struct Loaded {
    engine: Engine,
    model: String,
    slot: Weak<Slot>,
}

enum Engine {
    Child(Child),
    Endpoint(Endpoint),
}

impl Slot {
    /// A model that nothing needs for `idle` is let go.
    pub fn new(idle: Duration, runtime: Handle) -> Arc<Self> {
        Arc::new(Self { now: Mutex::default(), loading: Mutex::default(), idle, runtime })
    }

    /// The model, loaded if it is not. The error says why there is none. Blocking.
    pub fn get(self: &Arc<Self>, what: &What) -> Result<Arc<Loaded>, String> {
        let _loading = hold(&self.loading);
        {
            let now = hold(&self.now);
            match (&now.loaded, &now.failed) {
                (Some((is, loaded)), _) if is == what => return Ok(loaded.clone()),
                (_, Some((was, at, why))) if was == what && at.elapsed() < AGAIN => return Err(why.clone()),
                _ => {}
            }
        }
        let loaded = self.load(what);
        let mut now = hold(&self.now);
        match loaded {
            Ok(loaded) => {
                let loaded = Arc::new(loaded);
                let before = now.loaded.replace((what.clone(), loaded.clone()));
                now.failed = None;
                drop(now);
                drop(before);
                self.rest();
                Ok(loaded)
            }
            Err(why) => {
                now.failed = Some((what.clone(), Instant::now(), why.clone()));
                Err(why)
            }
        }
    }

    fn load(self: &Arc<Self>, what: &What) -> Result<Loaded, String> {
        let (engine, model) = match what {
            What::Here { name, folder, program } => {
                let child = Child::start(program, folder, name).map_err(|e| e.to_string())?;
                let model = child.model().to_owned();
                (Engine::Child(child), model)
            }
            What::Endpoint(set) => {
                let endpoint = Endpoint::open(set).map_err(|e| e.to_string())?;
                (Engine::Endpoint(endpoint), endpoint::id(set))
            }
        };
        Ok(Loaded { engine, model, slot: Arc::downgrade(self) })
    }

    /// Why there is none, since the last try.
    pub fn failed(&self) -> Option<String> {
        hold(&self.now).failed.as_ref().map(|(_, _, why)| why.clone())
    }

    /// Lets it go. Who is using it keeps it until then.
    pub fn clear(&self) {
        let taken = {
            let mut now = hold(&self.now);
            now.failed = None;
            (now.loaded.take(), now.timer.take())
        };
        if let Some(timer) = &taken.1 {
            timer.abort();
        }
    }

    /// The model that is loaded, and how long its vectors are.
    pub fn loaded(&self) -> Option<(String, usize)> {
        hold(&self.now).loaded.as_ref().map(|(_, loaded)| (loaded.model.clone(), loaded.dim()))
    }

    /// It has something to do: no timer runs meanwhile.
    fn begin(&self) {
        let mut now = hold(&self.now);
        now.busy += 1;
        if let Some(timer) = now.timer.take() {
            timer.abort();
        }
    }

    fn end(self: &Arc<Self>) {
        {
            let mut now = hold(&self.now);
            now.busy = now.busy.saturating_sub(1);
        }
        self.rest();
    }

    /// Where it has nothing to do from now on, the one timer begins anew.
    fn rest(self: &Arc<Self>) {
        if hold(&self.now).busy > 0 {
            return;
        }
        let slot = self.clone();
        let timer = self.runtime.spawn(async move {
            tokio::time::sleep(slot.idle).await;
            let gone = hold(&slot.now).loaded.take();
            // Its process is waited for.
            let _ = tokio::task::spawn_blocking(move || drop(gone)).await;
        });
        if let Some(before) = hold(&self.now).timer.replace(timer.abort_handle()) {
            before.abort();
        }
    }

    /// It is of no use any more: the next one who asks loads it anew.
    fn broken(&self, loaded: &Loaded, why: &str) {
        let mut now = hold(&self.now);
        let Some((what, _)) = now.loaded.take_if(|(_, is)| std::ptr::eq(Arc::as_ptr(is), loaded)) else {
            return;
        };
        now.failed = Some((what, Instant::now(), why.to_owned()));
    }
}

impl Loaded {
    /// For new notes: it waits behind everybody else, and a service is asked again where it fails.
    pub fn embed_in_background(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        self.run(texts, Lane::Background)
    }

    fn run(&self, texts: &[&str], lane: Lane) -> Result<Vec<Vec<f32>>, Error> {
        let slot = self.slot.upgrade();
        if let Some(slot) = &slot {
            slot.begin();
        }
        let answer = match &self.engine {
            Engine::Child(child) => child.embed(texts, lane),
            Engine::Endpoint(endpoint) => endpoint.embed(texts, lane),
        };
        if let Some(slot) = slot {
            if let Err(e) = &answer {
                slot.broken(self, &cause(e));
            }
            slot.end();
        }
        answer
    }
}

/// The deepest words of an error: those above it only say where it came through.
pub fn cause(e: &Error) -> String {
    let mut at: &dyn std::error::Error = e;
    while let Some(deeper) = at.source() {
        at = deeper;
    }
    at.to_string()
}

impl Embedder for Loaded {
    fn model(&self) -> &str {
        &self.model
    }

    fn dim(&self) -> usize {
        match &self.engine {
            Engine::Child(child) => child.dim(),
            Engine::Endpoint(endpoint) => endpoint.dim(),
        }
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        self.run(texts, Lane::Question)
    }
}
