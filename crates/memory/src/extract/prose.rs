//! Reading a text line by line, word by word.

use super::name::Names;
use super::seen::Seen;
use super::term::{Known, WORDS};
use super::word::{classify, is_hash, is_identifier};
use super::{Kind, code, error};
use crate::graph::key;

const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
const COMMIT_WORDS: [&str; 5] = ["commit", "commits", "hash", "revision", "sha"];
/// Programs that install packages, and the words with which they do.
const INSTALLERS: [&str; 10] = ["bun", "cargo", "deno", "gem", "go", "npm", "pip", "pip3", "pnpm", "yarn"];
const INSTALL: [&str; 4] = ["add", "get", "i", "install"];
/// Words in code signs that are of the language, or name nothing.
const PLAIN: [&str; 66] = [
    "as",
    "async",
    "await",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "class",
    "const",
    "continue",
    "def",
    "default",
    "dict",
    "do",
    "elif",
    "else",
    "enum",
    "err",
    "export",
    "extends",
    "false",
    "fn",
    "for",
    "from",
    "func",
    "function",
    "i32",
    "i64",
    "if",
    "impl",
    "import",
    "in",
    "int",
    "lambda",
    "let",
    "list",
    "loop",
    "main",
    "match",
    "mod",
    "mut",
    "new",
    "nil",
    "none",
    "null",
    "number",
    "object",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "str",
    "string",
    "struct",
    "super",
    "switch",
    "this",
    "true",
    "type",
    "undefined",
    "use",
    "var",
    "void",
    "while",
];

/// The text of a note that is no file of code.
pub(super) fn read(text: &str, known: &Known<'_>, seen: &mut Seen<'_>) {
    let mut reading = Reading::new(text, known, seen, false);
    let mut fence: Option<(usize, &str)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begin = at;
        at += line.len();
        let words = line.trim();
        let sign = words.starts_with("```") || words.starts_with("~~~");
        match fence {
            None if sign => fence = Some((at, words.trim_matches(['`', '~', ' ']))),
            None => reading.line(line, begin),
            Some((from, tag)) if sign => {
                reading.fenced(from..begin, tag);
                fence = None;
            }
            Some(_) => {}
        }
    }
    if let Some((from, tag)) = fence {
        reading.fenced(from..text.len(), tag);
    }
    reading.end();
}

pub(super) fn title(title: &str, known: &Known<'_>, seen: &mut Seen<'_>) {
    let mut reading = Reading::new(title, known, seen, true);
    reading.line(title, 0);
    reading.end();
}

struct Reading<'r, 't, 's> {
    text: &'t str,
    known: &'r Known<'r>,
    seen: &'r mut Seen<'s>,
    title: bool,
    names: Names,
    /// The last words, for terms of more than one.
    last: Vec<String>,
}

impl<'r, 't, 's> Reading<'r, 't, 's> {
    fn new(text: &'t str, known: &'r Known<'r>, seen: &'r mut Seen<'s>, title: bool) -> Self {
        Reading { text, known, seen, title, names: Names::default(), last: Vec::new() }
    }

    fn put(&mut self, name: &str, kind: Kind, offset: usize, bonus: f32) {
        match self.title {
            true if bonus >= 0.0 => self.seen.add_title(name, kind),
            true => {}
            false => self.seen.add(name, kind, offset, bonus),
        }
    }

    fn fenced(&mut self, range: std::ops::Range<usize>, tag: &str) {
        let Some(body) = self.text.get(range.clone()) else { return };
        let tag = tag.split([' ', ',', '{']).next().unwrap_or(tag);
        match code::Language::of_tag(tag) {
            Some(language) => code::read(body, range.start, language, self.seen),
            None => {
                let mut at = range.start;
                for line in body.split_inclusive('\n') {
                    self.error(line, at);
                    code::words(line, at, self.seen);
                    at += line.len();
                }
            }
        }
    }

    fn error(&mut self, line: &str, at: usize) {
        if let Some((start, print)) = error::fingerprint(line) {
            self.put(&print, Kind::Error, at + start, 0.0);
        }
    }

    fn line(&mut self, line: &str, at: usize) {
        self.error(line, at);
        self.names.line(line);
        self.last.clear();
        // Code signs come in pairs, or are none.
        let paired = line.matches('`').count().is_multiple_of(2);
        let mut begin = at;
        for (nth, part) in line.split('`').enumerate() {
            match nth % 2 == 1 && paired {
                true => self.span(part, begin),
                false => self.plain(part, begin),
            }
            begin += part.len() + 1;
        }
        self.names.stop(true);
    }

