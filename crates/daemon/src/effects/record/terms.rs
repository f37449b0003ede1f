//! Words that mean something here: rows of the glossary that the user's words touch, and what the user explained in
//! passing (`"crumb" means the page's trail`).

use crate::brief::glossary_rows;
use protocol::clean;

/// Characters of a term, words of one that stands without quotes, and characters of a meaning.
const TERM: usize = 60;
const BARE_WORDS: usize = 3;
const MEANING: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub word: String,
    pub meaning: String,
    of_glossary: bool,
}

impl Term {
    /// The newest meaning of a word supersedes the ones before.
    pub fn source(&self) -> String {
        let word = self.word.to_lowercase();
        if self.of_glossary { format!("GLOSSARY.md {word}") } else { format!("term {word}") }
    }
}

/// The glossary's terms that occur in what was said.
pub fn of_glossary(glossary: &str, said: &str) -> Vec<Term> {
    let said = said.to_lowercase();
    let occurs = |term: &str| term.chars().any(char::is_alphanumeric) && said.contains(&term.to_lowercase());
    glossary_rows(glossary)
        .filter(|(term, _)| occurs(term))
        .map(|(word, meaning)| Term {
            word: clean::line(word, TERM),
            meaning: clean::line(meaning, MEANING),
            of_glossary: true,
        })
        .collect()
}

/// Between a term and its meaning, in some of the languages that people write in.
const MEANS: [&str; 15] = [
    " means ",
    " stands for ",
    " refers to ",
    " is short for ",
    " bedeutet ",
    " heißt ",
    " steht für ",
    " significa ",
    " signifie ",
    " veut dire ",
    " désigne ",
    " означает ",
    " значит ",
    "是指",
    "的意思是",
];
/// The same, after a quoted term only: without quotes it is any sentence.
const IS: [&str; 9] = [" is ", " are ", ": ", " = ", " — ", " – ", " - ", " ist ", " es "];

const OPENING: [char; 6] = ['"', '“', '„', '«', '‘', '`'];
const CLOSING: [char; 6] = ['"', '”', '“', '»', '’', '`'];

/// What the user explained, sentence by sentence.
pub fn explained(said: &str) -> Vec<Term> {
    let mut found: Vec<Term> = Vec::new();
    for sentence in sentences(said) {
        let term = quoted(sentence).or_else(|| bare(sentence));
        if let Some(term) = term.filter(|term| !found.iter().any(|known| known.word == term.word)) {
            found.push(term);
        }
    }
    found
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', ';', '。', '!', '?']).flat_map(|line| line.split(". ")).map(str::trim)
}

/// `"crumb" means …`, `"crumb" is …`, `"crumb": …`.
fn quoted(sentence: &str) -> Option<Term> {
    let (before, rest) = sentence.split_once(OPENING)?;
    let (word, after) = rest.split_once(CLOSING)?;
    // A command such as `make "x" is …` explains nothing.
    let leads = before.split_whitespace().count() <= BARE_WORDS;
    let meaning = MEANS.iter().chain(&IS).find_map(|sign| after.strip_prefix(sign))?;
    if leads { term(word, meaning) } else { None }
}

fn bare(sentence: &str) -> Option<Term> {
    let (word, meaning) = MEANS.iter().find_map(|sign| sentence.split_once(sign))?;
    let word = word.rsplit([',', ':', '(']).next()?.trim();
    let word = ["by ", "By ", "the word ", "The word ", "here ", "Here "]
        .iter()
        .fold(word, |word, lead| word.strip_prefix(lead).unwrap_or(word));
    // "This means …" says what follows from something, not what a word means.
    let points = ["this", "that", "it", "which", "what", "das", "dies", "это", "ça", "esto"];
    let few = (1..=BARE_WORDS).contains(&word.split_whitespace().count());
    let of_nothing = points.contains(&word.to_lowercase().as_str());
    if few && !of_nothing { term(word, meaning) } else { None }
}

fn term(word: &str, meaning: &str) -> Option<Term> {
    let (word, meaning) = (clean::line(word, TERM + 1), clean::line(meaning, MEANING));
    let meaning = meaning.trim_end_matches(['.', ',']).to_owned();
    let says = word.chars().any(char::is_alphanumeric) && meaning.chars().any(char::is_alphanumeric);
    (says && word.chars().count() <= TERM).then_some(Term { word, meaning, of_glossary: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_explains_is_a_term() {
        for (said, word, meaning) in [
            ("Show the crumb. \"Crumb\" means the page's trail.", "Crumb", "the page's trail"),
            ("Loaf means a page of the site, make one", "Loaf", "a page of the site, make one"),
            ("By Kipferl is short for the small order form.", "Kipferl", "the small order form"),
            ("«Хлеб» означает страницу заказа", "Хлеб", "страницу заказа"),
            ("Die “Krume” ist der Pfad oben", "Krume", "der Pfad oben"),
            ("“面包屑”是指页面路径", "面包屑", "页面路径"),
            ("`LRT`: the loop's release train", "LRT", "the loop's release train"),
        ] {
            let found = explained(said);
            assert_eq!(found.len(), 1, "{said}: {found:?}");
            assert_eq!((found[0].word.as_str(), found[0].meaning.as_str()), (word, meaning));
        }
    }

    #[test]
    fn other_sentences_explain_nothing() {
        for said in [
            "A page for a bakery called \"Sauerteig\" with opening hours",
            "This means that the form is gone",
            "Write a heading that says \"Open\" in the middle of the first part of the page",
            "If the user who came first of all means something",
            "",
        ] {
            assert_eq!(explained(said), [], "{said}");
        }
    }

    #[test]
    fn the_newest_meaning_of_a_word_replaces_the_older() {
        let first = explained("\"Crumb\" means the trail").remove(0);
        let second = explained("\"crumb\" means the footer").remove(0);
        assert_eq!(first.source(), second.source());
    }

    #[test]
    fn a_row_of_the_glossary_counts_when_its_term_was_said() {
        let table = "| term | meaning |\n|---|---|\n| Crumb | the trail |\n| Loaf | a page |\n";
        let found = of_glossary(table, "make the CRUMB bigger");
        assert_eq!(found.iter().map(|term| term.word.as_str()).collect::<Vec<_>>(), ["Crumb"]);
        assert_ne!(found[0].source(), explained("\"Crumb\" means x")[0].source());
    }
}
