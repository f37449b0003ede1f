//! One request in several parts: at the same time, on different agents, landing one after the other.

use super::*;
use CheckKind::*;

fn three() -> Vec<AgentState> {
    vec![ready("claude"), ready("codex"), ready("gemini"), practice()]
}

fn part(text: &str, agents: &[&str]) -> PartWish {
    PartWish { text: blob(text), agents: agents.iter().map(|agent| id(agent)).collect() }
}

fn in_parts(count: usize) -> World {
    let mut w = World::new();
    let parts = (1..=count).map(|n| part(&format!("part-{n}"), &[])).collect();
    w.put(Input::Submit(RequestReceived { parts, ..received("r") })).unwrap();
    w
}

/// All parts run, each on its agent.
fn running(count: usize) -> World {
    let mut w = in_parts(count);
    w.put(oriented("r", &three())).unwrap();
    for n in 1..=count {
        w.put(briefed(&format!("r-a{n}"))).unwrap();
        w.put(started(&format!("r-a{n}"), "c0")).unwrap();
    }
    w
}

fn lands(w: &mut World, attempt: &str, commit: &str) -> Vec<Fact> {
    w.pass(attempt, &[Gate, Build, Test, Health]);
    w.put(landed(attempt, commit)).unwrap()
}

fn ends(w: &mut World, attempt: &str, commit: &str) {
    w.put(finished(attempt, AttemptEnd::TurnEnded, Some(commit))).unwrap();
}

fn closed(facts: &[Fact]) -> Vec<&TaskEnd> {
    facts.iter().filter_map(|fact| if let Fact::TaskClosed(f) = fact { Some(&f.end) } else { None }).collect()
}

#[test]
fn three_parts_run_on_three_agents_at_once_and_one_release_ships_them() {
    let mut w = in_parts(3);
    let facts = w.put(oriented("r", &three())).unwrap();
    let kinds: Vec<&str> = facts.iter().map(Fact::kind).collect();
    assert_eq!(kinds, ["request.oriented", "plan.made", "agent.chosen", "agent.chosen", "agent.chosen"]);
    let Fact::PlanMade(plan) = &facts[1] else { panic!() };
    let titles: Vec<&str> = plan.tasks.iter().map(|task| task.title.as_str()).collect();
    assert_eq!(titles, ["part 1 of 3", "part 2 of 3", "part 3 of 3"]);
    assert_eq!(plan.tasks[1].text, Some(blob("part-2")));
    let chosen: Vec<(&str, &str, u32)> = facts
        .iter()
        .filter_map(|fact| if let Fact::AgentChosen(f) = fact { Some(f) } else { None })
        .map(|f| (f.task.as_str(), f.agent.as_str(), f.number))
        .collect();
    assert_eq!(chosen, [("r-t1", "claude", 1), ("r-t2", "codex", 1), ("r-t3", "gemini", 1)]);
    assert_eq!(w.effects(), ["brief/r-a1", "brief/r-a2", "brief/r-a3"]);
    for n in 1..=3 {
        w.put(briefed(&format!("r-a{n}"))).unwrap();
        w.put(started(&format!("r-a{n}"), "c0")).unwrap();
    }
    assert_eq!(w.effects(), ["run/r-a1", "run/r-a2", "run/r-a3"]);

    // The second part is done first, so it is checked and lands first; the first has to wait for the main branch.
    ends(&mut w, "r-a2", "c2");
    ends(&mut w, "r-a1", "c1");
    assert_eq!(w.effects(), ["check/r-a2/gate/c2", "run/r-a3"]);
    let facts = lands(&mut w, "r-a2", "c2");
    assert_eq!(facts.iter().map(Fact::kind).collect::<Vec<_>>(), ["attempt.landed", "task.closed"]);
    assert_eq!(closed(&facts), [&TaskEnd::Landed { commit: id("c2") }]);
    assert_eq!(w.effects(), ["check/r-a1/gate/c1", "run/r-a3"]);
    w.put(checked("r-a1", Gate, CheckResult::Passed, Some("c1-on-c2"))).unwrap();
    w.pass("r-a1", &[Build, Test, Health]);
    w.put(landed("r-a1", "c1-on-c2")).unwrap();
    assert_eq!(w.effects(), ["run/r-a3"], "nothing goes live before the last part has ended");
    ends(&mut w, "r-a3", "c3");
    lands(&mut w, "r-a3", "c3");
    assert_eq!(w.effects(), ["switch/r-a3"]);
    w.put(switched("r-a3")).unwrap();
    assert!(matches!(w.pending()[0], Effect::Record { outcome: Outcome::Live, .. }));
    let facts = w.put(recorded("r")).unwrap();
    let row = facts.iter().find_map(|f| if let Fact::DeploymentRecorded(f) = f { Some(f) } else { None });
    let row = row.unwrap();
    assert_eq!((row.attempts, row.release.clone()), (3, Some(id("rel-r-a3"))));
    let shares: Vec<(&str, u32, Option<u64>)> =
        row.by_agent.iter().map(|s| (s.agent.as_str(), s.attempts, s.usage.input)).collect();
    assert_eq!(shares, [("claude", 1, Some(10)), ("codex", 1, Some(10)), ("gemini", 1, Some(10))]);
    for agent in ["claude", "codex", "gemini"] {
        assert_eq!(w.state.record(&id(agent)), crate::state::TrackRecord { runs: 1, live: 1 });
    }
}

