//! The control API of a daemon: HTTP on a byte stream, and the ways by which such a stream reaches it.

mod http;
mod route;

pub use http::Heads;

use crate::connect::Session;
use http::Pool;
use protocol::blobs::Kept;
use protocol::desk::Route;
use protocol::setup::Greeting;
use protocol::{ApiError, BlobId, Request, Response};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// Any way's bytes.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
pub(crate) type Bytes = Box<dyn Stream>;

/// A daemon that can be asked. Cheap to clone.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    dial: Dial,
    route: Route,
    why: Option<String>,
    pool: Pool,
}

/// How a stream to the control socket is opened.
enum Dial {
    Local(PathBuf),
    Socket(Session, String),
    Loopback(Session, u16),
    Stdio(Session),
}

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The daemon's own word.
    #[error("{0}")]
    Api(ApiError),
    #[error("no daemon answers: {why}")]
    NoDaemon { why: String, next: String },
    #[error("the connection to the daemon was lost: {why}")]
    Lost { why: String },
    #[error("the daemon's answer cannot be understood: {why}")]
    Garbled { why: String },
}

impl ControlError {
    pub fn cause(&self) -> String {
        match self {
            Self::Api(error) => error.message.clone(),
            other => other.to_string(),
        }
    }

    pub fn next(&self) -> String {
        match self {
            Self::Api(error) => error.next.clone().unwrap_or_default(),
            Self::NoDaemon { next, .. } => next.clone(),
            Self::Lost { .. } => "it is tried again once the connection is back".into(),
            Self::Garbled { .. } => "bring this app and the server to one version".into(),
        }
    }

    /// Nothing of the request can have had an effect.
    pub fn not_sent(&self) -> bool {
        matches!(self, Self::NoDaemon { .. })
    }
}

impl Control {
    /// This computer's own daemon.
    pub fn local(socket: &Path) -> Self {
        Self::new(Dial::Local(socket.to_owned()), Route::Local, None)
    }

    /// A server's: by its socket, else by its loopback port where it has one, else by a program's standard input and
    /// output. What is taken is what answered; why it is not the first is told.
    pub async fn open(
        session: &Session,
        greeting: &Greeting,
        loopback: Option<u16>,
    ) -> Result<Self, ControlError> {
        let (dial, route, why) = route::find(session, greeting, loopback).await?;
        Ok(Self::new(dial, route, why))
    }

    fn new(dial: Dial, route: Route, why: Option<String>) -> Self {
        Self(Arc::new(Inner { dial, route, why, pool: Pool::default() }))
    }

    pub fn route(&self) -> Route {
        self.0.route
    }

    /// Why this route and not a better one.
    pub fn why(&self) -> Option<&str> {
        self.0.why.as_deref()
    }

    pub async fn request(&self, request: &Request) -> Result<Response, ControlError> {
        http::request(&self.0, request).await
    }

    /// A link that opens the dashboard, good for one use.
    pub async fn link(&self) -> Result<String, ControlError> {
        http::link(&self.0).await
    }

    /// Follows the journal's head.
    pub async fn heads(&self) -> Result<Heads, ControlError> {
        http::heads(&self.0).await
    }

    /// A blob with its salt, as a mirror needs it; none when it was forgotten.
    pub async fn blob(&self, id: &BlobId) -> Result<Option<([u8; 16], Vec<u8>)>, ControlError> {
        http::blob(&self.0, id).await
    }

    /// Several at once, in order: at least the first one, and as many as one answer holds.
    pub async fn blobs(&self, ids: &[BlobId]) -> Result<Vec<Kept>, ControlError> {
        http::blobs(&self.0, ids).await
    }

    /// A stream of one's own to the control socket.
    pub async fn stream(&self) -> Result<Box<dyn Stream>, ControlError> {
        self.0.dial.open().await
    }
}

impl Dial {
    async fn open(&self) -> Result<Bytes, ControlError> {
        match self {
            Self::Local(path) => local(path).await,
            Self::Socket(session, path) => {
                let pipe = session.socket(path).await.map_err(|error| route::gone(session, &error))?;
                Ok(Box::new(pipe))
            }
            Self::Loopback(session, port) => {
                let pipe =
                    session.tcp("127.0.0.1", *port).await.map_err(|error| route::gone(session, &error))?;
                Ok(Box::new(pipe))
            }
            Self::Stdio(session) => {
                let pipe = session.program("stdio").await.map_err(|error| route::gone(session, &error))?;
                Ok(Box::new(pipe))
            }
        }
    }
}

#[cfg(unix)]
async fn local(path: &Path) -> Result<Bytes, ControlError> {
    let stream = tokio::net::UnixStream::connect(path).await.map_err(|error| not_here(&error.to_string()))?;
    Ok(Box::new(stream))
}

#[cfg(not(unix))]
async fn local(_: &Path) -> Result<Bytes, ControlError> {
    Err(not_here("this system has no unix sockets"))
}

fn not_here(why: &str) -> ControlError {
    ControlError::NoDaemon {
        why: format!("on this computer ({})", why.to_lowercase()),
        next: "it is started with this app: open the app again".into(),
    }
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("route", &self.0.route).finish_non_exhaustive()
    }
}
