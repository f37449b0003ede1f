//! Durations and moments in words. The clock and the time zone are passed in.

use protocol::At;
use protocol::date::civil;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A measured span: `420 ms`, `3.4 s`, `12 s`, `2 min 5 s`, `1 h 4 min`.
pub fn duration(ms: u64) -> String {
    match ms {
        0..SECOND => format!("{ms} ms"),
        SECOND..10_000 => format!("{}.{} s", ms / SECOND, ms % SECOND / 100),
        _ => elapsed(ms),
    }
}

/// A span that is still growing: whole seconds only, so that it does not flicker.
pub fn elapsed(ms: u64) -> String {
    match ms {
        0..MINUTE => format!("{} s", ms / SECOND),
        MINUTE..HOUR => format!("{} min {} s", ms / MINUTE, ms % MINUTE / SECOND),
        HOUR..DAY => format!("{} h {} min", ms / HOUR, ms % HOUR / MINUTE),
        _ => format!("{} d {} h", ms / DAY, ms % DAY / HOUR),
    }
}

/// How long ago, or how soon: `just now`, `25 s ago`, `3 h ago`, `in 5 min`; a date when it is more than 30 days off.
pub fn relative(now: At, at: At, offset_minutes: i32) -> String {
    let (span, ahead) = if at > now { (at.since(now), true) } else { (now.since(at), false) };
    let words = match span {
        0..10_000 => return "just now".to_owned(),
        10_000..MINUTE => format!("{} s", span / SECOND),
        MINUTE..HOUR => format!("{} min", span / MINUTE),
        HOUR..DAY => format!("{} h", span / HOUR),
        _ if span < 2 * DAY => "1 day".to_owned(),
        _ if span < 30 * DAY => format!("{} days", span / DAY),
        _ => return exact(at, offset_minutes).chars().take(10).collect(),
    };
    if ahead { format!("in {words}") } else { format!("{words} ago") }
}

/// `2026-11-22 08:37:38` in a zone that is `offset_minutes` ahead of UTC.
pub fn exact(at: At, offset_minutes: i32) -> String {
    let local = at.0.saturating_add(i64::from(offset_minutes) * 60_000);
    let seconds = local.div_euclid(1_000);
    let (days, in_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", in_day / 3600, in_day / 60 % 60, in_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_a_fitting_grain() {
        let table = [
            (0, "0 ms"),
            (999, "999 ms"),
            (3_450, "3.4 s"),
            (12_900, "12 s"),
            (125_000, "2 min 5 s"),
            (3_840_000, "1 h 4 min"),
            (93_600_000, "1 d 2 h"),
        ];
        for (ms, words) in table {
            assert_eq!(duration(ms), words);
        }
        assert_eq!(elapsed(3_450), "3 s");
    }

    #[test]
    fn moments_are_relative_to_now_in_both_directions() {
        let now = At(1_795_336_658_000);
        let ago = |ms: i64| relative(now, At(now.0 - ms), 0);
        assert_eq!(ago(400), "just now");
        assert_eq!(ago(25_000), "25 s ago");
        assert_eq!(ago(5 * 60_000), "5 min ago");
        assert_eq!(ago(26 * 3_600_000), "1 day ago");
        assert_eq!(ago(3 * 86_400_000), "3 days ago");
        assert_eq!(ago(-300_000), "in 5 min");
        assert_eq!(ago(40 * 86_400_000).len(), 10);
    }

    #[test]
    fn exact_moments_follow_the_calendar_and_the_zone() {
        assert_eq!(exact(At(0), 0), "1970-01-01 00:00:00");
        assert_eq!(exact(At(951_782_400_000), 0), "2000-02-29 00:00:00");
        assert_eq!(exact(At(1_795_336_658_000), 60), "2026-11-22 09:37:38");
        assert_eq!(exact(At(-1_000), 0), "1969-12-31 23:59:59");
    }
}
