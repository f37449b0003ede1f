//! Signing in to the dashboard: a one-time key from a link, traded for a token. Loopback is no reason for trust, since
//! every program and every web page on this machine can reach it. Only hashes of tokens are kept.

use crate::context::hold;
use crate::names;
use anyhow::{Context, Result};
use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A link that was not used for this long is void.
const LINK_LIFE: Duration = Duration::from_secs(15 * 60);
/// Sessions that are kept; the oldest names go first.
const SESSIONS: usize = 50;

pub struct Sessions {
    file: PathBuf,
    links: Mutex<HashMap<String, Instant>>,
    tokens: Mutex<BTreeSet<String>>,
}

fn hash(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

impl Sessions {
    pub fn open(file: &Path) -> Result<Self> {
        let tokens = match std::fs::read(file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => BTreeSet::new(),
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
    pub fn trade(&self, key: &str) -> Option<String> {
        let made = hold(&self.links).remove(&hash(key))?;
        if made.elapsed() >= LINK_LIFE {
            return None;
        }
        let token = names::secret().ok()?;
        let mut tokens = hold(&self.tokens);
        if tokens.len() >= SESSIONS {
            tokens.pop_first();
        }
        tokens.insert(hash(&token));
        self.keep(&tokens).ok()?;
        Some(token)
    }

    pub fn knows(&self, token: &str) -> bool {
        hold(&self.tokens).contains(&hash(token))
    }

    fn keep(&self, tokens: &BTreeSet<String>) -> std::io::Result<()> {
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
        let token = sessions.trade(&key).unwrap();
        assert!(sessions.trade(&key).is_none());
        assert!(sessions.trade("guess").is_none());
        assert!(sessions.knows(&token) && !sessions.knows(&key));
        assert!(Sessions::open(&file).unwrap().knows(&token));
        assert!(!std::fs::read_to_string(&file).unwrap().contains(&token));
    }
}
