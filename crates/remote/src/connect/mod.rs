//! Getting in: the way to the server, its key, the sign-in. What comes out is a [`Session`].

mod agent;
mod handshake;
mod interactive;
mod pipe;
mod session;
mod signin;
mod transport;

pub use pipe::Pipe;
pub use session::{Gone, HostKey, Session};
pub(crate) use session::{NotOpened, RanChannel};

use crate::Clock;
use crate::ask::{Asker, Hidden};
use crate::key::OurKey;
use crate::pins::{KnownHosts, Pins};
use crate::trouble::ConnectError;
use protocol::desk::{Secret, Target};
use std::path::PathBuf;
use std::time::Duration;

/// How this computer is set up for connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Local {
    pub pins: Pins,
    pub known_hosts: KnownHosts,
    pub agent: AgentAt,
    pub clock: Clock,
    pub limits: Limits,
}

/// Where the user's SSH agent listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentAt {
    None,
    /// What SSH_AUTH_SOCK says; on Windows the path of a named pipe.
    Socket(PathBuf),
    /// Pageant, on Windows.
    Pageant,
}

/// How long each part may take. What the user needs to answer is never counted.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub resolve: Duration,
    pub connect: Duration,
    /// From the first byte to the encrypted line.
    pub handshake: Duration,
    pub sign_in: Duration,
    /// Silence after which a "are you there" goes out; three unanswered ones end the connection.
    pub keepalive: Duration,
    /// Nothing at all came, or nothing could be written, for this long: the peer is dead.
    pub dead: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            // Less than `dead`, so that a hung server is told as that.
            handshake: Duration::from_secs(15),
            sign_in: Duration::from_secs(30),
            keepalive: Duration::from_secs(4),
            dead: Duration::from_secs(18),
        }
    }
}

/// How to sign in.
#[derive(Debug, Clone)]
pub enum SignIn {
    Password(Hidden),
    KeyFile { path: PathBuf, passphrase: Option<Hidden> },
    Key(OurKey),
    Agent,
    Interactive,
}

impl From<&Secret> for SignIn {
    fn from(secret: &Secret) -> Self {
        match secret {
            Secret::Password { password } => Self::Password(password.clone().into()),
            Secret::Key { path, passphrase } => {
                Self::KeyFile { path: path.into(), passphrase: passphrase.clone().map(Hidden::from) }
            }
            Secret::Agent => Self::Agent,
            Secret::Interactive => Self::Interactive,
        }
    }
}

impl SignIn {
    pub(crate) fn method(&self) -> Method {
        match self {
            Self::Password(_) => Method::Password,
            Self::KeyFile { .. } | Self::Key(_) | Self::Agent => Method::PublicKey,
            Self::Interactive => Method::Interactive,
        }
    }
}

/// A way to sign in, as the protocol names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Password,
    PublicKey,
    Interactive,
}

impl Method {
    pub fn words(self) -> &'static str {
        match self {
            Self::Password => "a password",
            Self::PublicKey => "a key",
            Self::Interactive => "questions of its own",
        }
    }
}

/// Where to go and as whom.
#[derive(Debug, Clone)]
pub struct Way<'a> {
    pub target: &'a Target,
    pub with: SignIn,
    /// For the hosts on the way, nearest to this computer first; where there is none, `with`.
    pub jumps: Vec<SignIn>,
    /// Where to ask what only the user knows; without one, a host that is not pinned is refused.
    pub ask: Option<Asker>,
}

/// Connects, checks the key, signs in. Each credential is used once per host.
pub async fn connect(local: &Local, way: Way<'_>) -> Result<Session, ConnectError> {
    let mut hops: Vec<&Target> = Vec::new();
    let mut next = Some(way.target);
    while let Some(target) = next {
        hops.push(target);
        next = target.jump.as_deref();
    }
    hops.reverse();
    let last = hops.len().saturating_sub(1);
    let mut session: Option<Session> = None;
    for (at, target) in hops.into_iter().enumerate() {
        let with = if at == last { &way.with } else { way.jumps.get(at).unwrap_or(&way.with) };
        let hop = hop(local, target, with, way.ask.as_ref(), session.take()).await;
        session = Some(hop.map_err(|error| if at == last { error } else { on_the_way(target, error) })?);
    }
    session.ok_or(ConnectError::NotAnswered)
}

fn on_the_way(target: &Target, source: ConnectError) -> ConnectError {
    ConnectError::Jump { host: target.host.clone(), source: Box::new(source) }
}

/// The user may take longer over a new fingerprint than the server waits for a sign-in: then once more, now that the key
/// is pinned.
async fn hop(
    local: &Local,
    target: &Target,
    with: &SignIn,
    ask: Option<&Asker>,
    over: Option<Session>,
) -> Result<Session, ConnectError> {
    let new = local.pins.recorded(&target.host, target.port).is_empty();
    let first = attempt(local, target, with, ask, over.clone()).await;
    match first {
        Err(ConnectError::Lost { .. } | ConnectError::Dropped { .. })
            if new && !local.pins.recorded(&target.host, target.port).is_empty() =>
        {
            attempt(local, target, with, ask, over).await
        }
        other => other,
    }
}

async fn attempt(
    local: &Local,
    target: &Target,
    with: &SignIn,
    ask: Option<&Asker>,
    over: Option<Session>,
) -> Result<Session, ConnectError> {
    let line = match &over {
        None => transport::direct(target, &local.limits).await?,
        Some(jump) => transport::through(jump, target, &local.limits).await?,
    };
    let mut wire = handshake::handshake(local, target, line, ask).await?;
    signin::sign_in(local, target, with, ask, &mut wire).await?;
    Ok(wire.into_session(target.clone(), over))
}
