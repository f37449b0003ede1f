//! Secrets in added lines. Shapes that mean a key always count; a long random value counts where it is given to
//! something named like a secret. A placeholder is no secret. The value itself is never repeated in the reason.

use regex::Regex;
use std::collections::BTreeSet;
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
    let Some(given) = GIVEN.as_ref() else { return false };
    given.captures_iter(line).filter_map(|hit| hit.get(1)).any(|value| {
        let value = value.as_str();
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
        // Code such as `token: request.headers.get` has few digits and reads like words.
        digits >= 3
            && letters >= 3
            && entropy(value) >= 3.5
            && !is_placeholder(value)
            && !value.contains("()")
    })
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
