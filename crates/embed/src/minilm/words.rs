//! BERT's tokenizer for models that know no case: a text as the numbers of its word pieces.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// A longer word is unknown, whatever it is made of.
const LONGEST_WORD: usize = 100;

/// The word pieces, in the order of their numbers, and how to find one.
#[derive(Debug)]
pub(crate) struct Words {
    text: String,
    /// Where each piece stands in `text`, with its number, sorted by the piece.
    sorted: Vec<(u32, u32, u32)>,
    longest: usize,
    start: u32,
    end: u32,
    unknown: u32,
}

impl Words {
    /// From a list with one piece a line; `None` where the three pieces are missing that every text needs.
    pub(crate) fn new(text: String) -> Option<Self> {
        let mut sorted = Vec::new();
        let mut at = 0;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            let piece = line.trim_end_matches(['\n', '\r']);
            sorted.push((at, at + piece.len() as u32, number as u32));
            at += line.len() as u32;
        }
        let piece =
            |(from, to, _): &(u32, u32, u32)| text.get(*from as usize..*to as usize).unwrap_or_default();
        sorted.sort_unstable_by(|a, b| piece(a).cmp(piece(b)));
        let longest = sorted.iter().map(|entry| piece(entry).len()).max()?;
        let mut words = Self { text, sorted, longest, start: 0, end: 0, unknown: 0 };
        words.start = words.number("[CLS]")?;
        words.end = words.number("[SEP]")?;
        words.unknown = words.number("[UNK]")?;
        Some(words)
    }

    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }

    fn number(&self, piece: &str) -> Option<u32> {
        let at = self.sorted.binary_search_by(|(from, to, _)| {
            self.text.get(*from as usize..*to as usize).unwrap_or_default().cmp(piece)
        });
        at.ok().and_then(|at| self.sorted.get(at)).map(|(_, _, number)| *number)
    }

    /// The numbers of a text's pieces between the marks of start and end, `most` with them; the rest of the text is left out.
    pub(crate) fn encode(&self, text: &str, most: usize) -> Vec<u32> {
        let room = most.saturating_sub(1);
        let mut numbers = vec![self.start];
        let mut word = String::new();
        for c in plain(text) {
            let alone = is_punctuation(c) || is_han(c);
            if c.is_whitespace() || alone {
                self.pieces(&word, &mut numbers);
                word.clear();
            }
            if alone {
                self.pieces(c.encode_utf8(&mut [0; 4]), &mut numbers);
            } else if !c.is_whitespace() {
                word.push(c);
            }
            if numbers.len() >= room {
                break;
            }
        }
        self.pieces(&word, &mut numbers);
        numbers.truncate(room);
        numbers.push(self.end);
        numbers
    }

    /// Splits a word greedily: the longest known beginning, then the longest known continuation, to its end.
    fn pieces(&self, word: &str, numbers: &mut Vec<u32>) {
        if word.is_empty() {
            return;
        }
        let before = numbers.len();
        let mut rest = format!("##{word}");
        let mut known = word.chars().count() <= LONGEST_WORD;
        // The mark of a continuation is no part of the first piece.
        let mut skip = 2;
        while known && rest.len() > 2 {
            let longest = rest.len().min(self.longest + skip);
            let found = (3..=longest).rev().find_map(|end| {
                let piece = rest.get(skip..end)?;
                self.number(piece).map(|number| (end, number))
            });
            match found {
                Some((end, number)) => {
                    numbers.push(number);
                    rest.replace_range(2..end, "");
                    skip = 0;
                }
                None => known = false,
            }
        }
        if !known {
            numbers.truncate(before);
            numbers.push(self.unknown);
        }
    }
}

/// The text without control characters, accents and capitals.
fn plain(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|c| !is_control(*c))
        .nfd()
        .filter(|c| c.general_category() != GeneralCategory::NonspacingMark)
        .flat_map(char::to_lowercase)
}

fn is_control(c: char) -> bool {
    let spaces = ['\t', '\n', '\r'];
    c == '\u{fffd}' || (!spaces.contains(&c) && c.general_category_group() == GeneralCategoryGroup::Other)
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || c.general_category_group() == GeneralCategoryGroup::Punctuation
}

/// The characters of Chinese, each of which is a word.
fn is_han(c: char) -> bool {
    matches!(c,
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2a6df}'
        | '\u{2a700}'..='\u{2b73f}' | '\u{2b740}'..='\u{2b81f}' | '\u{2b820}'..='\u{2ceaf}' | '\u{2f800}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Words {
        Words::new("[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##want\n##ed\nrun\n,\n版\n##\n".to_owned()).unwrap()
    }

    #[test]
    fn words_are_split_into_the_longest_pieces() {
        let words = words();
        assert_eq!(words.encode("Unwanted, RÚN\u{200b}", 20), [2, 4, 5, 6, 8, 7, 3]);
        assert_eq!(words.encode("run版run", 20), [2, 7, 9, 7, 3]);
        assert_eq!(words.encode("runx wanted", 20), [2, 1, 1, 3]);
        assert_eq!(words.encode(" \t\n", 20), [2, 3]);
        assert_eq!(words.encode(&"u".repeat(101), 20), [2, 1, 3]);
    }

    #[test]
    fn a_long_text_is_cut_and_still_ends() {
        assert_eq!(words().encode(&"run ".repeat(1 << 20), 6), [2, 7, 7, 7, 7, 3]);
        assert_eq!(words().encode("unwanted", 4), [2, 4, 5, 3]);
    }

    #[test]
    fn a_list_without_the_marks_is_refused() {
        assert!(Words::new("[CLS]\n[SEP]\n".to_owned()).is_none());
        assert!(Words::new(String::new()).is_none());
    }
}
