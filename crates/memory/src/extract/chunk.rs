//! Passages: parts of a text that an embedder of 256 tokens reads whole, cut where the text itself has a seam.

use std::ops::Range;

/// What a passage costs at most, in tenths of a small embedder's tokens; the note's title comes on top.
const TARGET: usize = 2_000;
/// A passage that ends within a paragraph repeats its last piece, if that costs no more than this.
const OVERLAP: usize = 400;
/// So many passages of a target's share make at most as many as there are ordinals.
const MANY: usize = 1200;
/// Ordinals end here.
const MOST: usize = 4032;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) range: Range<usize>,
    /// More code than prose.
    pub(crate) code: bool,
}

/// Where a piece begins: the stronger the seam before it, the sooner a passage ends there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seam {
    Word,
    Sentence,
    Line,
    Paragraph,
    Heading,
}

#[derive(Debug, Clone)]
struct Piece {
    range: Range<usize>,
    seam: Seam,
    cost: usize,
    code: bool,
}

/// The text's passages, in order; an empty text has one, for its title. Their costs are bounded however the text is made;
/// only a text of very many tokens has larger ones.
pub(crate) fn chunks(text: &str, source: &str) -> Vec<Chunk> {
    let target = TARGET.max(cost(text) / MANY);
    let pieces = pieces(text, super::code::is_code(source), target);
    let mut found = Vec::new();
    let mut first = 0;
    while first < pieces.len() {
        let end = end(&pieces, first, target);
        let part = pieces.get(first..end).unwrap_or_default();
        found.extend(passage(text, part));
        let again = end.saturating_sub(1);
        first = match (pieces.get(end), pieces.get(again)) {
            (Some(next), Some(last)) if next.seam <= Seam::Line && again > first && last.cost <= OVERLAP => {
                again
            }
            _ => end,
        };
    }
    if found.is_empty() {
        found.push(Chunk { range: 0..0, code: false });
    }
    if let (true, Some(last)) = (found.len() > MOST, found.last().map(|chunk| chunk.range.end)) {
        found.truncate(MOST);
        if let Some(chunk) = found.last_mut() {
            chunk.range.end = last;
        }
    }
    found
}

/// The piece after the last one of the passage that begins at `first`: as many as fit, back to the strongest seam in the
/// second half.
fn end(pieces: &[Piece], first: usize, target: usize) -> usize {
    let mut sum = 0;
    let mut best: Option<(Seam, usize)> = None;
    for (at, piece) in pieces.iter().enumerate().skip(first) {
        if at > first {
            if sum >= target / 2 && best.is_none_or(|(seam, _)| piece.seam >= seam) {
                best = Some((piece.seam, at));
            }
            if sum + piece.cost > target {
                return best.map_or(at, |(_, at)| at);
            }
            // A new part of the text is not tacked on to a passage that is full enough.
            if piece.seam == Seam::Heading && sum >= target / 2 {
                return at;
            }
        }
        sum += piece.cost;
    }
    pieces.len()
}

fn passage(text: &str, pieces: &[Piece]) -> Option<Chunk> {
    let (start, stop) = (pieces.first()?.range.start, pieces.last()?.range.end);
    let whole = text.get(start..stop)?;
    let start = start + (whole.len() - whole.trim_start().len());
    let stop = start + whole.trim().len();
    let code: usize = pieces.iter().filter(|piece| piece.code).map(|piece| piece.range.len()).sum();
    (start < stop).then_some(Chunk { range: start..stop, code: code * 2 > stop - start })
}

/// The text in lines, long ones in sentences or words, each with the seam before it.
fn pieces(text: &str, all_code: bool, target: usize) -> Vec<Piece> {
    let mut found = Vec::new();
    let (mut fence, mut blank, mut at) = (false, true, 0);
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        let words = line.trim();
        let is_fence = words.starts_with("```") || words.starts_with("~~~");
        let seam = match words {
            _ if !fence && !all_code && is_heading(words) => Seam::Heading,
            _ if blank => Seam::Paragraph,
            _ => Seam::Line,
        };
        let piece = Piece { range, seam, cost: cost(line), code: all_code || fence || is_fence };
        fence ^= is_fence;
        blank = words.is_empty();
        if piece.cost <= target / 2 { found.push(piece) } else { split(text, piece, target, &mut found) }
    }
    found
}

fn is_heading(line: &str) -> bool {
    let rest = line.trim_start_matches('#');
    rest.len() < line.len() && line.len() - rest.len() <= 6 && rest.starts_with(' ')
}

