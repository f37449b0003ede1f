//! What the engine's tests share: a world that checks every step, and short ways to make inputs.

mod choice;
mod close;
mod memory;
mod people;
mod phases;
mod race;
mod random;
mod relay;
mod split;
mod story;

use crate::effect::{Run, Stop};
use crate::input::*;
use crate::state::{Lane, Line, Phase, Stand};
use crate::{Effect, Input, Limits, Rejected, State, decide, pending};
use protocol::fact::*;
use protocol::*;
use std::collections::BTreeSet;

pub fn id<T: TryFrom<String>>(text: &str) -> T
where
    T::Error: std::fmt::Debug,
{
    T::try_from(text.to_owned()).unwrap()
}

pub fn blob(name: &str) -> BlobRef {
    BlobRef { blob: id(name), bytes: 1 }
}

/// A journal with the state that follows from it.
#[derive(Clone)]
pub struct World {
    pub limits: Limits,
    pub state: State,
    pub facts: Vec<(At, Fact)>,
}

impl World {
    pub fn new() -> Self {
        // One request at a time, unless a test is about more.
        let limits = Limits { active: 1, ..Limits::default() };
        let mut world = Self { limits, state: State::default(), facts: Vec::new() };
        world.put(Input::ProjectCreated(project("bakery"))).unwrap();
        world
    }

    pub fn now(&self) -> At {
        At(1_000 + self.facts.len() as i64)
    }

    /// Decides, appends, applies; and looks at what must hold after any step.
    pub fn put(&mut self, input: Input) -> Result<Vec<Fact>, Rejected> {
        let facts = decide(&self.state, &self.limits, input)?;
        let at = self.now();
        for fact in &facts {
            self.state.apply(at, fact);
            self.facts.push((at, fact.clone()));
        }
        self.holds();
        Ok(facts)
    }

