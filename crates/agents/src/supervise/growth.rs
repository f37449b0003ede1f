//! What a run wrote: the files in its folders that were changed since it began.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Entries that are looked at; a folder with more has grown enough.
const MAX_ENTRIES: u64 = 2_000_000;

/// Measures again and again, but for no more than a small part of the time.
#[derive(Debug, Clone)]
pub(crate) struct Gauge {
    folders: Vec<PathBuf>,
    file: u64,
    growth: u64,
    since: i64,
    next: Option<Instant>,
}

impl Gauge {
    pub fn new(folders: Vec<PathBuf>, file: u64, growth: u64) -> Gauge {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        // File systems keep whole seconds or less; what was written in this one may be ours.
        Gauge { folders, file, growth, since: i64::try_from(since).unwrap_or(0) - 1, next: None }
    }

    /// Whether it is time: a look that took long is not taken soon again.
    pub fn is_due(&self) -> bool {
        self.next.is_none_or(|next| Instant::now() >= next)
    }

    /// Which limit was passed. Blocks; not for the loop.
    pub fn over(mut self) -> (Gauge, Option<String>) {
        let begun = Instant::now();
        let over = self.look();
        let rest: Duration = begun.elapsed() * 30;
        self.next = Some(Instant::now() + rest);
        (self, over)
    }

    fn look(&self) -> Option<String> {
        let (mut sum, mut seen) = (0u64, 0u64);
        let mut folders = self.folders.clone();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                seen += 1;
                // Links are not followed: what they point to is not the run's.
                let Ok(meta) = entry.metadata() else { continue };
                if meta.is_dir() {
                    folders.push(entry.path());
                } else if meta.is_file() && meta.ctime() >= self.since {
                    // A file with holes takes less than its length.
                    sum = sum.saturating_add(meta.blocks().saturating_mul(512).min(meta.len()));
                    if meta.len() >= self.file {
                        return Some(format!("a file of more than {}", size(self.file)));
                    }
                }
                if sum > self.growth || seen > MAX_ENTRIES {
                    return Some(format!("more than {} of files", size(self.growth)));
                }
            }
        }
        None
    }
}

fn size(bytes: u64) -> String {
    if bytes >= 1 << 30 { format!("{} GiB", bytes >> 30) } else { format!("{} MiB", bytes >> 20) }
}
