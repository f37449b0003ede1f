//! From the first byte to an encrypted line with a server whose key is the right one.

use super::transport::Guarded;
use super::{HostKey, Local, Session};
use crate::ask::{Asker, Question, ask};
use crate::pins::{Standing, sha256};
use crate::trouble::{ConnectError, Phase};
use protocol::desk::Target;
use russh::client::{self, DisconnectReason, Handle};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey, PublicKeyOrCertificate};
use std::borrow::Cow;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

/// The library's callbacks: they carry what happens to where it is decided, and decide nothing.
pub(crate) struct Callbacks {
    keys: mpsc::Sender<(PublicKey, oneshot::Sender<bool>)>,
    accepted: Option<PublicKey>,
    banner: Arc<Mutex<String>>,
    end: watch::Sender<Option<String>>,
}

/// A server may send as much as it likes before anyone is signed in.
const BANNER_LIMIT: usize = 4096;

impl client::Handler for Callbacks {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else { return Ok(false) };
        // The same question comes again at each change of the session's keys.
        if let Some(accepted) = &self.accepted {
            return Ok(accepted.key_data() == key.key_data());
        }
        let (reply, verdict) = oneshot::channel();
        let asked = self.keys.send((key.clone(), reply)).await.is_ok();
        let trusted = asked && verdict.await.unwrap_or(false);
        if trusted {
            self.accepted = Some(key.clone());
        }
        Ok(trusted)
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut client::Session) -> Result<(), russh::Error> {
        let mut kept = self.banner.lock().unwrap_or_else(PoisonError::into_inner);
        let room = BANNER_LIMIT.saturating_sub(kept.len());
        kept.extend(banner.chars().take(room));
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<russh::Error>) -> Result<(), russh::Error> {
        let why = match reason {
            DisconnectReason::ReceivedDisconnect(info) if info.message.is_empty() => {
                "the server closed it".into()
            }
            DisconnectReason::ReceivedDisconnect(info) => format!("the server closed it: {}", info.message),
            DisconnectReason::Error(error) => plain(&error),
        };
        self.end.send_replace(Some(why));
        Ok(())
    }
}

/// Whichever the system notices first.
const CUT: [ErrorKind; 4] = [
    ErrorKind::UnexpectedEof,
    ErrorKind::BrokenPipe,
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
];

/// What the library's error means, in words.
pub(crate) fn plain(error: &russh::Error) -> String {
    match error {
        russh::Error::KeepaliveTimeout
        | russh::Error::InactivityTimeout
        | russh::Error::ConnectionTimeout => "the server stopped answering".into(),
        russh::Error::HUP | russh::Error::Disconnect | russh::Error::SendError | russh::Error::RecvError => {
            "the connection was cut".into()
        }
        russh::Error::IO(error) if CUT.contains(&error.kind()) => "the connection was cut".into(),
        russh::Error::IO(error) => error.to_string(),
        other => other.to_string().to_lowercase(),
    }
}

/// An encrypted line on which nobody is signed in yet.
pub(super) struct Wire {
    pub handle: Handle<Callbacks>,
    pub end: watch::Receiver<Option<String>>,
    banner: Arc<Mutex<String>>,
    key: PublicKey,
}

