//! Reads an agent's complaint: signed out, out of quota, or simply failed. Codes first, then the words that the
//! programs are known to use.

use super::transcript::Transcript;
use protocol::At;
use protocol::clean;
use protocol::fact::AttemptEnd;

/// ACP's "authentication required".
const AUTH_REQUIRED: i64 = -32000;

const SIGNED_OUT: &[&str] = &[
    "401",
    "authentication required",
    "authentication_error",
    "authentication_failed",
    "invalid api key",
    "invalid x-api-key",
    "not logged in",
    "oauth token has expired",
    "please run /login",
    "unauthorized",
];

const QUOTA: &[&str] = &[
    "429",
    "hit your limit",
    "hit your usage limit",
    "insufficient_quota",
    "quota exceeded",
    "rate limit",
    "rate_limit",
    "too many requests",
    "usage limit reached",
    "usage_limit_reached",
];

/// Beginnings of what an agent *says* instead of working when the account is used up.
const QUOTA_SAID: &[&str] = &[
    "claude ai usage limit reached",
    "claude usage limit reached",
    "you've hit your",
    "you’ve hit your",
    "you've reached your usage limit",
    "you have reached your usage limit",
];

/// Beginnings of what an adapter passes on as the agent's words when the service refused: an error in plain clothes.
const FAILURE_SAID: &[&str] = &[
    "api error:",
    "exceeded retry limit",
    "failed to authenticate",
    "stream disconnected before completion",
    "unexpected status",
];

/// What an error answer of the protocol means for the attempt.
pub(super) fn of_error(code: i64, text: &str, now: At) -> AttemptEnd {
    let lower = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| contains_word(&lower, word));
    if says(QUOTA) {
        AttemptEnd::QuotaGone { until: until(&lower, now) }
    } else if code == AUTH_REQUIRED || says(SIGNED_OUT) {
        AttemptEnd::SignedOut { reason: clean::line(text, 400) }
    } else {
        AttemptEnd::Failed { reason: format!("it answered with an error: {}", clean::line(text, 1000)) }
    }
}

/// A turn that ended well, did nothing and said only that the service refused it.
pub(super) fn in_words(said: &Transcript, now: At) -> Option<AttemptEnd> {
    let words = said.last_words.trim();
    if said.tools_used > 0 || words.len() > 400 {
        return None;
    }
    let lower = words.to_lowercase();
    let begins = |with: &[&str]| with.iter().any(|beginning| lower.starts_with(beginning));
    if begins(QUOTA_SAID) {
        Some(AttemptEnd::QuotaGone { until: until(&lower, now) })
    } else if begins(FAILURE_SAID) {
        Some(of_error(0, words, now))
    } else {
        None
    }
}

/// A number such as 401 must stand alone: "14012 tokens" is no refusal.
fn contains_word(text: &str, word: &str) -> bool {
    if !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.contains(word);
    }
    text.split(|c: char| !c.is_alphanumeric()).any(|part| part == word)
}

/// When it says that the quota is back: `limit reached|<unix seconds>`, or "in 3 days 4 hours 5 minutes".
fn until(text: &str, now: At) -> Option<At> {
    if let Some((_, after)) = text.split_once("limit reached|") {
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        return Some(At(digits.parse::<i64>().ok()?.checked_mul(1000)?));
    }
    let (_, after) = text.split_once("try again in ").or_else(|| text.split_once("resets in "))?;
    let mut words =
        after.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty() && *w != "and");
    let mut seconds = 0i64;
    while let Some(number) = words.next().and_then(|word| word.parse::<i64>().ok()) {
        let unit = words.next()?;
        let each = [("day", 86_400), ("hour", 3_600), ("min", 60), ("sec", 1)];
        let (_, each) = each.iter().find(|(name, _)| unit.starts_with(name))?;
        seconds = seconds.checked_add(number.checked_mul(*each)?)?;
    }
    (seconds > 0).then(|| At(now.0.saturating_add(seconds.saturating_mul(1000))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: At = At(1_000_000);

    #[test]
    fn complaints_are_told_apart() {
        let table = [
            (-32000, "Authentication required", "signed_out"),
            (-32603, "Internal error: unexpected status 401 Unauthorized", "signed_out"),
            (-32603, "Failed to authenticate. API Error: 401 {\"type\":\"error\"}", "signed_out"),
            (-32603, "exceeded retry limit, last status: 429 Too Many Requests", "quota_gone"),
            (-32603, "You've hit your usage limit. Try again in 3 days 4 hours.", "quota_gone"),
            (-32000, "API Error: Rate limit reached", "quota_gone"),
            (-32603, "stream disconnected after 14012 bytes", "failed"),
            (-32602, "Invalid params", "failed"),
        ];
        for (code, text, expected) in table {
            let end = serde_json::to_value(of_error(code, text, NOW)).unwrap();
            assert_eq!(end["end"], expected, "{text}");
        }
    }

    #[test]
    fn the_time_of_return_is_read_where_it_is_said() {
        assert_eq!(until("usage limit reached|1764000000", NOW), Some(At(1_764_000_000_000)));
        assert_eq!(until("try again in 1 hour, 2 minutes.", NOW), Some(At(NOW.0 + 3_720_000)));
        assert_eq!(
            until("try again in 3 days 4 hours", NOW),
            Some(At(NOW.0 + 1000 * (3 * 86_400 + 4 * 3_600)))
        );
        assert_eq!(until("try again later", NOW), None);
        assert_eq!(until("usage limit reached", NOW), None);
    }
}
