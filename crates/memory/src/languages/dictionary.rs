//! The same thing in other languages, for the words of software work.

use super::language::Language;
use super::stems;
use std::collections::HashMap;
use std::sync::LazyLock;

const TABLE: &str = include_str!("dictionary.txt");

/// What a word stands for, in each language.
#[derive(Debug)]
pub(crate) struct Row {
    /// In the order of [`Language::ALL`].
    words: Vec<Vec<&'static str>>,
}

impl Row {
    pub(crate) fn words(&self, language: Language) -> &[&'static str] {
        self.words.get(usize::from(language.number())).map_or(&[], Vec::as_slice)
    }
}

struct Dictionary {
    rows: Vec<Row>,
    /// Per language: from a word's stem, or a Chinese or Japanese word, to its rows.
    stems: Vec<HashMap<String, Vec<usize>>>,
}

/// Built when the first question needs it.
static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    let rows: Vec<Row> = TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| Row { words: line.split(';').map(|cell| cell.split_whitespace().collect()).collect() })
        .collect();
    let of = |language: Language| {
        let mut map: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, row) in rows.iter().enumerate() {
            for word in row.words(language) {
                let rows = map.entry(stems::stem(&word.to_lowercase(), language)).or_default();
                if !rows.contains(&number) {
                    rows.push(number);
                }
            }
        }
        map
    };
    let stems = Language::ALL.into_iter().map(of).collect();
    Dictionary { rows, stems }
});

/// The rows in which a language has the word, by its stem.
pub(crate) fn rows(stem: &str, language: Language) -> impl Iterator<Item = &'static Row> {
    let dictionary = &*DICTIONARY;
    let numbers = dictionary.stems.get(usize::from(language.number())).and_then(|map| map.get(stem));
    numbers.into_iter().flatten().filter_map(|number| dictionary.rows.get(*number))
}

/// The longest word of the table at the beginning of a run without spaces, in characters, and its rows.
pub(crate) fn longest(run: &[char], language: Language) -> Option<(usize, String)> {
    const LONGEST: usize = 6;
    (1..=run.len().min(LONGEST)).rev().find_map(|length| {
        let word: String = run.get(..length)?.iter().collect();
        let known = rows(&word, language).next().is_some();
        known.then_some((length, word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_begins_with_english_and_has_as_many_languages_as_there_are_at_most() {
        assert!(DICTIONARY.rows.len() > 250);
        for row in &DICTIONARY.rows {
            assert!(!row.words(Language::English).is_empty());
            assert!(row.words.len() <= Language::ALL.len(), "{row:?}");
            assert!(!row.words(Language::Russian).is_empty(), "{row:?}");
        }
    }

    #[test]
    fn an_ending_does_not_matter() {
        let english = |word: &str, language| {
            let stem = stems::stem(word, language);
            rows(&stem, language).flat_map(|row| row.words(Language::English)).copied().collect::<Vec<_>>()
        };
        assert!(english("ошибки", Language::Russian).contains(&"error"));
        assert!(english("despliegues", Language::Spanish).contains(&"deploy"));
        assert!(english("datenbanken", Language::German).contains(&"database"));
    }

    #[test]
    fn the_longest_word_wins() {
        let run: Vec<char> = "数据库备份".chars().collect();
        assert_eq!(longest(&run, Language::Chinese).map(|(length, _)| length), Some(3));
    }
}
