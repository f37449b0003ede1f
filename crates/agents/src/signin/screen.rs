//! What a program printed, as plain text: bounded, without control sequences, and shown without what the user typed.

use std::collections::HashSet;

/// Characters that are kept. The address and the prompt stand near the end.
const KEPT: usize = 48 << 10;
/// Lines that are shown, and characters of each.
const LINES: usize = 24;
const WIDTH: usize = 400;
/// A piece of what was typed is hidden from this length on, so that a break in it hides nothing less.
const PIECE: usize = 6;
const HIDDEN: &str = "•••";

/// Where we are within a control sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    /// After ESC.
    Begun,
    /// `ESC [`: up to a letter.
    Control,
    /// `ESC ]` and the like: up to BEL or `ESC \`.
    Text {
        escape: bool,
    },
    /// One more character, such as after `ESC (`.
    One,
}

#[derive(Debug)]
pub(super) struct Screen {
    text: String,
    /// How much was dropped from its beginning.
    dropped: usize,
    escape: Escape,
    /// The beginning of a character that is not complete.
    rest: Vec<u8>,
    typed: Vec<Typed>,
}

/// What the user typed, in pieces that overlap: all of them that were not on the screen before.
#[derive(Debug)]
struct Typed {
    pieces: HashSet<Vec<char>>,
    length: usize,
}

impl Screen {
    pub fn new() -> Screen {
        Screen { text: String::new(), dropped: 0, escape: Escape::None, rest: Vec::new(), typed: Vec::new() }
    }

    pub fn take(&mut self, bytes: &[u8]) {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let mut bytes = &all[..];
        loop {
            match std::str::from_utf8(bytes) {
                Ok(text) => {
                    self.put(text);
                    break;
                }
                Err(error) => {
                    let (good, bad) = bytes.split_at(error.valid_up_to());
                    self.put(&String::from_utf8_lossy(good));
                    match error.error_len() {
                        Some(wrong) => bytes = &bad[wrong..],
                        None => {
                            self.rest = bad.to_vec();
                            break;
                        }
                    }
                }
            }
        }
        self.forget_the_old();
    }

    fn put(&mut self, text: &str) {
        for c in text.chars() {
            self.escape = match (self.escape, c) {
                (Escape::None, '\u{1b}') => Escape::Begun,
                (Escape::None, '\n' | '\r') => {
                    if !self.text.ends_with('\n') {
                        self.text.push('\n');
                    }
                    Escape::None
                }
                (Escape::None, '\t') => {
                    self.text.push(' ');
                    Escape::None
                }
                (Escape::None, c) => {
                    if !c.is_control() {
                        self.text.push(c);
                    }
                    Escape::None
                }
                (Escape::Begun, '[') => Escape::Control,
                (Escape::Begun, ']' | 'P' | 'X' | '^' | '_') => Escape::Text { escape: false },
                (Escape::Begun, ' '..='/') => Escape::One,
                (Escape::Begun | Escape::One, _) => Escape::None,
                (Escape::Control, '@'..='~') => Escape::None,
                // A sequence that is none: what follows is text again.
                (Escape::Control, '\n') => Escape::None,
                (Escape::Control, _) => Escape::Control,
                (Escape::Text { .. }, '\u{7}' | '\n') | (Escape::Text { escape: true }, '\\') => Escape::None,
                (Escape::Text { .. }, c) => Escape::Text { escape: c == '\u{1b}' },
            };
        }
    }

