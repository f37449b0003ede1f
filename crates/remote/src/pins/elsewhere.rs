//! The user's own `known_hosts`. It never makes a host trusted: it says "you know this key from elsewhere", and it says
//! which keys are revoked. Read as sshd(8) describes the format; what is not understood is passed over.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use russh::keys::PublicKey;
use sha1::{Digest, Sha1};
use std::path::Path;

#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    lines: Vec<Line>,
}

#[derive(Debug, Clone)]
struct Line {
    revoked: bool,
    hosts: String,
    key: PublicKey,
}

impl KnownHosts {
    /// A file that is not there or cannot be read holds nothing.
    pub fn read(path: &Path) -> Self {
        std::fs::read(path)
            .map_or_else(|_| Self::default(), |bytes| Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    pub(crate) fn parse(text: &str) -> Self {
        Self { lines: text.lines().filter_map(line).collect() }
    }

    /// This very key is recorded for this host.
    pub(crate) fn knows(&self, host: &str, port: u16, key: &PublicKey) -> bool {
        self.lines.iter().any(|line| !line.revoked && same(&line.key, key) && named(&line.hosts, host, port))
    }

    /// The key is revoked for this host. A revoked key is refused under any host that the line names.
    pub(crate) fn revoked(&self, host: &str, port: u16, key: &PublicKey) -> bool {
        self.lines.iter().any(|line| line.revoked && same(&line.key, key) && named(&line.hosts, host, port))
    }
}

fn same(one: &PublicKey, other: &PublicKey) -> bool {
    one.key_data() == other.key_data()
}

fn line(text: &str) -> Option<Line> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let mut words = text.split_ascii_whitespace();
    let mut hosts = words.next()?;
    let revoked = hosts == "@revoked";
    if hosts.starts_with('@') {
        // @cert-authority vouches for certificates, which are not asked for.
        if !revoked {
            return None;
        }
        hosts = words.next()?;
    }
    let key = PublicKey::from_openssh(&format!("{} {}", words.next()?, words.next()?)).ok()?;
    Some(Line { revoked, hosts: hosts.to_owned(), key })
}

/// `hosts` is one hashed name, or patterns by comma of which a negated one excludes.
fn named(hosts: &str, host: &str, port: u16) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let wanted = if port == 22 { host } else { format!("[{host}]:{port}") };
    if let Some(hashed) = hosts.strip_prefix("|1|") {
        return is_hash_of(hashed, &wanted);
    }
    let mut found = false;
    for pattern in hosts.to_ascii_lowercase().split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern.as_bytes(), wanted.as_bytes()) => return false,
            Some(_) => {}
            None => found |= matches(pattern.as_bytes(), wanted.as_bytes()),
        }
    }
    found
}

/// `*` is any text, `?` one character. Greedy with one way back, so that no pattern takes long.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_pattern) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                star = Some((in_pattern, at));
                in_pattern += 1;
            }
            Some(b'?') => (at, in_pattern) = (at + 1, in_pattern + 1),
            Some(byte) if text.get(at) == Some(byte) => (at, in_pattern) = (at + 1, in_pattern + 1),
            _ => match star {
                Some((after, from)) => {
                    (in_pattern, at) = (after + 1, from + 1);
                    star = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(in_pattern..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// `SALT|HASH`, both in base64: HMAC-SHA1 of the name.
fn is_hash_of(hashed: &str, name: &str) -> bool {
    let Some((salt, hash)) = hashed.split_once('|') else { return false };
    let (Ok(salt), Ok(hash)) = (STANDARD.decode(salt), STANDARD.decode(hash)) else { return false };
    salt.len() <= 64 && hmac_sha1(&salt, name.as_bytes()).as_slice() == hash
}

/// RFC 2104 with a key of at most one block.
fn hmac_sha1(key: &[u8], text: &[u8]) -> Vec<u8> {
    let padded = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha1::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha1::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

    fn key() -> PublicKey {
        PublicKey::from_openssh(KEY).unwrap()
    }

    #[test]
    fn hosts_are_found_by_name_pattern_port_and_hash() {
        let table = [
            (format!("box {KEY}"), "box", 22, true),
            (format!("BOX\t{KEY} comment"), "box.", 22, true),
            (format!("other,*.lan,!bad.lan {KEY}"), "a.lan", 22, true),
            (format!("other,*.lan,!bad.lan {KEY}"), "bad.lan", 22, false),
            (format!("[box]:2222 {KEY}"), "box", 2222, true),
            (format!("box {KEY}"), "box", 2222, false),
            (format!("10.0.0.? {KEY}"), "10.0.0.7", 22, true),
            (format!("10.0.0.? {KEY}"), "10.0.0.77", 22, false),
            (format!("@cert-authority box {KEY}"), "box", 22, false),
            (format!("# box {KEY}"), "box", 22, false),
        ];
        for (text, host, port, known) in table {
            assert_eq!(KnownHosts::parse(&text).knows(host, port, &key()), known, "{text}");
        }
    }

    /// Made with `ssh-keygen -H`.
    #[test]
    fn a_hashed_name_is_known() {
        let salt = STANDARD.encode([7; 20]);
        let hash = STANDARD.encode(hmac_sha1(&[7; 20], b"box"));
        let text = format!("|1|{salt}|{hash} {KEY}");
        assert!(KnownHosts::parse(&text).knows("box", 22, &key()));
        assert!(!KnownHosts::parse(&text).knows("fox", 22, &key()));
    }

    /// RFC 2202, case 1 and 2.
    #[test]
    fn hmac_is_the_standards() {
        let hex = |bytes: Vec<u8>| protocol::hex(bytes);
        assert_eq!(hex(hmac_sha1(&[0x0b; 20], b"Hi There")), "b617318655057264e28bc0b6fb378c8ef146be00");
        assert_eq!(
            hex(hmac_sha1(b"Jefe", b"what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
    }

    #[test]
    fn a_revoked_key_is_revoked_and_not_known() {
        let hosts = KnownHosts::parse(&format!("@revoked * {KEY}\n"));
        assert!(hosts.revoked("box", 22, &key()) && hosts.revoked("box", 2222, &key()));
        assert!(!hosts.knows("box", 22, &key()));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,300}", host in "[a-z*?.]{0,12}") {
            let hosts = KnownHosts::parse(&text);
            prop_assert!(!hosts.knows(&host, 22, &key()) || text.contains("AAAA"));
        }

        #[test]
        fn a_pattern_without_signs_matches_only_itself(one in "[a-c]{0,6}", other in "[a-c]{0,6}") {
            prop_assert_eq!(matches(one.as_bytes(), other.as_bytes()), one == other);
            let starred = format!("*{one}*");
            prop_assert_eq!(matches(starred.as_bytes(), other.as_bytes()), other.contains(&one));
        }
    }
}
