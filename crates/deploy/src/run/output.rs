//! A program's output: kept in bounds, and the lines of it that say what went wrong.

use std::collections::VecDeque;

const HEAD: usize = 1024 * 1024;
const TAIL: usize = 3 * 1024 * 1024;
const MAX_LINES: usize = 40;

/// The beginning and the end of a stream of any length.
#[derive(Default)]
pub(super) struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Kept {
    pub fn push(&mut self, data: &[u8]) {
        let room = HEAD.saturating_sub(self.head.len()).min(data.len());
        self.head.extend_from_slice(&data[..room]);
        self.tail.extend(&data[room..]);
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
        self.left_out += over as u64;
    }

    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        if self.left_out > 0 {
            bytes.extend_from_slice(format!("\n… {} bytes are left out here …\n", self.left_out).as_bytes());
        }
        bytes.extend(self.tail);
        bytes
    }
}

/// The lines of a log that tell what went wrong, at most 40: those that speak of an error with what stands around
/// them, else the last ones. Colours go, and so does `root` (a worktree's path means nothing to a reader).
pub(crate) fn relevant(log: &[u8], root: &str) -> Vec<String> {
    let text = strip_ansi(&String::from_utf8_lossy(log)).replace(&format!("{root}/"), "").replace(root, ".");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut wanted = vec![false; lines.len()];
    for (at, line) in lines.iter().enumerate() {
        if is_error(line) {
            let end = (at + 7).min(lines.len());
            wanted[at.saturating_sub(1)..end].iter_mut().for_each(|wanted| *wanted = true);
        }
    }
    let noise = |line: &str| {
        let inside_tools = line.contains("node:internal") || line.contains("node_modules/");
        line.trim().is_empty() || line.trim_start().starts_with("at ") && inside_tools
    };
    let mut picked: Vec<String> = Vec::new();
    for (line, wanted) in lines.iter().zip(&wanted) {
        if *wanted && !noise(line) {
            picked.push(line.chars().take(300).collect());
        }
    }
    if picked.is_empty() {
        let last: Vec<&&str> = lines.iter().filter(|line| !noise(line)).collect();
        picked = last
            .iter()
            .skip(last.len().saturating_sub(20))
            .map(|line| line.chars().take(300).collect())
            .collect();
    }
    picked.truncate(MAX_LINES);
    picked
}

fn is_error(line: &str) -> bool {
    const WORDS: &[&str] = &[
        "error",
        "failed",
        "cannot find",
        "could not",
        "unexpected",
        "not ok",
        "exception",
        "assertion",
        "✖",
        "✗",
        "expected:",
        "actual:",
        "unresolved",
        "killed",
        "not found",
        "is not defined",
        "is not a function",
        "is not exported",
    ];
    let line = line.to_lowercase();
    // A summary of zero errors is none.
    !line.contains("0 errors")
        && !line.starts_with("ℹ fail 0")
        && WORDS.iter().any(|word| line.contains(word))
}

fn strip_ansi(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some('[') => while chars.next().is_some_and(|c| !matches!(c, '\u{40}'..='\u{7e}')) {},
                Some(']') => while chars.next().is_some_and(|c| c != '\u{7}' && c != '\u{1b}') {},
                _ => {}
            },
            '\r' if chars.peek() != Some(&'\n') => out.push('\n'),
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_and_the_tail_of_a_flood_are_kept() {
        let mut kept = Kept::default();
        kept.push(b"first");
        for _ in 0..100 {
            kept.push(&[b'x'; 100_000]);
        }
        kept.push(b"last");
        let bytes = kept.into_bytes();
        assert!(bytes.starts_with(b"first") && bytes.ends_with(b"last") && bytes.len() < HEAD + TAIL + 100);
        assert!(String::from_utf8_lossy(&bytes).contains("are left out here"));
    }

    #[test]
    fn the_lines_that_matter_are_found_without_colours_and_paths() {
        let mut log = String::from("building\n");
        log.push_str(&"transforming\n".repeat(500));
        log.push_str(
            "\u{1b}[31merror\u{1b}[39m: /w/t/app/app/routes/home.tsx:3:1 Unexpected token\n  2 | <div>\n",
        );
        log.push_str(&"more\n".repeat(500));
        let lines = relevant(log.as_bytes(), "/w/t/app");
        assert!(
            lines.iter().any(|line| line == "error: app/routes/home.tsx:3:1 Unexpected token"),
            "{lines:?}"
        );
        assert!(lines.len() <= 10);
    }

    #[test]
    fn where_the_tools_themselves_stood_is_left_out() {
        let log = b"Error: broken\n    at build (file:///h/deps/k/node_modules/vite/x.js:1:2)\n    at mine (app/x.js:3)\n";
        assert_eq!(relevant(log, "/w"), ["Error: broken", "    at mine (app/x.js:3)"]);
    }

    #[test]
    fn a_log_with_no_word_of_error_gives_its_end() {
        assert_eq!(relevant(b"one\ntwo\n\n", "/x"), ["one", "two"]);
    }

    #[test]
    fn hostile_output_is_bounded_text() {
        let log = [b"\xff\xfe error \x1b]0;title\x07\x1b[2J".as_slice(), &vec![b'e'; 5_000_000]].concat();
        let lines = relevant(&log, "/x");
        assert!(
            lines.len() <= 40
                && lines.iter().all(|line| line.chars().count() <= 300 && !line.contains('\u{1b}'))
        );
    }
}