#[test]
fn a_part_that_is_given_up_leaves_the_others_live() {
    let mut w = running(2);
    ends(&mut w, "r-a1", "c1");
    lands(&mut w, "r-a1", "c1");
    w.limits.attempts = 1;
    let facts = w.put(finished("r-a2", AttemptEnd::TurnEnded, None)).unwrap();
    let why = "given up after 1 attempt, which is the limit; the last failure: the agent ended its turn and changed nothing";
    assert_eq!(closed(&facts), [&TaskEnd::GivenUp { why: why.into() }]);
    assert_eq!(w.effects(), ["switch/r-a1"]);
    w.put(switched("r-a1")).unwrap();
    let Effect::Record { outcome, why: says, .. } = w.pending().remove(0) else { panic!() };
    assert_eq!(outcome, Outcome::Partly);
    assert_eq!(says, format!("1 of 2 parts are live; part 2 of 2: {why}"));
    assert_eq!(w.kinds(recorded("r"))[0], "step.completed");
}

#[test]
fn nothing_landed_is_a_failure_that_names_every_part() {
    let mut w = running(2);
    w.limits.attempts = 1;
    w.put(finished("r-a1", AttemptEnd::TurnEnded, None)).unwrap();
    w.put(finished("r-a2", AttemptEnd::Silent { ms: 1_000 }, None)).unwrap();
    let Effect::Record { outcome, why, .. } = w.pending().remove(0) else { panic!() };
    assert_eq!(outcome, Outcome::Failed);
    assert!(why.starts_with("part 1 of 2: given up") && why.contains("; part 2 of 2: given up"), "{why}");
}

#[test]
fn places_to_run_are_given_in_the_order_of_arrival_and_nobody_is_put_out() {
    let mut w = in_parts(3);
    w.limits.at_once = 2;
    w.put(oriented("r", &[ready("claude"), ready("codex")])).unwrap();
    // Three parts, two agents: the first part's agent has another one to do, one after the other.
    let agents: Vec<String> =
        w.state.open(&id("r")).unwrap().attempts.iter().map(|a| a.agent.to_string()).collect();
    assert_eq!(agents, ["claude", "codex", "claude"]);
    w.put(briefed("r-a3")).unwrap();
    w.put(briefed("r-a1")).unwrap();
    assert_eq!(w.effects(), ["brief/r-a2", "run/r-a3"]);
    w.put(briefed("r-a2")).unwrap();
    assert_eq!(w.effects(), ["run/r-a2", "run/r-a3"], "two runs of claude at once are one too many");
    w.limits.per_agent_of.insert(id("claude"), 2);
    assert_eq!(w.effects(), ["run/r-a1", "run/r-a3"], "places are given by arrival");
    w.limits.per_agent_of.clear();
    w.put(started("r-a2", "c0")).unwrap();
    w.put(finished("r-a3", AttemptEnd::Failed { reason: "x".into() }, None)).unwrap();
    assert!(w.effects().contains(&"run/r-a1".to_owned()) && w.effects().contains(&"run/r-a2".to_owned()));
}

