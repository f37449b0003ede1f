//! As much of DNS as a relay needs: the name that is asked for, the IPv4 addresses of an answer, and answers of our own.

use std::net::{Ipv4Addr, Ipv6Addr};

const A: u16 = 1;
pub const AAAA: u16 = 28;
const HEADER: usize = 12;

#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    pub name: String,
    pub kind: u16,
    /// Where the question's own bytes end.
    end: usize,
}

pub fn question(message: &[u8]) -> Option<Question> {
    let (mut at, mut labels) = (HEADER, Vec::new());
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).to_lowercase());
        at += length;
    }
    Some(Question { name: labels.join("."), kind: number(message, at)?, end: at + 4 })
}

/// The answer of a server that knows the name (or knows that there is none).
pub fn reply(message: &[u8], asked: &Question, ip: Option<Ipv4Addr>) -> Vec<u8> {
    let shown = ip.filter(|_| asked.kind == A);
    let mut answer =
        head(message, asked, if ip.is_some() { 0x8580 } else { 0x8583 }, u16::from(shown.is_some()));
    if let Some(ip) = shown {
        // The name as in the question, A, IN, five seconds, four bytes.
        answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4]);
        answer.extend(ip.octets());
    }
    answer
}

/// The same question about the name's IPv4 addresses.
pub fn for_ipv4(message: &[u8], asked: &Question) -> Vec<u8> {
    let mut out = message.to_vec();
    if let Some(kind) = out.get_mut(asked.end.saturating_sub(4)..asked.end.saturating_sub(2)) {
        kind.copy_from_slice(&A.to_be_bytes());
    }
    out
}

/// Whether an answer says that there is no error.
pub fn is_good(message: &[u8]) -> bool {
    message.get(3).is_some_and(|flags| flags & 0x0f == 0)
}

pub fn reply6(message: &[u8], asked: &Question, ips: &[Ipv6Addr]) -> Vec<u8> {
    let mut answer = head(message, asked, 0x8180, u16::try_from(ips.len()).unwrap_or(u16::MAX));
    for ip in ips {
        // The name as in the question, AAAA, IN, five seconds, sixteen bytes.
        answer.extend([0xc0, 0x0c, 0, 28, 0, 1, 0, 0, 0, 5, 0, 16]);
        answer.extend(ip.octets());
    }
    answer
}

/// The name may exist; it has nothing of this kind.
pub fn empty(message: &[u8], asked: &Question) -> Vec<u8> {
    head(message, asked, 0x8180, 0)
}

fn head(message: &[u8], asked: &Question, flags: u16, answers: u16) -> Vec<u8> {
    let mut out = message.get(..2).unwrap_or_default().to_vec();
    for word in [flags, 1, answers, 0, 0] {
        out.extend(word.to_be_bytes());
    }
    out.extend(message.get(HEADER..asked.end).unwrap_or_default());
    out
}

/// The IPv4 addresses in an answer; none when it cannot be read.
pub fn addresses(message: &[u8]) -> Vec<Ipv4Addr> {
    read_addresses(message).unwrap_or_default()
}

fn read_addresses(message: &[u8]) -> Option<Vec<Ipv4Addr>> {
    let mut at = HEADER;
    for _ in 0..number(message, 4)? {
        at = after_name(message, at)? + 4;
    }
    let mut found = Vec::new();
    for _ in 0..number(message, 6)? {
        at = after_name(message, at)?;
        let (kind, length) = (number(message, at)?, usize::from(number(message, at + 8)?));
        let data = message.get(at + 10..at + 10 + length)?;
        if let (A, &[a, b, c, d]) = (kind, data) {
            found.push(Ipv4Addr::new(a, b, c, d));
        }
        at += 10 + length;
    }
    Some(found)
}

fn after_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            // A pointer ends a name.
            length if length >= 192 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: &str, kind: u16) -> Vec<u8> {
        let mut out = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            out.push(u8::try_from(label.len()).unwrap());
            out.extend(label.as_bytes());
        }
        out.push(0);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1]);
        out
    }

    #[test]
    fn what_is_asked_is_read_and_answered() {
        let message = ask("App.vps1.test", A);
        let asked = question(&message).unwrap();
        assert_eq!((asked.name.as_str(), asked.kind, asked.end), ("app.vps1.test", A, message.len()));
        let ip = Ipv4Addr::new(198, 51, 100, 10);
        assert_eq!(addresses(&reply(&message, &asked, Some(ip))), [ip]);
        assert!(addresses(&reply(&message, &asked, None)).is_empty());
        let other = ask("app.vps1.test", AAAA);
        assert!(addresses(&reply(&other, &question(&other).unwrap(), Some(ip))).is_empty());
    }

    #[test]
    fn a_question_about_ipv6_is_answered_by_what_ipv4_has() {
        let message = ask("a.test", AAAA);
        let asked = question(&message).unwrap();
        let four = for_ipv4(&message, &asked);
        assert_eq!((question(&four).unwrap().kind, four.len()), (A, message.len()));
        let answer = reply6(&message, &asked, &["64:ff9b::c633:640a".parse().unwrap()]);
        assert!(is_good(&answer) && answer.ends_with(&[198, 51, 100, 10]));
        assert!(!is_good(&reply(&message, &asked, None)));
    }

    #[test]
    fn what_is_cut_short_is_no_answer() {
        let message = ask("a.test", A);
        let whole = reply(&message, &question(&message).unwrap(), Some(Ipv4Addr::LOCALHOST));
        for end in 0..whole.len() {
            assert!(addresses(&whole[..end]).is_empty());
        }
        for end in 0..message.len() - 3 {
            assert_eq!(question(&message[..end]), None);
        }
    }
}
