//! What the end of an agent's run means for its lane: work to be checked, or trouble and a place to go on from.

use crate::effect::Stop;
use crate::state::*;
use protocol::fact::*;

impl Open {
    pub(super) fn finish(&mut self, f: &AttemptFinished) {
        let Some(at) = self.lane_at(&f.attempt) else { return };
        let Some(stop) = self.lanes.get(at).and_then(|lane| lane.at.run()) else { return };
        let Some(attempt) = self.current_mut(at) else { return };
        attempt.finished = true;
        attempt.turn_ended = f.end == AttemptEnd::TurnEnded;
        attempt.commit = f.commit.clone();
        attempt.diff = f.diff;
        attempt.duration_ms = f.duration_ms;
        attempt.model = f.model.clone();
        attempt.usage = f.usage.clone();
        attempt.session = f.session.clone();
        let trouble = match stop {
            Some(Stop::Cancelled) => return self.put(at, Stand::Cancelled),
            Some(Stop::OutOfRace) => {
                return self.put(at, Stand::Out { why: "another attempt was taken".to_owned() });
            }
            Some(Stop::HandedOver) => Some(Trouble::HandedOver { to: attempt.hand_over.clone().flatten() }),
            None => trouble(attempt, &f.end),
        };
        let Some(trouble) = trouble else {
            let commit = attempt.commit.clone().unwrap_or_else(|| attempt.from.clone());
            attempt.asks.clear();
            return self.put(at, Stand::Checking { check: CheckKind::Gate, commit });
        };
        if trouble != Trouble::Asked {
            attempt.asks.clear();
        }
        let next = after_run(attempt, &f.end);
        let agent = attempt.agent.clone();
        let is_out = matches!(f.end, AttemptEnd::QuotaGone { .. } | AttemptEnd::SignedOut { .. });
        attempt.trouble = Some(trouble);
        if is_out {
            self.out.insert(agent);
        }
        if let Some(lane) = self.lanes.get_mut(at) {
            lane.next = next;
            lane.at = Stand::Idle;
        }
        self.cursor = Some(at);
    }
}

/// Why the run's end is no work to be checked, if it is none.
fn trouble(attempt: &Attempt, end: &AttemptEnd) -> Option<Trouble> {
    Some(match end {
        AttemptEnd::TurnEnded => {
            if attempt.commit.is_some() && (attempt.unjudged || attempt.changed()) {
                return None;
            }
            Trouble::NoChange
        }
        // Nobody asked for these ends: somebody stopped the program behind our back.
        AttemptEnd::Cancelled
        | AttemptEnd::HandedOver
        | AttemptEnd::Silent { .. }
        | AttemptEnd::TooLong { .. }
        | AttemptEnd::Stuck { .. }
        | AttemptEnd::OverLimit { .. }
        | AttemptEnd::Failed { .. } => Trouble::Agent,
        AttemptEnd::QuotaGone { until } => Trouble::Quota { until: *until },
        AttemptEnd::SignedOut { .. } => Trouble::SignedOut,
        AttemptEnd::Asked { .. } => Trouble::Asked,
        AttemptEnd::Lost => {
            if attempt.asks.is_empty() {
                Trouble::Lost
            } else {
                Trouble::Asked
            }
        }
    })
}

/// The next attempt goes on in the worktree as it was left. What a lost run left is not known to be whole, and neither is
/// one that nobody could read: from there on only its last checkpoint counts.
fn after_run(attempt: &Attempt, end: &AttemptEnd) -> Start {
    let whole = attempt.commit.clone().filter(|_| attempt.started && *end != AttemptEnd::Lost);
    let goes_on = whole.as_ref().map(|_| attempt.id.clone());
    let from = whole.or_else(|| attempt.checkpoint.clone()).unwrap_or_else(|| attempt.from.clone());
    let unjudged = attempt.unjudged || from != attempt.from;
    Start { from: Some(from), goes_on, unjudged }
}
