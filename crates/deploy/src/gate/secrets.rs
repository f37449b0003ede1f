//! Secrets in added lines, and in texts that are to be kept. Shapes that mean a key always count; a long random value
//! counts where it is given to something named like a secret. A placeholder is no secret. The value itself is never
//! repeated in the reason.

use regex::Regex;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

/// Lines longer than this are bundles or data, and only looked at for fixed shapes.
const LONG_LINE: usize = 2000;

const SHAPES: &[(&str, &str)] = &[
    ("a private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a Slack webhook", r"hooks\.slack\.com/services/T[A-Za-z0-9]{6,}/B[A-Za-z0-9]{6,}/[A-Za-z0-9]{16,}"),
    ("a Stripe key", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    ("an OpenAI key", r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,}"),
    ("a Google key", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}"),
    ("a SendGrid key", r"\bSG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{30,}"),
    ("a Telegram bot token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b"),
];

static KNOWN: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    SHAPES.iter().filter_map(|(what, shape)| Some((*what, Regex::new(shape).ok()?))).collect()
});

static GIVEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name =
        r"(?i)[a-z0-9_.-]*(?:secret|token|passwo?r?d|api[_-]?key|private[_-]?key|credential)[a-z0-9_]*";
    Regex::new(&format!(r#"{name}["'`]?\s*(?:=>|[:=])\s*["'`]?([A-Za-z0-9+/=_.~!@#%^&*-]{{16,200}})"#)).ok()
});

/// The first secret in the lines that `new` has and `old` has not.
pub(super) fn found(old: &str, new: &str, generic: bool) -> Option<String> {
    let before: BTreeSet<&str> = old.lines().collect();
    new.lines().enumerate().filter(|(_, line)| !before.contains(line)).find_map(|(at, line)| {
        let what = shape_in(line)
            .or_else(|| (generic && line.len() <= LONG_LINE && given_in(line)).then_some("a secret"))?;
        Some(format!("line {} looks like {what}; secrets never go into the repository", at + 1))
    })
}

fn shape_in(line: &str) -> Option<&'static str> {
    KNOWN
        .iter()
        .find(|(_, shape)| shape.find_iter(line).any(|hit| !is_placeholder(hit.as_str())))
        .map(|(what, _)| *what)
}

fn given_in(line: &str) -> bool {
    given(line).next().is_some()
}

/// Where values stand that are given to something named like a secret.
fn given(text: &str) -> impl Iterator<Item = Range<usize>> {
    let hits = GIVEN.iter().flat_map(move |given| given.captures_iter(text));
    hits.filter_map(|hit| hit.get(1)).filter(|value| is_random(value.as_str())).map(|value| value.range())
}

fn is_random(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    // Code such as `token: request.headers.get` has few digits and reads like words.
    digits >= 3 && letters >= 3 && entropy(value) >= 3.5 && !is_placeholder(value) && !value.contains("()")
}

/// Where a private key begins, and where one ends.
static KEY_MARKS: LazyLock<Option<(Regex, Regex)>> = LazyLock::new(|| {
    let label = r"(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----";
    let mark = |word: &str| Regex::new(&format!("-----{word} {label}")).ok();
    mark("BEGIN").zip(mark("END"))
});

/// Where whole keys stand; of one without its end, all that could still belong to it. The text is gone through once for
/// each mark: a text of nothing but beginnings must not cost its square.
fn private_keys(text: &str) -> Vec<Range<usize>> {
    let Some((begin, end)) = &*KEY_MARKS else { return Vec::new() };
    let mut ends = end.find_iter(text).peekable();
    let mut found: Vec<Range<usize>> = Vec::new();
    for begins in begin.find_iter(text) {
        if found.last().is_some_and(|before| begins.start() < before.end) {
            continue;
        }
        while ends.next_if(|ends| ends.start() < begins.end()).is_some() {}
        let rest = || text.get(begins.end()..).unwrap_or_default();
        let of_a_key = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || "+/=".contains(c);
        let stop = match ends.peek() {
            Some(ends) => ends.end(),
            None => begins.end() + rest().find(|c| !of_a_key(c)).unwrap_or(rest().len()),
        };
        found.push(begins.start()..stop);
    }
    found
}

/// The text without its secrets: each is replaced by what it was.
pub fn redacted(text: &str) -> Cow<'_, str> {
    let mut found: Vec<(Range<usize>, &str)> = Vec::new();
    found.extend(private_keys(text).into_iter().map(|range| (range, "a private key")));
    for (what, shape) in KNOWN.iter() {
        let hits = shape.find_iter(text).filter(|hit| !is_placeholder(hit.as_str()));
        found.extend(hits.map(|hit| (hit.range(), *what)));
    }
    found.extend(given(text).map(|range| (range, "a secret")));
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let (mut kept, mut at) = (String::with_capacity(text.len()), 0);
    for (range, what) in found {
        // One within another goes with it.
        if range.start >= at {
            kept.push_str(text.get(at..range.start).unwrap_or_default());
            kept.push_str(&format!("[{what}, not kept]"));
        }
        at = at.max(range.end);
    }
    kept.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(kept)
}

