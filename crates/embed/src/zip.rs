//! Reading entries of a zip archive, which a Python package and a file of numpy arrays are.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take};

use flate2::read::DeflateDecoder;

/// The largest end record: its fixed part and the longest comment.
const MAX_END: u64 = 22 + 65_535;
/// More than any archive's directory that is read here has.
const MAX_DIRECTORY: usize = 16 << 20;

struct Entry {
    name: String,
    method: u16,
    packed: u64,
    size: u64,
    start: u64,
}

/// An archive below 4 GB, on the disk.
pub(crate) struct Archive {
    file: File,
    entries: Vec<Entry>,
}

impl Archive {
    pub(crate) fn open(mut file: File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        let mut end = Vec::new();
        file.seek(SeekFrom::Start(length.saturating_sub(MAX_END)))?;
        file.read_to_end(&mut end)?;
        let end = end
            .windows(22)
            .rev()
            .find(|window| window.starts_with(b"PK\x05\x06"))
            .ok_or_else(|| bad("it is no zip archive"))?;
        let (size, start) = (u32_at(end, 12)?, u32_at(end, 16)?);
        let mut directory =
            vec![0; usize::try_from(size).map_or(MAX_DIRECTORY, |size| size.min(MAX_DIRECTORY))];
        file.seek(SeekFrom::Start(start.into()))?;
        file.read_exact(&mut directory)?;
        let mut entries = Vec::new();
        let mut rest = directory.as_slice();
        while rest.starts_with(b"PK\x01\x02") {
            let name = usize::from(u16_at(rest, 28)?);
            let after = 46 + name + usize::from(u16_at(rest, 30)?) + usize::from(u16_at(rest, 32)?);
            let bytes = rest.get(46..46 + name).ok_or_else(|| bad("its directory is cut"))?;
            entries.push(Entry {
                name: String::from_utf8_lossy(bytes).into_owned(),
                method: u16_at(rest, 10)?,
                packed: u32_at(rest, 20)?.into(),
                size: u32_at(rest, 24)?.into(),
                start: u32_at(rest, 42)?.into(),
            });
            rest = rest.get(after..).ok_or_else(|| bad("its directory is cut"))?;
        }
        Ok(Self { file, entries })
    }

    /// The contents of the one entry whose name ends in `name`, and their size.
    pub(crate) fn entry(&mut self, name: &str) -> io::Result<(Contents<'_>, u64)> {
        let entry = self.entries.iter().find(|entry| entry.name.ends_with(name));
        let entry = entry.ok_or_else(|| bad(&format!("it has no file {name}")))?;
        let mut head = [0; 30];
        self.file.seek(SeekFrom::Start(entry.start))?;
        self.file.read_exact(&mut head)?;
        let skip = i64::from(u16_at(&head, 26)?) + i64::from(u16_at(&head, 28)?);
        self.file.seek(SeekFrom::Current(skip))?;
        let packed = BufReader::with_capacity(1 << 16, &self.file).take(entry.packed);
        let contents = match entry.method {
            0 => Contents::Stored(packed),
            8 => Contents::Deflated(DeflateDecoder::new(packed)),
            other => return Err(bad(&format!("{name} is packed by method {other}"))),
        };
        Ok((contents, entry.size))
    }

    /// All of an entry that has at most `most` bytes.
    pub(crate) fn bytes(&mut self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        let (contents, size) = self.entry(name)?;
        if size > most {
            return Err(bad(&format!("{name} has {size} bytes")));
        }
        let mut bytes = Vec::new();
        contents.take(size).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == size { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// An entry as it is read.
pub(crate) enum Contents<'a> {
    Stored(Take<BufReader<&'a File>>),
    Deflated(DeflateDecoder<Take<BufReader<&'a File>>>),
}

impl Read for Contents<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(contents) => contents.read(into),
            Self::Deflated(contents) => contents.read(into),
        }
    }
}

pub(crate) fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn u16_at(bytes: &[u8], at: usize) -> io::Result<u16> {
    let two = bytes.get(at..).and_then(|rest| rest.first_chunk());
    two.map(|two| u16::from_le_bytes(*two)).ok_or_else(|| bad("its directory is cut"))
}

fn u32_at(bytes: &[u8], at: usize) -> io::Result<u32> {
    let four = bytes.get(at..).and_then(|rest| rest.first_chunk());
    four.map(|four| u32::from_le_bytes(*four)).ok_or_else(|| bad("its directory is cut"))
}
