//! How a request gets from its intake to its end, with what can happen on the way.

use super::*;
use CheckKind::*;

const CODERS: [&str; 2] = ["claude-code", "codex"];

fn coders() -> Vec<AgentState> {
    CODERS.iter().map(|agent| ready(agent)).chain([practice()]).collect()
}

fn kinds(facts: &[Fact]) -> Vec<&'static str> {
    facts.iter().map(Fact::kind).collect()
}

fn diagnosis(facts: &[Fact]) -> &AttemptDiagnosed {
    facts.iter().find_map(|fact| if let Fact::AttemptDiagnosed(f) = fact { Some(f) } else { None }).unwrap()
}

fn world() -> World {
    let mut world = World::new();
    world.submit("r", None);
    world
}

#[test]
fn the_whole_way_to_a_live_release() {
    let mut w = world();
    assert_eq!(w.effects(), ["orient/r"]);
    assert_eq!(w.kinds(oriented("r", &coders())), ["request.oriented", "plan.made", "agent.chosen"]);
    assert_eq!(w.effects(), ["brief/r-a1"]);
    assert_eq!(w.kinds(briefed("r-a1")), ["task.declared"]);
    assert_eq!(w.effects(), ["run/r-a1"]);
    assert_eq!(w.kinds(started("r-a1", "c0")), ["attempt.started"]);
    assert_eq!(w.kinds(checkpoint("r-a1")), ["attempt.checkpoint"]);
    let Fact::AttemptCheckpoint(second) = w.put(checkpoint("r-a1")).unwrap().remove(0) else { panic!() };
    assert_eq!(second.number, 2);
    assert_eq!(w.kinds(finished("r-a1", AttemptEnd::TurnEnded, Some("c1"))), ["attempt.finished"]);
    assert_eq!(w.effects(), ["check/r-a1/gate/c1"]);
    let rebased = checked("r-a1", Gate, CheckResult::Passed, Some("c2"));
    assert_eq!(w.kinds(rebased), ["check.finished"]);
    assert_eq!(w.effects(), ["check/r-a1/build/c2"]);
    w.pass("r-a1", &[Build, Test]);
    assert_eq!(w.effects(), ["check/r-a1/health check/c2"]);
    w.pass("r-a1", &[Health]);
    assert_eq!(w.effects(), ["land/r-a1/c2"]);
    assert_eq!(w.kinds(landed("r-a1", "c2")), ["attempt.landed"]);
    assert_eq!(w.effects(), ["switch/r-a1"]);
    assert_eq!(w.kinds(switched("r-a1")), ["release.live"]);
    assert_eq!(w.effects(), ["record/r"]);
    let closing = w.kinds(recorded("r"));
    let expected =
        ["step.completed", "deployment.recorded", "memory.pushed", "memory.pushed", "request.closed"];
    assert_eq!(closing, expected);
    assert!(w.effects().is_empty());
    assert_eq!(w.state.project(&id("bakery")).unwrap().live, Some(id("rel-r-a1")));
    assert_eq!(w.state.record(&id("claude-code")), crate::state::TrackRecord { runs: 1, live: 1 });
}

