//! Words out of text, the same way the index takes them.
//!
//! Scripts that put no spaces between words (Chinese, Japanese, Thai, …) come as one long run that nobody would search
//! for; their runs are cut into overlapping pairs of characters, for the index and for the question alike.

/// Words that say nothing of what a note is about. English, since SQLite's Porter stemmer is; in other languages they
/// only cost a little precision.
const STOP: [&str; 78] = [
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been",
    "but", "by", "can", "could", "did", "do", "does", "for", "from", "had", "has", "have", "he", "her",
    "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "me", "my", "no", "not", "now", "of",
    "on", "or", "our", "please", "she", "should", "so", "some", "than", "that", "the", "their", "them",
    "then", "there", "these", "they", "this", "to", "too", "us", "was", "we", "were", "what", "when",
    "where", "which", "will", "with", "would", "you", "your",
];

/// A question asks for this many words at most; a page of text is about its first ones.
const MOST: usize = 64;

/// The words to look for: lower-case, each once, stop words dropped, in the order in which they were asked.
pub(crate) fn asked(query: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in words(query) {
        if found.len() >= MOST {
            break;
        }
        let pieces = if spaceless(&word) { pairs(&word) } else { vec![word] };
        for piece in pieces {
            if !STOP.contains(&piece.as_str()) && !found.contains(&piece) {
                found.push(piece);
            }
        }
    }
    found.truncate(MOST);
    found
}

/// What is indexed of a text's spaceless runs: their pairs, with spaces.
pub(crate) fn grams(text: &str) -> String {
    words(text)
        .iter()
        .filter(|word| spaceless(word))
        .flat_map(|word| pairs(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// An FTS5 question for any of the words. Each is quoted, so that none is an operator or a column.
pub(crate) fn any_of(terms: &[String]) -> String {
    let quoted: Vec<String> = terms.iter().map(|term| format!("\"{}\"", term.replace('"', "\"\""))).collect();
    quoted.join(" OR ")
}

/// Runs of letters and digits, lower-case; a run also ends where a spaceless script begins or ends.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut last: Option<bool> = None;
    for c in text.chars() {
        // Marks belong to the letter before them, as they do for SQLite's unicode61.
        let inside = c.is_alphanumeric() || (last.is_some() && is_mark(c));
        let kind = inside.then(|| if is_mark(c) { last.unwrap_or(false) } else { is_spaceless(c) });
        match (kind, found.last_mut()) {
            (Some(_), Some(word)) if kind == last => word.extend(c.to_lowercase()),
            (Some(_), _) => found.push(c.to_lowercase().collect()),
            (None, _) => {}
        }
        last = kind;
    }
    found
}

fn spaceless(word: &str) -> bool {
    word.chars().next().is_some_and(is_spaceless)
}

fn pairs(run: &str) -> Vec<String> {
    let chars: Vec<char> = run.chars().collect();
    if chars.len() < 2 {
        return vec![run.to_owned()];
    }
    chars.windows(2).map(|pair| pair.iter().collect()).collect()
}

/// Thai, Lao, Tibetan, Burmese, Khmer; kana; Han in all its blocks.
fn is_spaceless(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0FFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3040}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{FF66}'..='\u{FF9F}' | '\u{20000}'..='\u{3FFFF}')
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_words_and_repeats_are_dropped() {
        assert_eq!(
            asked("Please change the opening hours of the bakery, the OPENING hours!"),
            ["change", "opening", "hours", "bakery"]
        );
        assert!(asked("what is it?").is_empty());
    }

    #[test]
    fn a_spaceless_run_is_cut_into_pairs_on_both_sides() {
        assert_eq!(asked("面包店 bakery"), ["面包", "包店", "bakery"]);
        assert_eq!(grams("a 面包店 b パ"), "面包 包店 パ");
    }

    #[test]
    fn operators_are_words_and_quotes_are_gone() {
        assert_eq!(
            any_of(&asked("title:\"x\" OR (NEAR) * ^ -- bread")),
            "\"title\" OR \"x\" OR \"near\" OR \"bread\""
        );
    }

    #[test]
    fn a_page_of_text_asks_for_its_first_words_only() {
        let page: String = (0..10_000).map(|n| format!("word{n} ")).collect();
        assert_eq!(asked(&page).len(), MOST);
    }
}