    fn forget_the_old(&mut self) {
        if self.text.len() <= KEPT {
            return;
        }
        let mut cut = self.text.len() - KEPT / 2;
        while !self.text.is_char_boundary(cut) {
            cut += 1;
        }
        self.text.drain(..cut);
        self.dropped += cut;
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// A place in the text, for [`Screen::since`].
    pub fn end(&self) -> usize {
        self.dropped + self.text.len()
    }

    pub fn since(&self, place: usize) -> &str {
        self.text.get(place.saturating_sub(self.dropped)..).unwrap_or_default()
    }

    /// From now on this is shown nowhere. What the program itself has printed is no secret of the user's: an address that is
    /// pasted back holds much of it.
    pub fn hide(&mut self, typed: &str) {
        let secret: Vec<char> = typed.chars().collect();
        let length = PIECE.min(secret.len());
        if length > 0 {
            let known: Vec<char> = self.text.chars().collect();
            let known: HashSet<&[char]> = known.windows(length).collect();
            let pieces = secret.windows(length).filter(|piece| !known.contains(piece)).map(<[char]>::to_vec);
            self.typed.push(Typed { pieces: pieces.collect(), length });
        }
    }

    /// The last lines, as they may be shown.
    pub fn lines(&self) -> Vec<String> {
        let shown = self.hidden(&self.text);
        let lines = shown.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
        let mut lines: Vec<String> =
            lines.rev().take(LINES).map(|line| line.chars().take(WIDTH).collect()).collect();
        lines.reverse();
        lines
    }

    /// This text without what was typed.
    pub fn hidden(&self, text: &str) -> String {
        self.typed.iter().fold(text.to_owned(), |text, typed| without(&text, typed))
    }
}

fn without(text: &str, typed: &Typed) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut hide = vec![false; chars.len()];
    for (start, window) in chars.windows(typed.length).enumerate() {
        if typed.pieces.contains(window) {
            hide[start..start + typed.length].fill(true);
        }
    }
    let mut out = String::new();
    let mut hiding = false;
    for (c, hide) in chars.iter().zip(hide) {
        if !hide {
            out.push(*c);
        } else if !hiding {
            out.push_str(HIDDEN);
        }
        hiding = hide;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(bytes: &[u8]) -> String {
        let mut screen = Screen::new();
        screen.take(bytes);
        screen.text().to_owned()
    }

    #[test]
    fn control_sequences_are_no_text() {
        let table = [
            ("\u{1b}[94mhttp://x/y\u{1b}[0m\r\n", "http://x/y\n"),
            ("\u{1b}]8;;http://hidden\u{7}link\u{1b}]8;;\u{1b}\\!", "link!"),
            ("\u{1b}[?1049h\u{1b}[2J\u{1b}[H\u{1b}(Bmenu\u{1b}[<u", "menu"),
            ("a\u{0}b\u{8}c", "abc"),
            ("one\r\r\n\ntwo", "one\ntwo"),
        ];
        for (raw, expected) in table {
            assert_eq!(plain(raw.as_bytes()), expected);
        }
    }

    #[test]
    fn what_was_typed_is_shown_nowhere() {
        let mut screen = Screen::new();
        screen.hide("4/0AbCdEfGhIjKl#state-9");
        screen.take(b"Enter the code: 4/0AbCdEf\nGhIjKl#state-9\nfailed with 4/0AbCdEfGhIjKl#state-9.\n");
        assert_eq!(screen.lines(), ["Enter the code: •••", "•••", "failed with •••."]);
        let mut short = Screen::new();
        short.hide("abc");
        short.take(b"> abc ok");
        assert_eq!(short.lines(), ["> ••• ok"]);
    }

    #[test]
    fn what_the_program_printed_before_stays() {
        let mut screen = Screen::new();
        screen.take(b"server on http://localhost:1455, state=abcdefgh\n");
        screen.hide("http://localhost:1455/auth?code=0123456789&state=abcdefgh");
        screen.take(b"got /auth?code=0123456789 on http://localhost:1455\n");
        let lines = screen.lines();
        assert_eq!(lines[0], "server on http://localhost:1455, state=abcdefgh");
        assert!(!lines[1].contains("0123456789") && lines[1].ends_with("http://localhost:1455"), "{lines:?}");
    }

    #[test]
    fn it_stays_small_and_places_stay_right() {
        let mut screen = Screen::new();
        screen.take("x".repeat(KEPT - 1).as_bytes());
        let place = screen.end();
        for _ in 0..10 {
            screen.take("äöü\n".repeat(2000).as_bytes());
        }
        assert!(screen.text().len() <= KEPT);
        assert!(screen.since(place).len() <= KEPT);
        screen.take(b"the end");
        assert!(screen.since(screen.end() - 3).ends_with("end"));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(bytes: Vec<u8>, cut: prop::sample::Index) {
            let cut = cut.index(bytes.len() + 1);
            let mut screen = Screen::new();
            screen.take(&bytes[..cut]);
            screen.take(&bytes[cut..]);
            prop_assert_eq!(screen.text(), plain(&bytes));
            prop_assert!(!screen.text().chars().any(|c| c.is_control() && c != '\n'));
        }

        #[test]
        fn no_piece_of_a_secret_is_left(before in "\\PC{0,20}", secret in "[a-zA-Z0-9/#-]{6,60}", after in "\\PC{0,20}") {
            let mut screen = Screen::new();
            screen.hide(&secret);
            let hidden = screen.hidden(&format!("{before}{secret}{after}"));
            prop_assert!(!hidden.contains(&secret));
        }
    }
}