/// Two parts are briefed, and there is a place for one.
fn one_of_two_runs() -> World {
    let mut w = in_parts(2);
    w.limits.at_once = 1;
    w.put(oriented("r", &three())).unwrap();
    w.put(briefed("r-a1")).unwrap();
    w.put(briefed("r-a2")).unwrap();
    w.put(started("r-a1", "c0")).unwrap();
    w
}

#[test]
fn a_run_that_has_no_place_is_called_off_without_being_begun() {
    let mut w = one_of_two_runs();
    assert_eq!(w.effects(), ["run/r-a1"]);
    assert_eq!(w.kinds(cancel("r")), ["request.cancel_asked", "attempt.finished", "task.closed"]);
    assert_eq!(w.effects(), ["run/r-a1", "stop/r-a1"]);
    assert_eq!(w.kinds(finished("r-a1", AttemptEnd::Cancelled, None)), ["attempt.finished", "task.closed"]);
    assert!(matches!(w.pending()[0], Effect::Record { outcome: Outcome::Cancelled, .. }));
    let facts = w.put(recorded("r")).unwrap();
    let row = facts.iter().find_map(|f| if let Fact::DeploymentRecorded(f) = f { Some(f) } else { None });
    let row = row.unwrap();
    assert_eq!((row.attempts, row.usage.input), (1, Some(10)), "what never ran counts for nothing");
}

#[test]
fn what_is_said_before_a_run_has_its_place_is_given_to_it() {
    let mut w = one_of_two_runs();
    w.put(Input::Steer { request: id("r"), text: blob("more") }).unwrap();
    ends(&mut w, "r-a1", "c1");
    let run = w.runs().remove(0);
    assert_eq!((run.attempt.as_str(), run.said), ("r-a2", vec![blob("more")]));
}

#[test]
fn cancelling_keeps_what_landed_and_ships_it() {
    let mut w = running(3);
    ends(&mut w, "r-a1", "c1");
    lands(&mut w, "r-a1", "c1");
    ends(&mut w, "r-a2", "c2");
    let facts = w.put(cancel("r")).unwrap();
    assert_eq!(closed(&facts), [&TaskEnd::Cancelled]);
    assert_eq!(w.effects(), ["run/r-a3", "stop/r-a3"]);
    assert!(w.kinds(cancel("r")).is_empty(), "asked before");
    w.put(finished("r-a3", AttemptEnd::Cancelled, None)).unwrap();
    assert_eq!(w.effects(), ["switch/r-a1"]);
    w.put(switched("r-a1")).unwrap();
    let Effect::Record { outcome, why, .. } = w.pending().remove(0) else { panic!() };
    assert_eq!(
        (outcome, why.as_str()),
        (Outcome::Partly, "1 of 3 parts are live; part 2 of 3: cancelled; part 3 of 3: cancelled")
    );
}

#[test]
fn what_is_landing_as_it_is_cancelled_lands_or_not() {
    let at_landing = || {
        let mut w = running(2);
        ends(&mut w, "r-a1", "c1");
        w.pass("r-a1", &[Gate, Build, Test, Health]);
        w.put(cancel("r")).unwrap();
        w.put(finished("r-a2", AttemptEnd::Cancelled, None)).unwrap();
        w
    };
    let mut w = at_landing();
    assert_eq!(w.effects(), ["land/r-a1/c1"]);
    w.put(landed("r-a1", "c1")).unwrap();
    assert_eq!(w.effects(), ["switch/r-a1"]);
    let mut w = at_landing();
    w.put(Input::LandStale { attempt: id("r-a1") }).unwrap();
    assert!(matches!(w.pending()[0], Effect::Record { outcome: Outcome::Cancelled, .. }));
}

