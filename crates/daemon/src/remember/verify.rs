//! The memory is a view: made anew from the journal beside the one in use, it must be the same.

use crate::context::{Daemon, internal};
use anyhow::{Context, Result};
use journal::Reader;
use memory::Memory;
use mirror::catch_up;
use protocol::{ApiError, Code, JournalId, ProjectId, Response};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Builds a second memory and compares the dumps of all spaces. Pushes go on meanwhile; only the last step keeps them
/// waiting.
pub async fn verify(daemon: &Daemon) -> Result<Response, ApiError> {
    let failed = |e: anyhow::Error| internal("build the memory anew", e);
    let _alone = daemon.memory.comparing.try_lock().map_err(|_| {
        ApiError::new(Code::Busy, "the memory is being compared already").next("wait for that to end")
    })?;
    let (journal, reader) = daemon.reads.ask(|reader| Ok((reader.id()?, reader.clone()))).await?;
    let dir = daemon.home.memory_beside();
    let (of, from) = (dir.clone(), reader.clone());
    let built = tokio::task::spawn_blocking(move || build(&of, &journal, &from)).await;
    let mut anew = built.map_err(|e| internal("build the memory anew", e))?.map_err(failed)?;
    let (of, live) = (dir.clone(), daemon.home.memory());
    let compared = daemon.memory.write(move |memory| {
        // Now nothing is added to the one in use: the other takes what came since.
        catch_up(memory, &reader)?;
        catch_up(&mut anew, &reader)?;
        drop(anew);
        anyhow::Ok((dumps(&live)?, dumps(&of)?))
    });
    let compared = compared.await;
    if let Err(e) = std::fs::remove_dir_all(&dir) {
        tracing::warn!(error = %e, "failed to remove the memory that was made to compare");
    }
    let (live, anew) = compared?.map_err(failed)?;
    let notes = daemon.reads.ask(|reader| Ok(reader.spaces()?.into_iter().map(|(_, notes)| notes).sum()));
    Ok(Response::MemoryVerified { equal: live == anew, notes: notes.await?, hash: hash(&live) })
}

fn build(dir: &Path, journal: &JournalId, reader: &Reader) -> Result<Memory> {
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(e).with_context(|| format!("failed to remove {}", dir.display()));
        }
        Ok(()) | Err(_) => {}
    }
    let mut memory = mirror::open_memory(dir, journal)?;
    catch_up(&mut memory, reader)?;
    Ok(memory)
}

/// The hash of each space's dump. A space without anything in it is as good as none.
pub fn dumps(dir: &Path) -> Result<BTreeMap<ProjectId, String>> {
    let reader = memory::Reader::open(dir);
    let empty = blake3::Hasher::new().finalize();
    let mut found = BTreeMap::new();
    for space in reader.spaces()? {
        let mut hashed = Hashed(blake3::Hasher::new());
        reader.dump(&space, &mut hashed)?;
        let hash = hashed.0.finalize();
        if hash != empty {
            found.insert(space, hash.to_hex().to_string());
        }
    }
    Ok(found)
}

/// One hash for all spaces.
pub fn hash(dumps: &BTreeMap<ProjectId, String>) -> String {
    let mut hasher = blake3::Hasher::new();
    for (space, hash) in dumps {
        hasher.update(format!("{space} {hash}\n").as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

struct Hashed(blake3::Hasher);

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
