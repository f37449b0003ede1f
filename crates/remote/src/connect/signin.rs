//! Proving who we are: one credential, once. A server is never tried with one thing after another.

use super::agent;
use super::handshake::Wire;
use super::interactive::{self, Answers};
use super::{Local, Method, SignIn};
use crate::ask::{Asker, Hidden};
use crate::trouble::{ConnectError, Phase};
use protocol::desk::Target;
use russh::client::AuthResult;
use russh::keys::ssh_key;
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh::{MethodKind, MethodSet};
use std::path::Path;
use std::sync::Arc;
use tokio::time::timeout;

/// What a try led to.
pub(super) enum Outcome {
    In,
    /// Not taken; these ways are open.
    No(MethodSet),
    /// Taken, and these are wanted besides.
    More(MethodSet),
}

impl From<AuthResult> for Outcome {
    fn from(result: AuthResult) -> Self {
        match result {
            AuthResult::Success => Self::In,
            AuthResult::Failure { remaining_methods, partial_success: false } => Self::No(remaining_methods),
            AuthResult::Failure { remaining_methods, partial_success: true } => Self::More(remaining_methods),
        }
    }
}

/// One sign-in as it is under way.
pub(super) struct Entering<'a> {
    pub local: &'a Local,
    pub target: &'a Target,
    pub ask: Option<&'a Asker>,
    pub wire: &'a mut Wire,
    /// Of the server's banner, what is shown to everyone.
    shown: usize,
}

pub(super) async fn sign_in(
    local: &Local,
    target: &Target,
    with: &SignIn,
    ask: Option<&Asker>,
    wire: &mut Wire,
) -> Result<(), ConnectError> {
    let mut entering = Entering { local, target, ask, wire, shown: 0 };
    // Says which ways are open, and is not counted as a failure by the server.
    let offered = match entering.none().await? {
        Outcome::In => return Ok(()),
        Outcome::No(offered) | Outcome::More(offered) => offered,
    };
    entering.shown = entering.wire.banner().len();
    let outcome = entering.by(with, &offered).await?;
    let wanted = match outcome {
        Outcome::In => return Ok(()),
        Outcome::No(offered) => return Err(entering.refused(with, &offered)),
        Outcome::More(wanted) => wanted,
    };
    // A second factor: the server's own questions, where somebody is there to answer.
    if wanted.contains(&MethodKind::KeyboardInteractive) && ask.is_some() {
        return match interactive::answer(&mut entering, Answers::of(None)).await? {
            Outcome::In => Ok(()),
            Outcome::No(offered) | Outcome::More(offered) => Err(entering.more(&offered)),
        };
    }
    Err(entering.more(&wanted))
}

