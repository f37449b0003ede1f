//! What is on the disk, whatever it is.

use std::path::Path;
use testkit::Workspace;

/// Fails if any file below the home holds these words: the journal, the memory, their logs, what runs left, the
/// projects with their repositories. The agents' own session files are left out: they belong to the agents' programs.
pub fn hold_nothing(workspace: &Workspace, words: &str) {
    hold_nothing_in(&workspace.home(), words);
}

pub fn hold_nothing_in(home: &Path, words: &str) {
    let left = holding(home, words);
    assert!(left.is_empty(), "{words} is still in {left:?}");
}

/// The files that hold these words.
pub fn holding(home: &Path, words: &str) -> Vec<String> {
    let (mut looked, mut left) = (0, Vec::new());
    look(home, home, words.as_bytes(), &mut looked, &mut left);
    assert!(looked > 1, "only {looked} files were looked at");
    left
}

fn look(home: &Path, folder: &Path, words: &[u8], looked: &mut u32, left: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            let own = path == home.join("agents") || path == home.join("deps");
            if !own {
                look(home, &path, words, looked, left);
            }
        } else if kind.is_file() {
            *looked += 1;
            let bytes = std::fs::read(&path).unwrap();
            if bytes.windows(words.len()).any(|window| window == words) {
                left.push(path.strip_prefix(home).unwrap().display().to_string());
            }
        }
    }
}
