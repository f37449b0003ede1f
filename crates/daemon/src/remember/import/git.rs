//! A git history: a note per commit with its words and the files that it touched.

use super::Brought;
use anyhow::{Context, Result, bail};
use protocol::fact::NoteKind;
use std::path::Path;
use std::process::{Command, Stdio};

/// Between commits, and between the parts of one: no message holds them.
const COMMIT: char = '\u{1e}';
const PART: char = '\u{1f}';
/// Files that a note names; of a commit with more, so many.
const FILES: usize = 60;

/// Oldest first, so that each follows the one before. Merges say nothing of their own.
pub fn read(repository: &Path) -> Result<Brought> {
    let format = format!("--format={COMMIT}%H{PART}%cs{PART}%s{PART}%b{PART}");
    let log = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args([
            "-c",
            "core.quotePath=false",
            "-c",
            "log.showSignature=false",
            "log",
            "--reverse",
            "--no-merges",
        ])
        .args(["--no-color", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--name-only", &format])
        .stdin(Stdio::null())
        .output()
        .context("failed to start git; is it installed?")?;
    if !log.status.success() {
        let why = String::from_utf8_lossy(&log.stderr);
        bail!("failed to read the history of {}: {}", repository.display(), why.trim());
    }
    Ok(history(&String::from_utf8_lossy(&log.stdout)))
}

fn history(log: &str) -> Brought {
    let mut brought = Brought::default();
    for commit in log.split(COMMIT).skip(1) {
        let mut parts = commit.splitn(5, PART);
        let mut part = || parts.next().unwrap_or_default().trim();
        let (hash, date, subject, body) = (part(), part(), part(), part());
        let files: Vec<&str> = part().lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let mut text = format!("{subject}\n");
        if !body.is_empty() {
            text.push_str(&format!("\n{body}\n"));
        }
        let short = hash.get(..12).unwrap_or(hash);
        text.push_str(&format!("\nCommit {short} of {date}."));
        if !files.is_empty() {
            let named =
                files.iter().take(FILES).map(|file| format!("- {file}")).collect::<Vec<_>>().join("\n");
            let more = files.len().saturating_sub(FILES);
            let more = if more > 0 { format!("\n- and {more} more") } else { String::new() };
            text.push_str(&format!(" Files:\n{named}{more}"));
        }
        brought.text(NoteKind::Step, subject, &format!("git:{hash}"), &text);
    }
    brought
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_a_note_with_its_words_and_files() {
        let dir = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let done = Command::new("git")
                .arg("-C")
                .arg(dir.path())
                .args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
                .args(args)
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .output()
                .unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        };
        git(&["init", "-q", "-b", "main"]);
        std::fs::write(dir.path().join("café.md"), "x").unwrap();
        git(&["add", "."]);
        git(&["commit", "-qm", "menu: rye bread\n\nWheat was\nout of stock."]);
        std::fs::write(dir.path().join("b.rs"), "x").unwrap();
        git(&["add", "."]);
        git(&["commit", "-qm", "fix the form"]);
        let brought = read(dir.path()).unwrap();
        assert_eq!(brought.notes.len(), 2);
        let note = &brought.notes[0];
        assert_eq!((note.title.as_str(), note.kind), ("menu: rye bread", NoteKind::Step));
        assert!(
            note.text.contains("Wheat was\nout of stock.") && note.text.contains("- café.md"),
            "{}",
            note.text
        );
        let source = note.source.as_deref().unwrap();
        assert!(source.starts_with("git:") && source.len() == 44, "{source}");
        assert!(read(&dir.path().join("nowhere")).is_err());
    }
}
