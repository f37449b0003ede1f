//! Why a server could not be reached or would not let us in: a kind for each thing that the user can do about it.

use crate::pins::PinError;
use protocol::desk::ChangedKey;
use protocol::{ApiError, Code};
use std::io;

/// Where a connection was when it was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Handshake,
    SignIn,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Handshake => "while the encryption was agreed on",
            Self::SignIn => "while signing in",
        })
    }
}

/// Its text is the cause; [`ConnectError::next`] is the one thing to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("{host} has no address")]
    Dns {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("there is no way from here to {host}")]
    NoRoute {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("{host} cannot be reached: {}", source.to_string().to_lowercase())]
    Unreachable {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("{host} refuses connections to port {port}")]
    Refused { host: String, port: u16 },
    #[error("{host} did not answer on port {port} within {seconds} s")]
    Silent { host: String, port: u16, seconds: u64 },
    #[error("{host} took the connection and then said nothing for {seconds} s")]
    Hung { host: String, seconds: u64 },
    #[error("what answers on port {port} of {host} is not an SSH server")]
    NotSsh { host: String, port: u16 },
    #[error("{host} closed the connection before anything was said")]
    Dropped { host: String },
    #[error("{host} and this computer have no {kind} in common (it offers {theirs})")]
    NothingInCommon { host: String, kind: String, theirs: String },
    #[error("{host} shows another key than the one that is known: {}, not {}", key.presented, key.recorded.join(" or "))]
    HostKeyChanged { host: String, port: u16, key: ChangedKey },
    #[error("{host} shows a key that known_hosts calls revoked ({sha256})")]
    HostKeyRevoked { host: String, sha256: String },
    #[error("the key of {host} was not confirmed")]
    NotTrusted { host: String },
    #[error("{host} did not take the password of {user}")]
    WrongPassword { host: String, user: String },
    #[error("{host} does not let {user} in by {wanted}; it offers {}", or_nothing(offered))]
    NotOffered { host: String, user: String, wanted: &'static str, offered: Vec<String> },
    #[error("{host} did not take the key for {user}; it offers {}", or_nothing(offered))]
    KeyRefused { host: String, user: String, offered: Vec<String> },
    #[error("{host} took that, and wants more: {}", or_nothing(offered))]
    NeedsMore { host: String, offered: Vec<String> },
    #[error("the key {path} has a passphrase")]
    PassphraseNeeded { path: String },
    #[error("that is not the passphrase of the key {path}")]
    PassphraseWrong { path: String },
    #[error("the key {path} cannot be read: {why}")]
    KeyUnreadable { path: String, why: String },
    #[error("the SSH agent of this computer cannot be used: {why}")]
    NoAgent { why: String },
    #[error("the SSH agent of this computer holds no key")]
    AgentEmpty,
    #[error("{host} ended it after too many tries")]
    TooManyFailures { host: String },
    #[error("{host} does not let {user} in: {words}")]
    TurnedAway { host: String, user: String, words: String },
    #[error("{host} ended it after {tried} of the keys in this computer's SSH agent")]
    TooManyKeys { host: String, tried: usize },
    #[error("the server's question was not answered")]
    NotAnswered,
    #[error("{host} did not say within {seconds} s whether the sign-in is taken")]
    SlowSignIn { host: String, seconds: u64 },
    #[error("the connection to {host} was lost {phase}: {why}")]
    Lost { host: String, phase: Phase, why: String },
    #[error("{jump} does not pass connections on to {host}: {why}")]
    JumpRefused { jump: String, host: String, why: String },
    #[error("on the way, at {host}: {source}")]
    Jump {
        host: String,
        #[source]
        source: Box<ConnectError>,
    },
    #[error(transparent)]
    Pins(#[from] PinError),
}

fn or_nothing(offered: &[String]) -> String {
    if offered.is_empty() { "nothing that this computer can do".into() } else { offered.join(", ") }
}

impl ConnectError {
    /// The one next step.
    pub fn next(&self) -> String {
        match self {
            Self::Dns { .. } => "check the name, or use the server's IP address".into(),
            Self::NoRoute { .. } => "check that this computer is online".into(),
            Self::Unreachable { .. } => {
                "check the address and that the server runs; a firewall on the way may turn this computer away".into()
            }
            Self::Refused { .. } => "check the port, and that the server runs and its SSH service is on".into(),
            Self::Silent { .. } => "check the address, that the server runs, and that a firewall lets SSH through".into(),
            Self::Hung { .. } => "the server is overloaded or frozen: restart it at your provider, then try again".into(),
            Self::NotSsh { .. } => "check the port: SSH is usually on 22".into(),
            Self::Dropped { .. } => PENALTY.into(),
            Self::NothingInCommon { .. } => "update the server's OpenSSH".into(),
            Self::HostKeyChanged { .. } => {
                "stop, unless you rebuilt the server yourself: then say so, and compare the new fingerprint".into()
            }
            Self::HostKeyRevoked { .. } => "do not sign in; ask whoever revoked the key".into(),
            Self::NotTrusted { .. } => "compare the fingerprint with the one in your provider's console".into(),
            Self::WrongPassword { user, .. } if user == "root" => {
                "check the password; many servers let root in by key only: then use a key, or another user with sudo".into()
            }
            Self::WrongPassword { .. } => "check the user's name and the password".into(),
            Self::NotOffered { offered, .. } if offered.iter().any(|o| o == "publickey") => {
                "use a key or the SSH agent; the provider's console shows which key was installed".into()
            }
            Self::NotOffered { .. } => "use one of the ways that it offers".into(),
            Self::KeyRefused { .. } => "check the user's name, and that the key's public half is in authorized_keys".into(),
            Self::NeedsMore { .. } => "sign in with the server's own questions instead".into(),
            Self::PassphraseNeeded { .. } => "give the passphrase, or use the SSH agent".into(),
            Self::PassphraseWrong { .. } => "give the passphrase again".into(),
            Self::KeyUnreadable { .. } => "choose a private key in OpenSSH or PEM form".into(),
            Self::NoAgent { .. } => "start the agent, or use the key's file".into(),
            Self::AgentEmpty => "add a key with ssh-add, or use the key's file".into(),
            Self::TooManyFailures { .. } => PENALTY.into(),
            Self::TurnedAway { .. } => "do what it says, or ask whoever runs the server".into(),
            Self::TooManyKeys { .. } => {
                "use the key's file instead of the agent: the server counts each key of the agent as a try".into()
            }
            Self::NotAnswered => "sign in again and answer it".into(),
            Self::SlowSignIn { .. } => "try again; if it stays so, restart the server at your provider".into(),
            Self::Lost { .. } => "try again".into(),
            Self::JumpRefused { .. } => {
                "check the address as seen from there, and that AllowTcpForwarding is on there".into()
            }
            Self::Jump { source, .. } => source.next(),
            Self::Pins(error) => error.next(),
        }
    }

    pub fn changed_key(&self) -> Option<&ChangedKey> {
        match self {
            Self::HostKeyChanged { key, .. } => Some(key),
            Self::Jump { source, .. } => source.changed_key(),
            _ => None,
        }
    }

    /// Trying again by itself cannot help and may harm: something must change first.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Dns { .. }
            | Self::NoRoute { .. }
            | Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::Silent { .. }
            | Self::Hung { .. }
            | Self::NotSsh { .. }
            | Self::Dropped { .. }
            | Self::SlowSignIn { .. }
            | Self::Lost { .. }
            | Self::JumpRefused { .. }
            | Self::NoAgent { .. } => false,
            Self::Jump { source, .. } => source.is_final(),
            _ => true,
        }
    }

    /// As the window shows it.
    pub fn told(&self) -> ApiError {
        ApiError::new(Code::Conflict, self.to_string()).next(self.next())
    }
}