#[test]
fn a_failed_check_goes_back_to_the_same_agent_once_and_then_to_the_next() {
    let mut w = world();
    let mut agents = Vec::new();
    w.put(oriented("r", &coders())).unwrap();
    for check in [Build, Test, Build] {
        let number = agents.len() + 1;
        agents.push(w.agent("r").to_owned());
        let attempt = format!("r-a{number}");
        w.ends("r", AttemptEnd::TurnEnded, Some(&format!("c{number}")));
        let before: &[CheckKind] = if check == Build { &[Gate] } else { &[Gate, Build] };
        w.pass(&attempt, before);
        let facts = w.put(failed(&attempt, check)).unwrap();
        assert_eq!(kinds(&facts), ["check.finished", "attempt.diagnosed", "agent.chosen"]);
        assert_eq!((diagnosis(&facts).what.as_str(), diagnosis(&facts).lines.len()), (check.word(), 40));
        // The next attempt goes on from what this one left.
        assert_eq!(w.state.open(&id("r")).unwrap().attempt().unwrap().from, id(&format!("c{number}")));
    }
    agents.push(w.agent("r").to_owned());
    assert_eq!(agents, ["claude-code", "claude-code", "codex", "codex"]);
    w.ends("r", AttemptEnd::TurnEnded, Some("c4"));
    let facts = w.put(failed("r-a4", Gate)).unwrap();
    assert_eq!(kinds(&facts), ["check.finished", "attempt.diagnosed"]);
    assert_eq!(
        diagnosis(&facts).next,
        "given up after 4 attempts, which is the limit; the last failure: it is broken"
    );
    assert_eq!(w.effects(), ["record/r"]);
    assert_eq!(
        w.kinds(recorded("r")),
        ["deployment.recorded", "memory.pushed", "memory.pushed", "request.closed"]
    );
}

#[test]
fn a_refused_gate_goes_on_from_the_cleaned_commit_or_the_base() {
    for (cleaned, from) in [(Some("clean"), "clean"), (None, "c0")] {
        let mut w = world();
        w.run("r", &coders());
        w.put(finished("r-a1", AttemptEnd::TurnEnded, Some("c1"))).unwrap();
        let refused = CheckResult::Failed { summary: "a link".into(), lines: vec![] };
        w.put(checked("r-a1", Gate, refused, cleaned)).unwrap();
        assert_eq!(w.state.open(&id("r")).unwrap().attempt().unwrap().from, id(from));
    }
}

#[test]
fn nothing_new_since_the_attempt_began_is_no_change() {
    for commit in [None, Some("c0")] {
        let mut w = world();
        w.put(oriented("r", &coders())).unwrap();
        let facts = w.ends("r", AttemptEnd::TurnEnded, commit);
        assert_eq!(kinds(&facts), ["attempt.finished", "attempt.diagnosed", "agent.chosen"]);
        assert_eq!(diagnosis(&facts).what, "no change");
        assert_eq!(w.agent("r"), "claude-code");
    }
}

/// What the gate left may already be all that was asked, and so may the work of a run that was cut short.
#[test]
fn earlier_work_that_no_check_has_failed_is_checked_even_if_nothing_is_added_to_it() {
    let mut w = world();
    w.run("r", &coders());
    w.put(finished("r-a1", AttemptEnd::TurnEnded, Some("c1"))).unwrap();
    let refused = CheckResult::Failed { summary: "a link".into(), lines: vec![] };
    w.put(checked("r-a1", Gate, refused, Some("clean"))).unwrap();
    assert_eq!(kinds(&w.ends("r", AttemptEnd::TurnEnded, Some("clean"))), ["attempt.finished"]);
    assert_eq!(w.effects(), ["check/r-a2/gate/clean"]);

    let mut w = world();
    w.put(oriented("r", &coders())).unwrap();
    w.ends("r", AttemptEnd::Silent { ms: 9_000 }, Some("half"));
    assert_eq!(kinds(&w.ends("r", AttemptEnd::TurnEnded, Some("half"))), ["attempt.finished"]);

    // What a check has failed is not given to it again unchanged.
    let mut w = world();
    w.put(oriented("r", &coders())).unwrap();
    w.ends("r", AttemptEnd::TurnEnded, Some("c1"));
    w.pass("r-a1", &[Gate]);
    w.put(failed("r-a1", Build)).unwrap();
    assert_eq!(diagnosis(&w.ends("r", AttemptEnd::TurnEnded, Some("c1"))).what, "no change");
}