    pub fn kinds(&mut self, input: Input) -> Vec<&'static str> {
        self.put(input).unwrap().iter().map(Fact::kind).collect()
    }

    pub fn pending(&self) -> Vec<Effect> {
        pending(&self.state, &self.limits)
    }

    pub fn effects(&self) -> Vec<String> {
        self.pending().iter().map(|effect| effect.id().0).collect()
    }

    pub fn replayed(&self) -> State {
        let mut state = State::default();
        for (at, fact) in &self.facts {
            state.apply(*at, fact);
        }
        state
    }

    fn holds(&self) {
        let effects = self.pending();
        assert_eq!(effects, self.pending(), "pending is idempotent");
        let mut ids: Vec<EffectId> = effects.iter().map(Effect::id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), effects.len(), "effect ids are unique");
        let runs: Vec<&Run> = effects.iter().filter_map(run_of).collect();
        let benches: BTreeSet<&AttemptId> = runs.iter().map(|run| &run.bench).collect();
        assert_eq!(benches.len(), runs.len(), "one run in a worktree");
        assert!(runs.len() <= self.limits.at_once, "more runs than there are places");
        for run in &runs {
            let same = runs.iter().filter(|other| other.agent == run.agent).count();
            assert!(same <= self.limits.runs_of(&run.agent), "too many runs of {}", run.agent);
        }
        let mut mains: Vec<&ProjectId> = effects.iter().filter_map(at_main).collect();
        let count = mains.len();
        mains.sort();
        mains.dedup();
        assert_eq!(mains.len(), count, "one at a time at a project's main branch: {effects:?}");
        self.goes_on(&effects);
        let mut working: Vec<&RequestId> =
            effects.iter().filter(|e| is_work(e)).map(Effect::request).collect();
        working.dedup();
        // What a person picked goes on at once, and so does what landed before a cancel; but nobody is woken beside it.
        let woken = working.iter().any(|request| self.state.open[*request].phase == Phase::Queued);
        let most = if woken { self.limits.active } else { usize::MAX };
        assert!(working.len() <= most, "more than the limit is worked on: {working:?}");
        // It takes longer the more there is to replay.
        if self.facts.len() < 60 || self.facts.len().is_multiple_of(20) {
            assert_eq!(self.state, self.replayed(), "replay(facts) == state");
        }
    }

    /// A request that waits for nobody has something running for it, or stands in a line in which somebody is served.
    fn goes_on(&self, effects: &[Effect]) {
        for open in self.state.open.values() {
            let own = effects.iter().any(|effect| *effect.request() == open.request);
            if own || matches!(open.phase, Phase::Queued | Phase::Waiting(_)) {
                continue;
            }
            let ahead = |line: Line| {
                effects.iter().any(|effect| match line {
                    Line::Run => run_of(effect).is_some(),
                    Line::Main => at_main(effect) == Some(&open.project),
                })
            };
            let active = open.lanes.iter().filter(|lane| lane.at.is_active());
            let served = |lane: &Lane| lane.turn.is_some_and(|(line, _)| ahead(line));
            let lanes: Vec<bool> = active.map(served).collect();
            let whole = lanes.is_empty() && open.turn.is_some() && ahead(Line::Main);
            assert!(whole || (!lanes.is_empty() && lanes.iter().all(|ok| *ok)), "nothing goes on: {open:?}");
        }
        let queued = self.state.open.values().any(|open| open.phase == Phase::Queued);
        assert!(!queued || !effects.is_empty(), "a queue that nobody serves");
    }

    pub fn submit(&mut self, request: &str, agent: Option<&str>) {
        let received = RequestReceived { agent: agent.map(id), ..received(request) };
        assert_eq!(self.kinds(Input::Submit(received)), ["request.received"]);
    }

    /// Takes one request to the run of its first attempt by `agents`.
    pub fn run(&mut self, request: &str, agents: &[AgentState]) -> AttemptId {
        self.put(oriented(request, agents)).unwrap();
        self.begin(request)
    }

    /// From the choice of the agent to its running.
    pub fn begin(&mut self, request: &str) -> AttemptId {
        let open = self.state.open(&id(request)).unwrap();
        let attempt = open.attempt().unwrap().clone();
        self.put(briefed(attempt.id.as_str())).unwrap();
        self.put(started(attempt.id.as_str(), attempt.from.as_str())).unwrap();
        attempt.id
    }

    /// A whole attempt whose run ended so.
    pub fn ends(&mut self, request: &str, end: AttemptEnd, commit: Option<&str>) -> Vec<Fact> {
        let attempt = self.begin(request);
        self.put(finished(attempt.as_str(), end, commit)).unwrap()
    }

    pub fn pass(&mut self, attempt: &str, checks: &[CheckKind]) {
        for check in checks {
            assert_eq!(self.kinds(passed(attempt, *check)), ["check.finished"]);
        }
    }

    /// The attempt that is made in this lane, by its number within the request.
    pub fn lane(&self, request: &str, number: usize) -> &Lane {
        let open = self.state.open(&id(request)).unwrap();
        let lane = open.attempts.get(number - 1).unwrap().lane;
        open.lanes.get(lane).unwrap()
    }

    pub fn runs(&self) -> Vec<Run> {
        self.pending().iter().filter_map(run_of).cloned().collect()
    }

    pub fn agent(&self, request: &str) -> &str {
        self.state.open(&id(request)).unwrap().attempt().unwrap().agent.as_str()
    }
}

fn run_of(effect: &Effect) -> Option<&Run> {
    if let Effect::RunAgent(run) = effect { Some(run) } else { None }
}

/// The project whose main branch or site the effect is about to change, or builds upon.
fn at_main(effect: &Effect) -> Option<&ProjectId> {
    match effect {
        Effect::Check { project, .. } | Effect::Land { project, .. } | Effect::Switch { project, .. } => {
            Some(project)
        }
        Effect::Record { project, outcome: Outcome::Live | Outcome::Partly, .. } => Some(project),
        Effect::Record { .. }
        | Effect::Orient { .. }
        | Effect::Brief { .. }
        | Effect::RunAgent(_)
        | Effect::StopAgent { .. }
        | Effect::Wake { .. } => None,
    }
}

fn is_work(effect: &Effect) -> bool {
    match effect {
        Effect::Wake { .. } | Effect::Record { outcome: Outcome::Cancelled, .. } => false,
        Effect::Orient { .. }
        | Effect::Brief { .. }
        | Effect::RunAgent(_)
        | Effect::StopAgent { .. }
        | Effect::Check { .. }
        | Effect::Land { .. }
        | Effect::Switch { .. }
        | Effect::Record { .. } => true,
    }
}

pub fn project(name: &str) -> ProjectCreated {
    ProjectCreated { project: id(name), name: name.into(), starter: "static".into(), commit: id("c0") }
}

