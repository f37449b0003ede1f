//! Random inputs and a shell that answers effects in every way it can: well, badly, not at all, twice, too late.
//! `World::put` looks at the invariants after each step.

use super::*;
use crate::OnQuota;
use crate::state::{Open, Phase};
use proptest::prelude::*;
use std::collections::BTreeSet;

#[derive(Debug, Clone)]
enum Op {
    Submit {
        wish: u8,
        shape: u8,
    },
    HandOver(u8),
    Pick(u8),
    /// An agent asks, or gets an answer.
    Ask(u8),
    Reply(u8),
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
        3 => any::<(u8, u8)>().prop_map(|(wish, shape)| Op::Submit { wish, shape }),
        1 => any::<u8>().prop_map(Op::HandOver),
        1 => any::<u8>().prop_map(Op::Pick),
        1 => any::<u8>().prop_map(Op::Ask),
        1 => any::<u8>().prop_map(Op::Reply),
        1 => any::<u8>().prop_map(Op::Cancel),
        2 => any::<u8>().prop_map(Op::Retry),
        1 => any::<u8>().prop_map(Op::Steer),
        24 => any::<(u8, u8, u8)>().prop_map(|(which, how, dice)| Op::Answer { which, how, dice }),
        3 => any::<u8>().prop_map(Op::Again),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_request_ends_once_and_in_order(
        ops in prop::collection::vec(op(), 1..140),
        active in 1usize..3,
        limits in (1usize..4, 1usize..3, 0u8..3, any::<bool>()),
    ) {
        let mut play = Play { world: World::new(), seen: Vec::new(), submitted: 0 };
        play.world.put(Input::ProjectCreated(project("shop"))).unwrap();
        let (at_once, per_agent, on_quota, you) = limits;
        let pick = if you { Judge::You } else { Judge::Checks };
        let on_quota = [OnQuota::Switch, OnQuota::Wait, OnQuota::Ask][usize::from(on_quota)];
        play.world.limits = Limits { active, at_once, per_agent, on_quota, pick, ..Limits::default() };
        for op in ops {
            let before = play.runs();
            play.step(op);
            play.takes_turns_in_order();
            play.nobody_was_put_out(&before);
        }
        play.drain();
        assert_eq!(play.world.state, play.world.replayed());
        play.what_was_told_is_sound();
        play.everything_ended_once();
        play.the_end_absorbs();
    }
}

fn request_of(attempt: &AttemptId) -> RequestId {
    crate::ids::request_of(attempt).unwrap()
}

