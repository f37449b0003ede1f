//! Secrets in one file under a passphrase: argon2id makes the key, XChaCha20-Poly1305 seals the whole. The key is held in
//! memory while the file is open, the passphrase never.

use super::{Keep, Secret, VaultError};
use crate::desk::write;
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// OWASP's second choice for argon2id with room to spare: 64 MiB, three passes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const SHORTEST: usize = 8;

pub struct File {
    path: PathBuf,
    open: Mutex<Option<Open>>,
}

struct Open {
    key: Zeroizing<[u8; 32]>,
    salt: [u8; 16],
    secrets: BTreeMap<String, Secret>,
}

/// As it lies on the disk. The costs are written down, so that they can be raised without losing old files.
#[derive(Serialize, Deserialize)]
struct Sealed {
    version: u32,
    memory_kib: u32,
    passes: u32,
    salt: String,
    nonce: String,
    data: String,
}

impl File {
    pub fn new(path: PathBuf) -> Self {
        Self { path, open: Mutex::new(None) }
    }

    pub fn is_made(&self) -> bool {
        self.path.exists()
    }
    pub fn is_open(&self) -> bool {
        self.held().is_some()
    }

    fn held(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the file with its passphrase; without a file, this passphrase makes one.
    pub fn unlock(&self, passphrase: &Secret) -> Result<(), VaultError> {
        let mut held = self.held();
        let open = match std::fs::read(&self.path) {
            Ok(bytes) => unsealed(&bytes, passphrase)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if passphrase.chars().count() < SHORTEST {
                    return Err(VaultError::TooShort(SHORTEST));
                }
                let salt = random()?;
                let key = derived(passphrase, &salt, MEMORY_KIB, PASSES)?;
                let open = Open { key, salt, secrets: BTreeMap::new() };
                self.write(&open)?;
                open
            }
            Err(error) => return Err(VaultError::Failed(error.to_string())),
        };
        *held = Some(open);
        Ok(())
    }

    fn write(&self, open: &Open) -> Result<(), VaultError> {
        let plain = Zeroizing::new(
            serde_json::to_vec(
                &open
                    .secrets
                    .iter()
                    .map(|(name, secret)| (name, secret.as_str()))
                    .collect::<BTreeMap<_, _>>(),
            )
            .map_err(|e| VaultError::Failed(e.to_string()))?,
        );
        let nonce: [u8; 24] = random()?;
        let mut sealed = Sealed {
            version: 1,
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt: BASE64_STANDARD.encode(open.salt),
            nonce: BASE64_STANDARD.encode(nonce),
            data: String::new(),
        };
        let data = cipher(&open.key)?
            .encrypt(&XNonce::from(nonce), Payload { msg: &plain, aad: about(&sealed).as_bytes() })
            .map_err(|_| VaultError::Failed("it could not be sealed".into()))?;
        sealed.data = BASE64_STANDARD.encode(data);
        let text = serde_json::to_vec_pretty(&sealed).map_err(|e| VaultError::Failed(e.to_string()))?;
        write(&self.path, &text).map_err(|e| VaultError::Failed(e.to_string()))
    }

    /// Changes the secrets; what cannot be written is not changed.
    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Secret>)) -> Result<(), VaultError> {
        let mut held = self.held();
        let open = held.as_mut().ok_or(VaultError::Locked)?;
        let before = open.secrets.clone();
        change(&mut open.secrets);
        self.write(open).inspect_err(|_| open.secrets = before)
    }
}

impl Keep for File {
    fn get(&self, name: &str) -> Result<Option<Secret>, VaultError> {
        Ok(self.held().as_ref().ok_or(VaultError::Locked)?.secrets.get(name).cloned())
    }
    fn set(&self, name: &str, secret: &Secret) -> Result<(), VaultError> {
        self.change(|secrets| drop(secrets.insert(name.to_owned(), secret.clone())))
    }
    fn remove(&self, name: &str) -> Result<(), VaultError> {
        self.change(|secrets| drop(secrets.remove(name)))
    }
}