#[test]
fn a_conflict_is_a_task_for_the_same_agent_on_top_of_both() {
    let mut w = running(2);
    ends(&mut w, "r-a1", "c1");
    lands(&mut w, "r-a1", "c1");
    ends(&mut w, "r-a2", "c2");
    let result = CheckResult::Failed { summary: "in the same places".into(), lines: vec![] };
    let checked = Checked {
        result,
        log: None,
        duration_ms: 1,
        release: None,
        commit: Some(id("both")),
        diff: None,
        conflict: true,
    };
    let facts = w.put(Input::Checked { attempt: id("r-a2"), check: Gate, checked }).unwrap();
    let Fact::AttemptDiagnosed(diagnosis) = &facts[1] else { panic!() };
    assert_eq!(
        (diagnosis.what.as_str(), diagnosis.next.as_str()),
        ("conflict", "codex goes on: once more, on top of what has landed meanwhile in the same places")
    );
    w.put(briefed("r-a3")).unwrap();
    let run = w.runs().remove(0);
    assert_eq!((run.from.as_str(), run.goes_on, run.bench.as_str()), ("both", None, "r-a3"));
    w.put(started("r-a3", "both")).unwrap();
    // To leave the marks as they are is no work.
    let facts = w.put(finished("r-a3", AttemptEnd::TurnEnded, Some("both"))).unwrap();
    assert!(facts.iter().any(|f| matches!(f, Fact::AttemptDiagnosed(f) if f.what == "no change")));
}

#[test]
fn what_has_not_begun_begins_on_top_of_what_landed() {
    let mut w = one_of_two_runs();
    w.limits.at_once = 2;
    ends(&mut w, "r-a1", "c1");
    lands(&mut w, "r-a1", "c1");
    assert_eq!(w.runs()[0].from, id("c1"));
}

#[test]
fn one_part_waits_while_the_others_go_on() {
    let mut w = World::new();
    let parts = vec![part("one", &["claude"]), part("two", &["qwen"])];
    w.put(Input::Submit(RequestReceived { parts, ..received("r") })).unwrap();
    let facts = w.put(oriented("r", &[ready("claude"), quota_gone("qwen", Some(9_000))])).unwrap();
    let waits = |facts: &[Fact]| -> Vec<Option<String>> {
        let waiting = |f: &Fact| if let Fact::RequestWaiting(f) = f { Some(f.clone()) } else { None };
        facts.iter().filter_map(waiting).map(|f| f.task.map(|task| task.to_string())).collect()
    };
    assert_eq!(waits(&facts), [Some("r-t2".to_owned())]);
    assert_eq!(w.effects(), ["brief/r-a1", "wake/r-t2/9000"]);
    w.put(briefed("r-a1")).unwrap();
    w.put(started("r-a1", "c0")).unwrap();
    ends(&mut w, "r-a1", "c1");
    w.pass("r-a1", &[Gate, Build, Test, Health]);
    let facts = w.put(landed("r-a1", "c1")).unwrap();
    assert_eq!(waits(&facts), [None], "now all of it waits");
    assert_eq!(w.effects(), ["wake/r-t2/9000"]);
    let back = Input::Retry { request: id("r"), task: Some(id("r-t2")), because: "it is time".into() };
    assert_eq!(w.kinds(back), ["request.resumed"]);
    assert_eq!(w.effects(), ["orient/r"]);
    w.put(oriented("r", &[ready("claude"), ready("qwen")])).unwrap();
    assert_eq!(w.agent("r"), "qwen");
}

#[test]
fn a_waiting_part_comes_back_while_another_one_runs() {
    let mut w = World::new();
    let parts = vec![part("one", &["claude"]), part("two", &["qwen"])];
    w.put(Input::Submit(RequestReceived { parts, ..received("r") })).unwrap();
    w.put(oriented("r", &[ready("claude"), signed_out("qwen")])).unwrap();
    w.put(retry("r")).unwrap();
    assert_eq!(w.effects(), ["brief/r-a1", "orient/r"]);
    w.put(oriented("r", &[ready("claude"), ready("qwen")])).unwrap();
    assert_eq!(w.effects(), ["brief/r-a1", "brief/r-a2"]);
}

#[test]
fn a_quota_that_one_part_used_up_is_known_to_the_others() {
    let mut w = running(3);
    let gone = AttemptEnd::QuotaGone { until: Some(At(90_000)) };
    w.put(finished("r-a2", gone, Some("half"))).unwrap();
    let next = w.state.open(&id("r")).unwrap().attempt().unwrap().clone();
    assert_eq!((next.agent.as_str(), next.number), ("claude", 2), "it goes on beside its own part");
    w.put(finished("r-a3", AttemptEnd::Failed { reason: "x".into() }, None)).unwrap();
    assert_eq!(w.agent("r"), "claude", "codex has no quota, gemini has just failed");
}

