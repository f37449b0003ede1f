//! A question's words, as they are looked up.

use super::dictionary::{self, Row};
use super::language::Language;
use super::words::{Kind, Word, each_word};
use super::{stems, stop};

/// What is looked up for one word of the question. A passage that has any of its index terms has the word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    /// As it was asked; the parts of a name are all asked as that name.
    pub(crate) word: String,
    /// In the question's own language.
    pub(crate) own: Vec<String>,
    /// In other languages.
    pub(crate) translated: Vec<String>,
    /// Other English words for about the same.
    pub(crate) alike: Vec<String>,
    /// It is in many questions, and says little of what they are about.
    pub(crate) weak: bool,
    /// The translation is a guess at the language, and counts only where no note has the word itself.
    pub(crate) guessed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) terms: Vec<Term>,
    /// The question in English as far as the dictionary goes, for a model that reads no other language. None for a question
    /// in English.
    pub(crate) gloss: Option<String>,
    pub(crate) language: Language,
    /// It asks how things are now.
    pub(crate) current: bool,
}

/// A page of text is about its first words.
const LONGEST: usize = 8 * 1024;
const MOST: usize = 48;

/// Words that ask for the newest.
const CURRENT: &str = "now current currently latest today nowadays newest still сейчас теперь текущий текущая текущее последний \
    ahora actual actualmente ultimo vigente aktuell jetzt derzeit momentan actuellement maintenant actuel atual agora зараз \
    adesso attuale attualmente";
const CURRENT_RUNS: [&str; 6] = ["现在", "目前", "当前", "最新", "今は", "現在"];

/// What of a question is looked at.
pub(crate) fn beginning(question: &str) -> &str {
    question.get(..question.floor_char_boundary(LONGEST)).unwrap_or(question)
}

/// `present`: the languages in which the memory has notes.
pub(crate) fn ask(question: &str, present: &[Language]) -> Asked {
    let question = beginning(question);
    let language = Language::of(question);
    let mut asking = Asking {
        question,
        language,
        guess: is_guess(question, language),
        present,
        terms: Vec::new(),
        gloss: Vec::new(),
    };
    let mut current = CURRENT_RUNS.iter().any(|run| question.contains(run));
    let mut run = (0, String::new());
    each_word(question, |word| {
        current |= CURRENT.split_whitespace().any(|each| each == word.text);
        if word.kind == Kind::Pair {
            // Pairs of one run overlap by a character.
            if run.0 != word.at || run.1.is_empty() {
                asking.run(&std::mem::take(&mut run.1));
                run = (word.at, word.text.clone());
            } else {
                run.1.extend(word.text.chars().last());
            }
        }
        asking.word(&word);
    });
    asking.run(&run.1);
    let gloss =
        (language != Language::English).then(|| asking.gloss.join(" ")).filter(|gloss| !gloss.is_empty());
    Asked { terms: asking.terms, gloss, language, current }
}

/// A few words in Latin letters without any small one may be of any language.
fn is_guess(question: &str, language: Language) -> bool {
    let mut small = false;
    each_word(question, |word| small |= stop::is_small(&word.text, Language::English));
    language == Language::English && !small
}

struct Asking<'a> {
    question: &'a str,
    language: Language,
    guess: bool,
    present: &'a [Language],
    terms: Vec<Term>,
    gloss: Vec<String>,
}

