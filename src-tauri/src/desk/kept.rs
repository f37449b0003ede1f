//! A small thing that is kept in a file: read once, written whole, moved into place.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[derive(Debug)]
pub struct Kept<T> {
    file: PathBuf,
    value: Mutex<T>,
}

impl<T: Clone + Default + Serialize + DeserializeOwned> Kept<T> {
    /// A file that is not there or cannot be read counts as empty; one that is damaged is put aside first.
    pub fn open(file: PathBuf) -> Self {
        let read = std::fs::read(&file).ok();
        let value = read.map(|bytes| {
            serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(file = %file.display(), %error, "damaged: put aside");
                let _ = std::fs::rename(&file, file.with_extension("damaged"));
                T::default()
            })
        });
        Self { value: Mutex::new(value.unwrap_or_default()), file }
    }

    pub fn get(&self) -> T {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Nothing is changed when it cannot be written.
    pub fn set(&self, value: T) -> std::io::Result<()> {
        let mut held = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        write(&self.file, &serde_json::to_vec_pretty(&value)?)?;
        *held = value;
        Ok(())
    }
}

/// Writes a file that only its owner may read, beside the old one, then moves it into place.
pub fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let next = file.with_extension("next");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&next)?;
    out.write_all(bytes)?;
    out.sync_all()?;
    std::fs::rename(&next, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::desk::DeskSettings;

    #[test]
    fn what_was_set_is_there_after_a_start_and_damage_is_put_aside() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("settings.json");
        let set = DeskSettings { notify: true, ..DeskSettings::default() };
        Kept::open(file.clone()).set(set.clone()).unwrap();
        assert_eq!(Kept::<DeskSettings>::open(file.clone()).get(), set);
        std::fs::write(&file, "{").unwrap();
        assert_eq!(Kept::<DeskSettings>::open(file.clone()).get(), DeskSettings::default());
        assert_eq!(std::fs::read(file.with_extension("damaged")).unwrap(), b"{");
    }
}
