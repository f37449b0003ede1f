//! Signing in to the dashboard: a one-time key from a link, traded for a token. Loopback is no reason for trust, since
//! every program and every web page on this machine can reach it. Only what is derived from a token is kept.
//!
//! The other way round the page must know that it talks to us: while the daemon is stopped, a site on this machine may
//! take its port. So before the page sends its token it sends a random number, and the answer proves that we know the
//! session (`prove`).

use crate::context::hold;
use crate::names;
use anyhow::{Context, Result};
use protocol::At;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A link that was not used for this long is void.
const LINK_LIFE: Duration = Duration::from_secs(15 * 60);
/// Sessions that are kept; the oldest go first.
const SESSIONS: usize = 50;
/// A session ends by then, milliseconds.
const SESSION_LIFE: u64 = 30 * 24 * 60 * 60 * 1000;

/// Length of a nonce in hex digits.
const NONCE: usize = 32;

/// A browser that is signed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    /// Names the session without giving it away.
    id: String,
    /// Shared with the page and derived from the token, which cannot be had from it.
    secret: String,
    made: At,
}

impl Session {
    fn is_over(&self, now: At) -> bool {
        now.since(self.made) >= SESSION_LIFE
    }
}

pub struct Sessions {
    file: PathBuf,
    links: Mutex<HashMap<String, Instant>>,
    /// Oldest first.
    tokens: Mutex<Vec<Session>>,
}

/// Hex SHA-256: what the page can compute as well.
fn hash(text: &str) -> String {
    protocol::hex(Sha256::digest(text.as_bytes()))
}

/// Both ends derive these from the token.
fn id_of(token: &str) -> String {
    hash(&format!("id:{token}")).chars().take(16).collect()
}

fn secret_of(token: &str) -> String {
    hash(&format!("secret:{token}"))
}

impl Sessions {
    pub fn open(file: &Path) -> Result<Self> {
        let tokens = match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(e).with_context(|| format!("failed to read {}", file.display())),
        };
        Ok(Self { file: file.to_owned(), links: Mutex::default(), tokens: Mutex::new(tokens) })
    }

    /// A fresh key for a sign-in link.
    pub fn link(&self) -> std::io::Result<String> {
        let key = names::secret()?;
        let mut links = hold(&self.links);
        links.retain(|_, made| made.elapsed() < LINK_LIFE);
        links.insert(hash(&key), Instant::now());
        Ok(key)
    }

    /// Trades a key for a token, once.
    pub fn trade(&self, key: &str, now: At) -> Option<String> {
        let made = hold(&self.links).remove(&hash(key))?;
        if made.elapsed() >= LINK_LIFE {
            return None;
        }
        let token = names::secret().ok()?;
        let mut tokens = hold(&self.tokens);
        tokens.retain(|session| !session.is_over(now));
        let surplus = (tokens.len() + 1).saturating_sub(SESSIONS);
        tokens.drain(..surplus);
        tokens.push(Session { id: id_of(&token), secret: secret_of(&token), made: now });
        self.keep(&tokens).ok()?;
        Some(token)
    }

    pub fn knows(&self, token: &str, now: At) -> bool {
        let secret = secret_of(token);
        hold(&self.tokens).iter().any(|session| session.secret == secret && !session.is_over(now))
    }

    /// Proves to the page of this session that we are the daemon that it signed in to. Nonces have one length, so that no
    /// proof can be made longer into another one. `None`: there is no such session.
    pub fn prove(&self, id: &str, nonce: &str, now: At) -> Option<String> {
        let tokens = hold(&self.tokens);
        let session = tokens.iter().find(|session| session.id == id && !session.is_over(now))?;
        (nonce.len() == NONCE).then(|| hash(&format!("{}{nonce}", session.secret)))
    }

    fn keep(&self, tokens: &[Session]) -> std::io::Result<()> {
        let fresh = self.file.with_extension("new");
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(&serde_json::to_vec(tokens)?)?;
        file.sync_all()?;
        std::fs::rename(fresh, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_works_once_and_a_token_outlives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sessions.json");
        let sessions = Sessions::open(&file).unwrap();
        let key = sessions.link().unwrap();
        let token = sessions.trade(&key, At(0)).unwrap();
        assert!(sessions.trade(&key, At(0)).is_none());
        assert!(sessions.trade("guess", At(0)).is_none());
        assert!(sessions.knows(&token, At(1)) && !sessions.knows(&key, At(1)));
        assert!(Sessions::open(&file).unwrap().knows(&token, At(1)));
        assert!(!std::fs::read_to_string(&file).unwrap().contains(&token));
    }

    #[test]
    fn only_who_knows_the_session_can_prove_it() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(&dir.path().join("sessions.json")).unwrap();
        let token = sessions.trade(&sessions.link().unwrap(), At(0)).unwrap();
        let nonce = "0123456789abcdef0123456789abcdef";
        let proof = sessions.prove(&id_of(&token), nonce, At(1)).unwrap();
        assert_eq!(proof, hash(&format!("{}{nonce}", hash(&format!("secret:{token}")))));
        assert_ne!(sessions.prove(&id_of(&token), &nonce.replace('0', "1"), At(1)).unwrap(), proof);
        for (id, nonce) in [("0123456789abcdef", nonce), (&id_of(&token), "short"), (&id_of(&token), "")] {
            assert_eq!(sessions.prove(id, nonce, At(1)), None);
        }
        let other = sessions.trade(&sessions.link().unwrap(), At(0)).unwrap();
        assert_ne!(sessions.prove(&id_of(&other), nonce, At(1)).unwrap(), proof);
    }

    #[test]
    fn the_oldest_session_gives_way_and_each_ends_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(&dir.path().join("sessions.json")).unwrap();
        let sign_in = |at| sessions.trade(&sessions.link().unwrap(), At(at)).unwrap();
        let tokens: Vec<String> = (0..=SESSIONS as i64).map(sign_in).collect();
        let known: Vec<bool> = tokens.iter().map(|token| sessions.knows(token, At(100))).collect();
        assert_eq!(known.iter().position(|known| *known), Some(1));
        assert_eq!(known.iter().filter(|known| **known).count(), SESSIONS);
        let end = SESSION_LIFE as i64 + 1;
        assert!(sessions.knows(&tokens[1], At(end - 1)) && !sessions.knows(&tokens[1], At(end)));
        assert!(sessions.knows(&tokens[2], At(end)));
    }
}
