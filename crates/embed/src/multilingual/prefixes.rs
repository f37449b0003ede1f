//! A sorted list of byte strings, asked for all those with which a text begins.

/// The strings, one behind the other, in their order.
#[derive(Debug)]
pub(crate) struct Prefixes {
    text: Vec<u8>,
    ends: Vec<u32>,
    /// Where the strings with a given first byte begin, and an end.
    firsts: Vec<u32>,
}

impl Prefixes {
    /// From strings in ascending order, none of them empty; `None` where they are not so.
    pub(crate) fn new(text: Vec<u8>, lengths: &[u8]) -> Option<Self> {
        let ends: Vec<u32> = lengths
            .iter()
            .scan(0, |end, length| {
                *end += u32::from(*length);
                Some(*end)
            })
            .collect();
        let mut list = Self { text, ends, firsts: Vec::new() };
        let strings: Vec<&[u8]> = (0..list.ends.len()).map(|at| list.string(at)).collect();
        let sound =
            strings.first().is_none_or(|first| !first.is_empty()) && strings.is_sorted_by(|a, b| a < b);
        let whole = list.ends.last().copied().unwrap_or(0) as usize == list.text.len();
        let firsts = (0..=256_u32).map(|byte| {
            strings.partition_point(|string| string.first().is_some_and(|first| u32::from(*first) < byte))
                as u32
        });
        let firsts = firsts.collect();
        list.firsts = firsts;
        (sound && whole).then_some(list)
    }

    pub(crate) fn count(&self) -> usize {
        self.ends.len()
    }

    #[inline]
    fn string(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(start);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Calls `each` with the length and the place in the list of every string with which `text` begins, short ones first.
    pub(crate) fn of(&self, text: &[u8], mut each: impl FnMut(usize, usize)) {
        let Some((first, rest)) = text.split_first() else { return };
        let bound = |byte: usize| self.firsts.get(byte).map_or(0, |at| *at as usize);
        let (mut low, mut high) = (bound(usize::from(*first)), bound(usize::from(*first) + 1));
        let mut length = 1;
        let mut rest = rest.iter();
        while low < high {
            if self.string(low).len() == length {
                each(length, low);
                low += 1;
            }
            let Some(next) = rest.next() else { return };
            low +=
                partition(high - low, |at| self.string(low + at).get(length).is_some_and(|byte| byte < next));
            high = low
                + partition(high - low, |at| {
                    self.string(low + at).get(length).is_some_and(|byte| byte <= next)
                });
            length += 1;
        }
    }
}

/// How many of the first `count` numbers satisfy `holds`, which no number does behind one that does not.
#[inline(always)]
fn partition(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Brings strings into the form that [`Prefixes::new`] takes; gives their old places in their new order, too. `None` where
/// one is longer than 255 bytes.
pub(crate) fn sort(strings: &[Vec<u8>]) -> Option<(Vec<u8>, Vec<u8>, Vec<u32>)> {
    let mut order: Vec<u32> = (0..strings.len() as u32).collect();
    let string = |at: &u32| strings.get(*at as usize).map(Vec::as_slice).unwrap_or_default();
    order.sort_by(|a, b| string(a).cmp(string(b)));
    let text = order.iter().flat_map(string).copied().collect();
    let lengths = order.iter().map(|at| u8::try_from(string(at).len()).ok()).collect::<Option<_>>()?;
    Some((text, lengths, order))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_beginnings_are_found_short_ones_first() {
        let strings = ["b", "abc", "a", "ab", "ac", "é", "abd"].map(|s| s.as_bytes().to_vec());
        let (text, lengths, order) = sort(&strings).unwrap();
        let list = Prefixes::new(text, &lengths).unwrap();
        assert_eq!(list.count(), 7);
        let found = |text: &str| {
            let mut found = Vec::new();
            list.of(text.as_bytes(), |length, at| {
                assert_eq!(&strings[order[at] as usize], &text.as_bytes()[..length]);
                found.push(text[..length].to_owned());
            });
            found
        };
        assert_eq!(found("abcd"), ["a", "ab", "abc"]);
        assert_eq!(found("acab"), ["a", "ac"]);
        assert_eq!(found("é!"), ["é"]);
        assert_eq!(found("x"), [""; 0]);
        assert_eq!(found(""), [""; 0]);
        assert_eq!(found("a"), ["a"]);
    }

    #[test]
    fn strings_out_of_order_are_refused() {
        assert!(Prefixes::new(b"ba".to_vec(), &[1, 1]).is_none());
        assert!(Prefixes::new(b"aa".to_vec(), &[1, 1]).is_none());
        assert!(Prefixes::new(b"ab".to_vec(), &[0, 2]).is_none());
        assert!(Prefixes::new(b"ab".to_vec(), &[1]).is_none());
        assert!(sort(&[vec![b'a'; 256]]).is_none());
    }
}