/// A long line: after sentences if it has some, else between words, else anywhere.
fn split(text: &str, line: Piece, target: usize, found: &mut Vec<Piece>) {
    let most = target / 4;
    let mut seam = line.seam;
    let (mut start, mut sum, mut last) = (line.range.start, 0, ' ');
    let whole = text.get(line.range.clone()).unwrap_or_default();
    let mut push = |range: Range<usize>, seam, cost| found.push(Piece { range, seam, cost, code: line.code });
    for (offset, c) in whole.char_indices() {
        let here = line.range.start + offset;
        let sentence = matches!(last, '.' | '!' | '?' | ';' | '。' | '！' | '？')
            && (c.is_whitespace() || !last.is_ascii());
        let cut = match sum {
            _ if here == start => None,
            sum if sentence && sum >= most / 2 => Some(Seam::Sentence),
            sum if sum >= most && (c.is_whitespace() || !c.is_ascii()) => Some(Seam::Word),
            sum if sum >= target / 2 => Some(Seam::Word),
            _ => None,
        };
        if let Some(next) = cut {
            push(start..here, seam, sum);
            (start, seam, sum) = (here, next, 0);
        }
        sum += cost_after(last, c);
        last = c;
    }
    push(start..line.range.end, seam, sum);
}

/// About how many tokens a small embedder makes of it, in tenths: a word is one or more, by its length; so is each sign,
/// and each letter of a script without spaces.
fn cost(text: &str) -> usize {
    let mut last = ' ';
    let mut sum = 0;
    for c in text.chars() {
        sum += cost_after(last, c);
        last = c;
    }
    sum
}

fn cost_after(last: char, c: char) -> usize {
    match c {
        _ if c.is_whitespace() => 0,
        'a'..='z' if last.is_ascii_alphabetic() => 1,
        'A'..='Z' if last.is_ascii_uppercase() => 2,
        'a'..='z' | 'A'..='Z' => 9,
        '0'..='9' => 4,
        _ if c < '\u{2E80}' && c.is_alphabetic() => 5,
        _ => 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<'a>(text: &'a str, source: &str) -> Vec<&'a str> {
        chunks(text, source).into_iter().map(|chunk| &text[chunk.range]).collect()
    }

    #[test]
    fn a_short_text_is_one_passage_and_an_empty_one_has_one_too() {
        assert_eq!(texts("  Rye and wheat.\n", ""), ["Rye and wheat."]);
        assert_eq!(texts("", ""), [""]);
        assert_eq!(texts(" \n\t ", ""), [""]);
    }

    #[test]
    fn a_heading_begins_a_passage() {
        let part = |n: usize| format!("# Part {n}\n\n{}", "The baker opens the shop at seven. ".repeat(20));
        let text = [part(1), part(2), part(3)].join("\n\n");
        let found = texts(&text, "");
        assert!(found.iter().filter(|text| text.starts_with("# Part")).count() == 3, "{found:#?}");
        assert!(found.iter().all(|text| !text.trim_start_matches('#').contains("# Part")));
    }

    #[test]
    fn passages_cover_the_text_and_none_is_too_long() {
        let prose =
            "Opening hours were changed because the baker is ill, and nobody else has the key. ".repeat(200);
        let code = "    let hours = shop.opening_hours(&day).unwrap_or_default();\n".repeat(200);
        let odd = [".!?".repeat(3000), "x".repeat(9000), "面包店的营业时间".repeat(500), "a b ".repeat(2000)];
        for text in [prose, code].into_iter().chain(odd) {
            let blank = |at: usize| at + text[at..].len() - text[at..].trim_start().len();
            let mut at = blank(0);
            for chunk in chunks(&text, "") {
                assert!(chunk.range.start <= at, "nothing is left out");
                assert!(chunk.range.end > at, "each goes on");
                at = blank(chunk.range.end);
                let words = &text[chunk.range];
                assert!(cost(words) <= TARGET + OVERLAP, "{words}");
            }
            assert_eq!(at, text.len());
        }
    }

    #[test]
    fn fenced_lines_and_source_files_are_code() {
        let text = "See:\n\n```rust\nfn open_the_shop() {}\nfn close_the_shop() {}\n```\n";
        assert!(chunks(text, "")[0].code);
        assert!(chunks("x = 1", "shop/hours.py")[0].code);
        assert!(!chunks("It opens at seven.", "docs/hours.md")[0].code);
    }

    #[test]
    fn a_megabyte_of_anything_has_no_more_passages_than_numbers() {
        for text in ["!".repeat(1 << 20), "é".repeat(1 << 19), "ab ".repeat(350_000), "# a\n".repeat(1 << 18)]
        {
            let found = chunks(&text, "");
            assert!(found.len() <= MOST, "{}", found.len());
            assert_eq!(found.last().unwrap().range.end, text.trim_end().len());
        }
    }
}
