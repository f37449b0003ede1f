//! Kinds, modes and days as they are written on the command line.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use protocol::fact::NoteKind;
use protocol::note::RecallMode;
use protocol::{At, date};

const DAY: i64 = 86_400_000;

pub fn kind() -> impl TypedValueParser<Value = NoteKind> {
    PossibleValuesParser::new(NoteKind::ALL.map(NoteKind::word))
        .try_map(|word| NoteKind::ALL.into_iter().find(|kind| kind.word() == word).ok_or("no kind of note"))
}

pub fn mode() -> impl TypedValueParser<Value = RecallMode> {
    PossibleValuesParser::new(RecallMode::ALL.map(RecallMode::word))
        .try_map(|word| RecallMode::ALL.into_iter().find(|mode| mode.word() == word).ok_or("no mode"))
}

/// A day's first moment, UTC.
pub fn since(text: &str) -> Result<At, String> {
    let mut parts = text.split('-').map(|part| {
        let digits = (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse::<i64>().ok() } else { None }
    });
    let (year, month, day) = (parts.next().flatten(), parts.next().flatten(), parts.next().flatten());
    if let (Some(year), Some(month), Some(day), None) = (year, month, day, parts.next()) {
        let days = date::days(year, month, day);
        // A day that no month has comes back as another one.
        if date::civil(days) == (year, month, day) {
            return Ok(At(days * DAY));
        }
    }
    Err("not a day; write it as 2026-11-22 (UTC)".to_owned())
}

/// A day's last moment, UTC.
pub fn until(text: &str) -> Result<At, String> {
    since(text).map(|At(begin)| At(begin + DAY - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_from_its_first_moment_to_its_last() {
        assert_eq!(since("2026-11-22"), Ok(At(20_779 * DAY)));
        assert_eq!(until("2026-11-22"), Ok(At(20_780 * DAY - 1)));
        assert_eq!(since("2024-2-29"), Ok(At(date::days(2024, 2, 29) * DAY)));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "2026",
            "2026-11",
            "2026-11-22-1",
            "2026-02-30",
            "2026-13-01",
            "x-1-1",
            "-1-1",
            "yesterday",
            "99999-1-1",
        ] {
            since(text).unwrap_err();
        }
    }
}