fn is_placeholder(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "example",
        "placeholder",
        "changeme",
        "change-me",
        "change_me",
        "your",
        "xxxx",
        "dummy",
        "sample",
        "fake",
        "redacted",
        "process.env",
        "import.meta",
        "0000000",
        "1234567",
        "abcdef",
        "not-a-real",
        "notreal",
        "insert",
    ];
    let value = value.to_lowercase();
    WORDS.iter().any(|word| value.contains(word))
}

/// Bits per character.
fn entropy(text: &str) -> f64 {
    let mut counts = [0u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let all = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / all)
        .map(|share| -share * share.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Put together here, so that this file itself holds no key.
    fn key(start: &str, length: usize) -> String {
        let letters = "q7Zt2Lw9Xc4Vb6Nm1Kj8Hg5Fd3Sa0PoIuYtReWq".chars().cycle();
        format!("{start}{}", letters.take(length).collect::<String>())
    }

    #[test]
    fn keys_are_found_by_their_shape() {
        let begin = ["-----BEGIN OPENSSH", "PRIVATE KEY-----"].join(" ");
        let aws = format!("AKIA{}", "Q7ZT2LW9XC4VB6NM");
        let keys = [
            begin,
            aws,
            key("ghp_", 36),
            key("xoxb-", 24),
            key("sk_live_", 24),
            key("sk-proj-", 48),
            key("sk-ant-api03-", 40),
            key("AIza", 35),
            key("npm_", 36),
            key("glpat-", 20),
        ];
        for key in keys {
            let line = format!("const x = \"{key}\";");
            assert!(found("", &line, false).is_some(), "{key}");
            assert!(found(&line, &line, false).is_none(), "an old line is not new");
            assert!(!found("", &line, false).unwrap().contains(&key), "the secret is not repeated");
        }
    }

    #[test]
    fn random_values_given_to_a_secret_are_found() {
        for line in [format!("DB_PASSWORD={}", key("", 24)), format!("  \"apiKey\": \"{}\",", key("", 32))] {
            assert!(found("", &line, true).is_some(), "{line}");
        }
    }

    #[test]
    fn a_text_is_kept_without_its_secrets() {
        let (token, other) = (key("ghp_", 36), key("", 32));
        let pem =
            ["-----BEGIN RSA", "PRIVATE KEY-----\nMIIB\nqv7e==\n-----END RSA", "PRIVATE KEY-----"].join(" ");
        let text = format!("push with {token}, then\nAPI_KEY={other}\n{pem}\nand {token}");
        let kept = redacted(&text);
        for secret in [token.as_str(), other.as_str(), "MIIB", "qv7e"] {
            assert!(!kept.contains(secret), "{kept}");
        }
        assert_eq!(
            kept,
            "push with [a GitHub token, not kept], then\nAPI_KEY=[a secret, not kept]\n\
             [a private key, not kept]\nand [a GitHub token, not kept]"
        );
        let cut = text.split("-----END").next().unwrap();
        assert!(!redacted(cut).contains("qv7e"), "a key whose end is missing");
        assert!(matches!(redacted("const AWS = 'AKIAIOSFODNN7EXAMPLE'"), Cow::Borrowed(_)));
    }

    #[test]
    fn many_keys_that_only_begin_are_gone_through_once() {
        let begin = ["-----BEGIN RSA", "PRIVATE KEY-----\nMIIB\n"].join(" ");
        let end = ["-----END RSA", "PRIVATE KEY-----"].join(" ");
        // It takes minutes where each beginning looks for an end through all of the text.
        let kept = redacted(&begin.repeat(3_000)).into_owned();
        assert_eq!(kept.matches("[a private key, not kept]").count(), 3_000);
        assert!(!kept.contains("MIIB"));
        let kept = redacted(&format!("{end} a {begin}{begin}q {end} b {begin}{end}")).into_owned();
        assert_eq!(kept, format!("{end} a [a private key, not kept] b [a private key, not kept]"));
    }

    #[test]
    fn ordinary_lines_pass() {
        for line in [
            "const token = request.headers.get('authorization')",
            "password: z.string().min(8).max(128)",
            "api_key = \"your-api-key-goes-here-1234\"",
            "const AWS = 'AKIAIOSFODNN7EXAMPLE'",
            "<input type=\"password\" name=\"password\" autocomplete=\"current-password\" />",
            "token: process.env.STRIPE_TOKEN_2025_LIVE",
            "integrity = \"sha512-Aup7aUOfpbAUg2ROOJN6Iw5f9DMBlzu0mIkmalLQFN==\"",
            "const tokens = tokenize(source, { start: 0, end: 100 })",
            "color: var(--token-color-primary-500)",
        ] {
            assert_eq!(found("", line, true), None, "{line}");
        }
    }
}
