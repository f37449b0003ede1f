//! The files of the folder: one per space, and what SQLite puts beside it.

use crate::error::Error;
use protocol::ProjectId;
use std::path::{Path, PathBuf};

const ENDING: &str = ".db";

/// Capitals are marked, for file systems that take `A` and `a` for the same.
pub(crate) fn path(dir: &Path, space: &ProjectId) -> PathBuf {
    let mut name = String::new();
    for c in space.as_str().chars() {
        if c.is_ascii_uppercase() {
            name.push('+');
        }
        name.push(c.to_ascii_lowercase());
    }
    name.push_str(ENDING);
    dir.join(name)
}

fn space(name: &str) -> Option<ProjectId> {
    let mut id = String::new();
    let mut capital = false;
    for c in name.strip_suffix(ENDING)?.chars() {
        match c {
            '+' => capital = true,
            c if std::mem::take(&mut capital) => id.push(c.to_ascii_uppercase()),
            c => id.push(c),
        }
    }
    ProjectId::new(id).ok()
}

/// Every space that has a file, in order of name.
pub(crate) fn spaces(dir: &Path) -> Result<Vec<ProjectId>, Error> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(dir)? {
        found.extend(file?.file_name().to_str().and_then(space));
    }
    found.sort();
    Ok(found)
}

pub(crate) fn throw_away(path: &Path) -> Result<(), Error> {
    for file in beside(path) {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Bytes on the disk.
pub(crate) fn bytes(path: &Path) -> u64 {
    beside(path).iter().filter_map(|file| std::fs::metadata(file).ok()).map(|file| file.len()).sum()
}

fn beside(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| {
        let mut file = path.as_os_str().to_owned();
        file.push(ending);
        PathBuf::from(file)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_known_by_its_file() {
        for id in ["bakery", "Bakery", "aB.c-D_9", "x.db", "x.db-wal"] {
            let id = ProjectId::new(id).unwrap();
            let file = path(Path::new(""), &id);
            assert_eq!(space(file.to_str().unwrap()), Some(id));
        }
        assert_eq!(space("bakery.db-wal"), None);
        assert_eq!(space(".db"), None);
    }
}
