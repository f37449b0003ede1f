//! When an agent says that its quota is back. Programs run with the clock of UTC, so that a time of day is one of UTC.

use protocol::At;
use protocol::date::{civil, days};

const SECOND: i64 = 1000;
const DAY: i64 = 86_400 * SECOND;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// Nothing that is further away is believed.
const FURTHEST: i64 = 400 * DAY;

/// The moment, when it is told in one of the ways that are known.
pub(super) fn until(text: &str, now: At) -> Option<At> {
    let text = text.to_lowercase();
    let at = stamp(&text).or_else(|| delay(&text, now)).or_else(|| clock(&text, now))?;
    (at >= now.0 && at - now.0 <= FURTHEST).then_some(At(at))
}

/// `limit reached|<unix seconds>`
fn stamp(text: &str) -> Option<i64> {
    let (_, after) = text.split_once("limit reached|")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse::<i64>().ok()?.checked_mul(SECOND)
}

/// "try again in 3 days 4 hours", "Please retry in 34.07s", `"retryDelay": "34s"`, "retry-after: 30".
fn delay(text: &str, now: At) -> Option<i64> {
    const BEFORE: [&str; 8] = [
        "try again in ",
        "retry in ",
        "retry after ",
        "resets in ",
        "reset after ",
        "retry-after: ",
        "retrydelay\\\":\\\"",
        "retrydelay\":\"",
    ];
    let squeezed = text.replace("\": \"", "\":\"");
    let after = BEFORE.iter().find_map(|before| squeezed.split_once(before))?.1;
    let mut rest = after;
    let mut sum = 0f64;
    loop {
        rest = rest.trim_start_matches([' ', ',', '~']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
        let number: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let Ok(count) = number.trim_end_matches('.').parse::<f64>() else { break };
        rest = rest[number.len()..].trim_start();
        let word: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
        let each = match word.as_str() {
            "ms" | "millisecond" | "milliseconds" => 0.001,
            "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            _ => break,
        };
        sum += count * each;
        rest = &rest[word.len()..];
    }
    let fits = sum > 0.0 && sum < 1e9;
    #[expect(clippy::cast_possible_truncation, reason = "it is below a billion")]
    fits.then(|| now.0.saturating_add((sum * 1000.0).ceil() as i64))
}

/// "try again at 3:45 PM", "try again at Nov 25th, 2026 3:45 PM", "resets 3pm (UTC)", "resets Nov 25, 3pm (UTC)",
/// "will reset at 2026-11-25T15:45:00Z".
fn clock(text: &str, now: At) -> Option<i64> {
    let after =
        ["try again at ", "resets at ", "reset at ", "resets "].iter().find_map(|b| text.split_once(b))?.1;
    if let Some(at) = iso(after) {
        return Some(at);
    }
    let words = after
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '"' | '\\'))
        .filter(|w| !w.is_empty());
    let words: Vec<&str> = words.take(8).map(|word| word.trim_end_matches(['.', ';'])).collect();
    // A zone by name would need a table of zones.
    if words.iter().any(|word| word.contains('/')) {
        return None;
    }
    let mut day = None;
    let mut words = &words[..];
    if let Some(month) =
        words.first().and_then(|word| MONTHS.iter().position(|month| word.starts_with(month)))
    {
        let number = words.get(1)?.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let year = words.get(2).and_then(|word| word.parse::<i64>().ok()).filter(|year| *year >= 2000);
        words = &words[if year.is_some() { 3 } else { 2 }..];
        if words.first() == Some(&"at") {
            words = &words[1..];
        }
        let year_now = civil(now.0.div_euclid(DAY)).0;
        day = Some(days(year.unwrap_or(year_now), month as i64 + 1, number.parse().ok()?));
    }
    let minutes = time_of_day(words)?;
    let at = |day: i64| day * DAY + minutes * 60 * SECOND;
    match day {
        Some(day) => Some(at(day)),
        None => {
            let today = now.0.div_euclid(DAY);
            Some(if at(today) >= now.0 { at(today) } else { at(today + 1) })
        }
    }
}

