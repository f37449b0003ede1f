//! Markdown: a file, or all of a folder. One note per file, without its front matter; passages are cut later.

use super::Brought;
use anyhow::{Context, Result, ensure};
use protocol::clean;
use protocol::fact::NoteKind;
use std::fs;
use std::path::Path;

const ENDINGS: [&str; 4] = ["md", "markdown", "mdx", "mdown"];
/// Folders of tools, not of people.
const NOT_OURS: [&str; 3] = ["node_modules", "target", "vendor"];
/// Folders within folders.
const DEEP: usize = 32;
/// A bigger file is no text that somebody wrote.
const MOST: u64 = 64 * 1024 * 1024;

pub fn read(path: &Path) -> Result<Brought> {
    let meta = fs::metadata(path).with_context(|| format!("failed to read {}", path.display()))?;
    let mut brought = Brought::default();
    let name = path.file_name().or_else(|| path.parent()?.file_name());
    let name = name.map_or_else(|| "notes".to_owned(), |name| name.to_string_lossy().into_owned());
    if meta.is_dir() {
        folder(path, &name, DEEP, &mut brought)?;
        ensure!(
            !brought.notes.is_empty() || !brought.left.is_empty(),
            "there is no Markdown in {}",
            path.display()
        );
    } else {
        file(path, &name, &mut brought);
    }
    Ok(brought)
}

/// In the order of their names. Links are not followed.
fn folder(dir: &Path, source: &str, deep: usize, brought: &mut Brought) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(dir)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .with_context(|| format!("failed to read {}", dir.display()))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let Ok(kind) = entry.file_type() else { continue };
        let within = format!("{source}/{name}");
        let ours = !name.starts_with('.') && !NOT_OURS.contains(&name.as_str());
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if kind.is_dir() && ours && deep > 0 {
            folder(&path, &within, deep - 1, brought)?;
        } else if kind.is_file() && ours && ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) {
            file(&path, &within, brought);
        }
    }
    Ok(())
}

fn file(path: &Path, source: &str, brought: &mut Brought) {
    let source = clean::line(source, usize::MAX);
    let small = fs::metadata(path).is_ok_and(|meta| meta.len() <= MOST);
    let text = if small { fs::read(path).map_err(|e| e.to_string()) } else { Err("it is too big".into()) };
    match text.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".into())) {
        Ok(text) if text.contains('\0') => brought.left.push(format!("{source}: it is no text")),
        Ok(text) => brought.text(
            NoteKind::Document,
            "",
            &source,
            without_front_matter(text.trim_start_matches('\u{FEFF}')),
        ),
        Err(why) => brought.left.push(format!("{source}: {why}")),
    }
}

/// Between two lines of `---` at the very beginning, and not what a rule in the text parts.
fn without_front_matter(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else { return text };
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        at += line.len();
        if matches!(line.trim_end(), "---" | "...") {
            return rest.get(at..).unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_no_part_of_the_text() {
        assert_eq!(without_front_matter("---\ntitle: x\n---\n# One\n"), "# One\n");
        assert_eq!(without_front_matter("---\r\na: b\r\n...\r\ntext"), "text");
        for whole in ["# One\n---\ntwo", "---\nno end", "", "----\nx\n---\n"] {
            assert_eq!(without_front_matter(whole), whole);
        }
    }

    #[test]
    fn a_folder_gives_a_note_for_each_file_of_text() {
        let dir = tempfile::tempdir().unwrap();
        let docs = dir.path().join("docs");
        for (path, bytes) in [
            ("a.md", &b"---\nx: y\n---\n# One\n"[..]),
            ("deep/er/b.MD", b"two"),
            ("c.txt", b"no"),
            ("empty.md", b" \n"),
            ("odd.md", b"\xff\xfe"),
            (".git/d.md", b"no"),
            ("node_modules/e.md", b"no"),
        ] {
            let path = docs.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        std::os::unix::fs::symlink("/etc", docs.join("link")).unwrap();
        let brought = read(&docs).unwrap();
        let notes: Vec<_> =
            brought.notes.iter().map(|note| (note.source.as_deref().unwrap(), note.text.as_str())).collect();
        assert_eq!(notes, [("docs/a.md", "# One\n"), ("docs/deep/er/b.MD", "two")]);
        assert_eq!(brought.left.len(), 2, "{:?}", brought.left);
        assert_eq!(read(&docs.join("c.txt")).unwrap().notes[0].source.as_deref(), Some("c.txt"));
        assert!(read(&dir.path().join("nothing")).is_err());
    }
}