impl Asking<'_> {
    fn word(&mut self, word: &Word) {
        if stop::says_nothing(&word.text, self.language) {
            return;
        }
        let (stem, other) = stems::both(word, self.language);
        let rows = self.rows(word, &stem, other.as_deref());
        if word.kind == Kind::Part {
            self.say(word, &rows);
        }
        let translated = self.translated(&rows);
        let alike = if self.language == Language::English { alike(&stem) } else { Vec::new() };
        let weak = stop::is_weak(&word.text);
        let own = std::iter::once(stem).chain(other).collect();
        let shown = match word.kind {
            Kind::Part | Kind::Whole => {
                self.question.get(word.at..word.end).unwrap_or_default().to_lowercase()
            }
            Kind::Pair => word.text.clone(),
        };
        self.put(Term {
            word: shown,
            own,
            translated,
            alike,
            weak,
            guessed: self.guess && self.language == Language::English,
        });
    }

    fn rows(&self, word: &Word, stem: &str, other: Option<&str>) -> Vec<&'static Row> {
        if word.kind != Kind::Part {
            return Vec::new();
        }
        if self.language != Language::English {
            let own = stems::stem(&word.text, self.language);
            let mut rows: Vec<&Row> = dictionary::rows(other.unwrap_or(&own), self.language).collect();
            if rows.is_empty() {
                rows = dictionary::rows(stem, Language::English).collect();
            }
            return rows;
        }
        let abroad = self.present.iter().any(|language| *language != Language::English);
        let mut rows: Vec<&Row> = Vec::new();
        if abroad {
            rows.extend(dictionary::rows(stem, Language::English));
        }
        if self.guess && rows.is_empty() {
            for language in [
                Language::Spanish,
                Language::German,
                Language::French,
                Language::Portuguese,
                Language::Italian,
            ] {
                rows.extend(dictionary::rows(&stems::stem(&word.text, language), language));
            }
        }
        rows
    }

    /// The index terms of the rows' words, in English and in the languages of the notes.
    fn translated(&self, rows: &[&'static Row]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for row in rows {
            for language in Language::ALL {
                let wanted = language == Language::English || self.present.contains(&language);
                if language == self.language || !wanted {
                    continue;
                }
                for word in row.words(language) {
                    each_word(word, |word| {
                        let (english, other) = stems::both(&word, language);
                        let term = other.unwrap_or(english);
                        let small = stop::says_nothing(&word.text, Language::English);
                        if !small && word.text.chars().nth(1).is_some() && !found.contains(&term) {
                            found.push(term);
                        }
                    });
                }
            }
        }
        found
    }

    /// A run without spaces: the words of the dictionary that it holds, beside its pairs.
    fn run(&mut self, run: &str) {
        let chars: Vec<char> = run.chars().collect();
        let language =
            if self.language == Language::Japanese { Language::Japanese } else { Language::Chinese };
        let mut at = 0;
        while let Some(rest) = chars.get(at..).filter(|rest| !rest.is_empty()) {
            let Some((length, word)) = dictionary::longest(rest, language) else {
                at += 1;
                continue;
            };
            at += length;
            let rows: Vec<&Row> = dictionary::rows(&word, language).collect();
            let translated = self.translated(&rows);
            self.gloss.extend(
                rows.first()
                    .and_then(|row| row.words(Language::English).first())
                    .map(|word| (*word).to_owned()),
            );
            let (own, alike) = (Vec::new(), Vec::new());
            self.put(Term { word, own, translated, alike, weak: false, guessed: false });
        }
    }

    /// Puts the word into the gloss: translated, or as it is if it may be a name.
    fn say(&mut self, word: &Word, rows: &[&'static Row]) {
        let english = rows.first().and_then(|row| row.words(Language::English).first());
        match english {
            Some(english) => self.gloss.push((*english).to_owned()),
            None if word.text.is_ascii() => self.gloss.push(word.text.clone()),
            None => {}
        }
    }

    fn put(&mut self, term: Term) {
        let known = |each: &Term| each.own == term.own && each.translated == term.translated;
        if self.terms.len() < MOST && !self.terms.iter().any(known) {
            self.terms.push(term);
        }
    }
}

fn alike(stem: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in dictionary::rows(stem, Language::English).flat_map(|row| row.words(Language::English)) {
        let other = stems::stem(word, Language::English);
        if other != stem && word.bytes().all(|byte| byte.is_ascii_lowercase()) && !found.contains(&other) {
            found.push(other);
        }
    }
    found
}
