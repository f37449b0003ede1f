//! A service that refuses an agent again and again. The program tries on for minutes and says nothing; how long that may
//! go on is ours to say.

use super::aside::Told;
use super::failure;
use protocol::At;
use protocol::fact::AttemptEnd;
use std::time::Duration;
use tokio::time::Instant;

/// How many times longer a single refusal may last.
const ALONE: u32 = 4;

#[derive(Default)]
pub(super) struct Refusals {
    /// The first of those that no answer followed.
    since: Option<Instant>,
    newest: Option<(Option<u16>, String)>,
    count: u32,
    /// One was told at any time.
    any: bool,
}

impl Refusals {
    /// Takes what was told. Something: the run is over.
    pub fn heard(&mut self, told: &Told, now: At) -> Option<AttemptEnd> {
        match told {
            Told::Answered(_) => {
                *self = Refusals { any: self.any, ..Refusals::default() };
                None
            }
            Told::Refused { status, words } => {
                self.any = true;
                self.since.get_or_insert_with(Instant::now);
                self.count = self.count.saturating_add(1);
                self.newest = Some((*status, words.clone()));
                // Trying again helps neither a key that is wrong nor an account that is used up for today.
                self.verdict(now).filter(|end| match end {
                    AttemptEnd::SignedOut { .. } => true,
                    AttemptEnd::QuotaGone { until } => {
                        failure::is_for_long(words) || until.is_some_and(|until| until.0 - now.0 > 60_000)
                    }
                    _ => false,
                })
            }
        }
    }

    pub fn any(&self) -> bool {
        self.any
    }

    /// When its patience is over, if it is being refused.
    pub fn deadline(&self, patience: Duration) -> Option<Instant> {
        // One refusal may be a mishap, and some programs tell only one however often they ask again: it gets more time.
        let patience = if self.count > 1 { patience } else { patience.saturating_mul(ALONE) };
        self.since.map(|since| since + patience)
    }

    /// What the newest refusal means, when nothing was answered after it.
    pub fn verdict(&self, now: At) -> Option<AttemptEnd> {
        let (status, words) = self.newest.as_ref()?;
        Some(failure::of_status(*status, words, now))
    }
}
