//! Random inputs and a shell that answers effects in every way it can: well, badly, not at all, twice, too late.
//! `World::put` looks at the invariants after each step.

use super::*;
use crate::state::Phase;
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Debug, Clone)]
enum Op {
    Submit {
        wish: u8,
    },
    Cancel(u8),
    Retry(u8),
    Steer(u8),
    /// One of the pending effects comes to something.
    Answer {
        which: u8,
        how: u8,
        dice: u8,
    },
    /// An input of before comes once more.
    Again(u8),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => any::<u8>().prop_map(|wish| Op::Submit { wish }),
        1 => any::<u8>().prop_map(Op::Cancel),
        2 => any::<u8>().prop_map(Op::Retry),
        1 => any::<u8>().prop_map(Op::Steer),
        24 => any::<(u8, u8, u8)>().prop_map(|(which, how, dice)| Op::Answer { which, how, dice }),
        3 => any::<u8>().prop_map(Op::Again),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_request_ends_once_and_in_order(
        ops in prop::collection::vec(op(), 1..140),
        active in 1usize..3,
    ) {
        let mut play = Play { world: World::new(), seen: Vec::new(), submitted: 0 };
        play.world.limits.active = active;
        for op in ops {
            play.step(op);
            play.takes_turns_in_order();
        }
        play.drain();
        play.everything_ended_once();
        play.the_end_absorbs();
    }
}

struct Play {
    world: World,
    seen: Vec<Input>,
    submitted: u32,
}

impl Play {
    fn step(&mut self, op: Op) {
        let input = match op {
            Op::Submit { wish } => {
                let wish = ["claude", "codex", "practice"].get(usize::from(wish % 6)).map(|agent| id(agent));
                self.submitted += 1;
                Input::Submit(RequestReceived { agent: wish, ..received(&format!("r{}", self.submitted)) })
            }
            Op::Cancel(n) => cancel(&self.request(n)),
            Op::Retry(n) => retry(&self.request(n)),
            Op::Steer(n) => Input::Steer { request: id(&self.request(n)), text: blob("more") },
            Op::Answer { which, how, dice } => {
                let pending = self.world.pending();
                let Some(effect) = pending.get(usize::from(which) % pending.len().max(1)) else { return };
                self.answer(effect, how, dice)
            }
            Op::Again(n) => match self.seen.get(usize::from(n) % self.seen.len().max(1)) {
                Some(input) => input.clone(),
                None => return,
            },
        };
        self.seen.push(input.clone());
        // A rejection is as good an answer as facts; what must hold is looked at by the world.
        drop(self.world.put(input));
    }

    fn request(&self, n: u8) -> String {
        format!("r{}", u32::from(n) % (self.submitted + 1))
    }

    fn answer(&self, effect: &Effect, how: u8, dice: u8) -> Input {
        match how % 16 {
            0 => Input::EffectLost { effect: effect.id() },
            1 if dice.is_multiple_of(4) => {
                Input::EffectFailed { effect: effect.id(), reason: "no space".into() }
            }
            2 | 3 => self.badly(effect, dice),
            _ => self.well(effect, dice),
        }
    }

    fn well(&self, effect: &Effect, dice: u8) -> Input {
        match effect {
            Effect::Orient { request, .. } => {
                oriented(request.as_str(), &[ready("claude"), ready("codex"), practice()])
            }
            Effect::Brief { attempt, .. } => briefed(attempt.as_str()),
            Effect::RunAgent(run) => {
                let Run { request, attempt, from, .. } = &**run;
                let open = self.world.state.open(request).unwrap();
                let begun = open.attempts.iter().find(|a| a.id == *attempt).unwrap().started;
                match (begun, dice % 3) {
                    (false, _) => started(attempt.as_str(), from.as_str()),
                    (true, 0) => checkpoint(attempt.as_str()),
                    (true, _) => {
                        finished(attempt.as_str(), AttemptEnd::TurnEnded, Some(&format!("left-{attempt}")))
                    }
                }
            }
            Effect::StopAgent { attempt, .. } => finished(attempt.as_str(), AttemptEnd::Cancelled, None),
            Effect::Check { attempt, check, .. } => {
                let rebased = (*check == CheckKind::Gate).then(|| format!("rebased{dice}-{attempt}"));
                checked(attempt.as_str(), *check, CheckResult::Passed, rebased.as_deref())
            }
            Effect::Land { attempt, commit, .. } => landed(attempt.as_str(), commit.as_str()),
            Effect::Switch { attempt, .. } => switched(attempt.as_str()),
            Effect::Record { request, .. } => recorded(request.as_str()),
            Effect::Wake { request, .. } => retry(request.as_str()),
        }
    }

