//! Named things: words with a capital where the language would not ask for one.

use std::ops::Range;

/// Words of one name.
const WORDS: usize = 4;
/// Names that are gathered of one text.
const MOST: usize = 2_000;
/// Where more words than this share have a capital within a sentence, the language writes all its nouns so.
const NOUNS: (usize, usize) = (1, 5);

/// They begin sentences, or are written so by custom.
const COMMON: &[&str] = &[
    "a",
    "about",
    "actually",
    "add",
    "added",
    "after",
    "again",
    "all",
    "also",
    "although",
    "always",
    "an",
    "and",
    "another",
    "any",
    "april",
    "are",
    "as",
    "at",
    "august",
    "because",
    "before",
    "both",
    "but",
    "by",
    "can",
    "change",
    "changed",
    "check",
    "create",
    "december",
    "did",
    "do",
    "does",
    "don't",
    "done",
    "each",
    "either",
    "error",
    "even",
    "every",
    "example",
    "february",
    "finally",
    "first",
    "fix",
    "fixed",
    "for",
    "friday",
    "from",
    "good",
    "had",
    "has",
    "have",
    "he",
    "hello",
    "her",
    "here",
    "hi",
    "his",
    "how",
    "however",
    "i",
    "i'd",
    "i'll",
    "i'm",
    "i've",
    "if",
    "in",
    "instead",
    "is",
    "it",
    "it's",
    "its",
    "january",
    "july",
    "june",
    "just",
    "last",
    "later",
    "let",
    "like",
    "make",
    "march",
    "may",
    "maybe",
    "monday",
    "more",
    "most",
    "my",
    "never",
    "new",
    "next",
    "no",
    "none",
    "not",
    "note",
    "notes",
    "november",
    "now",
    "october",
    "of",
    "often",
    "ok",
    "on",
    "once",
    "one",
    "only",
    "or",
    "other",
    "our",
    "out",
    "over",
    "please",
    "possible",
    "probably",
    "remove",
    "removed",
    "result",
    "run",
    "same",
    "saturday",
    "second",
    "see",
    "september",
    "set",
    "she",
    "should",
    "since",
    "so",
    "some",
    "sometimes",
    "still",
    "such",
    "sunday",
    "sure",
    "thanks",
    "that",
    "that's",
    "the",
    "their",
    "then",
    "there",
    "there's",
    "these",
    "they",
    "this",
    "those",
    "though",
    "three",
    "thursday",
    "thus",
    "to",
    "todo",
    "tuesday",
    "two",
    "under",
    "unless",
    "until",
    "update",
    "updated",
    "use",
    "used",
    "using",
    "warning",
    "was",
    "we",
    "we're",
    "wednesday",
    "well",
    "were",
    "what",
    "when",
    "where",
    "whether",
    "which",
    "while",
    "who",
    "why",
    "will",
    "with",
    "without",
    "would",
    "yes",
    "yesterday",
    "yet",
    "you",
    "your",
];

/// Letters that stand for what everybody knows.
const ACRONYMS: &[&str] = &[
    "AM", "API", "CD", "CI", "CLI", "CPU", "CSS", "EOF", "FAQ", "GB", "HTML", "HTTP", "HTTPS", "ID", "IDE",
    "II", "III", "IO", "IP", "JS", "JSON", "KB", "MB", "NB", "OK", "OS", "PDF", "PM", "PR", "RAM", "SQL",
    "TS", "TV", "UI", "UK", "URL", "US", "USA", "UTC", "UX", "VS", "XML", "YAML",
];

#[derive(Debug, Default)]
pub(super) struct Names {
    /// Of the phrase that is being read: where it stands, and whether a sentence began with it.
    phrase: Vec<Range<usize>>,
    began: bool,
    /// The next word begins a sentence.
    begins: bool,
    /// A heading in which most words have capitals tells nothing.
    heading: bool,
    found: Vec<(Range<usize>, Sort)>,
    within: usize,
    capitals: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// One word within a sentence.
    Word,
    /// More than one, or letters that stand for words.
    Phrase,
    /// It began a sentence.
    Weak,
}

impl Names {
    pub(super) fn line(&mut self, line: &str) {
        self.begins = true;
        let words = || line.split_whitespace().filter(|word| word.starts_with(char::is_alphabetic));
        let capitals = words().filter(|word| word.starts_with(char::is_uppercase)).count();
        self.heading = capitals > 2 && capitals * 5 > words().count() * 3;
    }

    /// Ends the phrase; at the end of a sentence, the next word has a capital in any case.
    pub(super) fn stop(&mut self, sentence: bool) {
        self.take();
        self.begins = sentence;
    }

    pub(super) fn word(&mut self, word: &str, at: usize) {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        let Some(lead) = word.find(core).filter(|_| !core.is_empty()) else {
            // A dash between blanks, a bullet, a number sign.
            return self.take();
        };
        let tail = word.get(lead + core.len()..).unwrap_or_default();
        let core = core.strip_suffix("'s").or(core.strip_suffix("’s")).unwrap_or(core);
        let capital = core.starts_with(char::is_uppercase);
        if !self.begins {
            self.within += 1;
            self.capitals += usize::from(capital);
        }
        if lead > 0 {
            self.take();
        }
        let letters =
            core.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '\'' || c == '’' || c == '.');
        let counts = capital && letters && core.chars().nth(1).is_some();
        match counts && !is_common(core) {
            true => {
                if self.phrase.is_empty() {
                    self.began = self.begins;
                }
                self.phrase.push(at + lead..at + lead + core.len());
                if self.phrase.len() >= WORDS {
                    self.take();
                }
            }
            false => self.take(),
        }
        self.begins = false;
        if !tail.is_empty() {
            self.take();
            self.begins = tail.contains(['.', '!', '?', ':', '。']);
        }
    }

    fn take(&mut self) {
        let phrase = std::mem::take(&mut self.phrase);
        let (Some(first), Some(last)) = (phrase.first(), phrase.last()) else { return };
        if self.found.len() >= MOST {
            return;
        }
        let whole = first.start..last.end;
        let sort = match phrase.len() {
            _ if self.heading || self.began => Sort::Weak,
            1 => Sort::Word,
            _ => Sort::Phrase,
        };
        self.found.push((whole, sort));
        // A sentence may begin with a verb: what comes after it is a name all the same.
        if self.began
            && !self.heading
            && let Some(second) = phrase.get(1)
        {
            let sort = if phrase.len() == 2 { Sort::Word } else { Sort::Phrase };
            self.found.push((second.start..last.end, sort));
        }
    }

    /// Where names stand, and what speaks for each; below zero: only if it comes again.
    pub(super) fn found(&mut self) -> Vec<(Range<usize>, f32)> {
        self.take();
        let nouns = self.within >= 12 && self.capitals * NOUNS.1 > self.within * NOUNS.0;
        let bonus = |sort| match sort {
            Sort::Phrase if nouns => 0.0,
            Sort::Phrase => 0.5,
            Sort::Word if !nouns => 0.0,
            Sort::Word | Sort::Weak => -1.0,
        };
        std::mem::take(&mut self.found).into_iter().map(|(range, sort)| (range, bonus(sort))).collect()
    }
}

/// Whether it is written with a capital, if at all, by custom alone.
pub(super) fn is_common(word: &str) -> bool {
    let plain = word.to_lowercase().replace('’', "'");
    ACRONYMS.binary_search(&word).is_ok() || COMMON.binary_search(&plain.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(COMMON.is_sorted());
        assert!(ACRONYMS.is_sorted());
    }
}