/// "3pm", "3:45 pm", "15:45": minutes since midnight.
fn time_of_day(words: &[&str]) -> Option<i64> {
    let word = words.first()?;
    let (number, mut half) = match word.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => (&word[..at], Some(&word[at..])),
        None => (*word, None),
    };
    half = half.or_else(|| words.get(1).copied().filter(|word| matches!(*word, "am" | "pm")));
    let (hour, minute) = match number.split_once(':') {
        Some((hour, minute)) => (hour.parse::<i64>().ok()?, minute.get(..2)?.parse::<i64>().ok()?),
        None => (number.parse::<i64>().ok()?, 0),
    };
    let hour = match half {
        Some("am") => hour % 12,
        Some("pm") => hour % 12 + 12,
        // A bare number is no time.
        None if number.contains(':') => hour,
        _ => return None,
    };
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(hour * 60 + minute)
}

/// `2026-11-25T15:45:00Z`, or with a space.
fn iso(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let marks = [(4, "-"), (7, "-"), (13, ":")];
    if !marks.iter().all(|(at, mark)| text.get(*at..at + 1) == Some(mark)) {
        return None;
    }
    let (month, day, hour, minute) = (number(5, 7)?, number(8, 10)?, number(11, 13)?, number(14, 16)?);
    let second = if text.get(16..17) == Some(":") { number(17, 19).unwrap_or(0) } else { 0 };
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    valid.then(|| {
        days(number(0, 4)?, month, day)
            .checked_mul(DAY)?
            .checked_add(((hour * 60 + minute) * 60 + second) * SECOND)
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22 11:00 UTC.
    const NOW: At = At(1_795_345_200_000);

    fn after(text: &str) -> Option<i64> {
        until(text, NOW).map(|at| at.0 - NOW.0)
    }

    #[test]
    fn the_time_of_return_is_read_where_it_is_said() {
        let (minute, hour, day) = (60_000, 3_600_000, DAY);
        let table = [
            ("usage limit reached|1795348800", Some(hour)),
            ("try again in 1 hour, 2 minutes.", Some(hour + 2 * minute)),
            ("Try again in 3 days 4 hours 5 minutes.", Some(3 * day + 4 * hour + 5 * minute)),
            ("Please retry in 34.074824224s.", Some(34_075)),
            (r#"{"@type":"RetryInfo","retryDelay":"34s"}"#, Some(34_000)),
            (r#"{"@type": "RetryInfo", "retryDelay": "34s"}"#, Some(34_000)),
            (r#"message":"{\"retryDelay\":\"7s\"}"#, Some(7_000)),
            ("Please try again in 6m0s.", Some(6 * minute)),
            ("Your quota will reset after 2h3m4s.", Some(2 * hour + 3 * minute + 4000)),
            ("retry-after: 30", Some(30_000)),
            ("or try again at 3:45 PM.", Some(4 * hour + 45 * minute)),
            ("or try again at 9:00 AM.", Some(22 * hour)),
            (r#"{"message":"or try again at 3:45 PM.","info":{}}"#, Some(4 * hour + 45 * minute)),
            ("try again at Nov 25th, 2026 3:45 PM.", Some(3 * day + 4 * hour + 45 * minute)),
            ("You've hit your session limit · resets 3pm (UTC)", Some(4 * hour)),
            ("You've hit your weekly limit · resets Nov 25, 3pm (UTC)", Some(3 * day + 4 * hour)),
            ("It will reset at 2026-11-25T15:45:00Z", Some(3 * day + 4 * hour + 45 * minute)),
            ("resets 3pm (Europe/Berlin)", None),
            ("try again later", None),
            ("usage limit reached", None),
            ("try again in 99999999999999999999 days", None),
            ("limit reached|99999999999999999999", None),
            ("try again at Nov", None),
            ("resets 99:99", None),
        ];
        for (text, expected) in table {
            assert_eq!(after(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_words_are_too_much(text in "(try again (in|at) |resets |retry in |limit reached\\|)?.{0,60}") {
            until(&text, NOW);
        }
    }
}