/// What is sealed with the secrets though it lies open: nobody can lower the costs of a file.
fn about(sealed: &Sealed) -> String {
    format!("loopwright vault {} {} {} {}", sealed.version, sealed.memory_kib, sealed.passes, sealed.salt)
}

fn unsealed(bytes: &[u8], passphrase: &Secret) -> Result<Open, VaultError> {
    let damaged = |what: &str| VaultError::Damaged(what.to_owned());
    let sealed: Sealed = serde_json::from_slice(bytes).map_err(|e| damaged(&e.to_string()))?;
    if sealed.version != 1 {
        return Err(damaged("it was made by a newer version"));
    }
    let bytes = |text: &str| BASE64_STANDARD.decode(text).map_err(|e| damaged(&e.to_string()));
    let salt = <[u8; 16]>::try_from(bytes(&sealed.salt)?).map_err(|_| damaged("its salt"))?;
    let nonce = <[u8; 24]>::try_from(bytes(&sealed.nonce)?).map_err(|_| damaged("its nonce"))?;
    let data = bytes(&sealed.data)?;
    let key = derived(passphrase, &salt, sealed.memory_kib, sealed.passes)?;
    let open = about(&sealed);
    let payload = Payload { msg: &data, aad: open.as_bytes() };
    let plain =
        cipher(&key)?.decrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::WrongPassphrase)?;
    let plain = Zeroizing::new(plain);
    let read: BTreeMap<String, String> =
        serde_json::from_slice(&plain).map_err(|e| damaged(&e.to_string()))?;
    let secrets = read.into_iter().map(|(name, text)| (name, Zeroizing::new(text))).collect();
    Ok(Open { key, salt, secrets })
}

fn derived(
    passphrase: &Secret,
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    // A file from elsewhere must not make this computer use up its memory.
    if memory_kib > 16 * MEMORY_KIB || passes > 16 {
        return Err(VaultError::Damaged("it asks for more work than any file of ours".into()));
    }
    let failed = |e: argon2::Error| VaultError::Damaged(e.to_string());
    let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(failed)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        .map_err(failed)?;
    Ok(key)
}

fn cipher(key: &[u8; 32]) -> Result<XChaCha20Poly1305, VaultError> {
    XChaCha20Poly1305::new_from_slice(key)
        .map_err(|_| VaultError::Failed("the key has a wrong length".into()))
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| VaultError::Failed(e.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Zeroizing::new(text.to_owned())
    }

    #[test]
    fn what_is_kept_is_there_after_a_start_and_nowhere_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault.json");
        let file = File::new(path.clone());
        assert!(matches!(file.get("key"), Err(VaultError::Locked)));
        assert!(matches!(file.unlock(&secret("short")), Err(VaultError::TooShort(8))));
        assert!(!file.is_made());
        file.unlock(&secret("correct horse")).unwrap();
        file.set("key", &secret("zyzzyva")).unwrap();
        file.set("gone", &secret("x")).unwrap();
        file.remove("gone").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("zyzzyva") && !text.contains("key\""), "{text}");

        let again = File::new(path.clone());
        assert!(matches!(again.unlock(&secret("wrong horse")), Err(VaultError::WrongPassphrase)));
        assert!(!again.is_open());
        again.unlock(&secret("correct horse")).unwrap();
        assert_eq!(again.get("key").unwrap(), Some(secret("zyzzyva")));
        assert_eq!(again.get("gone").unwrap(), None);

        let lowered = text.replace("\"passes\": 3", "\"passes\": 1");
        assert_ne!(lowered, text);
        std::fs::write(&path, lowered).unwrap();
        assert!(File::new(path).unlock(&secret("correct horse")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault.json");
        File::new(path.clone()).unlock(&secret("correct horse")).unwrap();
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