#[test]
fn a_failure_of_the_agent_goes_to_another_one_or_back_if_it_is_the_only_one() {
    for end in [
        AttemptEnd::Failed { reason: "x".into() },
        AttemptEnd::Silent { ms: 9_000 },
        AttemptEnd::TooLong { ms: 9_000 },
        AttemptEnd::Cancelled,
    ] {
        let mut w = world();
        w.put(oriented("r", &coders())).unwrap();
        w.ends("r", end.clone(), Some("half"));
        assert_eq!(w.agent("r"), "codex");
        assert_eq!(w.state.open(&id("r")).unwrap().attempt().unwrap().from, id("half"));
        let mut w = world();
        w.put(oriented("r", &[ready("codex"), practice()])).unwrap();
        assert_eq!(kinds(&w.ends("r", end.clone(), None)).last(), Some(&"agent.chosen"));
        assert_eq!(w.agent("r"), "codex");
        assert_eq!(kinds(&w.ends("r", end, None)).last(), Some(&"attempt.diagnosed"));
        assert_eq!(w.effects(), ["record/r"]);
    }
}

#[test]
fn a_used_up_quota_is_waited_for_only_when_nobody_else_is_ready() {
    let gone = AttemptEnd::QuotaGone { until: Some(At(9_000)) };
    let mut w = world();
    w.put(oriented("r", &coders())).unwrap();
    w.ends("r", gone.clone(), Some("half"));
    assert_eq!(w.agent("r"), "codex");
    let facts = w.ends("r", gone, None);
    assert_eq!(kinds(&facts), ["attempt.finished", "attempt.diagnosed", "request.waiting"]);
    assert_eq!(w.effects(), ["wake/r/9000"]);
    assert_eq!(w.kinds(retry("r")), ["request.resumed"]);
    assert_eq!(w.effects(), ["orient/r"]);
    // A fresh look: the plan stands, the quota is back, and the work goes on where it stopped.
    assert_eq!(w.kinds(oriented("r", &coders())), ["request.oriented", "agent.chosen"]);
    let open = w.state.open(&id("r")).unwrap();
    assert_eq!(open.attempt().map(|a| (a.number, a.from.as_str())), Some((3, "half")));
}

#[test]
fn a_quota_that_ended_in_the_past_is_not_waited_for() {
    let mut w = world();
    w.put(oriented("r", &[ready("codex")])).unwrap();
    w.ends("r", AttemptEnd::QuotaGone { until: Some(At(3)) }, None);
    assert!(w.effects().is_empty(), "nothing spins");
    assert!(w.put(retry("r")).is_ok());
}

#[test]
fn a_signed_out_agent_is_waited_for() {
    let mut w = world();
    w.put(oriented("r", &[ready("codex"), practice()])).unwrap();
    let facts = w.ends("r", AttemptEnd::SignedOut { reason: "401".into() }, None);
    assert_eq!(kinds(&facts), ["attempt.finished", "attempt.diagnosed", "request.waiting"]);
    w.submit("s", None);
    assert_eq!(w.effects(), ["orient/s"], "a waiting request does not block others");
}

#[test]
fn a_lost_run_begins_again_with_a_fresh_fence_until_the_limit() {
    let mut w = world();
    w.put(oriented("r", &coders())).unwrap();
    for number in 1..=3 {
        w.begin("r");
        let facts = w.put(lost(&format!("run/r-a{number}"))).unwrap();
        assert_eq!(kinds(&facts), ["attempt.finished", "attempt.diagnosed", "agent.chosen"]);
        assert_eq!((w.agent("r"), w.effects()), ("claude-code", vec![format!("brief/r-a{}", number + 1)]));
    }
    w.begin("r");
    assert_eq!(kinds(&w.put(lost("run/r-a4")).unwrap()), ["attempt.finished", "attempt.diagnosed"]);
    assert_eq!(w.effects(), ["record/r"]);
    assert_eq!(w.state.record(&id("claude-code")).runs, 0, "a lost run is nobody's failure");
}

