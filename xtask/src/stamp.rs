//! Whether ui/dist is already made from the files that lie here now. The stamp names every input with its size and time
//! of change, so that an unchanged tree costs no second run of wasm-bindgen.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

/// One line per input; two stamps are equal when no input changed.
pub fn of(inputs: &[PathBuf]) -> Result<String> {
    let mut lines = Vec::new();
    for input in inputs {
        let about = fs::metadata(input).with_context(|| format!("failed to read {}", input.display()))?;
        let changed = about.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
        lines.push(format!("{} {} {changed}", input.display(), about.len()));
    }
    Ok(lines.join("\n"))
}

/// All files below `folder`, sorted, so that a stamp does not depend on the order of the directory.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("failed to list {}", next.display()))? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}
