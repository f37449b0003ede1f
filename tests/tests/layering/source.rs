//! Reads the source files for the layering test: what is shipped, without comments and without test code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Done;

/// One shipped source file.
pub struct Source {
    /// From the root of the repository, with forward slashes.
    pub path: String,
    /// Line number and text of each line that is code.
    pub code: Vec<(usize, String)>,
}

pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().map(Path::to_path_buf).unwrap_or(here)
}

/// What git tracks, and what it would if everything new were added.
pub fn tracked_files() -> Done<Vec<String>> {
    let out = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into());
    }
    let all = String::from_utf8(out.stdout)?;
    Ok(all.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

/// The shipped sources of all rooms but the test kit, which stands in for all kinds of things.
pub fn sources() -> Done<Vec<Source>> {
    let shipped = |path: &String| {
        path.ends_with(".rs")
            && path.contains("/src/")
            && !path.starts_with("crates/testkit/")
            && !path.contains("/starters/")
            && !["xtask/", "bench/", "tests/"].iter().any(|tool| path.starts_with(tool))
    };
    let mut read = Vec::new();
    let mut test_modules = BTreeSet::new();
    for path in tracked_files()?.into_iter().filter(shipped) {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        test_modules.extend(test_modules_of(&path, &text));
        read.push(Source { code: code_of(&text), path });
    }
    read.retain(|file| {
        !test_modules
            .iter()
            .any(|module| file.path == format!("{module}.rs") || file.path.starts_with(&format!("{module}/")))
    });
    Ok(read)
}

/// Whether `word` stands in `code` as a word of its own, not as a part of a longer one.
pub fn names(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let open_end = word.ends_with(|c| !part(c)) || word.ends_with('_') || word.starts_with("\"/");
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let starts = !word.starts_with(part) || !before.is_some_and(part);
        starts && (open_end || !after.is_some_and(part))
    })
}

/// Files that are modules under `#[cfg(test)] mod NAME;`, as paths without their ending.
fn test_modules_of(path: &str, text: &str) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.trim_end_matches(".rs");
    let below =
        if ["lib", "main", "mod"].contains(&stem) { folder.to_owned() } else { format!("{folder}/{stem}") };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let marked = lines.windows(2).filter(|pair| pair[0].starts_with("#[cfg(test)]"));
    marked
        .filter_map(|pair| {
            let name = pair[1].strip_suffix(';')?.rsplit_once("mod ")?.1;
            Some(format!("{below}/{name}"))
        })
        .collect()
}

/// Drops comments and inline test modules (by convention they close with a brace at the start of a line).
fn code_of(text: &str) -> Vec<(usize, String)> {
    let mut code = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        if line.starts_with("#[cfg(test)]") && lines.peek().is_some_and(|(_, next)| next.ends_with('{')) {
            lines.by_ref().find(|(_, inner)| *inner == "}");
            continue;
        }
        let line = line
            .split_once("//")
            .map_or(line, |(before, _)| if before.ends_with(':') { line } else { before });
        if !line.trim().is_empty() {
            code.push((number + 1, line.to_owned()));
        }
    }
    code
}

#[test]
fn a_word_is_found_only_as_a_word() {
    assert!(names("use tokio::fs;", "tokio"));
    assert!(!names("operand(1)", "rand"));
    assert!(names("get(\"/api/hello\")", "\"/api/"));
    assert!(names("fetch_with_str(url)", "fetch_with_"));
    assert!(!names("\"codex-like\"", "\"codex\""));
}

#[test]
fn comments_and_test_modules_are_no_code() {
    let text = "fn a() {} // tokio\n#[cfg(test)]\nmod tests {\n    use tokio::x;\n}\nfn b() {}\n";
    let code: Vec<String> =
        code_of(text).into_iter().map(|(line, code)| format!("{line} {}", code.trim())).collect();
    assert_eq!(code, ["1 fn a() {}", "6 fn b() {}"]);
    assert_eq!(
        test_modules_of("ui/src/words/mod.rs", "#[cfg(test)]\npub mod sample;\n"),
        ["ui/src/words/sample"]
    );
    assert_eq!(
        test_modules_of("crates/engine/src/state.rs", "#[cfg(test)]\nmod tests;\n"),
        ["crates/engine/src/state/tests"]
    );
}