#[test]
fn practice_does_parts_only_where_no_real_agent_is_ready() {
    let mut w = in_parts(2);
    w.put(oriented("r", &[ready("claude"), practice()])).unwrap();
    assert!(w.state.open(&id("r")).unwrap().attempts.iter().all(|a| a.agent == id("claude")));
    let mut w = in_parts(2);
    w.put(oriented("r", &[signed_out("claude"), practice()])).unwrap();
    assert!(w.state.open(&id("r")).unwrap().attempts.iter().all(|a| a.practice));
}

/// Two requests of a project at once: the later one to land has the earlier one's work in its release.
#[test]
fn a_release_that_holds_more_is_not_replaced_by_one_that_holds_less() {
    let mut w = running(2);
    w.limits.active = 2;
    ends(&mut w, "r-a1", "c1");
    lands(&mut w, "r-a1", "c1");
    w.submit("s", None);
    w.put(oriented("s", &[ready("gemini")])).unwrap();
    w.begin("s");
    w.put(finished("s-a1", AttemptEnd::TurnEnded, Some("d1"))).unwrap();
    lands(&mut w, "s-a1", "d1");
    // While that one goes live, nobody else is at the main branch.
    ends(&mut w, "r-a2", "c2");
    assert_eq!(w.effects(), ["switch/s-a1"]);
    w.put(switched("s-a1")).unwrap();
    w.put(recorded("s")).unwrap();
    w.limits.attempts = 1;
    w.put(failed("r-a2", Gate)).unwrap();
    let Effect::Switch { attempt, release, commit, .. } = w.pending().remove(0) else { panic!() };
    assert_eq!((attempt.as_str(), release.as_str(), commit.as_str()), ("r-a1", "rel-s-a1", "d1"));
    assert!(matches!(w.put(switched("r-a1")), Err(Rejected::Stale { .. })));
    let ship = Input::Switched { attempt, release, url: "http://a/".into() };
    assert_eq!(w.kinds(ship), ["release.live"]);
}

#[test]
fn a_wake_up_that_fails_gives_up_only_the_part_that_needed_it() {
    let mut w = running(2);
    let out = AttemptEnd::SignedOut { reason: "401".into() };
    w.put(finished("r-a1", out.clone(), None)).unwrap();
    w.put(cancel("r")).unwrap();
    let mut w = in_parts(2);
    w.put(oriented("r", &[ready("claude")])).unwrap();
    w.put(briefed("r-a1")).unwrap();
    w.put(started("r-a1", "c0")).unwrap();
    let facts = w.put(finished("r-a1", out, None)).unwrap();
    assert_eq!(facts.last().map(Fact::kind), Some("request.waiting"));
    w.put(retry("r")).unwrap();
    let facts = w.put(broken("orient/r")).unwrap();
    assert_eq!(closed(&facts).len(), 1);
    assert_eq!(w.effects(), ["brief/r-a2"]);
}

#[test]
fn a_split_that_cannot_be_made_is_said_so() {
    let mut w = World::new();
    let many = vec![part("p", &[]); 9];
    let races = |agents: &[&str]| agents.iter().map(|agent| id(agent)).collect::<Vec<AgentId>>();
    for wrong in [
        RequestReceived { parts: many, ..received("r") },
        RequestReceived { race: races(&["a"]), ..received("r") },
        RequestReceived { race: races(&["a", "a"]), ..received("r") },
        RequestReceived { race: races(&["a", "b", "c", "d"]), ..received("r") },
        RequestReceived { race: races(&["a", "b"]), agent: Some(id("a")), ..received("r") },
        RequestReceived { race: races(&["a", "b"]), parts: vec![part("p", &[])], ..received("r") },
        RequestReceived { parts: vec![part("p", &["a", "a"])], ..received("r") },
    ] {
        assert!(matches!(w.put(Input::Submit(wrong)), Err(Rejected::BadSplit { .. })));
    }
}
