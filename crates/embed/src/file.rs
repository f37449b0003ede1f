//! A model's file: named sections, then a table of them, then the hash of it all.
//!
//! ```text
//! "LWEMBED1" · sections · table · length of the table (u32) · BLAKE3 of everything before (32 bytes)
//! table: model id, number of sections (u32), and for each: name, start (u64), length (u64)
//! ```
//! Numbers are little-endian; a name is its length (u16) and its bytes. A file takes its name when it is whole.

mod write;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use write::Writer;

use crate::Error;

const MAGIC: &[u8; 8] = b"LWEMBED1";
const HASH: u64 = 32;
/// More than any model's table has.
const MAX_TABLE: u64 = 1 << 20;

struct Section {
    name: String,
    start: u64,
    length: u64,
}

/// A model's file, opened.
pub(crate) struct ModelFile {
    file: Arc<File>,
    path: PathBuf,
    sections: Vec<Section>,
}

impl ModelFile {
    /// The file at `path` if it is one of model `id`: `None` where there is none, or one of another model or format.
    pub(crate) fn find(path: &Path, id: &str) -> Result<Option<Self>, Error> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(path)(error)),
        };
        let Some((found, sections)) = table(&mut file).map_err(Error::io(path))? else { return Ok(None) };
        let ours = Self { file: Arc::new(file), path: path.to_owned(), sections };
        Ok((found == id).then_some(ours))
    }

    /// Reads all of it once and compares the hash.
    pub(crate) fn verify(&self) -> Result<(), Error> {
        let io = |error| Error::io(&self.path)(error);
        let mut file = &*self.file;
        let length = file.seek(SeekFrom::End(0)).map_err(io)?.saturating_sub(HASH);
        file.rewind().map_err(io)?;
        let mut hash = blake3::Hasher::new();
        io::copy(&mut file.take(length), &mut hash).map_err(io)?;
        let mut noted = [0; HASH as usize];
        file.read_exact(&mut noted).map_err(io)?;
        if hash.finalize() == blake3::Hash::from_bytes(noted) {
            Ok(())
        } else {
            Err(self.damaged("its hash is another one"))
        }
    }

    pub(crate) fn damaged(&self, why: impl Into<String>) -> Error {
        Error::Damaged { file: self.path.clone(), why: why.into() }
    }

    /// A section, to be read piece by piece.
    pub(crate) fn table(&self, name: &str) -> Result<Table, Error> {
        let section = self.sections.iter().find(|section| section.name == name);
        let section = section.ok_or_else(|| self.damaged(format!("it has no section {name}")))?;
        let (start, length) = (section.start, section.length);
        Ok(Table { file: self.file.clone(), path: self.path.clone(), start, length })
    }

    /// A whole section.
    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>, Error> {
        let table = self.table(name)?;
        let mut bytes = vec![0; usize::try_from(table.length).map_err(|_| self.damaged("it is too long"))?];
        table.read(0, &mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn floats(&self, name: &str) -> Result<Vec<f32>, Error> {
        Ok(self.bytes(name)?.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<u32>, Error> {
        Ok(self.bytes(name)?.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }
}

/// A section that stays on the disk, where the system's cache of files holds what is used of it.
#[derive(Debug)]
pub(crate) struct Table {
    file: Arc<File>,
    path: PathBuf,
    start: u64,
    length: u64,
}

impl Table {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Fills `into` with what stands `at` bytes into the section.
    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> Result<(), Error> {
        if at.saturating_add(into.len() as u64) > self.length {
            let why = format!("{at} is behind the end of a section");
            return Err(Error::Damaged { file: self.path.clone(), why });
        }
        read_at(&self.file, into, self.start + at).map_err(Error::io(&self.path))
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, at)
}

#[cfg(windows)]
fn read_at(file: &File, mut into: &mut [u8], mut at: u64) -> io::Result<()> {
    while !into.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, into, at)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        at += count as u64;
        into = into.split_at_mut(count).1;
    }
    Ok(())
}

/// The model id and the sections, or `None` where it is no such file.
fn table(file: &mut File) -> io::Result<Option<(String, Vec<Section>)>> {
    let length = file.seek(SeekFrom::End(0))?;
    let (mut magic, mut size) = ([0; 8], [0; 4]);
    if length < MAGIC.len() as u64 + HASH + 4 {
        return Ok(None);
    }
    file.rewind()?;
    file.read_exact(&mut magic)?;
    file.seek(SeekFrom::Start(length - HASH - 4))?;
    file.read_exact(&mut size)?;
    let size = u64::from(u32::from_le_bytes(size));
    let end = length - HASH - 4;
    if &magic != MAGIC || size > MAX_TABLE.min(end) {
        return Ok(None);
    }
    let mut bytes = vec![0; size as usize];
    file.seek(SeekFrom::Start(end - size))?;
    file.read_exact(&mut bytes)?;
    Ok(parse(&bytes).filter(|(_, sections)| {
        sections.iter().all(|section| section.start.checked_add(section.length).is_some_and(|to| to <= end))
    }))
}

fn parse(mut bytes: &[u8]) -> Option<(String, Vec<Section>)> {
    let id = name(&mut bytes)?;
    let count = u32::from_le_bytes(*take(&mut bytes)?);
    let mut sections = Vec::new();
    for _ in 0..count {
        let name = name(&mut bytes)?;
        let start = u64::from_le_bytes(*take(&mut bytes)?);
        let length = u64::from_le_bytes(*take(&mut bytes)?);
        sections.push(Section { name, start, length });
    }
    Some((id, sections))
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(first)
}

fn name(bytes: &mut &[u8]) -> Option<String> {
    let length = usize::from(u16::from_le_bytes(*take(bytes)?));
    let (name, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    String::from_utf8(name.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn sample(dir: &Path) -> PathBuf {
        let path = dir.join("sample.model");
        let mut writer = Writer::create(&path).unwrap();
        writer.floats("some", &[1.0, -2.5]).unwrap();
        writer.numbers("more", &[7]).unwrap();
        assert!(!path.exists(), "a file has its name before it is whole");
        writer.finish("sample/1").unwrap();
        path
    }

    #[test]
    fn sections_come_back_and_another_model_s_file_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        let path = sample(dir.path());
        let file = ModelFile::find(&path, "sample/1").unwrap().unwrap();
        file.verify().unwrap();
        assert_eq!(file.floats("some").unwrap(), [1.0, -2.5]);
        assert_eq!(file.numbers("more").unwrap(), [7]);
        assert!(matches!(file.bytes("none"), Err(Error::Damaged { .. })));
        assert!(file.table("more").unwrap().read(2, &mut [0; 4]).is_err());
        assert!(ModelFile::find(&path, "sample/2").unwrap().is_none());
        assert!(ModelFile::find(&dir.path().join("other"), "sample/1").unwrap().is_none());
    }

    #[test]
    fn every_damaged_byte_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = sample(dir.path());
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x11;
            fs::write(&path, &bytes).unwrap();
            let seen =
                ModelFile::find(&path, "sample/1").map(|file| file.is_none_or(|file| file.verify().is_err()));
            assert!(seen.unwrap_or(true), "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert!(ModelFile::find(&path, "sample/1").unwrap().is_none(), "cut at {at}");
        }
    }
}
