//! Stems: what is left of a word when its endings are gone.
//!
//! Every word in Latin letters gets its English stem, in whatever language the text is, since names and terms of software
//! are English everywhere; in a text of another language it gets that language's as well.

use super::language::Language;
use super::words::{self, Kind, Word};
use rust_stemmers::{Algorithm, Stemmer};
use std::sync::LazyLock;

static STEMMERS: LazyLock<Vec<Option<Stemmer>>> = LazyLock::new(|| {
    Language::ALL.into_iter().map(|language| algorithm(language).map(Stemmer::create)).collect()
});

fn algorithm(language: Language) -> Option<Algorithm> {
    match language {
        Language::English => Some(Algorithm::English),
        // Ukrainian has none; enough of the endings are the same.
        Language::Russian | Language::Ukrainian => Some(Algorithm::Russian),
        Language::Spanish => Some(Algorithm::Spanish),
        Language::German => Some(Algorithm::German),
        Language::French => Some(Algorithm::French),
        Language::Portuguese => Some(Algorithm::Portuguese),
        Language::Italian => Some(Algorithm::Italian),
        Language::Chinese | Language::Japanese => None,
    }
}

/// The stem of a lower-case word, without accents. Endings have accents in some languages, so they are taken off last.
pub(crate) fn stem(word: &str, language: Language) -> String {
    let stemmed = match STEMMERS.get(usize::from(language.number())) {
        Some(Some(stemmer)) if language == Language::English && !word.is_ascii() => {
            return stemmer.stem(&words::plain(word)).into_owned();
        }
        Some(Some(stemmer)) => stemmer.stem(word),
        Some(None) | None => word.into(),
    };
    if stemmed.is_ascii() { stemmed.into_owned() } else { words::plain(&stemmed) }
}

/// Under which terms a word lies in the index: one, and one more in a text that is not English.
pub(crate) fn both(word: &Word, language: Language) -> (String, Option<String>) {
    if word.kind == Kind::Pair {
        return (word.text.clone(), None);
    }
    let first = word.text.chars().next().unwrap_or(' ');
    if !first.is_ascii() && ('\u{0400}'..='\u{04FF}').contains(&first) {
        return (stem(&word.text, Language::Russian), None);
    }
    let english = stem(&word.text, Language::English);
    if word.kind == Kind::Whole || language == Language::English || algorithm(language).is_none() {
        return (english, None);
    }
    let other = stem(&word.text, language);
    let other = (other != english).then_some(other);
    (english, other)
}
