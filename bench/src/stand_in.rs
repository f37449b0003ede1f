//! What the spine's measures start in the place of a coding agent: this very program with another word. It answers no
//! protocol; what is measured has happened when it runs.

use anyhow::Result;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes the moment at which it began to run, as nanoseconds since the epoch, and ends. Only the first run of a file
/// counts.
pub fn stamp(file: &Path) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let whole = file.with_extension("part");
    File::create(&whole)?.write_all(now.to_string().as_bytes())?;
    if !file.exists() {
        std::fs::rename(&whole, file)?;
    }
    Ok(())
}

/// Lives until its standard input is closed, so that the requests behind it stay queued.
pub fn hold() -> Result<()> {
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
