//! What a certificate says of itself: from when, until when, and who vouches. As much of DER as that takes (X.690, RFC 5280).

use protocol::{At, date};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub from: At,
    pub until: At,
    pub issuer: Option<String>,
}

const INTEGER: u8 = 0x02;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
/// id-at-commonName and id-at-organizationName.
const COMMON_NAME: [u8; 3] = [0x55, 4, 3];
const ORGANIZATION: [u8; 3] = [0x55, 4, 10];

/// None where it is not a certificate.
pub(super) fn read(der: &[u8]) -> Option<Read> {
    let (signed, _) = expect(der, SEQUENCE)?;
    let (mut rest, _) = expect(signed, SEQUENCE)?;
    if let Some((_, after)) = expect(rest, VERSION) {
        rest = after;
    }
    let (_serial, rest) = expect(rest, INTEGER)?;
    let (_algorithm, rest) = expect(rest, SEQUENCE)?;
    let (issuer, rest) = expect(rest, SEQUENCE)?;
    let (validity, _) = expect(rest, SEQUENCE)?;
    let (from, after) = time(validity)?;
    let (until, _) = time(after)?;
    Some(Read { from, until, issuer: attribute(issuer, COMMON_NAME).or(attribute(issuer, ORGANIZATION)) })
}

/// Tag, content, and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (size, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        // Four bytes of length are more than any certificate has.
        let size = (1..=4).contains(&size.len()).then_some(size)?;
        (size.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

fn expect(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, content, after) = element(bytes)?;
    (tag == wanted).then_some((content, after))
}

fn time(bytes: &[u8]) -> Option<(At, &[u8])> {
    let (tag, content, after) = element(bytes)?;
    let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
    let (year, text) = match tag {
        UTC_TIME => {
            let (year, text) = text.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { year + 2000 } else { year + 1900 }, text)
        }
        GENERALIZED_TIME => {
            let (year, text) = text.split_at_checked(4)?;
            (year.parse().ok()?, text)
        }
        _ => return None,
    };
    let mut parts = [0_i64; 5];
    for (at, part) in parts.iter_mut().enumerate() {
        *part = text.get(at * 2..at * 2 + 2)?.parse().ok()?;
    }
    let [month, day, hour, minute, second] = parts;
    let seconds = ((date::days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some((At(seconds * 1000), after))
}

fn attribute(name: &[u8], wanted: [u8; 3]) -> Option<String> {
    let mut rest = name;
    while let Some((mut set, after)) = expect(rest, SET) {
        while let Some((pair, next)) = expect(set, SEQUENCE) {
            let (object, value) = expect(pair, OBJECT)?;
            if object == wanted {
                let (_, text, _) = element(value)?;
                return std::str::from_utf8(text).ok().map(str::to_owned);
            }
            set = next;
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::held::tests::made;

    #[test]
    fn dates_and_issuer_are_read_and_what_is_cut_is_none() {
        let (from, until) = (At(1_793_000_000_000), At(1_800_776_000_000));
        let pem = made("bakery.example", from, until);
        let der = crate::certificates::held::chain(&pem).unwrap().remove(0);
        let found = read(&der).unwrap();
        assert_eq!((found.from, found.until), (from, until));
        assert_eq!(found.issuer.as_deref(), Some("Test authority"));
        // After 2049 the other form of a time is used.
        let far = At(2_600_000_000_000);
        let late = crate::certificates::held::chain(&made("a.example", from, far)).unwrap().remove(0);
        assert_eq!(read(&late).unwrap().until, far);
        for end in 0..200 {
            assert_eq!(read(&der[..end]), None);
        }
    }
}
