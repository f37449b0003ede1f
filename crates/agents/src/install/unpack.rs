//! Unpacks a package: plain files and folders, nothing else, and nowhere else.

use super::error::Error;
use super::lockfile::stays_below;
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tar::{Archive, EntryType};

/// More than any package of the table has, by far: a bomb is stopped before the disk is full.
const MOST_BYTES: u64 = 2 << 30;
const MOST_ENTRIES: u32 = 200_000;

/// Unpacks the archive into the folder, without the first part of its paths. Files get 0755 or 0644, folders 0755, and
/// nobody's id: whatever else an archive asks for is refused or left out. Gives the bytes that were written.
pub(super) fn unpack(archive: &Path, folder: &Path, label: &str) -> Result<u64, Error> {
    let hostile = |reason: String| Error::Hostile { package: label.to_owned(), reason };
    let broken = |e: io::Error| hostile(format!("its archive is damaged: {e}"));
    let file = File::open(archive).map_err(|e| Error::at("open", archive, e))?;
    let mut archive = Archive::new(GzDecoder::new(BufReader::with_capacity(1 << 16, file)));
    make_folder(folder)?;
    let (mut bytes, mut count) = (0u64, 0u32);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        let kind = entry.header().entry_type();
        bytes = bytes.saturating_add(entry.size());
        count += 1;
        if bytes > MOST_BYTES || count > MOST_ENTRIES {
            return Err(hostile("it is larger than any package should be".to_owned()));
        }
        if matches!(kind, EntryType::XGlobalHeader) {
            continue;
        }
        // The first part is `package`, or whatever its maker called it.
        let inner: PathBuf = path.components().skip(1).collect();
        if !stays_below(&path) || path.has_root() {
            return Err(hostile(format!("its file {} would lie outside of its folder", path.display())));
        }
        match kind {
            EntryType::Directory => make_folders(folder, &inner)?,
            EntryType::Regular | EntryType::Continuous if inner.as_os_str().is_empty() => {}
            EntryType::Regular | EntryType::Continuous => {
                make_folders(folder, inner.parent().unwrap_or(Path::new("")))?;
                let program = entry.header().mode().unwrap_or(0) & 0o111 != 0;
                let to = folder.join(&inner);
                write(&mut entry, &to, program).map_err(|e| match e.kind() {
                    // These come from reading, never from writing to a file of ours.
                    io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::InvalidData
                    | io::ErrorKind::InvalidInput => broken(e),
                    _ => Error::at("write", &to, e),
                })?;
            }
            _ => return Err(hostile(format!("{} is neither a file nor a folder", path.display()))),
        }
    }
    Ok(bytes)
}

fn write(from: &mut impl io::Read, to: &Path, program: bool) -> io::Result<()> {
    // A name that stands there twice: the later one counts, as for npm. Nothing is ever written through a link.
    match fs::remove_file(to) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(to)?;
    io::copy(from, &mut file)?;
    file.flush()?;
    file.set_permissions(fs::Permissions::from_mode(if program { 0o755 } else { 0o644 }))
}

/// Each folder on the way is made with its own rights, whatever the umask.
fn make_folders(root: &Path, inner: &Path) -> Result<(), Error> {
    let mut path = root.to_owned();
    for part in inner.components() {
        path.push(part);
        make_folder(&path)?;
    }
    Ok(())
}

pub(super) fn make_folder(path: &Path) -> Result<(), Error> {
    match fs::create_dir(path) {
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(0o755)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => return Ok(()),
        Err(e) => Err(e),
    }
    .map_err(|e| Error::at("make", path, e))
}
