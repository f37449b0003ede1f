//! A name that a certificate can be for.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A host's name in the domain name system: lower case, at least two labels, no address and no wildcard. Names in other
/// scripts stand in their `xn--` form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use {name:?} as a domain: {why}")]
pub struct BadDomain {
    pub name: String,
    pub why: &'static str,
}

const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;

impl Domain {
    pub fn parse(text: &str) -> Result<Domain, BadDomain> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        match fault(&name) {
            None => Ok(Domain(name)),
            Some(why) => Err(BadDomain { name: text.chars().take(80).collect(), why }),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fault(name: &str) -> Option<&'static str> {
    if name.contains("://") || name.contains('/') {
        return Some("only the name is wanted, such as bakery.example");
    }
    if !name.is_ascii() {
        return Some("write it in its xn-- form, as your domain's provider shows it");
    }
    if name.parse::<std::net::IpAddr>().is_ok() {
        return Some("it is an address; a domain is a name");
    }
    if name.starts_with("*.") {
        return Some("a certificate for all names below it needs another proof than a web server can give");
    }
    let labels: Vec<&str> = name.split('.').collect();
    if name.is_empty() || name.len() > LONGEST || labels.len() < 2 {
        return Some("a domain has two parts or more, such as bakery.example");
    }
    let is_label = |label: &&str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !labels.iter().all(is_label) {
        return Some("its parts are letters, digits and hyphens");
    }
    if labels.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return Some("its last part is a number");
    }
    None
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Domain {
    type Error = BadDomain;
    fn try_from(text: String) -> Result<Domain, BadDomain> {
        Domain::parse(&text)
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> String {
        domain.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_as_they_are_typed_and_others_are_refused_with_the_reason() {
        for (text, name) in [
            ("bakery.example", "bakery.example"),
            ("WWW.Bakery.Example.", "www.bakery.example"),
            ("xn--bckerei-5wa.example", "xn--bckerei-5wa.example"),
            ("a-1.b2.example", "a-1.b2.example"),
        ] {
            assert_eq!(Domain::parse(text).unwrap().as_str(), name);
        }
        let long = format!("{}.example", "a".repeat(64));
        for (text, part) in [
            ("https://bakery.example/", "only the name"),
            ("bäckerei.example", "xn--"),
            ("198.51.100.10", "address"),
            ("2001:db8::1", "address"),
            ("*.bakery.example", "all names below"),
            ("localhost", "two parts"),
            ("", "two parts"),
            ("..", "letters"),
            ("a_b.example", "letters"),
            ("-a.example", "letters"),
            (long.as_str(), "letters"),
            ("bakery.123", "number"),
        ] {
            let says = Domain::parse(text).unwrap_err().to_string();
            assert!(says.contains(part), "{text}: {says}");
        }
    }
}
