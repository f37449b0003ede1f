//! From when on notes are read: what was remembered before it was switched on is let be, or a large memory would cost a
//! fortune on the first evening. Kept beside the journal; switched off, it is forgotten.

use anyhow::{Context, Result};
use protocol::JournalId;
use serde::{Deserialize, Serialize};
use std::path::Path;

#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    journal: JournalId,
    after: u64,
}

/// The newest entry of the journal when it was switched on; `head` is the newest now.
pub fn since(file: &Path, journal: &JournalId, head: u64) -> Result<u64> {
    let kept = std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice::<Mark>(&bytes).ok());
    if let Some(mark) = kept.filter(|mark| mark.journal == *journal && mark.after <= head) {
        return Ok(mark.after);
    }
    let mark = Mark { journal: journal.clone(), after: head };
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, serde_json::to_vec(&mark)?)
        .and_then(|()| std::fs::rename(&fresh, file))
        .with_context(|| format!("failed to write {}", file.display()))?;
    Ok(head)
}

pub fn forget(file: &Path) {
    // None there is what is wanted.
    let _ = std::fs::remove_file(file);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_set_once_and_again_after_it_was_switched_off() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("mark.json");
        let journal = JournalId::new("j1").unwrap();
        assert_eq!(since(&file, &journal, 7).unwrap(), 7);
        assert_eq!(since(&file, &journal, 9).unwrap(), 7);
        assert_eq!(since(&file, &JournalId::new("j2").unwrap(), 3).unwrap(), 3, "another journal");
        forget(&file);
        assert_eq!(since(&file, &journal, 9).unwrap(), 9);
    }
}
