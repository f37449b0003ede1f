//! Cutting a text into words.

/// A word as the index takes it, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) kind: Kind,
    /// Where the run of letters that it was cut from lies in the text, in bytes.
    pub(crate) at: usize,
    pub(crate) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word, or one part of a name such as `OrderTotal` or `order_total`.
    Part,
    /// All parts of such a name together: `ordertotal`.
    Whole,
    /// Two characters of a script that puts no spaces between words.
    Pair,
}

/// Longer runs of letters are no words: encoded bytes, mostly.
const LONGEST: usize = 64;

/// Calls `f` for each word, in order.
///
/// Scripts without spaces (Chinese, Japanese, Thai, …) come as one long run that nobody would search for: overlapping pairs
/// of characters stand for them. Pairs, not triples, since most Chinese words have two characters.
pub(crate) fn each_word(text: &str, mut f: impl FnMut(Word)) {
    let mut run = Run::default();
    for (at, c) in text.char_indices() {
        let spaceless = is_spaceless(c);
        let inside =
            c.is_alphanumeric() || c == '_' || is_mark(c) || (is_apostrophe(c) && run.open && !run.spaceless);
        if !inside || (run.open && spaceless != run.spaceless) {
            run.end(&mut f);
        }
        if inside && !is_apostrophe(c) {
            run.push(at, c, spaceless);
        } else if inside {
            run.apostrophe();
        }
    }
    run.end(&mut f);
}

/// Letters in a row.
#[derive(Default)]
struct Run {
    open: bool,
    spaceless: bool,
    at: usize,
    end: usize,
    chars: Vec<char>,
    /// Where an apostrophe stood, so that `don't` and `bakery's` lose their ends.
    cut: Option<usize>,
}

impl Run {
    fn push(&mut self, at: usize, c: char, spaceless: bool) {
        if !self.open {
            (self.open, self.spaceless, self.at) = (true, spaceless, at);
        }
        self.end = at + c.len_utf8();
        self.chars.push(c);
    }

    fn apostrophe(&mut self) {
        self.cut = Some(self.cut.unwrap_or(self.chars.len()));
    }

    fn end(&mut self, f: &mut impl FnMut(Word)) {
        if std::mem::take(&mut self.open) {
            if let Some(cut) = self.cut {
                self.shorten(cut);
            }
            if self.spaceless { self.pairs(f) } else { self.parts(f) }
        }
        self.chars.clear();
        self.cut = None;
    }

    /// `bakery's` is `bakery`; `l'ordre` is `ordre`; `O'Brien` is `OBrien`.
    fn shorten(&mut self, cut: usize) {
        let after = self.chars.len() - cut;
        if after <= 2 {
            self.chars.truncate(cut);
        } else if cut <= 2 && self.chars.first().is_some_and(|c| c.is_lowercase()) {
            self.chars.drain(..cut);
        }
    }

    fn pairs(&self, f: &mut impl FnMut(Word)) {
        let mut give = |pair: &[char]| {
            f(Word { text: pair.iter().collect(), kind: Kind::Pair, at: self.at, end: self.end });
        };
        if self.chars.len() < 2 {
            return give(&self.chars);
        }
        self.chars.windows(2).for_each(give);
    }

    fn parts(&self, f: &mut impl FnMut(Word)) {
        if self.chars.len() > LONGEST {
            return;
        }
        let parts: Vec<&[char]> = self
            .chars
            .split(|c| *c == '_')
            .flat_map(|piece| piece.chunk_by(|a, b| !(a.is_lowercase() && b.is_uppercase())))
            .flat_map(acronym)
            .filter(|part| !part.is_empty())
            .collect();
        let mut give = |text: String, kind| f(Word { text, kind, at: self.at, end: self.end });
        for part in &parts {
            give(lower(part.iter()), Kind::Part);
        }
        if parts.len() > 1 {
            give(lower(parts.iter().copied().flatten()), Kind::Whole);
        }
    }
}

/// `HTTPServer` is `HTTP` and `Server`: the last capital before a small letter begins a word.
fn acronym(piece: &[char]) -> Vec<&[char]> {
    let capitals = piece.iter().take_while(|c| c.is_uppercase()).count();
    if capitals >= 2 && piece.get(capitals).is_some_and(|c| c.is_lowercase()) {
        let (a, b) = piece.split_at(capitals - 1);
        // `IDs`, `URLs`: a plural, not a word of its own.
        if b.len() > 2 {
            return vec![a, b];
        }
    }
    vec![piece]
}

fn lower<'a>(chars: impl Iterator<Item = &'a char>) -> String {
    let mut text = String::new();
    for c in chars {
        match c {
            // Nearly always written without its dots.
            'ё' | 'Ё' => text.push('е'),
            c if c.is_ascii() => text.push(c.to_ascii_lowercase()),
            c => text.extend(c.to_lowercase()),
        }
    }
    text
}

/// Without accents, which are often left out where people type quickly. `й` and `ї` are letters of their own.
pub(crate) fn plain(word: &str) -> String {
    word.chars()
        .map(|c| match c {
            'à' | 'á' | 'â' | 'ã' | 'å' | 'ä' => 'a',
            'ç' => 'c',
            'è' | 'é' | 'ê' | 'ë' => 'e',
            'ì' | 'í' | 'î' | 'ï' => 'i',
            'ñ' => 'n',
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' => 'o',
            'ù' | 'ú' | 'û' | 'ü' => 'u',
            other => other,
        })
        .collect()
}

/// Thai, Lao, Tibetan, Burmese, Khmer; kana; Han in all its blocks.
pub(crate) fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0FFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3040}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FF66}'..='\u{FF9F}' | '\u{20000}'..='\u{3FFFF}')
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}')
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}
