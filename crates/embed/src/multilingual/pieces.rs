//! A text as the numbers of its pieces: characters brought into one form, then the likeliest split into known pieces.

use super::forms::Forms;
use super::prefixes::Prefixes;

pub(crate) const UNKNOWN: u32 = 0;
pub(crate) const START: u32 = 1;
pub(crate) const END: u32 = 2;

/// Stands for a space, and before the first word.
const SPACE: &str = "\u{2581}";

/// How much less likely than the least likely piece an unknown character is, as a logarithm.
const UNKNOWN_COSTS: f64 = 10.0;

/// The pieces and the forms of characters.
#[derive(Debug)]
pub(crate) struct Pieces {
    forms: Forms,
    pieces: Prefixes,
    /// For each piece in sorted order, its number and the logarithm of its likelihood.
    numbers: Vec<u32>,
    scores: Vec<f32>,
    unknown: f64,
}

impl Pieces {
    /// `None` where the lists do not fit together.
    pub(crate) fn new(forms: Forms, pieces: Prefixes, numbers: Vec<u32>, scores: Vec<f32>) -> Option<Self> {
        let sound = pieces.count() == numbers.len() && numbers.len() == scores.len();
        let least = scores.iter().fold(0.0, |least: f32, x| least.min(*x));
        let unknown = f64::from(least) - UNKNOWN_COSTS;
        sound.then_some(Self { forms, pieces, numbers, scores, unknown })
    }

    /// The numbers between the marks of start and end, `most` with them; the rest of the text is left out.
    pub(crate) fn encode(&self, text: &str, most: usize) -> Vec<u32> {
        let mut numbers = vec![START];
        // A piece is seldom longer than a word: what cannot be among the first pieces need not be split.
        let text = self.one_form(text, most * 16);
        self.split(&text, &mut numbers);
        if text.is_empty() {
            numbers.push(UNKNOWN);
        }
        numbers.truncate(most.saturating_sub(1));
        numbers.push(END);
        numbers
    }

    /// One form for characters that say the same, one mark for any number of spaces, none at the end; at most `most` bytes
    /// and some.
    fn one_form(&self, text: &str, most: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            match self.forms.longest(rest) {
                Some((after, written)) => {
                    written.chars().for_each(|c| push(&mut out, c));
                    rest = after;
                }
                None => {
                    push(&mut out, c);
                    rest = rest.get(c.len_utf8()..).unwrap_or_default();
                }
            }
            if out.len() > most {
                break;
            }
        }
        while out.ends_with(SPACE) {
            out.truncate(out.len() - SPACE.len());
        }
        out
    }

    /// The split whose pieces are likeliest together; of equals, the one found first.
    fn split(&self, text: &str, numbers: &mut Vec<u32>) {
        let mut best = vec![Step { score: f64::NEG_INFINITY, from: 0, number: UNKNOWN }; text.len() + 1];
        if let Some(first) = best.first_mut() {
            first.score = 0.0;
        }
        for (at, c) in text.char_indices() {
            let base = best.get(at).map_or(f64::NEG_INFINITY, |step| step.score);
            let mut alone = false;
            let mut try_step = |length: usize, score: f64, number: u32| {
                if let Some(step) = best.get_mut(at + length).filter(|step| base + score > step.score) {
                    *step = Step { score: base + score, from: at, number };
                }
            };
            self.pieces.of(text.as_bytes().get(at..).unwrap_or_default(), |length, place| {
                if let (Some(score), Some(number)) = (self.scores.get(place), self.numbers.get(place)) {
                    alone |= length == c.len_utf8();
                    try_step(length, f64::from(*score), *number);
                }
            });
            if !alone {
                try_step(c.len_utf8(), self.unknown, UNKNOWN);
            }
        }
        let before = numbers.len();
        let mut at = text.len();
        while let Some(step) = best.get(at).filter(|_| at > 0) {
            numbers.push(step.number);
            at = step.from;
        }
        if let Some(these) = numbers.get_mut(before..) {
            these.reverse();
        }
    }
}

/// The best way to a place in the text: its score, where its last piece began, and which it was.
#[derive(Clone)]
struct Step {
    score: f64,
    from: usize,
    number: u32,
}

fn push(out: &mut String, c: char) {
    if c != ' ' {
        if out.is_empty() {
            out.push_str(SPACE);
        }
        out.push(c);
    } else if !out.is_empty() && !out.ends_with(SPACE) {
        out.push_str(SPACE);
    }
}

#[cfg(test)]
mod tests {
    use super::super::forms::tests::table;
    use super::super::prefixes::sort;
    use super::*;

    fn pieces() -> Pieces {
        let forms =
            table(&[("Ａ", "A"), ("\u{3000}", " "), ("½", "1/2"), ("A\u{301}", "Á"), ("\u{200b}", "")]);
        let names = ["<unk>", "<s>", "</s>", "▁", "A", "▁A", "B", "AB", "▁AB", "Á"];
        let scores = [0.0, 0.0, 0.0, -2.0, -3.0, -4.0, -3.0, -9.0, -9.5, -3.0];
        let (text, lengths, numbers) = sort(&names.map(|name| name.as_bytes().to_vec())).unwrap();
        let scores = numbers.iter().map(|at| scores[*at as usize]).collect();
        let pieces = Prefixes::new(text, &lengths).unwrap();
        Pieces::new(Forms::new(&forms).unwrap(), pieces, numbers, scores).unwrap()
    }

    #[test]
    fn the_likeliest_split_is_taken() {
        let pieces = pieces();
        assert_eq!(pieces.encode("AB", 20), [1, 5, 6, 2]);
        assert_eq!(pieces.encode("  Ａ\u{3000} B ", 20), [1, 5, 3, 6, 2]);
        assert_eq!(pieces.encode("A\u{301}\u{200b}", 20), [1, 3, 9, 2]);
        assert_eq!(pieces.encode("x", 20), [1, 3, 0, 2]);
        assert_eq!(pieces.encode("", 20), [1, 0, 2]);
        assert_eq!(pieces.encode(" \u{3000}", 20), [1, 0, 2]);
    }

    #[test]
    fn a_long_text_is_cut_and_still_ends() {
        let numbers = pieces().encode(&"A B ".repeat(1 << 18), 9);
        assert_eq!(numbers, [1, 5, 3, 6, 5, 3, 6, 5, 2]);
    }
}