pub fn received(request: &str) -> RequestReceived {
    RequestReceived {
        request: id(request),
        client: id(&format!("client-{request}")),
        project: id("bakery"),
        channel: Channel::Dashboard,
        text: blob("text"),
        agent: None,
        race: vec![],
        parts: vec![],
        step: None,
    }
}

pub fn state_of(agent: &str, readiness: Readiness) -> AgentState {
    AgentState { agent: id(agent), readiness }
}

pub fn ready(agent: &str) -> AgentState {
    state_of(agent, Readiness::SignedIn { version: "1".into() })
}

pub fn signed_out(agent: &str) -> AgentState {
    state_of(agent, Readiness::SignedOut { version: "1".into(), next: format!("run {agent} login") })
}

pub fn quota_gone(agent: &str, until: Option<i64>) -> AgentState {
    state_of(agent, Readiness::QuotaGone { version: "1".into(), until: until.map(At) })
}

pub fn practice() -> AgentState {
    state_of("practice", Readiness::Practice)
}

pub fn oriented(request: &str, agents: &[AgentState]) -> Input {
    let agents = agents.to_vec();
    Input::Oriented(RequestOriented {
        request: id(request),
        sources: vec![],
        recalled: vec![],
        agents,
        base: id("c0"),
        memory: None,
    })
}

pub fn briefed(attempt: &str) -> Input {
    Input::Briefed { attempt: id(attempt), brief: blob("brief"), parts: vec![], budget: 12_000 }
}

pub fn started(attempt: &str, base: &str) -> Input {
    Input::Started { attempt: id(attempt), version: None, base: id(base), paid: None }
}

pub fn checkpoint(attempt: &str) -> Input {
    let (commit, diff, says) = (id("c1"), DiffStat::default(), "working".into());
    Input::Checkpoint { attempt: id(attempt), commit, diff, says, screenshot: None }
}

pub fn finished(attempt: &str, end: AttemptEnd, commit: Option<&str>) -> Input {
    let usage = Usage { input: Some(10), output: Some(5), ..Usage::default() };
    let (commit, diff) = (commit.map(id), DiffStat::default());
    let ended = Ended {
        end,
        commit,
        diff,
        model: Some("m".into()),
        usage,
        duration_ms: Some(1),
        session: Some("s".into()),
        unknown_events: None,
    };
    Input::Finished { attempt: id(attempt), ended }
}

pub fn checked(attempt: &str, check: CheckKind, result: CheckResult, commit: Option<&str>) -> Input {
    let checked = Checked {
        result,
        log: None,
        duration_ms: 1,
        release: None,
        commit: commit.map(id),
        diff: None,
        conflict: false,
    };
    Input::Checked { attempt: id(attempt), check, checked }
}

pub fn passed(attempt: &str, check: CheckKind) -> Input {
    checked(attempt, check, CheckResult::Passed, None)
}

pub fn failed(attempt: &str, check: CheckKind) -> Input {
    let result = CheckResult::Failed { summary: "it is broken".into(), lines: vec!["line".into(); 50] };
    checked(attempt, check, result, None)
}

pub fn landed(attempt: &str, commit: &str) -> Input {
    Input::Landed { attempt: id(attempt), commit: id(commit) }
}

pub fn switched(attempt: &str) -> Input {
    Input::Switched { attempt: id(attempt), release: id(&format!("rel-{attempt}")), url: "http://a/".into() }
}

pub fn recorded(request: &str) -> Input {
    let step = StepText { title: "a page".into(), text: blob("step"), errors: vec![] };
    let note = NoteText {
        note_kind: NoteKind::Deployment,
        text: blob("note"),
        source: None,
        agent: None,
        confidence: None,
        readings: vec![],
    };
    let record =
        Record { duration_ms: 7, summary: "done".into(), step: Some(step), notes: vec![note.clone(), note] };
    Input::Recorded { request: id(request), record }
}

pub fn lost(effect: &str) -> Input {
    Input::EffectLost { effect: EffectId(effect.into()) }
}

pub fn broken(effect: &str) -> Input {
    Input::EffectFailed { effect: EffectId(effect.into()), reason: "no space".into() }
}

pub fn cancel(request: &str) -> Input {
    Input::Cancel { request: id(request) }
}

pub fn retry(request: &str) -> Input {
    Input::Retry { request: id(request), task: None, because: "you asked".into() }
}