    /// What stands in code signs.
    fn span(&mut self, span: &str, at: usize) {
        self.names.stop(false);
        let mut words = span.split_whitespace();
        let first = words.next().unwrap_or_default();
        if INSTALLERS.contains(&first) && words.next().is_some_and(|word| INSTALL.contains(&word)) {
            for word in words.filter(|word| !word.starts_with('-')) {
                self.put(package(word), Kind::Package, at, 0.5);
            }
            return;
        }
        let single = first.len() == span.trim().len();
        for (offset, word) in words_of(span) {
            let Some((kind, name)) = shaped(word) else {
                let name = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
                let says = name.len() > 1
                    && PLAIN.binary_search(&name.to_lowercase().as_str()).is_err()
                    && is_identifier(name);
                if single && says && !name.chars().all(|c| c.is_ascii_digit()) {
                    self.put(name, Kind::Symbol, at + offset, 0.0);
                }
                self.term(name, at + offset);
                continue;
            };
            self.put(name, kind, at + offset, 0.5);
        }
    }

    fn plain(&mut self, part: &str, at: usize) {
        let (mut method, mut commit) = (false, false);
        for (offset, word) in words_of(part) {
            let place = at + offset;
            let bare = bare(word);
            let found = match () {
                () if method && bare.starts_with('/') && bare.len() > 1 => Some((Kind::Route, bare)),
                () if commit && is_hash(bare) => Some((Kind::Commit, bare)),
                () => shaped(word),
            };
            method = METHODS.contains(&word);
            commit = COMMIT_WORDS.iter().any(|known| bare.eq_ignore_ascii_case(known));
            match found {
                Some((kind, name)) => {
                    self.names.stop(false);
                    self.put(name, kind, place, 0.0);
                }
                None if method => self.names.stop(false),
                None => self.names.word(word, place),
            }
            self.term(bare, place);
        }
    }

    /// Terms of the glossary that end with this word.
    fn term(&mut self, word: &str, at: usize) {
        if self.known.none() || word.is_empty() {
            return;
        }
        if self.last.len() >= WORDS {
            self.last.remove(0);
        }
        self.last.push(key(word));
        for first in 0..self.last.len() {
            let words = self.last.get(first..).unwrap_or_default().join(" ");
            let one = words.strip_suffix('s').filter(|one| !self.known.has(&words) && self.known.has(one));
            if let Some(term) = one.or(Some(words.as_str()).filter(|words| self.known.has(words))) {
                let term = term.to_owned();
                self.put(&term, Kind::Term, at, 0.0);
            }
        }
    }

    fn end(mut self) {
        for (range, bonus) in self.names.found() {
            let text = self.text;
            if let Some(name) = text.get(range.clone()) {
                self.put(name, Kind::Name, range.start, bonus);
            }
        }
    }
}

/// The words between blanks, with their places.
fn words_of(part: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    part.split_inclusive(char::is_whitespace).filter_map(move |piece| {
        let begin = at;
        at += piece.len();
        let word = piece.trim_end();
        (!word.is_empty()).then_some((begin, word))
    })
}

/// A word without the signs around it; brackets that it opened itself stay.
fn bare(word: &str) -> &str {
    let mut word = word.trim_start_matches(|c: char| "([{<\"'“”„«»‘’*_,;:!?".contains(c) && c != '_');
    loop {
        let Some(last) = word.chars().next_back() else { return word };
        let open = match last {
            ')' => '(',
            ']' => '[',
            '}' => '{',
            '>' => '<',
            _ if ".,;:!?\"'“”„«»‘’*…".contains(last) => '\0',
            _ => return word,
        };
        if open != '\0' && word.contains(open) {
            return word;
        }
        word = word.get(..word.len() - last.len_utf8()).unwrap_or_default();
    }
}

/// What a word names, and by which part of it.
fn shaped(word: &str) -> Option<(Kind, &str)> {
    let mut name = bare(word).trim_start_matches("./");
    if !name.starts_with("http") {
        // `src/lib.rs:12:3`
        if let Some((before, place)) = name.split_once(':')
            && place.starts_with(|c: char| c.is_ascii_digit())
            && place.chars().all(|c| c.is_ascii_digit() || c == ':')
        {
            name = before;
        }
        for lead in ["process.env.", "import.meta.env.", "${", "$"] {
            name = name.strip_prefix(lead).unwrap_or(name);
        }
        // `shop.open(…)`
        if let Some((called, _)) = name.split_once('(')
            && called.len() > 1
            && called.split(['.', ':']).all(|part| part.is_empty() || is_identifier(part))
        {
            return Some((Kind::Symbol, called));
        }
        name = name.split('<').next().unwrap_or(name).trim_end_matches('}');
        if bare(word).contains('{') {
            name = bare(word);
        }
    }
    match classify(name)? {
        Kind::Url => Some((Kind::Url, name.split('#').next().unwrap_or(name))),
        Kind::Package => Some((Kind::Package, package(name))),
        kind => Some((kind, name)),
    }
}

/// The name of a package without its version.
pub(super) fn package(word: &str) -> &str {
    match word.get(1..).and_then(|rest| rest.find(['@', '=', '>', '<', '~', '^'])) {
        Some(at) => word.get(..=at).unwrap_or(word),
        None => word,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_list_is_sorted() {
        assert!(super::PLAIN.is_sorted());
    }
}
