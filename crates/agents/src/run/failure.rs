//! Reads an agent's complaint: signed out, out of quota, or simply failed. Codes first, then the words that the
//! programs are known to use.

use super::reset;
use super::transcript::Transcript;
use protocol::At;
use protocol::clean;
use protocol::fact::AttemptEnd;
use std::collections::VecDeque;

/// ACP's "authentication required".
const AUTH_REQUIRED: i64 = -32000;

const SIGNED_OUT: &[&str] = &[
    "401",
    "api key not valid",
    "api_key_invalid",
    "authentication required",
    "authentication_error",
    "authentication_failed",
    "incorrect api key",
    "invalid api key",
    "invalid_api_key",
    "invalid x-api-key",
    "invalid_authentication",
    "not logged in",
    "oauth token has expired",
    "please run /login",
    "provider.auth_error",
    "unauthenticated",
    "unauthorized",
];

const QUOTA: &[&str] = &[
    "429",
    // Kimi says 403 to a plan that is used up.
    "access_terminated_error",
    "exceeded_current_quota",
    "exhausted your",
    "hit your limit",
    "hit your session limit",
    "hit your usage limit",
    "hit your weekly limit",
    "insufficient balance",
    "insufficient_quota",
    "provider.rate_limit",
    "quota exceeded",
    "quota_exceeded",
    "rate limit",
    "rate_limit",
    "reached your usage limit",
    "resource_exhausted",
    "too many requests",
    "usage limit reached",
    "usage_limit_reached",
];

/// A quota that is not back in a minute.
const FOR_LONG: &[&str] = &[
    "allocated quota exceeded",
    "exceeded_current_quota",
    "insufficient balance",
    "insufficient_quota",
    "per day",
    "perday",
    "usage limit",
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
    "[api error",
    "api error:",
    "exceeded retry limit",
    "failed to authenticate",
    "stream disconnected before completion",
    "unexpected status",
    // Codex, after a service that answered nothing but 500.
    "we're currently experiencing high demand",
    "we’re currently experiencing high demand",
];

/// What an error answer of the protocol means for the attempt.
pub(super) fn of_error(code: i64, text: &str, now: At) -> AttemptEnd {
    let lower = text.to_lowercase();
    if says(&lower, QUOTA) {
        AttemptEnd::QuotaGone { until: reset::until(text, now) }
    } else if code == AUTH_REQUIRED || says(&lower, SIGNED_OUT) {
        AttemptEnd::SignedOut { reason: clean::line(text, 400) }
    } else {
        AttemptEnd::Failed { reason: format!("it answered with an error: {}", clean::line(text, 1000)) }
    }
}

/// What the service's answer to the agent means for the attempt.
pub(super) fn of_status(status: Option<u16>, words: &str, now: At) -> AttemptEnd {
    match status {
        Some(401) => AttemptEnd::SignedOut { reason: clean::line(&format!("401: {words}"), 400) },
        Some(429) => AttemptEnd::QuotaGone { until: reset::until(words, now) },
        Some(status) if status >= 400 => match of_error(0, words, now) {
            AttemptEnd::Failed { .. } => AttemptEnd::Failed {
                reason: clean::line(&format!("its service answers with {status}: {words}"), 1000),
            },
            other => other,
        },
        _ => of_error(0, words, now),
    }
}

/// Whether such a refusal is one that waiting for a minute does not help.
pub(super) fn is_for_long(words: &str) -> bool {
    says(&words.to_lowercase(), FOR_LONG)
}

/// A turn that ended well, did nothing and said only that the service refused it, or was refused before it said so.
pub(super) fn in_words(said: &Transcript, stderr: &VecDeque<String>, now: At) -> Option<AttemptEnd> {
    if said.tools.used > 0 {
        return None;
    }
    let words = said.last_words.trim();
    let lower = words.to_lowercase();
    let begins = |with: &[&str]| with.iter().any(|beginning| lower.starts_with(beginning));
    if words.len() <= 400 && begins(QUOTA_SAID) {
        return Some(AttemptEnd::QuotaGone { until: reset::until(words, now) });
    }
    if words.len() <= 400 && begins(FAILURE_SAID) {
        return Some(of_error(0, words, now));
    }
    if was_never_reached(said) {
        let reason = format!("its model was not reached; it said: {}", clean::line(words, 400));
        return Some(AttemptEnd::Failed { reason });
    }
    let complaint = stderr.iter().rev().find(|line| says(&line.to_lowercase(), SIGNED_OUT));
    complaint.map(|line| AttemptEnd::SignedOut { reason: clean::line(line, 400) })
}

/// A turn that says that it counted tokens and that there were none.
fn was_never_reached(said: &Transcript) -> bool {
    let none = |turn: &serde_json::Value| {
        let quota = &turn["_meta"]["quota"];
        quota.is_object() && quota["token_count"].is_null() && turn["usage"].is_null()
    };
    !said.turns.is_empty() && said.turns.iter().all(none)
}

fn says(lower: &str, words: &[&str]) -> bool {
    words.iter().any(|word| contains_word(lower, word))
}

/// A number such as 401 must stand alone: neither "14012 tokens" nor "totalMs=401" is a refusal.
fn contains_word(text: &str, word: &str) -> bool {
    if !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.contains(word);
    }
    let around = |at: usize| Some((text.get(..at)?, text.get(at + word.len()..)?));
    text.match_indices(word)
        .filter_map(|(at, _)| around(at))
        .any(|(before, after)| stands_alone(before, after))
}

fn stands_alone(before: &str, after: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '_');
    let goes_on = |after: &str| after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if before.ends_with(joins) || goes_on(after) || after.strip_prefix(['.', ',']).is_some_and(goes_on) {
        return false;
    }
    // Right behind such a sign it is the value of what stands before it, or a line of a file.
    let Some(key) = before.strip_suffix(['=', ':']) else { return true };
    let key = key.trim_end_matches(['"', '\'']);
    ["status", "code", "error", "http"].iter().any(|word| key.ends_with(word))
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
            (
                -32000,
                "Authentication required: 403 You've reached your usage limit for this billing cycle.",
                "quota_gone",
            ),
            (-32603, "You have exhausted your daily quota on this model.", "quota_gone"),
            (-32603, "{\"error\":{\"code\":401,\"message\":\"no\"}}", "signed_out"),
            (-32603, "request failed with status=429", "quota_gone"),
            (-32603, "it was refused: 401", "signed_out"),
            (-32603, "stream disconnected after 14012 bytes, id 401401", "failed"),
            (-32603, "[session/create] phase=register durationMs=1 totalMs=401", "failed"),
            (-32603, "gave up after 0.429 s at 12:00:01.401", "failed"),
            (-32603, "TypeError: x is not a function at cli.js:401:15", "failed"),
            (-32602, "Invalid params", "failed"),
        ];
        for (code, text, expected) in table {
            let end = serde_json::to_value(of_error(code, text, NOW)).unwrap();
            assert_eq!(end["end"], expected, "{text}");
        }
    }
}
