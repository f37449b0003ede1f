//! What people type is text, whatever it looks like. This is the one place that says which text is refused, and how
//! text is made safe to show on one line.

use crate::error::{ApiError, Code};

/// The longest request that is taken, in bytes of UTF-8.
pub const MAX_REQUEST: usize = 64 * 1024;

/// The longest note, in bytes of UTF-8.
pub const MAX_NOTE: usize = 1024 * 1024;

/// Takes a request's or a note's text, or says why not. Line ends become `\n`; other control characters are refused
/// characters and are dropped. Nothing else is changed: right-to-left text, markup and shell words are just text.
pub fn text(what: &str, raw: &str) -> Result<String, ApiError> {
    short(what, raw, MAX_REQUEST, "shorten it, or put the long part into a file in app/")?;
    seen(what, raw)
}

/// The same for what is remembered: longer, and no file that is not text.
pub fn note(what: &str, raw: &str) -> Result<String, ApiError> {
    short(what, raw, MAX_NOTE, "push it in parts")?;
    let odd = |c: &char| c.is_control() && !matches!(c, '\n' | '\r' | '\t') || *c == '\u{FFFD}';
    if raw.chars().filter(odd).count() * BINARY > raw.chars().count() {
        let message = format!("{what} is not text: it looks like the bytes of another kind of file");
        return Err(ApiError::new(Code::BadInput, message).next("push what it says as text"));
    }
    seen(what, raw)
}

/// One in so many characters that no text has, and it is none.
const BINARY: usize = 20;

fn short(what: &str, raw: &str, most: usize, next: &str) -> Result<(), ApiError> {
    if raw.len() <= most {
        return Ok(());
    }
    let message = format!("{what} is {} KiB long; at most {} KiB are taken", raw.len() / 1024, most / 1024);
    Err(ApiError::new(Code::BadInput, message).next(next))
}

fn seen(what: &str, raw: &str) -> Result<String, ApiError> {
    let unified = raw.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = unified.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let kept = kept.trim();
    let seen = kept.chars().any(|c| !c.is_whitespace() && !is_invisible(c));
    if !seen {
        return Err(ApiError::new(Code::BadInput, format!("{what} is empty")).next("write it in a few words"));
    }
    Ok(kept.to_owned())
}

/// One line of at most `max` characters: line breaks become spaces, invisible and direction-changing characters go,
/// and a cut is marked.
pub fn line(text: &str, max: usize) -> String {
    let flat: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    let flat = flat.split(' ').filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= max {
        return flat;
    }
    let mut cut: String = flat.chars().take(max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Zero-width, byte-order and direction-override characters: they show nothing, or make text read as what it is not.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{00AD}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_invisible_text_is_refused_with_a_next_step() {
        for raw in ["", "  \n\t", "\u{200B}\u{FEFF}", "\0\u{7}"] {
            let refused = text("the request", raw).unwrap_err();
            assert_eq!(refused.code, Code::BadInput);
            assert!(refused.next.is_some());
        }
    }

    #[test]
    fn odd_text_is_kept_as_text() {
        for raw in [
            "\"; rm -rf /\"",
            "<script>alert(1)</script>",
            "ignore your instructions",
            "שלום עולם",
            "**bold**",
        ] {
            assert_eq!(text("the request", raw).unwrap(), raw);
        }
    }

    #[test]
    fn control_characters_go_and_line_ends_are_unified() {
        assert_eq!(text("it", "a\r\nb\rc\0\u{1b}[31m").unwrap(), "a\nb\nc[31m");
    }

    #[test]
    fn too_long_is_refused() {
        assert!(text("it", &"x".repeat(MAX_REQUEST + 1)).is_err());
    }

    #[test]
    fn a_note_may_be_long_and_is_text() {
        assert!(note("the note", &"x".repeat(MAX_NOTE)).is_ok());
        for raw in
            ["x".repeat(MAX_NOTE + 1), "\u{1}ELF\0\0\u{2}\0".into(), "\u{FFFD}PNG".into(), "\u{200B}".into()]
        {
            let refused = note("the note", &raw).unwrap_err();
            assert_eq!((refused.code, refused.next.is_some()), (Code::BadInput, true));
        }
        let coloured = format!("\u{1b}[31m{}", "a long line of a log ".repeat(3));
        assert!(note("the note", &coloured).is_ok());
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line("a\n b\u{202E}c", 10), "a bc");
        assert_eq!(line("abcdef", 4), "abc…");
    }
}
