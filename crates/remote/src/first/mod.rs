//! The first contact with a server: the first look, the program's upload, and a key and a user of our own, so that the
//! password which was typed is needed no more.

mod desk;
mod fit;
mod plan;
mod root;

use crate::ask::{Asker, Hidden};
use crate::connect::{Local, Session, SignIn};
use crate::entry::EntryError;
use crate::exec::{ExecError, quoted};
use crate::key::{KeyError, OurKey};
use crate::trouble::ConnectError;
use crate::upload::{Program, Progress, UploadError};
use crate::{Clock, probe};
use protocol::desk::Target;
use protocol::setup::{Found, Greeting, Obstacle, ObstacleKind};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Whom the desktop signs in as from then on.
pub(crate) const DESK: &str = "loopwright-desk";

/// A meeting with a server: signed in, looked at, and nothing changed but that the program may lie there, which makes the
/// plan: until [`Contact::begin`] or [`Contact::leave`].
pub struct Contact {
    session: Session,
    found: Found,
    /// For `sudo`; wiped when this is dropped.
    password: Option<Hidden>,
    /// Made once, so that a second try does not leave a second key behind.
    key: Option<OurKey>,
    sent: plan::Sent,
}

/// What [`Contact::begin`] needs.
pub struct Begin<'a> {
    pub local: &'a Local,
    /// Builds of the server's program; the one for the server's processor is taken.
    pub programs: &'a [Program],
    /// This computer's name, as the server's list of keys shows it.
    pub name: &'a str,
    /// How the hosts on the way were signed in to.
    pub jumps: Vec<SignIn>,
    pub ask: Option<Asker>,
}

/// What happens at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Uploading(Progress),
    Planning,
    Installing,
    Reconnecting,
}

/// The server is ours to set up: by this key, as this user.
#[derive(Debug)]
pub struct Begun {
    pub key: OurKey,
    pub greeting: Greeting,
    pub session: Session,
    pub target: Target,
}

#[derive(Debug, thiserror::Error)]
pub enum FirstError {
    /// Something stands in the way; nothing was harmed.
    #[error("{}", .0.cause)]
    Blocked(Obstacle),
    #[error("the password for sudo was not given")]
    NotAnswered,
    #[error(transparent)]
    Upload(#[from] UploadError),
    #[error(transparent)]
    Exec(#[from] ExecError),
    #[error(transparent)]
    Entry(#[from] EntryError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl FirstError {
    pub fn next(&self) -> String {
        match self {
            Self::Blocked(obstacle) => obstacle.action.clone(),
            Self::NotAnswered => "begin again and give it".into(),
            Self::Upload(error) => error.next(),
            Self::Exec(error) => error.next(),
            Self::Entry(error) => error.next(),
            Self::Connect(error) => error.next(),
            Self::Key(_) => "begin again".into(),
        }
    }
}

/// It copies itself and makes a user; a slow disk may need a while.
const INSTALL_LIMIT: Duration = Duration::from_secs(180);

impl Contact {
    /// The first look. `with` is how the session was signed in: a password is tried for `sudo` before anyone is asked.
    pub async fn look(session: Session, with: &SignIn, clock: Clock) -> Result<Self, ExecError> {
        let found = probe::look(&session, clock).await?;
        let password = match with {
            SignIn::Password(password) => Some(password.clone()),
            SignIn::KeyFile { .. } | SignIn::Key(_) | SignIn::Agent | SignIn::Interactive => None,
        };
        Ok(Self { session, found, password, key: None, sent: plan::Sent::Nothing })
    }

    pub fn found(&self) -> &Found {
        &self.found
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    /// After a lost connection: the same meeting on a new one.
    pub fn go_on(&mut self, session: Session) {
        self.session = session;
    }

    /// May be called again after an error: what was done is found done.
    pub async fn begin(
        &mut self,
        how: &Begin<'_>,
        on: &mut (dyn FnMut(Stage) + Send),
        stop: &CancellationToken,
    ) -> Result<Begun, FirstError> {
        let line = self.key(how.name)?.public_line()?;
        let words = format!("setup begin --key {} --json", quoted(&line));
        let begun = self.by_program(("", &words, Stage::Installing), how, on, stop).await?;
        let installed = root::installed(&begun);
        if installed.as_ref().map_or_else(is_for_good, |()| true) {
            // The program has copied itself to its own place, or will not: what was sent is of no more use.
            self.take_back().await;
        }
        installed?;
        on(Stage::Reconnecting);
        let key = self.key(how.name)?;
        let (session, target, greeting) = self.reconnect(how, &key).await?;
        self.password = None;
        Ok(Begun { key, greeting, session, target })
    }

    /// The key that the server is to be signed in to with: made now, unless it was before.
    pub fn key(&mut self, name: &str) -> Result<OurKey, KeyError> {
        match &self.key {
            Some(key) => Ok(key.clone()),
            None => {
                let key = OurKey::make(&format!("loopwright {name}"))?;
                self.key = Some(key.clone());
                Ok(key)
            }
        }
    }

    /// One that this computer has for the server from an earlier meeting.
    pub fn use_key(&mut self, key: OurKey) {
        self.key = Some(key);
    }
}

/// What no second try on this server mends; else the program lies there for it.
fn is_for_good(error: &FirstError) -> bool {
    let kinds = [ObstacleKind::System, ObstacleKind::Memory, ObstacleKind::Newer, ObstacleKind::Rights];
    matches!(error, FirstError::Blocked(obstacle) if kinds.contains(&obstacle.kind))
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact").field("session", &self.session).finish_non_exhaustive()
    }
}

fn obstacle(kind: ObstacleKind, cause: String, action: impl Into<String>) -> Obstacle {
    Obstacle { kind, cause, action: action.into(), choices: Vec::new() }
}
