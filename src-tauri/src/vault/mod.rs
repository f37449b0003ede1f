//! Where secrets are kept: the system's keychain, else a file under a passphrase, never plain text. That there is neither
//! is told when a secret is asked for; it keeps nothing from starting.

mod file;
mod keychain;

pub use file::File;
pub use keychain::Keychain;

use protocol::desk::VaultState;
use protocol::{ApiError, Code};
use std::path::PathBuf;
use std::sync::OnceLock;
use zeroize::Zeroizing;

/// A secret's text, wiped when it is dropped.
pub type Secret = Zeroizing<String>;

/// A place that keeps secrets by name.
pub trait Keep: Send + Sync {
    fn get(&self, name: &str) -> Result<Option<Secret>, VaultError>;
    fn set(&self, name: &str, secret: &Secret) -> Result<(), VaultError>;
    fn remove(&self, name: &str) -> Result<(), VaultError>;
}

/// By what the user can do about it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("the file that keeps secrets is locked")]
    Locked,
    #[error("the passphrase is not the one that the file of secrets was made with")]
    WrongPassphrase,
    #[error("a passphrase of less than {0} characters protects nothing")]
    TooShort(usize),
    #[error("the file of secrets is damaged: {0}")]
    Damaged(String),
    #[error("failed to keep a secret: {0}")]
    Failed(String),
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        let (code, next) = match &error {
            VaultError::Locked => (Code::Conflict, "unlock it with its passphrase"),
            VaultError::WrongPassphrase => (Code::BadInput, "type it again"),
            VaultError::TooShort(_) => (Code::BadInput, "choose a longer one"),
            VaultError::Damaged(_) => {
                (Code::Internal, "put the file back from a copy, or remove it and sign in anew")
            }
            VaultError::Failed(_) => (Code::Internal, "look at the system's keychain, then try again"),
        };
        ApiError::new(code, error.to_string()).next(next)
    }
}

pub struct Vault {
    /// Looked for when it is first needed: a keychain may take its time to answer.
    keychain: OnceLock<Result<Keychain, String>>,
    file: File,
}

impl Vault {
    pub fn new(file: PathBuf) -> Self {
        Self { keychain: OnceLock::new(), file: File::new(file) }
    }

    fn keychain(&self) -> &Result<Keychain, String> {
        self.keychain.get_or_init(Keychain::find)
    }

    fn keep(&self) -> &dyn Keep {
        match self.keychain() {
            Ok(keychain) => keychain,
            Err(_) => &self.file,
        }
    }

    /// Blocks while the keychain is asked.
    pub fn state(&self) -> VaultState {
        match self.keychain() {
            Ok(keychain) => VaultState::Keychain { name: keychain.name().to_owned() },
            Err(why) => {
                VaultState::File { open: self.file.is_open(), made: self.file.is_made(), why: why.clone() }
            }
        }
    }

    /// Opens the file, or makes it. Where there is a keychain there is nothing to unlock.
    pub fn unlock(&self, passphrase: &Secret) -> Result<VaultState, VaultError> {
        if self.keychain().is_err() {
            self.file.unlock(passphrase)?;
        }
        Ok(self.state())
    }

    pub fn get(&self, name: &str) -> Result<Option<Secret>, VaultError> {
        self.keep().get(name)
    }
    pub fn set(&self, name: &str, secret: &Secret) -> Result<(), VaultError> {
        self.keep().set(name, secret)
    }
    pub fn remove(&self, name: &str) -> Result<(), VaultError> {
        self.keep().remove(name)
    }
}
