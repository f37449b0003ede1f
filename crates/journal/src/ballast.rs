//! A file beside the journal that only takes room: given back when the disk is full, so that the journal can still
//! record why everything stopped.

use crate::error::Error;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) const BYTES: usize = 8 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Ballast {
    path: PathBuf,
}

impl Ballast {
    pub fn beside(journal: &Path) -> Self {
        let mut path = journal.as_os_str().to_owned();
        path.push(".ballast");
        Self { path: path.into() }
    }

    pub fn is_there(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|file| file.len() == BYTES as u64)
    }

    /// Takes the room, if there is as much and `more` bytes beside. The bytes do not compress, so that a compressing
    /// file system really sets them aside.
    pub fn take(&self, more: usize) -> Result<bool, Error> {
        if self.is_there() {
            return Ok(true);
        }
        match self.write(BYTES + more).map_err(Error::from) {
            Ok(()) => Ok(true),
            Err(error) => {
                self.give_back();
                if error.is_disk_full() { Ok(false) } else { Err(error) }
            }
        }
    }

    fn write(&self, room: usize) -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        crate::schema::private(&mut options);
        let mut file = options.open(&self.path)?;
        let mut bytes = blake3::Hasher::new().update(b"ballast").finalize_xof();
        let mut block = vec![0; 64 * 1024];
        for _ in 0..room / block.len() {
            bytes.fill(&mut block);
            file.write_all(&block)?;
        }
        file.set_len(BYTES as u64)?;
        file.sync_data()
    }

    /// Best effort: what cannot be deleted on a full disk cannot be helped either.
    pub fn give_back(&self) {
        drop(fs::remove_file(&self.path));
    }
}
