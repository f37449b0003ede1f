//! An embedder that keeps its vectors from run to run, by the text's hash: tens of thousands of passages of public sets are
//! computed once. They are the same bits each time, so no figure of quality changes by it, and none of speed is taken here.

use anyhow::{Context, Result};
use embed::{Embedder, Error};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

type Key = [u8; 32];

pub struct Kept {
    inner: Box<dyn Embedder>,
    known: Mutex<HashMap<Key, Vec<f32>>>,
    file: Mutex<File>,
}

impl Kept {
    /// `folder`: where the vectors of this model lie, in a file of their own.
    pub fn new(inner: Box<dyn Embedder>, folder: &Path) -> Result<Kept> {
        std::fs::create_dir_all(folder)?;
        let name = inner.model().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let path = folder.join(format!("{name}.vectors"));
        let mut open = OpenOptions::new();
        let mut file = open.read(true).append(true).create(true).open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(|| format!("failed to read {}", path.display()))?;
        let record = 32 + 4 * inner.dim();
        // A run that was stopped may have left half a record: what follows it could not be read.
        file.set_len(u64::try_from(bytes.len() / record * record)?)?;
        let known = bytes.chunks_exact(record).filter_map(read).collect();
        Ok(Kept { inner, known: Mutex::new(known), file: Mutex::new(file) })
    }

    /// On both halves of the machine: a vector depends on its text alone.
    fn compute(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let (left, right) = texts.split_at(texts.len() / 2);
        std::thread::scope(|scope| {
            let beside = scope.spawn(|| self.inner.embed(right));
            let mut all = self.inner.embed(left)?;
            all.extend(beside.join().unwrap_or_else(|_| self.inner.embed(right))?);
            Ok(all)
        })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, Vec<f32>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Embedder for Kept {
    fn model(&self) -> &str {
        self.inner.model()
    }

    fn dim(&self) -> usize {
        self.inner.dim()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let keys: Vec<Key> = texts.iter().map(|text| *blake3::hash(text.as_bytes()).as_bytes()).collect();
        let missing: Vec<(Key, &str)> = {
            let known = self.known();
            keys.iter()
                .copied()
                .zip(texts.iter().copied())
                .filter(|(key, _)| !known.contains_key(key))
                .collect()
        };
        if !missing.is_empty() {
            let made = self.compute(&missing.iter().map(|(_, text)| *text).collect::<Vec<_>>())?;
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            for ((key, _), vector) in missing.iter().zip(made) {
                let mut record = key.to_vec();
                record.extend(vector.iter().flat_map(|x| x.to_le_bytes()));
                // Only the next run is slower without it.
                let _ = file.write_all(&record);
                self.known().insert(*key, vector);
            }
        }
        let known = self.known();
        Ok(keys.iter().map(|key| known.get(key).cloned().unwrap_or_default()).collect())
    }
}

fn read(record: &[u8]) -> Option<(Key, Vec<f32>)> {
    let (key, vector) = record.split_first_chunk::<32>()?;
    let vector = vector.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    Some((*key, vector))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    struct Counting(Arc<AtomicUsize>);

    impl Embedder for Counting {
        fn model(&self) -> &str {
            "counting/1"
        }
        fn dim(&self) -> usize {
            2
        }
        fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
            self.0.fetch_add(texts.len(), Ordering::Relaxed);
            Ok(texts.iter().map(|text| vec![if text.starts_with('a') { 1.0 } else { 0.0 }, 0.5]).collect())
        }
    }

    #[test]
    fn a_text_is_computed_once_over_runs_and_half_a_record_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let computed = Arc::new(AtomicUsize::new(0));
        let open = || Kept::new(Box::new(Counting(Arc::clone(&computed))), folder.path()).unwrap();
        let first = open().embed(&["apple", "bread", "apricot"]).unwrap();
        assert_eq!(first, [[1.0, 0.5], [0.0, 0.5], [1.0, 0.5]]);
        let file = folder.path().join("counting-1.vectors");
        let mut torn = std::fs::read(&file).unwrap();
        torn.extend([7; 11]);
        std::fs::write(&file, torn).unwrap();
        assert_eq!(open().embed(&["bread", "corn"]).unwrap(), [[0.0, 0.5], [0.0, 0.5]]);
        assert_eq!(open().embed(&["corn", "apple"]).unwrap(), [[0.0, 0.5], [1.0, 0.5]]);
        assert_eq!(computed.load(Ordering::Relaxed), 4);
    }
}