impl Entering<'_> {
    async fn none(&mut self) -> Result<Outcome, ConnectError> {
        let user = self.target.user.clone();
        let done = timeout(self.local.limits.sign_in, self.wire.handle.authenticate_none(user)).await;
        self.settled(done.map_err(drop)).await
    }

    async fn by(&mut self, with: &SignIn, offered: &MethodSet) -> Result<Outcome, ConnectError> {
        match with {
            SignIn::Password(password) if offered.contains(&MethodKind::Password) => {
                self.password(password).await
            }
            // Servers that ask for the password in a question of their own.
            SignIn::Password(password) if offered.contains(&MethodKind::KeyboardInteractive) => {
                interactive::answer(self, Answers::of(Some(password))).await
            }
            SignIn::Interactive if offered.contains(&MethodKind::KeyboardInteractive) => {
                interactive::answer(self, Answers::of(None)).await
            }
            SignIn::Key(key) if offered.contains(&MethodKind::PublicKey) => self.key(key.private()).await,
            SignIn::KeyFile { path, passphrase } if offered.contains(&MethodKind::PublicKey) => {
                let key = read_key(path, passphrase.as_ref())?;
                self.key(Arc::new(key)).await
            }
            SignIn::Agent if offered.contains(&MethodKind::PublicKey) => agent::sign_in(self).await,
            SignIn::Password(_)
            | SignIn::Interactive
            | SignIn::Key(_)
            | SignIn::KeyFile { .. }
            | SignIn::Agent => Err(self.not_offered(with.method(), offered)),
        }
    }

    async fn password(&mut self, password: &Hidden) -> Result<Outcome, ConnectError> {
        let user = self.target.user.clone();
        let trying = self.wire.handle.authenticate_password(user, password.as_str());
        let done = timeout(self.local.limits.sign_in, trying).await;
        self.settled(done.map_err(drop)).await
    }

    async fn key(&mut self, key: Arc<PrivateKey>) -> Result<Outcome, ConnectError> {
        let user = self.target.user.clone();
        let hash = self.rsa_hash(&key.algorithm()).await;
        let trying = self.wire.handle.authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash));
        let done = timeout(self.local.limits.sign_in, trying).await;
        self.settled(done.map_err(drop)).await
    }

    /// Only RSA keys have a choice; SHA-1 is not among it.
    pub async fn rsa_hash(&self, algorithm: &ssh_key::Algorithm) -> Option<HashAlg> {
        if !matches!(algorithm, ssh_key::Algorithm::Rsa { .. }) {
            return None;
        }
        let told = timeout(self.local.limits.sign_in, self.wire.handle.best_supported_rsa_hash()).await;
        told.ok().and_then(Result::ok).flatten().flatten().or(Some(HashAlg::Sha256))
    }

    /// The library tells a closed line as a refusal that offers nothing.
    pub async fn settled(
        &mut self,
        done: Result<Result<AuthResult, russh::Error>, ()>,
    ) -> Result<Outcome, ConnectError> {
        match done {
            Ok(Ok(result)) => {
                let outcome = Outcome::from(result);
                let nothing = matches!(&outcome, Outcome::No(offered) if offered.is_empty());
                if nothing && self.wire.handle.is_closed() { Err(self.ended().await) } else { Ok(outcome) }
            }
            Ok(Err(_)) => Err(self.ended().await),
            Err(()) => Err(self.slow()),
        }
    }

    pub fn slow(&self) -> ConnectError {
        let seconds = self.local.limits.sign_in.as_secs();
        ConnectError::SlowSignIn { host: self.target.host.clone(), seconds }
    }

    /// The line was closed under us: why.
    pub async fn ended(&mut self) -> ConnectError {
        let host = self.target.host.clone();
        let mut end = self.wire.end.clone();
        let told = timeout(self.local.limits.keepalive, end.wait_for(Option::is_some)).await;
        let why = match told {
            Ok(Ok(why)) => why.clone().unwrap_or_default(),
            Ok(Err(_)) | Err(_) => "the connection was cut".into(),
        };
        if why.contains("Too many authentication failures") {
            return ConnectError::TooManyFailures { host };
        }
        // Some last words, after what was shown to everyone, are meant for this user.
        let banner = self.wire.banner();
        let words: Vec<&str> = banner.get(self.shown..).unwrap_or_default().split_whitespace().collect();
        if !words.is_empty() {
            let (user, words) = (self.target.user.clone(), words.join(" "));
            return ConnectError::TurnedAway { host, user, words };
        }
        ConnectError::Lost { host, phase: Phase::SignIn, why }
    }

    fn refused(&self, with: &SignIn, offered: &MethodSet) -> ConnectError {
        let (host, user) = (self.target.host.clone(), self.target.user.clone());
        match with {
            SignIn::Password(_) | SignIn::Interactive => ConnectError::WrongPassword { host, user },
            SignIn::Key(_) | SignIn::KeyFile { .. } | SignIn::Agent => {
                ConnectError::KeyRefused { host, user, offered: names(offered) }
            }
        }
    }

    fn not_offered(&self, wanted: Method, offered: &MethodSet) -> ConnectError {
        let (host, user) = (self.target.host.clone(), self.target.user.clone());
        ConnectError::NotOffered { host, user, wanted: wanted.words(), offered: names(offered) }
    }

    fn more(&self, offered: &MethodSet) -> ConnectError {
        ConnectError::NeedsMore { host: self.target.host.clone(), offered: names(offered) }
    }
}

fn names(methods: &MethodSet) -> Vec<String> {
    methods.iter().map(String::from).collect()
}

fn read_key(path: &Path, passphrase: Option<&Hidden>) -> Result<PrivateKey, ConnectError> {
    let shown = path.display().to_string();
    let unreadable = |why: String| ConnectError::KeyUnreadable { path: shown.clone(), why };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let text = Hidden::from(text);
    match russh::keys::decode_secret_key(text.as_str(), None) {
        Ok(key) => return Ok(key),
        Err(russh::keys::Error::KeyIsEncrypted) => {}
        Err(error) => return Err(unreadable(error.to_string().to_lowercase())),
    }
    let Some(passphrase) = passphrase else { return Err(ConnectError::PassphraseNeeded { path: shown }) };
    russh::keys::decode_secret_key(text.as_str(), Some(passphrase.as_str()))
        .map_err(|_| ConnectError::PassphraseWrong { path: shown })
}
