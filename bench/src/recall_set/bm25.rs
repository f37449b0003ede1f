//! Plain BM25 (k1 = 1.2, b = 0.75), the yardstick: words in lower case without the commonest English ones, light English
//! stemming, identifiers whole and in their parts, pairs of letters where a script has no spaces.

use std::collections::{BTreeMap, BTreeSet, HashMap};

const K1: f64 = 1.2;
const B: f64 = 0.75;

const STOP: [&str; 44] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "do", "does", "for", "from", "has", "how", "if",
    "in", "into", "is", "it", "its", "no", "not", "of", "on", "or", "such", "that", "the", "their", "then",
    "there", "these", "they", "this", "to", "was", "we", "what", "which", "who", "why", "will", "with",
];

/// An index of texts, each under a number of the caller's.
pub struct Bm25 {
    lengths: Vec<f64>,
    mean: f64,
    /// Word to (text, occurrences).
    postings: HashMap<String, Vec<(usize, f64)>>,
}

impl Bm25 {
    pub fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Bm25 {
        let mut index = Bm25 { lengths: Vec::new(), mean: 0.0, postings: HashMap::new() };
        for (number, text) in texts.into_iter().enumerate() {
            let words = words(text);
            index.lengths.push(as_f64(words.len()));
            let mut counts: BTreeMap<String, f64> = BTreeMap::new();
            for word in words {
                *counts.entry(word).or_default() += 1.0;
            }
            for (word, count) in counts {
                index.postings.entry(word).or_default().push((number, count));
            }
        }
        index.mean = index.lengths.iter().sum::<f64>() / as_f64(index.lengths.len().max(1));
        index
    }

    /// Texts that share a word with the question, best first; among equals the earlier one.
    pub fn rank(&self, question: &str) -> Vec<usize> {
        let mut scores: BTreeMap<usize, f64> = BTreeMap::new();
        for word in words(question).into_iter().collect::<BTreeSet<_>>() {
            let Some(postings) = self.postings.get(&word) else { continue };
            let (all, with) = (as_f64(self.lengths.len()), as_f64(postings.len()));
            let rarity = (1.0 + (all - with + 0.5) / (with + 0.5)).ln();
            for (number, count) in postings {
                let length = self.lengths.get(*number).copied().unwrap_or(0.0) / self.mean.max(1.0);
                let part = count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length));
                *scores.entry(*number).or_default() += rarity * part;
            }
        }
        let mut ranked: Vec<(usize, f64)> = scores.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.into_iter().map(|(number, _)| number).collect()
    }
}

/// A text's words as they are counted.
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for run in text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|run| !run.is_empty()) {
        if run.chars().any(is_dense) {
            let letters: Vec<char> = run.chars().collect();
            found.extend(letters.windows(2).map(|pair| pair.iter().collect::<String>()));
            if letters.len() == 1 {
                found.push(run.to_owned());
            }
            continue;
        }
        let parts = parts(run);
        if parts.len() > 1 {
            found.push(run.to_lowercase());
        }
        found.extend(parts.iter().map(|part| part.to_lowercase()).map(|word| stem(&word)));
    }
    found.retain(|word| !STOP.contains(&word.as_str()));
    found
}

/// Scripts that put no spaces between words.
fn is_dense(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}')
}

/// `held_until` and `LogMel` are two words each.
fn parts(run: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut before = '_';
    for c in run.chars() {
        let begins = before == '_' || (before.is_lowercase() && c.is_uppercase());
        match parts.last_mut() {
            _ if c == '_' => {}
            Some(part) if !begins => part.push(c),
            _ => parts.push(c.to_string()),
        }
        before = c;
    }
    parts
}

fn stem(word: &str) -> String {
    const ENDINGS: [(&str, &str); 10] = [
        ("ingly", ""),
        ("edly", ""),
        ("ings", ""),
        ("ing", ""),
        ("ied", "y"),
        ("ies", "y"),
        ("ed", ""),
        ("es", ""),
        ("s", ""),
        ("ly", ""),
    ];
    for (ending, instead) in ENDINGS {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.chars().count() >= 3
            && word.is_ascii()
        {
            return format!("{stem}{instead}");
        }
    }
    word.to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "counts of words and texts")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rare_word_decides_and_a_short_text_wins_a_tie() {
        let index = Bm25::new([
            "the boat and the pier",
            "a boat",
            "the pier has a lamp, a boat and a gate",
            "the gate",
        ]);
        assert_eq!(index.rank("boats").first(), Some(&1));
        assert_eq!(index.rank("which lamp?"), [2]);
        assert!(index.rank("nothing of this").is_empty());
    }

    #[test]
    fn identifiers_are_found_whole_and_in_parts() {
        assert_eq!(words("held_until"), ["held_until", "held", "until"]);
        assert_eq!(words("LogMel.kt"), ["logmel", "log", "mel", "kt"]);
        assert_eq!(words("备份保留"), ["备份", "份保", "保留"]);
    }
}
