//! Numbers with their units. What is not known is said to be unknown; it is never shown as zero.

use protocol::fact::{DiffStat, Usage};
use protocol::view::{Cost as Found, CostBasis};

/// `12345` → `12,345`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// `940`, `12.4k`, `1.2M`: for a table's cell; the exact number goes into its title.
pub fn short(n: u64) -> String {
    match n {
        0..1_000 => n.to_string(),
        1_000..1_000_000 => format!("{}.{}k", n / 1_000, n % 1_000 / 100),
        _ => format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

pub fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{}.{} kB", n / 1_000, n % 1_000 / 100),
        _ => format!("{}.{} MB", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

/// Tokens of every class: its name and its figure.
pub fn token_classes(usage: &Usage) -> [(&'static str, Option<u64>); 6] {
    [
        ("in", usage.input),
        ("cache read", usage.cache_read),
        ("cache write", usage.cache_write),
        ("out", usage.output),
        ("reasoning", usage.reasoning),
        ("requests", usage.requests),
    ]
}

/// A class's name for a list: requests are calls, all else are tokens.
pub fn class_name(class: &str) -> String {
    if class == "requests" { "Calls of the model".to_owned() } else { format!("Tokens, {class}") }
}

pub fn tokens(figure: Option<u64>) -> String {
    figure.map_or_else(|| "unknown".to_owned(), grouped)
}

/// One line with every class, for a tooltip.
pub fn tokens_in_words(usage: &Usage, practice: bool) -> String {
    if practice && no_tokens(usage) {
        return NO_MODEL.to_owned();
    }
    let parts: Vec<String> =
        token_classes(usage).iter().map(|(name, figure)| format!("{name} {}", tokens(*figure))).collect();
    format!("Tokens: {}", parts.join(", "))
}

const NO_MODEL: &str = "the practice agent calls no model";

/// Whether no class was reported.
pub fn no_tokens(usage: &Usage) -> bool {
    token_classes(usage).iter().all(|(_, figure)| figure.is_none())
}

/// What a cell shows: the known classes, or that none was reported.
pub fn tokens_in_cell(usage: &Usage, practice: bool) -> String {
    if practice && no_tokens(usage) {
        return "none".to_owned();
    }
    let known: Vec<String> = token_classes(usage)
        .iter()
        .filter_map(|(name, figure)| figure.map(|n| format!("{name} {}", short(n))))
        .collect();
    if known.is_empty() { "unknown".to_owned() } else { known.join(" · ") }
}

/// A cost and how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    pub figure: String,
    pub found: String,
    /// The same in a word or two, for a table.
    pub short: String,
    /// Who pays, where it is known.
    pub paid: Option<&'static str>,
}

pub fn cost(cost: &Found, practice: bool) -> Cost {
    let figure = cost.usd.map_or_else(|| "unknown".to_owned(), dollars);
    let of_day = cost.as_of.as_ref().map(|day| format!(" as of {day}")).unwrap_or_default();
    let (figure, found, short) = match (cost.usd, cost.basis) {
        (None, _) if practice => ("none".to_owned(), NO_MODEL.to_owned(), "no model".to_owned()),
        (Some(_), CostBasis::Reported) => {
            (figure, "reported by the agent's program".to_owned(), "reported".to_owned())
        }
        (Some(_), CostBasis::ListPrice) => (
            figure,
            format!("its tokens at the vendor's list price{of_day}"),
            format!("list-price equivalent{of_day}"),
        ),
        (None, _) | (Some(_), CostBasis::Unknown) => (
            figure,
            "neither reported, nor is there a list price for all of its tokens".to_owned(),
            "not reported".to_owned(),
        ),
    };
    Cost { figure, found, short, paid: cost.paid.map(super::agents::paid) }
}

/// `$0.12`; below a cent with four decimals. By whole numbers: formatting of floats would add 10 kB to the wasm.
pub fn dollars(usd: f64) -> String {
    let fine = (usd * 10_000.0).round() as u64;
    if fine > 0 && fine < 100 {
        return format!("$0.{fine:04}");
    }
    let cents = (usd * 100.0).round() as u64;
    format!("${}.{:02}", grouped(cents / 100), cents % 100)
}

/// `+12 −3 in 2 files`.
pub fn diffstat(diff: &DiffStat) -> String {
    let files = super::counted(u64::from(diff.files), "file", "files");
    format!("+{} −{} in {files}", grouped(u64::from(diff.added)), grouped(u64::from(diff.removed)))
}

/// A commit as git shows it to people.
pub fn commit(full: &str) -> String {
    full.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_shortened() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(short(940), "940");
        assert_eq!(short(12_440), "12.4k");
        assert_eq!(short(1_290_000), "1.2M");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(3_240), "3.2 kB");
    }

    #[test]
    fn unknown_is_not_zero() {
        let usage = Usage { input: Some(0), output: None, ..Usage::default() };
        assert_eq!(tokens(usage.input), "0");
        assert_eq!(tokens(usage.output), "unknown");
        assert_eq!(tokens_in_cell(&usage, false), "in 0");
        assert_eq!(tokens_in_cell(&usage, true), "in 0");
        assert_eq!(tokens_in_cell(&Usage::default(), false), "unknown");
        assert_eq!(tokens_in_cell(&Usage::default(), true), "none");
        assert!(tokens_in_words(&usage, false).contains("out unknown"));
    }

    #[test]
    fn a_cost_says_how_it_was_found() {
        let found = |usd, basis| Found { usd, basis, as_of: Some("2026-11-01".into()), paid: None };
        let reported = cost(&found(Some(0.1234), CostBasis::Reported), false);
        assert_eq!((reported.figure.as_str(), reported.short.as_str()), ("$0.12", "reported"));
        let listed = cost(&found(Some(0.0012), CostBasis::ListPrice), false);
        assert_eq!(
            (listed.figure.as_str(), listed.short.as_str()),
            ("$0.0012", "list-price equivalent as of 2026-11-01")
        );
        assert_eq!(listed.found, "its tokens at the vendor's list price as of 2026-11-01");
        let unknown = cost(&found(None, CostBasis::Unknown), false);
        assert_eq!((unknown.figure.as_str(), unknown.short.as_str()), ("unknown", "not reported"));
        assert_eq!(cost(&Found::default(), true).found, "the practice agent calls no model");
        let paid = Found { paid: Some(protocol::fact::Paid::Subscription), ..Found::default() };
        assert_eq!(cost(&paid, false).paid, Some("subscription"));
        assert_eq!([dollars(0.0), dollars(0.09996), dollars(1234.5)], ["$0.00", "$0.10", "$1,234.50"]);
    }

    #[test]
    fn a_change_has_its_size() {
        assert_eq!(diffstat(&DiffStat { files: 1, added: 1200, removed: 3 }), "+1,200 −3 in 1 file");
        assert_eq!(commit("0123456789abcdef"), "01234567");
    }
}
