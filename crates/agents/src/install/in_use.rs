//! Which process, if any, runs a program below a folder. Only Linux tells; elsewhere nobody is seen.

use std::path::Path;

/// One process that was started from below `folder`: by its program, or by one of its arguments, since many programs are
/// scripts that an interpreter was given.
pub(super) fn by(folder: &Path) -> Option<u32> {
    let folder = folder.canonicalize().ok()?;
    let processes = std::fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.filter(|pid| *pid != std::process::id()).find(|pid| runs_from(*pid, &folder))
}

fn runs_from(pid: u32, folder: &Path) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    if std::fs::read_link(process.join("exe")).is_ok_and(|program| program.starts_with(folder)) {
        return true;
    }
    let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
    let mut words = line.split(|byte| *byte == 0).filter_map(|word| std::str::from_utf8(word).ok());
    words.any(|word| word.starts_with('/') && Path::new(word).starts_with(folder))
}
