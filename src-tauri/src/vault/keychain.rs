//! The system's keychain: Secret Service on Linux, Keychain on macOS, the Credential Manager on Windows.

use super::{Keep, Secret, VaultError};
use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};
use std::sync::Arc;
use zeroize::Zeroizing;

const SERVICE: &str = "dev.loopwright.desktop";
/// What is written and removed to see whether the keychain can be used at all.
const TRIAL: &str = "trial";

pub struct Keychain {
    store: Arc<dyn CredentialStoreApi + Send + Sync>,
}

impl Keychain {
    /// The keychain, once it has kept something and given it back; else why there is none.
    pub fn find() -> Result<Self, String> {
        let store = store().map_err(|error| said(&error))?;
        let found = Self { store };
        let trial = Zeroizing::new("loopwright".to_owned());
        let tried = found.set(TRIAL, &trial).and_then(|()| found.get(TRIAL)).and_then(|back| {
            found.remove(TRIAL)?;
            Ok(back.as_ref() == Some(&trial))
        });
        match tried {
            Ok(true) => Ok(found),
            Ok(false) => Err("the system's keychain does not give back what it was given".into()),
            Err(error) => Err(format!("the system's keychain cannot be used: {error}")),
        }
    }

    pub fn name(&self) -> &'static str {
        if cfg!(target_os = "macos") {
            "Keychain"
        } else if cfg!(windows) {
            "Credential Manager"
        } else {
            "Secret Service"
        }
    }

    fn entry(&self, name: &str) -> Result<Entry, Error> {
        self.store.build(SERVICE, name, None)
    }
}

#[cfg(target_os = "linux")]
fn store() -> Result<Arc<dyn CredentialStoreApi + Send + Sync>, Error> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}
#[cfg(target_os = "macos")]
fn store() -> Result<Arc<dyn CredentialStoreApi + Send + Sync>, Error> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}
#[cfg(windows)]
fn store() -> Result<Arc<dyn CredentialStoreApi + Send + Sync>, Error> {
    Ok(windows_native_keyring_store::Store::new()?)
}

impl Keep for Keychain {
    fn get(&self, name: &str) -> Result<Option<Secret>, VaultError> {
        match self.entry(name).and_then(|entry| entry.get_password()) {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(VaultError::Failed(said(&error))),
        }
    }
    fn set(&self, name: &str, secret: &Secret) -> Result<(), VaultError> {
        self.entry(name)
            .and_then(|entry| entry.set_password(secret))
            .map_err(|e| VaultError::Failed(said(&e)))
    }
    fn remove(&self, name: &str) -> Result<(), VaultError> {
        match self.entry(name).and_then(|entry| entry.delete_credential()) {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(VaultError::Failed(said(&error))),
        }
    }
}

/// An error's words may hold what was read: only its kind and the system's own words are passed on.
fn said(error: &Error) -> String {
    match error {
        Error::PlatformFailure(cause) => {
            tracing::info!(%cause, "no keychain");
            "no keychain answers on this system".into()
        }
        Error::NoStorageAccess(cause) => {
            tracing::info!(%cause, "no keychain");
            "the keychain of this system is locked, or there is none to use".into()
        }
        Error::BadEncoding(_) | Error::BadDataFormat(..) => "what is kept there is no text of ours".into(),
        other => other.to_string(),
    }
}
