//! The key that is made for one server and is used for nothing else.

use crate::ask::Hidden;
use russh::keys::ssh_key::LineEnding;
use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{HashAlg, PrivateKey};
use std::sync::Arc;
use zeroize::Zeroizing;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("this computer gives no random numbers")]
    Random(#[source] getrandom::Error),
    #[error("the key of this server that was kept is damaged")]
    Damaged(#[source] russh::keys::ssh_key::Error),
}

/// An Ed25519 key pair; wiped from memory when the last holder drops it.
#[derive(Clone)]
pub struct OurKey(Arc<PrivateKey>);

impl OurKey {
    /// `comment` is what the server's `authorized_keys` shows: "loopwright laptop".
    pub fn make(comment: &str) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(KeyError::Random)?;
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
        PrivateKey::new(pair, one_line(comment)).map(|key| Self(Arc::new(key))).map_err(KeyError::Damaged)
    }

    /// From what [`OurKey::to_text`] gave.
    pub fn from_text(text: &Hidden) -> Result<Self, KeyError> {
        PrivateKey::from_openssh(text.as_str()).map(|key| Self(Arc::new(key))).map_err(KeyError::Damaged)
    }

    /// In OpenSSH's form, for the keychain.
    pub fn to_text(&self) -> Result<Hidden, KeyError> {
        let text = self.0.to_openssh(LineEnding::LF).map_err(KeyError::Damaged)?;
        Ok(Hidden::from(text.to_string()))
    }

    /// "ssh-ed25519 AAAA… comment".
    pub fn public_line(&self) -> Result<String, KeyError> {
        self.0.public_key().to_openssh().map_err(KeyError::Damaged)
    }

    /// "SHA256:…".
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    pub(crate) fn private(&self) -> Arc<PrivateKey> {
        Arc::clone(&self.0)
    }
}

impl std::fmt::Debug for OurKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OurKey({})", self.fingerprint())
    }
}

/// What may stand at the end of a line of `authorized_keys`, inside a shell's quotes.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric() || " -_.@".contains(*c)).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_the_keychain_and_its_line_is_one_line() {
        let key = OurKey::make("loopwright o'laptop\n\"x\" $(id)").unwrap();
        let back = OurKey::from_text(&key.to_text().unwrap()).unwrap();
        assert_eq!(back.fingerprint(), key.fingerprint());
        let line = key.public_line().unwrap();
        assert!(line.starts_with("ssh-ed25519 AAAA") && line.ends_with(" loopwright olaptopx id"), "{line}");
        assert_ne!(OurKey::make("a").unwrap().fingerprint(), key.fingerprint());
        assert!(OurKey::from_text(&Hidden::from(String::from("nonsense"))).is_err());
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }
}
