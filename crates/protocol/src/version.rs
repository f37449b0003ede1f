//! Which of two versions is the older one, as semver orders them. Said by a server and by a desktop, which must agree.

use std::cmp::Ordering;

/// By their numbers, where a number that is not written is 0; a pre-release comes before its release. What stands behind a
/// plus sign says nothing.
pub fn compare(one: &str, other: &str) -> Ordering {
    let (one, other) = (Version::read(one), Version::read(other));
    let length = one.numbers.len().max(other.numbers.len());
    let number = |of: &[u64], at: usize| of.get(at).copied().unwrap_or(0);
    let by_numbers = (0..length)
        .map(|at| number(&one.numbers, at).cmp(&number(&other.numbers, at)))
        .find(|order| order.is_ne());
    by_numbers.unwrap_or_else(|| match (&one.before, &other.before) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(one), Some(other)) => one.cmp(other),
    })
}

pub fn is_older(one: &str, other: &str) -> bool {
    compare(one, other).is_lt()
}

struct Version<'a> {
    numbers: Vec<u64>,
    /// Of a pre-release: the words behind its hyphen.
    before: Option<Vec<Part<'a>>>,
}

/// Numbers come before words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Number(u64),
    Word(&'a str),
}

impl<'a> Version<'a> {
    fn read(text: &'a str) -> Self {
        let text = text.split('+').next().unwrap_or(text);
        let (numbers, before) =
            text.split_once('-').map_or((text, None), |(numbers, before)| (numbers, Some(before)));
        let part = |part: &'a str| part.parse().map_or(Part::Word(part), Part::Number);
        Version {
            numbers: numbers.split('.').map(|part| part.parse().unwrap_or(0)).collect(),
            before: before.map(|before| before.split('.').map(part).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_is_older_than_the_next() {
        let rising = [
            "x",
            "0.9",
            "0.9.9",
            "0.10.0-alpha",
            "0.10.0-rc.2",
            "0.10.0-rc.10",
            "0.10.0",
            "0.10.1",
            "1-beta",
            "1",
            "1.0.1",
            "2.0.0-1",
            "2.0.0-beta",
            "2",
        ];
        for (at, one) in rising.iter().enumerate() {
            for other in rising.iter().skip(at + 1) {
                assert!(is_older(one, other) && !is_older(other, one), "{one} {other}");
            }
        }
    }

    #[test]
    fn a_number_that_is_not_written_is_zero() {
        for (one, other) in [
            ("0.2", "0.2.0"),
            ("1", "1.0.0"),
            ("1.2.3", "1.2.3"),
            ("0.2-rc1", "0.2.0-rc1"),
            ("1.0+a", "1.0.0+b"),
        ] {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} {other}");
        }
    }
}
