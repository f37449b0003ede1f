//! From the journal's entries to the memory, which is a view of them.

use crate::Error;
use journal::Reader;
use memory::Memory;
use protocol::fact::Entry;
use protocol::{BlobId, JournalId};
use std::path::Path;

/// Bytes of texts that are applied together.
const BYTES: usize = 4 * 1024 * 1024;
/// Entries that are read from the journal at once.
const PAGE: u32 = 512;

/// Opens the memory of a journal. It is a view: one that belongs to another journal is made anew.
pub fn open_memory(dir: &Path, journal: &JournalId) -> Result<Memory, memory::Error> {
    let mut memory = Memory::open(dir)?;
    if memory.journal().as_ref() != Some(journal) {
        memory.reset(journal)?;
    }
    Ok(memory)
}

/// Brings a memory to where the journal is, from wherever each of its files was: it passes over what they have. A space
/// that cannot be written keeps none of the others back; the first error is told.
pub fn catch_up(memory: &mut Memory, reader: &Reader) -> Result<(), Error> {
    memory.replay();
    let (mut after, mut first) = (0, Ok(()));
    loop {
        let page = reader.memory_entries(after, PAGE)?;
        let Some(last) = page.last().map(|entry| entry.seq) else { return first };
        first = first.and(apply(memory, reader, page)?.map_err(Into::into));
        after = last;
    }
}

/// In portions, so that a few long texts are in this process's memory at once. Within: what the memory could not take; it
/// keeps what comes after out of that space itself.
pub fn apply(
    memory: &mut Memory,
    reader: &Reader,
    entries: Vec<Entry>,
) -> Result<Result<(), memory::Error>, journal::Error> {
    let mut first = Ok(());
    let mut portion = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let text = memory.wants(&entry).map(|blob| text(reader, &blob)).transpose()?.flatten();
        bytes += text.as_ref().map_or(0, String::len);
        portion.push((entry, text));
        if bytes > BYTES {
            first = first.and(memory.apply_all(&portion));
            portion.clear();
            bytes = 0;
        }
    }
    Ok(first.and(memory.apply_all(&portion)))
}

fn text(reader: &Reader, blob: &BlobId) -> Result<Option<String>, journal::Error> {
    let bytes = reader.blob(blob)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}