    fn badly(&self, effect: &Effect, dice: u8) -> Input {
        match effect {
            Effect::Orient { request, .. } => {
                let agents = match dice % 3 {
                    0 => vec![signed_out("claude"), quota_gone("codex", Some(90_000))],
                    1 => vec![signed_out("claude"), practice()],
                    _ => vec![],
                };
                oriented(request.as_str(), &agents)
            }
            Effect::RunAgent(run) => {
                let attempt = &run.attempt;
                let end = match dice % 7 {
                    0 => AttemptEnd::TurnEnded,
                    1 => AttemptEnd::Failed { reason: "x".into() },
                    2 => AttemptEnd::Silent { ms: 1 },
                    3 => AttemptEnd::TooLong { ms: 1 },
                    4 => AttemptEnd::QuotaGone { until: (dice > 99).then_some(At(90_000)) },
                    5 => AttemptEnd::SignedOut { reason: "x".into() },
                    _ => AttemptEnd::Lost,
                };
                finished(attempt.as_str(), end, None)
            }
            Effect::Check { attempt, check, .. } => failed(attempt.as_str(), *check),
            Effect::Land { attempt, .. } => Input::LandStale { attempt: attempt.clone() },
            Effect::Brief { .. }
            | Effect::StopAgent { .. }
            | Effect::Switch { .. }
            | Effect::Record { .. }
            | Effect::Wake { .. } => self.well(effect, dice),
        }
    }

    fn takes_turns_in_order(&self) {
        let state = &self.world.state;
        let mut queued: Vec<_> = state.open.values().filter(|open| open.phase == Phase::Queued).collect();
        queued.sort_by_key(|open| open.order);
        let pending = self.world.pending();
        let turns =
            pending.iter().filter(|effect| matches!(effect, Effect::Orient { .. })).map(Effect::request);
        let first: Vec<&RequestId> =
            queued.iter().map(|open| &open.request).take(turns.clone().count()).collect();
        assert_eq!(turns.collect::<Vec<_>>(), first);
    }

    /// From here on all goes well, and somebody looks after the requests that wait.
    fn drain(&mut self) {
        for _ in 0..4_000 {
            let open = self.world.state.open.values();
            let waiting =
                open.filter(|open| matches!(open.phase, Phase::Waiting(_))).map(|open| open.request.clone());
            for request in waiting.collect::<Vec<_>>() {
                self.world.put(retry(request.as_str())).unwrap();
            }
            let Some(effect) = self.world.pending().into_iter().next() else { break };
            let input = self.well(&effect, 1);
            self.seen.push(input.clone());
            self.world.put(input).unwrap();
        }
        assert!(self.world.state.open.is_empty(), "still open: {:?}", self.world.state.open);
        assert!(self.world.state.awake.is_empty() && self.world.state.queue.is_empty());
        assert_eq!(self.world.state.busy, 0);
    }

    fn everything_ended_once(&self) {
        let (mut open, mut closed, mut oriented) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        for (_, fact) in &self.world.facts {
            let Some(request) = fact.request() else { continue };
            assert!(!closed.contains(request), "{fact:?} after its request was closed");
            if let Fact::RequestReceived(_) = fact {
                assert!(open.insert(request.clone()));
            }
            if let Fact::RequestOriented(_) = fact
                && !oriented.contains(request)
            {
                oriented.push(request.clone());
            }
            if let Fact::RequestClosed(_) = fact {
                closed.insert(request.clone());
            }
        }
        assert_eq!(open, closed);
        if self.world.limits.active == 1 {
            let arrival =
                |request: &RequestId| request.as_str().trim_start_matches('r').parse::<u32>().unwrap();
            assert!(oriented.is_sorted_by_key(arrival), "first in, first out: {oriented:?}");
        }
    }

    fn the_end_absorbs(&mut self) {
        let before = self.world.facts.len();
        for input in std::mem::take(&mut self.seen) {
            assert!(self.world.put(input.clone()).is_err(), "{input:?} was taken after the end");
        }
        assert_eq!(self.world.facts.len(), before);
    }
}