/// A request of any shape: whole, a race, in parts of which some race; in one of two projects.
fn wanted(request: &str, wish: u8, shape: u8) -> RequestReceived {
    let agents = |names: &[&str]| names.iter().map(|agent| id(agent)).collect::<Vec<AgentId>>();
    let agent = ["claude", "codex", "practice"].get(usize::from(wish % 6)).map(|agent| id(agent));
    let whole =
        RequestReceived { project: id(["bakery", "shop"][usize::from(wish % 2)]), ..received(request) };
    let part = |agents: Vec<AgentId>| PartWish { text: blob("part"), agents };
    match shape % 8 {
        0 => RequestReceived { race: agents(&["claude", "codex"]), ..whole },
        1 => RequestReceived { race: agents(&["codex", "practice", "qwen"]), ..whole },
        2 => RequestReceived { agent, parts: vec![part(vec![]); 3], ..whole },
        3 => {
            let parts = vec![part(agents(&["claude", "codex"])), part(agents(&["qwen"])), part(vec![])];
            RequestReceived { agent, parts, ..whole }
        }
        _ => RequestReceived { agent, ..whole },
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
            Op::Submit { wish, shape } => {
                self.submitted += 1;
                Input::Submit(wanted(&format!("r{}", self.submitted), wish, shape))
            }
            Op::HandOver(n) => {
                let Some(a) = self.attempt(n) else { return };
                let to = ["claude", "codex", "qwen"].get(usize::from(n % 4)).map(|agent| id(agent));
                Input::HandOver { request: request_of(&a), attempt: a, to }
            }
            Op::Pick(n) => {
                let Some(a) = self.attempt(n) else { return };
                Input::Pick { request: request_of(&a), attempt: a }
            }
            Op::Ask(n) => {
                let Some(attempt) = self.attempt(n) else { return };
                let (kind, question) = (AskKind::Question, blob("which"));
                Input::Asked { attempt, ask: format!("q{}", n % 2), kind, question, options: vec![] }
            }
            Op::Reply(n) => {
                let Some(a) = self.attempt(n) else { return };
                let (ask, text) = (format!("q{}", n % 2), Some(blob("so")));
                Input::Answer { request: request_of(&a), attempt: a, ask, option: None, text }
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

    /// One of the last attempts of the open requests.
    fn attempt(&self, n: u8) -> Option<AttemptId> {
        let open = self.world.state.open.values();
        let all: Vec<&AttemptId> =
            open.flat_map(|open| open.attempts.iter().rev().take(3)).map(|a| &a.id).collect();
        all.get(usize::from(n) % all.len().max(1)).map(|id| (*id).clone())
    }

    /// What runs now, and has begun.
    fn runs(&self) -> Vec<AttemptId> {
        self.world.runs().into_iter().map(|run| run.attempt).collect()
    }

    /// A run ends by its own end, never because somebody else came or went.
    fn nobody_was_put_out(&self, before: &[AttemptId]) {
        let now = self.runs();
        for attempt in before.iter().filter(|attempt| !now.contains(attempt)) {
            let open = self.world.state.open.get(&request_of(attempt));
            let still = open.and_then(|open| open.lane_at(attempt).and_then(|lane| open.lanes.get(lane)));
            let runs = still.is_some_and(|lane| matches!(lane.at, Stand::Running { .. }));
            assert!(!runs, "{attempt} lost its place");
        }
    }

    fn what_was_told_is_sound(&self) {
        let (mut ends, mut judged, mut attempts) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut main: BTreeSet<CommitId> = BTreeSet::new();
        for (_, fact) in &self.world.facts {
            if let Fact::TaskClosed(f) = fact {
                assert!(ends.insert(f.task.clone()), "{} ended twice", f.task);
            }
            if let Fact::RaceJudged(f) = fact {
                assert!(judged.insert(f.task.clone()), "{} was judged twice", f.task);
            }
            if let Fact::AgentChosen(f) = fact {
                assert!(attempts.insert(f.attempt.clone()));
                assert!(!ends.contains(&f.task), "{} goes on after its end", f.task);
            }
            if let Fact::AttemptLanded(f) = fact {
                assert!(main.insert(f.commit.clone()));
            }
            if let Fact::ReleaseLive(f) = fact {
                assert!(main.contains(&f.commit));
            }
        }
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
                let all = [ready("claude"), ready("codex"), ready("qwen"), practice()];
                oriented(request.as_str(), &all)
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
            Effect::Switch { attempt, release, .. } => {
                let (attempt, release) = (attempt.clone(), release.clone());
                Input::Switched { attempt, release, url: "http://a/".into() }
            }
            Effect::Record { request, .. } => recorded(request.as_str()),
            Effect::Wake { request, task, .. } => {
                Input::Retry { request: request.clone(), task: task.clone(), because: "it is time".into() }
            }
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
                let end = match dice % 10 {
                    6 => AttemptEnd::Asked { question: "which?".into() },
                    7 => AttemptEnd::Stuck { what: "x".into() },
                    8 => AttemptEnd::HandedOver,
                    0 => AttemptEnd::TurnEnded,
                    1 => AttemptEnd::Failed { reason: "x".into() },
                    2 => AttemptEnd::Silent { ms: 1 },
                    3 => AttemptEnd::TooLong { ms: 1 },
                    4 => AttemptEnd::QuotaGone { until: (dice > 99).then_some(At(90_000)) },
                    5 => AttemptEnd::SignedOut { reason: "x".into() },
                    _ => AttemptEnd::Lost,
                };
                let left = (dice > 127).then(|| format!("half-{attempt}"));
                finished(attempt.as_str(), end, left.as_deref())
            }
            Effect::Check { attempt, check: CheckKind::Gate, .. } if dice.is_multiple_of(2) => {
                let result = CheckResult::Failed { summary: "the same places".into(), lines: vec![] };
                let commit = dice.is_multiple_of(4).then(|| id(&format!("both-{attempt}")));
                let (log, release, diff) = (None, None, None);
                let checked = Checked { result, log, duration_ms: 1, release, commit, diff, conflict: true };
                Input::Checked { attempt: attempt.clone(), check: CheckKind::Gate, checked }
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
        // One that is worked on already is woken for another of its tasks.
        let turns = turns.filter(|request| state.open[request].phase == Phase::Queued);
        let first: Vec<&RequestId> =
            queued.iter().map(|open| &open.request).take(turns.clone().count()).collect();
        assert_eq!(turns.collect::<Vec<_>>(), first);
    }

    /// From here on all goes well, and somebody looks after the requests that wait.
    fn drain(&mut self) {
        for _ in 0..3_000 {
            let open = self.world.state.open.values();
            let waits = |open: &&Open| open.tasks.iter().any(|task| task.waiting.is_some());
            let waiting = open.filter(waits).map(|open| open.request.clone());
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
