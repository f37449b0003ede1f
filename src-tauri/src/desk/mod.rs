//! The workspaces side by side and what may be asked of them. Events go out through one function; nothing here knows a
//! window.

mod follow;
mod here;
mod kept;
mod meeting;
mod pages;
mod programs;
mod servers;
mod setup;
mod spot;
mod verbs;

pub use kept::{Kept, write};
pub use pages::Page;
pub use spot::Spot;

use crate::config::Config;
use crate::vault::Vault;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use here::Here;
use meeting::Meetings;
use mirror::News;
use protocol::desk::{DeskAnswer, DeskEvent, DeskResult, DeskSettings, HERE};
use protocol::{ApiError, At, BlobId, Code, Request};
use remote::{AgentAt, ControlError, KnownHosts, Limits, Local, Pins, Program};
use servers::Servers;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

type ToUser = dyn Fn(&str, &News) + Send + Sync;

/// Tells the window, and the user who does not look at it. Cheap to clone.
#[derive(Clone)]
pub struct Tell {
    pub window: Arc<dyn Fn(DeskEvent) + Send + Sync>,
    /// The host's name, and what happened there.
    pub user: Arc<ToUser>,
}

impl Tell {
    fn event(&self, event: DeskEvent) {
        (self.window)(event);
    }
}

pub type Clock = fn() -> At;

/// How long the end of the program waits for servers.
const LAST: Duration = Duration::from_secs(3);