/// OpenSSH 9.8 and later turn an address away for a while after failed sign-ins, the right key included.
const PENALTY: &str =
    "wait a minute: a server that saw failed sign-ins from here turns everything from here away for a while";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_lower_case_and_every_one_has_a_next_step() {
        let host = || "box".to_owned();
        let all = [
            ConnectError::Refused { host: host(), port: 22 },
            ConnectError::WrongPassword { host: host(), user: "root".into() },
            ConnectError::NotOffered {
                host: host(),
                user: "a".into(),
                wanted: "a password",
                offered: vec![],
            },
            ConnectError::Jump { host: host(), source: Box::new(ConnectError::AgentEmpty) },
        ];
        for error in all {
            assert!(!error.next().is_empty());
            assert!(error.to_string().chars().next().is_some_and(char::is_lowercase), "{error}");
            assert!(!error.to_string().ends_with('.'));
        }
    }

    #[test]
    fn a_refusal_stops_the_tunnel_and_a_bad_line_does_not() {
        let key = ChangedKey { recorded: vec!["SHA256:a".into()], presented: "SHA256:b".into() };
        let changed = ConnectError::HostKeyChanged { host: "box".into(), port: 22, key };
        assert!(changed.is_final() && changed.changed_key().is_some());
        assert!(ConnectError::Jump { host: "j".into(), source: Box::new(changed) }.is_final());
        assert!(!ConnectError::Refused { host: "box".into(), port: 22 }.is_final());
    }
}
