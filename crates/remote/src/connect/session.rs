//! One signed-in connection, and the channels on it.

use super::handshake::{Callbacks, plain};
use super::pipe::{self, Pipe};
use protocol::desk::Target;
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelOpenFailure, ChannelReadHalf, ChannelWriteHalf, Disconnect};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// A server's key, as people compare it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKey {
    pub kind: String,
    pub sha256: String,
}

/// Why a connection is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    pub why: String,
}

/// Cheap to clone; the connection ends with the last clone, or by [`Session::close`].
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    handle: Handle<Callbacks>,
    end: watch::Receiver<Option<String>>,
    target: Target,
    key: HostKey,
    banner: String,
    sessions: Arc<Sessions>,
    /// The connection that this one goes through.
    _over: Option<Session>,
}

/// A channel that the server did not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotOpened {
    /// The server's settings forbid it.
    #[error("the server's SSH settings forbid it")]
    Forbidden,
    /// Nothing listens there, or it is switched off: the protocol does not tell which.
    #[error("nothing answers there, or the server's SSH settings forbid it")]
    Refused,
    #[error("{0}")]
    Gone(String),
}

/// How many session channels are open, and who waits for one to close. `MaxSessions` of a server is never told; a refusal
/// while others are open shows it.
#[derive(Default)]
struct Sessions {
    open: AtomicUsize,
    freed: Notify,
}

/// One open session channel.
pub(crate) struct Slot(Arc<Sessions>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_waiters();
    }
}

impl Session {
    pub(super) fn new(
        handle: Handle<Callbacks>,
        end: watch::Receiver<Option<String>>,
        target: Target,
        key: HostKey,
        banner: String,
        over: Option<Session>,
    ) -> Self {
        let sessions = Arc::new(Sessions::default());
        Self(Arc::new(Inner { handle, end, target, key, banner, sessions, _over: over }))
    }

    pub fn target(&self) -> &Target {
        &self.0.target
    }

    pub fn server_key(&self) -> &HostKey {
        &self.0.key
    }

    /// What the server shows before the sign-in; empty for most.
    pub fn banner(&self) -> &str {
        &self.0.banner
    }

    pub fn is_closed(&self) -> bool {
        self.0.handle.is_closed()
    }

    /// Waits for the end, whoever brings it about.
    pub async fn closed(&self) -> Gone {
        let mut end = self.0.end.clone();
        let why = match end.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            Err(_) => "the connection was cut".into(),
        };
        Gone { why }
    }

    /// Whether the other side answers at this moment. Waits as long as it takes.
    pub(crate) async fn ping(&self) -> bool {
        self.0.handle.send_ping().await.is_ok()
    }

    pub async fn close(&self) {
        let _ = self.0.handle.disconnect(Disconnect::ByApplication, "done", "en").await;
    }

    /// A stream to a TCP port, as seen from the server.
    pub(crate) async fn tcp(&self, host: &str, port: u16) -> Result<Pipe, NotOpened> {
        let opened = self.0.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0).await;
        opened.map(|channel| Pipe::new(channel, None)).map_err(|error| self.not_opened(error))
    }

    /// A stream to a unix socket of the server.
    pub(crate) async fn socket(&self, path: &str) -> Result<Pipe, NotOpened> {
        let opened = self.0.handle.channel_open_direct_streamlocal(path).await;
        opened.map(|channel| Pipe::new(channel, None)).map_err(|error| self.not_opened(error))
    }

    /// A program of the server, its standard input and output as a stream.
    pub(crate) async fn program(&self, command: &str) -> Result<Pipe, NotOpened> {
        let (channel, slot) = self.session_channel().await?;
        channel.exec(true, command).await.map_err(|error| self.not_opened(error))?;
        Ok(Pipe::new(channel, Some(slot)))
    }

    /// A program whose end is of interest.
    pub(crate) async fn run(&self, command: &str) -> Result<RanChannel, NotOpened> {
        let (channel, slot) = self.session_channel().await?;
        channel.exec(true, command).await.map_err(|error| self.not_opened(error))?;
        let (read, half) = channel.split();
        Ok(RanChannel { read, half: Some(half), _slot: slot })
    }

    async fn session_channel(&self) -> Result<(Channel<Msg>, Slot), NotOpened> {
        let sessions = &self.0.sessions;
        let mut patience = Duration::from_millis(20);
        loop {
            // Made before the try, so that what is freed meanwhile is not missed.
            let freed = sessions.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            let error = match self.0.handle.channel_open_session().await {
                Ok(channel) => {
                    sessions.open.fetch_add(1, Ordering::AcqRel);
                    return Ok((channel, Slot(Arc::clone(sessions))));
                }
                Err(error) => self.not_opened(error),
            };
            let others = sessions.open.load(Ordering::Acquire) > 0;
            match error {
                NotOpened::Refused if others => freed.await,
                // The server counts a channel that was just closed for a moment longer.
                NotOpened::Refused if patience < Duration::from_secs(2) => {
                    tokio::time::sleep(patience).await;
                    patience *= 2;
                }
                other => return Err(other),
            }
        }
    }

    fn not_opened(&self, error: russh::Error) -> NotOpened {
        match error {
            russh::Error::ChannelOpenFailure(ChannelOpenFailure::AdministrativelyProhibited) => {
                NotOpened::Forbidden
            }
            russh::Error::ChannelOpenFailure(_) => NotOpened::Refused,
            other => NotOpened::Gone(self.0.end.borrow().clone().unwrap_or_else(|| plain(&other))),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({}@{}:{})", self.0.target.user, self.0.target.host, self.0.target.port)
    }
}

/// A running program: messages out, bytes in. Dropped, it is closed.
pub(crate) struct RanChannel {
    read: ChannelReadHalf,
    half: Option<ChannelWriteHalf<Msg>>,
    _slot: Slot,
}

impl RanChannel {
    pub async fn next(&mut self) -> Option<ChannelMsg> {
        self.read.wait().await
    }

    /// A writer of its own, so that reading and writing go on side by side.
    pub fn writer(&self) -> Option<impl tokio::io::AsyncWrite + Send + 'static> {
        self.half.as_ref().map(ChannelWriteHalf::make_writer)
    }

    pub async fn close(mut self) {
        if let Some(half) = self.half.take() {
            let _ = half.close().await;
        }
    }
}

impl Drop for RanChannel {
    fn drop(&mut self) {
        pipe::close(self.half.take());
    }
}
