//! Why there is no certificate, in words for the user, and when it may be tried again.

use super::Domain;
use instant_acme::Problem;
use protocol::At;
use serde::{Deserialize, Serialize};

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The name does not lead to this server. The authority was not asked.
    Elsewhere,
    /// The authority cannot be reached, or is out of order.
    Away,
    /// The authority looked, and refused. Some of these an hour are all that it allows.
    Refused,
    /// The authority wants to be asked later.
    Later,
    /// This machine, such as a full disk.
    Machine,
}

/// A lower-case fragment each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trouble {
    pub kind: Kind,
    pub says: String,
    pub next: String,
}

/// How an attempt failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub trouble: Trouble,
    /// Not before, as the authority says.
    pub not_before: Option<At>,
    /// The authority does not know the account any more.
    pub account_gone: bool,
}

impl Trouble {
    pub(super) fn new(kind: Kind, says: impl Into<String>, next: impl Into<String>) -> Trouble {
        Trouble { kind, says: says.into(), next: next.into() }
    }

    pub(super) fn machine(says: String) -> Trouble {
        Trouble::new(Kind::Machine, says, "make room on the disk, then set the domain again")
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Failure {
        Failure { trouble, not_before: None, account_gone: false }
    }
}

/// What an authority said, as ACME names it (RFC 8555 §6.7).
pub(super) fn of_problem(problem: &Problem, domain: &Domain) -> Failure {
    let kind = problem.r#type.as_deref().and_then(|kind| kind.rsplit(':').next()).unwrap_or_default();
    let inner = problem.subproblems.iter().find_map(|sub| sub.detail.as_deref());
    let detail = inner.or(problem.detail.as_deref()).unwrap_or("it gave no reason");
    let detail: String = detail.chars().filter(|c| !c.is_control()).take(400).collect();
    let refused = |says: String, next: &str| Trouble::new(Kind::Refused, says, next);
    let trouble = match kind {
        "connection" | "tls" => refused(
            format!("the authority could not reach {domain} on port 80: {detail}"),
            "let port 80 in, at the provider's own firewall too",
        ),
        "dns" => refused(
            format!("the authority found no address of {domain}: {detail}"),
            "look at the domain's records at its provider; a new one may take an hour to be seen everywhere",
        ),
        "unauthorized" | "incorrectResponse" => refused(
            format!("the authority did not find this server at {domain}: {detail}"),
            "let the name point straight at this server, with nothing in between that answers for it",
        ),
        "caa" => refused(
            format!("the domain's CAA record forbids this authority: {detail}"),
            "allow the authority in the domain's CAA record, or remove that record",
        ),
        "rejectedIdentifier" | "unsupportedIdentifier" => {
            refused(format!("the authority gives none for {domain}: {detail}"), "use another name")
        }
        "invalidContact" | "unsupportedContact" => refused(
            format!("the authority does not take the contact address: {detail}"),
            "set the domain again with another address, or with none",
        ),
        "externalAccountRequired" | "userActionRequired" => refused(
            format!("the authority wants something of you first: {detail}"),
            "do what it says, or use another authority",
        ),
        "rateLimited" => Trouble::new(
            Kind::Later,
            format!("the authority was asked too often: {detail}"),
            "wait; it is tried again by itself",
        ),
        "serverInternal" => away(&detail),
        _ => refused(
            format!("the authority refused: {detail}"),
            "look at its words; it is tried again by itself",
        ),
    };
    Failure { trouble, not_before: None, account_gone: kind == "accountDoesNotExist" }
}

/// The authority does not answer as it should.
pub(super) fn away(why: &str) -> Trouble {
    Trouble::new(
        Kind::Away,
        format!("the certificate authority cannot be reached: {why}"),
        "nothing, if it is out of order: it is tried again by itself; else let this server reach it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_own_words_and_pace() {
        let domain = Domain::parse("bakery.example").unwrap();
        let of = |kind: &str| {
            let text = format!(r#"{{"type":"urn:ietf:params:acme:error:{kind}","detail":"so it is"}}"#);
            of_problem(&serde_json::from_str(&text).unwrap(), &domain)
        };
        for (kind, pace, part) in [
            ("connection", Kind::Refused, "on port 80: so it is"),
            ("dns", Kind::Refused, "no address of bakery.example"),
            ("unauthorized", Kind::Refused, "did not find this server"),
            ("caa", Kind::Refused, "CAA record"),
            ("rateLimited", Kind::Later, "too often"),
            ("serverInternal", Kind::Away, "cannot be reached"),
            ("somethingNew", Kind::Refused, "refused: so it is"),
        ] {
            let failure = of(kind);
            assert_eq!(failure.trouble.kind, pace, "{kind}");
            assert!(failure.trouble.says.contains(part), "{}", failure.trouble.says);
            assert!(!failure.trouble.next.is_empty() && !failure.account_gone);
        }
        assert!(of("accountDoesNotExist").account_gone);
        let bare = of_problem(&serde_json::from_str("{}").unwrap(), &domain);
        assert!(bare.trouble.says.contains("no reason"), "{}", bare.trouble.says);
    }
}
