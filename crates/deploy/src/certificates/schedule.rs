//! When what is done. Pure: the record, the certificate and the time go in.

use super::trouble::{Failure, Kind, Trouble};
use protocol::At;
use serde::{Deserialize, Serialize};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// Refusals within an hour after which even the user's own word waits: Let's Encrypt stops at five.
const REFUSALS: usize = 4;

/// What is known of a name between two attempts, and over a restart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    pub trouble: Option<Trouble>,
    /// One after the other, of the trouble's kind.
    pub failures: u32,
    /// Nothing is done before.
    pub retry: Option<At>,
    /// When the authority refused, in the last hour.
    pub refusals: Vec<At>,
    pub order: Option<OpenOrder>,
}

/// An order that is not at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenOrder {
    /// At which authority.
    pub directory: String,
    pub url: String,
    /// The private key that its certificate will be for, in PEM.
    pub key: String,
}

impl Record {
    /// The time of the next attempt, for a certificate that holds between the two dates.
    pub(super) fn due(&self, holds: Option<(At, At)>, now: At) -> At {
        let due = match (self.retry, holds) {
            (Some(retry), _) => retry,
            (None, None) => now,
            (None, Some(_)) if self.order.is_some() => now,
            (None, Some((from, until))) => renewal(from, until),
        };
        self.allowed(now).map_or(due, |allowed| allowed.max(due))
    }

    /// Where the authority has refused as often as it may in an hour: when it may be asked again.
    fn allowed(&self, now: At) -> Option<At> {
        let recent = self.refusals.iter().rev().filter(|at| now.0 - at.0 < HOUR && **at <= now);
        recent.take(REFUSALS).nth(REFUSALS - 1).map(|at| At(at.0 + HOUR))
    }

    pub(super) fn failed(&mut self, failure: Failure, now: At) {
        let Failure { trouble, not_before, account_gone: _ } = failure;
        let same = self.trouble.as_ref().is_some_and(|before| before.kind == trouble.kind);
        self.failures = if same { self.failures.saturating_add(1) } else { 1 };
        if trouble.kind == Kind::Refused {
            self.refused(now);
        }
        let pause = At(now.0 + pause(trouble.kind, self.failures));
        self.retry = Some(not_before.map_or(pause, |wanted| wanted.max(pause)));
        self.trouble = Some(trouble);
    }

    fn refused(&mut self, now: At) {
        self.refusals.retain(|at| now.0 - at.0 < HOUR && *at <= now);
        self.refusals.push(now);
    }

    pub(super) fn succeeded(&mut self) {
        *self = Record { refusals: std::mem::take(&mut self.refusals), ..Record::default() };
    }

    /// The user asks for another look: at once, unless the authority itself wants to be asked later.
    pub(super) fn look_again(&mut self) {
        if self.trouble.as_ref().is_none_or(|trouble| trouble.kind != Kind::Later) {
            self.retry = None;
            self.failures = 0;
        }
    }
}

/// At two thirds of its life, as its authority advises.
pub(super) fn renewal(from: At, until: At) -> At {
    At(from.0 + (until.0 - from.0).max(0) / 3 * 2)
}

/// Doubled with each failure, up to a longest.
fn pause(kind: Kind, failures: u32) -> i64 {
    let (first, longest) = match kind {
        Kind::Elsewhere => (15 * SECOND, 15 * MINUTE),
        Kind::Away => (30 * SECOND, HOUR),
        Kind::Refused => (15 * MINUTE, 12 * HOUR),
        Kind::Later => (3 * HOUR, 24 * HOUR),
        Kind::Machine => (5 * MINUTE, HOUR),
    };
    (first << failures.saturating_sub(1).min(16)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(kind: Kind) -> Failure {
        Trouble::new(kind, "why", "what").into()
    }

    #[test]
    fn a_certificate_is_renewed_at_two_thirds_and_a_failure_waits_longer_each_time() {
        let day = 24 * HOUR;
        let holds = Some((At(0), At(90 * day)));
        let mut record = Record::default();
        assert_eq!(record.due(None, At(7)), At(7));
        assert_eq!(record.due(holds, At(7)), At(60 * day));
        let mut now = At(60 * day);
        let mut waits = Vec::new();
        for _ in 0..8 {
            record.failed(trouble(Kind::Refused), now);
            let due = record.due(holds, now);
            waits.push((due.0 - now.0) / MINUTE);
            now = due;
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 720, 720]);
        // Of another kind: counted anew.
        record.failed(trouble(Kind::Away), now);
        assert_eq!(record.due(holds, now).0 - now.0, 30 * SECOND);
        record.succeeded();
        assert_eq!((record.retry, record.trouble, record.failures), (None, None, 0));
    }

    #[test]
    fn an_hour_never_sees_five_refusals_even_when_the_user_insists() {
        let mut record = Record::default();
        let mut attempts = Vec::new();
        for minute in 0..180 {
            let now = At(minute * MINUTE);
            record.look_again();
            if record.due(None, now) <= now {
                record.failed(trouble(Kind::Refused), now);
                attempts.push(minute);
            }
        }
        for from in 0..180 {
            let within = attempts.iter().filter(|at| (from..from + 60).contains(*at)).count();
            assert!(within < 5, "{attempts:?}");
        }
        assert!(attempts.len() > 4, "{attempts:?}");
    }

    #[test]
    fn the_authority_s_own_word_on_when_is_kept() {
        let mut record = Record::default();
        let mut failure = trouble(Kind::Later);
        failure.not_before = Some(At(10 * HOUR));
        record.failed(failure, At(0));
        assert_eq!(record.retry, Some(At(10 * HOUR)));
        record.look_again();
        assert_eq!(record.retry, Some(At(10 * HOUR)));
        record.failed(trouble(Kind::Elsewhere), At(0));
        record.look_again();
        assert_eq!(record.due(None, At(1)), At(1));
    }

    #[test]
    fn an_order_that_was_cut_goes_on_at_once() {
        let order = OpenOrder { directory: String::new(), url: String::new(), key: String::new() };
        let record = Record { order: Some(order), ..Record::default() };
        assert_eq!(record.due(Some((At(0), At(90))), At(1)), At(1));
    }
}
