//! Whether two texts say the same: by the shingles, a few words in a row, that they share.

use super::weights as w;
use std::cell::OnceCell;
use std::cmp::Ordering;

/// Words of a text that are looked at, and words in a shingle.
const LOOKED: usize = 300;
const SHINGLE: usize = 4;
/// Of the smallest shingles, so many of one text are looked for among so many of the other.
const FEW: usize = 8;
const SMALLEST: usize = 16;

/// Of one text.
#[derive(Debug)]
pub(super) struct Shingles {
    /// In the order of the text.
    all: Vec<u64>,
    /// Halves of the smallest, in rising order; one that stands there several times stands for those that are not there.
    smallest: [u32; SMALLEST],
    /// All in rising order, each once; made when it is wanted.
    sorted: OnceCell<Vec<u64>>,
}

impl Shingles {
    pub(super) fn of(text: &str) -> Shingles {
        let words = words(text);
        // Turned before it is added, so that the order of the words counts.
        let mix = |few: &[u64]| few.iter().fold(0u64, |sum, word| sum.rotate_left(17).wrapping_add(*word));
        let all: Vec<u64> = match words.len() < SHINGLE {
            true => vec![mixed(text.bytes().fold(0, |hash, byte| step(hash, u64::from(byte))))],
            false => words.windows(SHINGLE).map(mix).collect(),
        };
        let smallest = smallest(&all);
        Shingles { all, smallest, sorted: OnceCell::new() }
    }

    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    pub(super) fn is_same(&self, other: &Shingles) -> bool {
        // Most of the smallest hashes of two texts that say the same are the same. All are compared, since that is quicker
        // than to stop at the first.
        let few = self.smallest.iter().take(FEW);
        if !few.fold(false, |any, hash| other.smallest.iter().fold(any, |any, it| any | (it == hash))) {
            return false;
        }
        let (a, b) = (self.sorted(), other.sorted());
        let (mut left, mut right, mut common) = (a.iter().peekable(), b.iter().peekable(), 0usize);
        while let (Some(x), Some(y)) = (left.peek(), right.peek()) {
            match x.cmp(y) {
                Ordering::Less => drop(left.next()),
                Ordering::Greater => drop(right.next()),
                Ordering::Equal => {
                    common += 1;
                    left.next();
                    right.next();
                }
            }
        }
        let all = a.len() + b.len() - common;
        all > 0 && common as f64 / all as f64 >= w::SAME
    }

    fn sorted(&self) -> &[u64] {
        self.sorted.get_or_init(|| {
            let mut all = self.all.clone();
            all.sort_unstable();
            all.dedup();
            all
        })
    }
}

fn smallest(all: &[u64]) -> [u32; SMALLEST] {
    let mut found: Vec<u64> = Vec::with_capacity(SMALLEST + 1);
    for hash in all {
        if found.len() == SMALLEST && found.last().is_some_and(|last| last <= hash) {
            continue;
        }
        if let Err(place) = found.binary_search(hash) {
            found.insert(place, *hash);
            found.truncate(SMALLEST);
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
    let half = |hash: Option<&u64>| hash.map_or(0, |hash| *hash as u32);
    std::array::from_fn(|place| half(found.get(place).or(found.last())))
}

/// A hash of each of the first words.
fn words(text: &str) -> Vec<u64> {
    let mut words = Vec::with_capacity(LOOKED);
    let (mut hash, mut inside) = (0, false);
    for c in text.chars() {
        if c.is_alphanumeric() {
            (hash, inside) = (step(hash, u64::from(c)), true);
        } else if inside {
            words.push(mixed(hash));
            (hash, inside) = (0, false);
            if words.len() == LOOKED {
                return words;
            }
        }
    }
    words.extend(inside.then_some(mixed(hash)));
    words
}

/// Texts are compared within one answer only: a quick hash is enough.
fn step(hash: u64, more: u64) -> u64 {
    (hash ^ more).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        Shingles::of(a).is_same(&Shingles::of(b))
    }

    #[test]
    fn the_same_in_other_signs_is_the_same_and_in_another_order_is_not() {
        let text: String = (0..60).map(|n| format!("word{n} ")).collect();
        assert!(same(&text, &text.replace(' ', ", ")));
        assert!(same(&text, &text.replace("word59", "last")));
        assert!(!same(&text, &text.split(' ').rev().collect::<Vec<_>>().join(" ")));
        assert!(!same(&text, &text.replace('w', "b")));
    }

    #[test]
    fn few_words_are_compared_as_they_are() {
        assert!(same("", "") && same("yes, it is", "yes, it is"));
        assert!(!same("yes, it is", "no") && !same("one two three four", "one two three five"));
    }
}