/// The time of day.
pub fn now() -> At {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    At(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

pub struct Desk {
    pub vault: Arc<Vault>,
    pub settings: Kept<DeskSettings>,
    data: PathBuf,
    pub servers: Arc<Servers>,
    pub meetings: Meetings,
    here: Here,
    spot: Arc<Spot>,
    /// Builds of the server's program, in a bundle.
    programs: Option<PathBuf>,
    ways: pages::Ways,
}

impl Desk {
    /// `data` is the folder of all that is kept here.
    pub fn open(config: &Config, data: &Path, tell: Tell) -> std::io::Result<Self> {
        std::fs::create_dir_all(data)?;
        let home = config.home.clone().unwrap_or_else(|| data.join("local"));
        let here = Here {
            daemon: config.daemon.clone(),
            tools: config.tools.clone(),
            node: config.node.clone(),
            serve: config.serve.clone(),
            log: data.join("local-daemon.log"),
            home,
            started: Arc::default(),
        };
        let mirror = data.join("mirrors").join(HERE);
        let spot = Spot::new(HERE.into(), "this computer".into(), None, mirror, now, tell.clone());
        let local = Local {
            pins: Pins::open(data.join("pins.json")).map_err(std::io::Error::other)?,
            known_hosts: config.known_hosts.as_deref().map(KnownHosts::read).unwrap_or_default(),
            agent: config.ssh_agent.clone().map_or(AgentAt::None, AgentAt::Socket),
            clock: now,
            limits: Limits::default(),
        };
        Ok(Self {
            vault: Arc::new(Vault::new(data.join("vault.json"))),
            settings: Kept::open(data.join("settings.json")),
            data: data.to_owned(),
            servers: Arc::new(Servers::open(data.to_owned(), local, now, tell.clone())),
            meetings: Meetings::new(tell),
            programs: config.programs.clone(),
            ways: pages::Ways::default(),
            here,
            spot,
        })
    }

    /// The folder of all that is kept here.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Begins to keep the workspaces connected.
    pub fn start(&self) {
        tokio::spawn(here::keep(self.spot.clone(), self.here.clone()));
        self.connect_servers();
    }

    /// The keys come from a keychain, which may take its time: nothing waits for it.
    pub fn connect_servers(&self) {
        let (servers, vault) = (self.servers.clone(), self.vault.clone());
        tokio::task::spawn_blocking(move || servers.start(&vault));
    }

    /// Ends what this program started: meetings, which leave nothing on their servers, and the local daemon, if it was this
    /// one that started it.
    pub async fn end(&self) {
        // A server that is not reached any more keeps nobody from closing the window.
        let _ = tokio::time::timeout(LAST, self.meetings.leave_all()).await;
        let here = self.here.clone();
        let _ = blocking(move || here.stop()).await;
    }

    pub fn spots(&self) -> Vec<Arc<Spot>> {
        let servers = self.servers.all();
        std::iter::once(self.spot.clone()).chain(servers.iter().map(|server| server.spot.clone())).collect()
    }

    pub fn spot(&self, place: &str) -> Result<Arc<Spot>, ApiError> {
        if place == HERE {
            return Ok(self.spot.clone());
        }
        if let Some(server) = self.servers.get(place) {
            return Ok(server.spot.clone());
        }
        Err(ApiError::new(Code::NotFound, format!("there is no workspace {place} on this computer"))
            .next("choose another one, or add the server again"))
    }

    /// Builds of the server's program that can be sent; in development this computer's own.
    async fn programs(&self) -> Result<Vec<Program>, ApiError> {
        let (folder, own) = (self.programs.clone(), self.here.daemon.clone());
        blocking(move || programs::all(folder.as_deref(), own.as_deref())).await?
    }

    pub fn places(&self) -> DeskAnswer {
        DeskAnswer::Places { places: self.spots().iter().map(|spot| spot.row()).collect() }
    }

    /// Asks a workspace's daemon; a read is answered from the copy while the daemon is not reached.
    pub async fn ask(&self, place: &str, request: Request) -> DeskResult {
        let spot = self.spot(place)?;
        let unreached = match spot.control() {
            None => mirror::Unreached { why: spot.unreached(), sent: false },
            Some(control) => match control.request(&request).await {
                Ok(response) => {
                    self.callbacks(place, &response).await;
                    return Ok(DeskAnswer::Loop { response, since: None });
                }
                Err(ControlError::Api(refused)) => return Err(refused),
                Err(error @ ControlError::Garbled { .. }) => return Err(told(&error)),
                Err(error) => mirror::Unreached { why: spot.unreached(), sent: !error.not_sent() },
            },
        };
        let folder = spot.folder.clone();
        let answered = blocking(move || folder.answer(request, &unreached, now())).await?;
        answered.map(|(response, at)| DeskAnswer::Loop { response, since: Some(at) })
    }

    /// A picture: of the copy where it has it, else of the daemon.
    pub async fn picture(&self, place: &str, blob: BlobId) -> DeskResult {
        let spot = self.spot(place)?;
        let (folder, id) = (spot.folder.clone(), blob.clone());
        let mut bytes = blocking(move || folder.blob(&id).ok().flatten()).await?;
        if let (None, Some(control)) = (&bytes, spot.control()) {
            bytes = control.blob(&blob).await.map_err(|e| told(&e))?.map(|(_, data)| data);
        }
        let bytes =
            bytes.ok_or_else(|| ApiError::new(Code::NotFound, "this picture is not kept any more"))?;
        if !bytes.starts_with(b"\x89PNG") {
            return Err(ApiError::new(Code::BadInput, "this is no picture").next("look at it as text"));
        }
        Ok(DeskAnswer::Picture { url: format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes)) })
    }
}

/// A failed call in the words of the API.
pub fn told(error: &ControlError) -> ApiError {
    match error {
        ControlError::Api(refused) => refused.clone(),
        ControlError::Garbled { .. } => ApiError::new(Code::Version, error.cause()).next(error.next()),
        ControlError::NoDaemon { .. } | ControlError::Lost { .. } => {
            ApiError::new(Code::Internal, error.cause()).next(error.next())
        }
    }
}

/// An error with its causes, and the one next step.
pub fn told_by(error: &dyn std::error::Error, next: &str) -> ApiError {
    let mut says = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let text = deeper.to_string();
        if !says.contains(&text) {
            says = format!("{says}: {text}");
        }
        cause = deeper.source();
    }
    ApiError::new(Code::Conflict, says).next(next)
}

/// What reads files runs where it may take its time.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let ended = |_| ApiError::new(Code::Internal, "the program is ending").next("open it again");
    tokio::task::spawn_blocking(work).await.map_err(ended)
}