#[test]
fn a_run_that_was_lost_after_a_checkpoint_is_begun_again_more_often_but_not_for_ever() {
    let mut w = world();
    w.put(oriented("r", &coders())).unwrap();
    for number in 1..=10 {
        w.begin("r");
        w.put(checkpoint(&format!("r-a{number}"))).unwrap();
        let facts = w.put(lost(&format!("run/r-a{number}"))).unwrap();
        assert_eq!(kinds(&facts), ["attempt.finished", "attempt.diagnosed", "agent.chosen"], "{number}");
    }
    w.begin("r");
    w.put(checkpoint("r-a11")).unwrap();
    assert_eq!(kinds(&w.put(lost("run/r-a11")).unwrap()), ["attempt.finished", "attempt.diagnosed"]);
    assert_eq!(w.effects(), ["record/r"]);
}

#[test]
fn a_run_that_had_not_begun_is_simply_begun() {
    let mut w = world();
    w.put(oriented("r", &coders())).unwrap();
    w.put(briefed("r-a1")).unwrap();
    assert!(w.put(lost("run/r-a1")).unwrap().is_empty());
    assert_eq!(w.effects(), ["run/r-a1"]);
}

#[test]
fn a_moved_main_branch_sends_the_same_work_through_all_checks_again() {
    let mut w = world();
    w.run("r", &coders());
    w.put(finished("r-a1", AttemptEnd::TurnEnded, Some("c1"))).unwrap();
    for rebased in ["c2", "c3"] {
        assert_eq!(w.effects(), ["check/r-a1/gate/c1"]);
        w.put(checked("r-a1", Gate, CheckResult::Passed, Some(rebased))).unwrap();
        w.pass("r-a1", &[Build, Test, Health]);
        assert_eq!(w.effects(), [format!("land/r-a1/{rebased}")]);
        assert_eq!(w.kinds(Input::LandStale { attempt: id("r-a1") }), ["attempt.diagnosed"]);
    }
}

#[test]
fn a_cancelled_run_is_stopped_first_and_its_end_closes_the_request() {
    let mut w = world();
    w.run("r", &coders());
    assert_eq!(w.kinds(cancel("r")), ["request.cancel_asked"]);
    assert_eq!(w.effects(), ["run/r-a1", "stop/r-a1"]);
    assert_eq!(w.kinds(finished("r-a1", AttemptEnd::TurnEnded, Some("c1"))), ["attempt.finished"]);
    assert_eq!(w.effects(), ["record/r"]);
    assert!(matches!(w.pending()[0], Effect::Record { outcome: Outcome::Cancelled, .. }));
}

#[test]
fn a_cancelled_run_that_is_lost_or_cannot_be_stopped_closes_too() {
    for end in [lost("run/r-a1"), broken("run/r-a1"), broken("stop/r-a1")] {
        for begun in [true, false] {
            let mut w = world();
            w.put(oriented("r", &coders())).unwrap();
            w.put(briefed("r-a1")).unwrap();
            if begun {
                w.put(started("r-a1", "c0")).unwrap();
            }
            w.put(cancel("r")).unwrap();
            assert_eq!(w.kinds(end.clone()), ["attempt.finished"]);
            assert_eq!(w.effects(), ["record/r"]);
        }
    }
}

#[test]
fn requests_are_worked_on_in_the_order_of_arrival() {
    let mut w = World::new();
    for request in ["z", "y", "x"] {
        w.submit(request, None);
    }
    assert_eq!(w.effects(), ["orient/z"]);
    w.put(cancel("y")).unwrap();
    assert_eq!(w.effects(), ["record/y", "orient/z"], "recording a cancelled one takes nobody's turn");
    w.put(oriented("z", &[signed_out("codex")])).unwrap();
    assert_eq!(w.effects(), ["record/y", "orient/x"]);
    w.put(retry("z")).unwrap();
    assert_eq!(w.effects(), ["record/y", "orient/z"], "one that waited comes back to its place");
    w.limits.active = 2;
    assert_eq!(w.effects(), ["record/y", "orient/z", "orient/x"]);
}
