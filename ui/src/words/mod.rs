//! How things are said: pure functions from the protocol's rows to the words, figures and states that a page shows.
//! Nothing here touches the browser, so all of it is tested on the host.

pub mod agents;
pub mod diff;
pub mod figures;
pub mod graph;
pub mod keys;
pub mod lanes;
pub mod list;
pub mod mcp;
pub mod memory;
pub mod reply;
pub mod route;
pub mod servers;
pub mod stages;
pub mod time;

#[cfg(test)]
pub(crate) mod sample;

/// A sentence out of a fragment that may or may not end like one.
pub fn sentence(fragment: &str) -> String {
    ended(&begun(fragment))
}

/// The end of a sentence that began before.
pub fn ended(fragment: &str) -> String {
    let mut text = fragment.trim().to_owned();
    if !text.is_empty() && !text.ends_with(['.', '!', '?', '…', ':']) {
        text.push('.');
    }
    text
}

/// The same without an end of ours: what is to be done may end in a command, which one copies.
pub fn begun(fragment: &str) -> String {
    let mut chars = fragment.trim().chars();
    let first = chars.next().map(|c| c.to_uppercase().collect::<String>()).unwrap_or_default();
    first + chars.as_str()
}

/// `1 file`, `2 files`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", figures::grouped(n), if n == 1 { one } else { many })
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_becomes_one_sentence() {
        assert_eq!(sentence("it is the only one ready"), "It is the only one ready.");
        assert_eq!(sentence(" Which colour? "), "Which colour?");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn lists_and_counts_read_as_people_write_them() {
        let words = |n: usize| ["a", "b", "c"].iter().take(n).map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(listed(&words(0)), "");
        assert_eq!(listed(&words(1)), "a");
        assert_eq!(listed(&words(2)), "a and b");
        assert_eq!(listed(&words(3)), "a, b and c");
        assert_eq!(counted(1, "note", "notes"), "1 note");
        assert_eq!(counted(1200, "note", "notes"), "1,200 notes");
    }
}