impl Wire {
    /// What the server has shown so far.
    pub fn banner(&self) -> String {
        self.banner.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn into_session(self, target: Target, over: Option<Session>) -> Session {
        let banner = self.banner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let key = HostKey { kind: self.key.algorithm().to_string(), sha256: sha256(&self.key) };
        Session::new(self.handle, self.end, target, key, banner, over)
    }
}

pub(super) async fn handshake(
    local: &Local,
    target: &Target,
    line: Guarded,
    asker: Option<&Asker>,
) -> Result<Wire, ConnectError> {
    let (keys, mut presented) = mpsc::channel(1);
    let (end, ended) = watch::channel(None);
    let banner = Arc::new(Mutex::new(String::new()));
    let heard = line.heard();
    let callbacks = Callbacks { keys, accepted: None, banner: Arc::clone(&banner), end };
    let connecting = client::connect_stream(Arc::new(config(local, target)), line, callbacks);
    tokio::pin!(connecting);
    let mut deadline = Instant::now() + local.limits.handshake;
    let mut judged: Option<Result<PublicKey, ConnectError>> = None;
    loop {
        tokio::select! {
            Some((key, reply)) = presented.recv() => {
                let verdict = judge(local, target, &key, asker).await;
                let _ = reply.send(verdict.is_ok());
                judged = Some(verdict.map(|()| key));
                deadline = Instant::now() + local.limits.handshake;
            }
            done = &mut connecting => {
                return match (done, judged) {
                    (_, Some(Err(refusal))) => Err(refusal),
                    (Ok(handle), Some(Ok(key))) => Ok(Wire { handle, end: ended, banner, key }),
                    (Ok(_), None) => Err(ConnectError::NotTrusted { host: target.host.clone() }),
                    (Err(_), None) if heard.is_something_else() => Err(not_ssh(target)),
                    (Err(error), judged) => Err(failed(target, error, judged.is_some())),
                };
            }
            () = sleep_until(deadline) => {
                if heard.is_something_else() {
                    return Err(not_ssh(target));
                }
                let seconds = local.limits.handshake.as_secs();
                return Err(ConnectError::Hung { host: target.host.clone(), seconds });
            }
        }
    }
}

fn not_ssh(target: &Target) -> ConnectError {
    ConnectError::NotSsh { host: target.host.clone(), port: target.port }
}

fn failed(target: &Target, error: russh::Error, key_seen: bool) -> ConnectError {
    let host = target.host.clone();
    match error {
        russh::Error::Version => not_ssh(target),
        russh::Error::NoCommonAlgo { kind, theirs, .. } => {
            let kind = format!("{kind:?}").to_lowercase();
            ConnectError::NothingInCommon { host, kind, theirs: theirs.join(", ") }
        }
        russh::Error::HUP | russh::Error::Disconnect if !key_seen => ConnectError::Dropped { host },
        russh::Error::IO(error) if !key_seen && error.kind() != ErrorKind::TimedOut => {
            ConnectError::Dropped { host }
        }
        other => ConnectError::Lost { host, phase: Phase::Handshake, why: plain(&other) },
    }
}

/// Whether this is the server: a pin decides; where there is none, the user does, once.
async fn judge(
    local: &Local,
    target: &Target,
    key: &PublicKey,
    asker: Option<&Asker>,
) -> Result<(), ConnectError> {
    let (host, port) = (target.host.clone(), target.port);
    if local.known_hosts.revoked(&host, port, key) {
        return Err(ConnectError::HostKeyRevoked { host, sha256: sha256(key) });
    }
    match local.pins.standing(&host, port, key) {
        Standing::Known => Ok(()),
        Standing::Changed(key) => Err(ConnectError::HostKeyChanged { host, port, key }),
        Standing::New => {
            let shown = if port == 22 { host.clone() } else { format!("{host}:{port}") };
            let known_elsewhere = local.known_hosts.knows(&host, port, key);
            let kind = key.algorithm().to_string();
            let trusted = ask(asker, |reply| Question::Fingerprint {
                host: shown,
                kind,
                sha256: sha256(key),
                known_elsewhere,
                reply,
            });
            if trusted.await != Some(true) {
                return Err(ConnectError::NotTrusted { host });
            }
            Ok(local.pins.pin(&host, port, key)?)
        }
    }
}

fn config(local: &Local, target: &Target) -> client::Config {
    let mut config = client::Config {
        keepalive_interval: Some(local.limits.keepalive),
        keepalive_max: 3,
        nodelay: true,
        // A reader that is slow for a moment must not hold up the other channels of the line.
        channel_buffer_size: 1024,
        ..client::Config::default()
    };
    config.preferred.key = Cow::Owned(algorithms(&local.pins.algorithms(&target.host, target.port)));
    config
}

/// What is pinned comes first, so that a server with several keys shows the one that we know. SHA-1 signatures are out.
fn algorithms(pinned: &[Algorithm]) -> Vec<Algorithm> {
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let rsa = |hash| Algorithm::Rsa { hash: Some(hash) };
    let all = [
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        rsa(HashAlg::Sha512),
        rsa(HashAlg::Sha256),
    ];
    let is_rsa = |algorithm: &Algorithm| matches!(algorithm, Algorithm::Rsa { .. });
    let is_pinned =
        |algorithm: &Algorithm| pinned.iter().any(|pin| is_rsa(pin) && is_rsa(algorithm) || pin == algorithm);
    let (mut first, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(is_pinned);
    first.extend(rest);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_algorithms_are_offered_first_and_none_is_lost() {
        let plain = algorithms(&[]);
        assert_eq!(plain[0], Algorithm::Ed25519);
        let pinned = algorithms(&[Algorithm::Rsa { hash: None }]);
        let rsa = |at: usize| matches!(pinned[at], Algorithm::Rsa { .. });
        assert!(rsa(0) && rsa(1) && pinned[2] == Algorithm::Ed25519);
        assert_eq!(pinned.len(), plain.len());
        assert!(!plain.contains(&Algorithm::Rsa { hash: None }));
    }
}
