//! Small tools for English phrases: sentences, quotes, names, lists.

use protocol::clean;

const QUOTES: &[(char, char)] =
    &[('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('‘', '’'), ('`', '`'), ('\'', '\'')];

/// Sentences and lines, each an order of its own. A dot ends a sentence only before a space and a capital.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for line in text.lines() {
        let line = line.trim().trim_start_matches(['-', '*', '•']).trim();
        let mut rest = line;
        while let Some(end) = sentence_end(rest) {
            all.push(rest[..end].trim().to_owned());
            rest = &rest[end..];
        }
        all.push(rest.trim().to_owned());
    }
    all.retain(|sentence| sentence.chars().any(char::is_alphanumeric) || !sentence.is_empty());
    all
}

fn sentence_end(text: &str) -> Option<usize> {
    let mut closing = None;
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    for (place, (at, c)) in chars.iter().enumerate() {
        if let Some(close) = closing {
            if *c == close {
                closing = None;
            }
            continue;
        }
        closing = opening(text, *at, *c);
        let ends = matches!(c, '.' | '!' | '?' | ';');
        let before = if place > 1 { chars.get(place - 2).map(|(_, c)| *c) } else { None };
        // "St. Mary" and "B. Brown" are names.
        let short = before.is_none_or(|c| c.is_whitespace() || c.is_uppercase());
        let next = chars.get(place + 1).is_some_and(|(_, c)| c.is_whitespace());
        let capital = chars.get(place + 2).is_some_and(|(_, c)| c.is_uppercase() || !c.is_ascii());
        if ends && next && !short && (capital || *c == ';') {
            return Some(at + c.len_utf8());
        }
    }
    None
}

fn opening(text: &str, at: usize, c: char) -> Option<char> {
    let (_, close) = QUOTES.iter().find(|(open, _)| *open == c)?;
    let rest = &text[at + c.len_utf8()..];
    if c == '\'' {
        // An apostrophe opens nothing: only one before a word, with a partner behind one.
        let before_word =
            !text[..at].ends_with(char::is_alphanumeric) && rest.starts_with(char::is_alphanumeric);
        let end = rest.find('\'')?;
        let behind_word = !rest[end + 1..].starts_with(char::is_alphanumeric);
        return (before_word && behind_word).then_some(*close);
    }
    rest.contains(*close).then_some(*close)
}

/// The first quoted text in it.
pub(super) fn quoted(text: &str) -> Option<String> {
    for (at, c) in text.char_indices() {
        if let Some(close) = opening(text, at, c) {
            let rest = &text[at + c.len_utf8()..];
            let inner = rest.split(close).next().unwrap_or_default().trim();
            if !inner.is_empty() {
                return Some(inner.to_owned());
            }
        }
    }
    None
}

/// Splits at the first of these words that stands alone, outside quotes and whatever its case.
pub(super) fn split_word<'a>(text: &'a str, words: &[&str]) -> Option<(&'a str, &'a str)> {
    let lower = text.to_ascii_lowercase();
    let mut best: Option<(usize, usize)> = None;
    for word in words {
        let mut from = 0;
        while let Some(found) = lower[from..].find(word) {
            let (start, end) = (from + found, from + found + word.len());
            let alone = !lower[..start].ends_with(|c: char| c.is_alphanumeric())
                && !lower[end..].starts_with(|c: char| c.is_alphanumeric());
            if alone && !in_quotes(text, start) {
                if best.is_none_or(|(at, length)| start < at || (start == at && word.len() > length)) {
                    best = Some((start, word.len()));
                }
                break;
            }
            from = end;
        }
    }
    let (at, length) = best?;
    Some((text[..at].trim(), text[at + length..].trim()))
}

fn in_quotes(text: &str, place: usize) -> bool {
    let mut closing: Option<char> = None;
    for (at, c) in text.char_indices().take_while(|(at, _)| *at < place) {
        match closing {
            Some(close) if c == close => closing = None,
            Some(_) => {}
            None => closing = opening(text, at, c),
        }
    }
    closing.is_some()
}

/// Whether one of these words stands in it.
pub(super) fn has_word(text: &str, words: &[&str]) -> bool {
    split_word(text, words).is_some()
}

/// What follows one of these beginnings.
pub(super) fn after<'a>(text: &'a str, beginnings: &[&str]) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    beginnings.iter().find_map(|beginning| {
        let rest = lower.strip_prefix(beginning)?;
        (!rest.starts_with(|c: char| c.is_alphanumeric())).then(|| text[beginning.len()..].trim())
    })
}

/// Parts of "a, b and c", quotes kept whole.
pub(super) fn list(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let comma =
            rest.char_indices().find(|(at, c)| *c == ',' && !in_quotes(rest, *at)).map(|(at, _)| (at, 1));
        let word = split_word(rest, &["and", "plus", "as well as"]);
        let (part, next) = match (comma, word) {
            (Some((at, _)), Some((before, after))) if before.len() < at => (before, after),
            (Some((at, length)), _) => (&rest[..at], &rest[at + length..]),
            (None, Some((before, after))) => (before, after),
            (None, None) => {
                parts.push(rest.trim().to_owned());
                break;
            }
        };
        parts.push(part.trim().to_owned());
        rest = next;
    }
    parts.retain(|part| part.chars().any(char::is_alphanumeric));
    parts
}

/// Without the little words in front and the dot at the end.
pub(super) fn bare(text: &str) -> &str {
    let mut text = text.trim().trim_end_matches(['.', '!', ',', ';', ':']).trim();
    while let Some(rest) =
        after(text, &["a", "an", "the", "some", "also", "please", "my", "our", "small", "simple", "new"])
    {
        if rest.is_empty() {
            break;
        }
        text = rest;
    }
    text
}

pub(super) fn unquote(text: &str) -> String {
    let text = text.trim();
    let whole = QUOTES.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close));
    clean::line(whole.unwrap_or(text), 2000)
}

/// One line that fits a heading, its first letter large.
pub(super) fn heading(text: &str) -> String {
    let line = clean::line(text, 120);
    let mut chars = line.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
