//! Another agent goes on in the middle of a task; and an agent asks a person.

use super::*;
use CheckKind::*;

fn both() -> [AgentState; 3] {
    [ready("claude"), ready("codex"), signed_out("qwen")]
}

fn running() -> World {
    let mut w = World::new();
    w.submit("r", None);
    w.run("r", &both());
    w
}

fn hand_over(to: Option<&str>) -> Input {
    Input::HandOver { request: id("r"), attempt: id("r-a1"), to: to.map(id) }
}

fn ask(ask: &str, options: &[&str]) -> Input {
    let option = |option: &&str| AskOption { id: (*option).into(), label: (*option).into() };
    Input::Asked {
        attempt: id("r-a1"),
        ask: ask.into(),
        kind: AskKind::Question,
        question: blob("which"),
        options: options.iter().map(option).collect(),
    }
}

fn answer(ask: &str, option: Option<&str>, text: Option<&str>) -> Input {
    let (option, text) = (option.map(str::to_owned), text.map(blob));
    Input::Answer { request: id("r"), attempt: id("r-a1"), ask: ask.into(), option, text }
}

/// The next run, once its brief is packed.
fn next_run(w: &mut World) -> Run {
    let attempt = w.state.open(&id("r")).unwrap().attempt().unwrap().id.clone();
    w.put(briefed(attempt.as_str())).unwrap();
    w.runs().remove(0)
}

#[test]
fn another_agent_goes_on_in_the_same_worktree_from_the_last_commit() {
    let mut w = running();
    w.put(checkpoint("r-a1")).unwrap();
    assert_eq!(w.kinds(hand_over(Some("codex"))), ["attempt.hand_over_asked"]);
    assert_eq!(w.effects(), ["run/r-a1", "stop/r-a1"]);
    assert!(matches!(w.pending()[1], Effect::StopAgent { why: Stop::HandedOver, .. }));
    let facts = w.put(finished("r-a1", AttemptEnd::HandedOver, Some("half"))).unwrap();
    assert_eq!(facts.iter().map(Fact::kind).collect::<Vec<_>>(), ["attempt.finished", "agent.chosen"]);
    let Fact::AgentChosen(chosen) = &facts[1] else { panic!() };
    assert_eq!((chosen.agent.as_str(), chosen.why.as_str()), ("codex", "you handed the work over to it"));
    assert_eq!(chosen.goes_on, Some(id("r-a1")));
    let run = next_run(&mut w);
    assert_eq!((run.bench.as_str(), run.from.as_str(), run.resume), ("r-a1", "half", None));
    w.put(started("r-a2", "half")).unwrap();
    // There may be nothing to add to it.
    w.put(finished("r-a2", AttemptEnd::TurnEnded, Some("half"))).unwrap();
    let Effect::Check { bench, commit, .. } = w.pending().remove(0) else { panic!() };
    assert_eq!((bench.as_str(), commit.as_str()), ("r-a1", "half"));
    assert_eq!(w.state.record(&id("claude")).runs, 0, "to be relieved is no failure");
}

#[test]
fn hermes_picks_another_one_or_the_same_goes_on() {
    let mut w = running();
    w.put(hand_over(None)).unwrap();
    w.put(finished("r-a1", AttemptEnd::HandedOver, Some("half"))).unwrap();
    assert_eq!(w.agent("r"), "codex");
    let mut w = World::new();
    w.submit("r", None);
    w.run("r", &[ready("claude")]);
    w.put(hand_over(None)).unwrap();
    w.put(finished("r-a1", AttemptEnd::HandedOver, Some("half"))).unwrap();
    assert_eq!(w.agent("r"), "claude");
}

#[test]
fn the_agents_are_looked_at_again_for_one_that_was_not_ready() {
    let mut w = running();
    w.put(hand_over(Some("qwen"))).unwrap();
    assert_eq!(w.kinds(finished("r-a1", AttemptEnd::HandedOver, Some("half"))), ["attempt.finished"]);
    assert_eq!(w.effects(), ["orient/r"]);
    w.put(oriented("r", &[ready("claude"), ready("qwen")])).unwrap();
    let run = next_run(&mut w);
    assert_eq!((run.agent.as_str(), run.goes_on), ("qwen", Some(id("r-a1"))));

    let mut w = running();
    w.put(hand_over(Some("qwen"))).unwrap();
    w.put(finished("r-a1", AttemptEnd::HandedOver, Some("half"))).unwrap();
    assert_eq!(w.kinds(oriented("r", &both())), ["request.oriented", "request.waiting"]);
}

#[test]
fn only_a_running_attempt_is_handed_over_and_only_to_another_agent_that_is_known() {
    let mut w = running();
    assert_eq!(w.put(hand_over(Some("claude"))), Err(Rejected::SameAgent { attempt: id("r-a1") }));
    assert_eq!(w.put(hand_over(Some("nobody"))), Err(Rejected::UnknownAgent { agent: id("nobody") }));
    w.put(hand_over(Some("codex"))).unwrap();
    assert_eq!(w.put(hand_over(None)), Err(Rejected::NotRunning { attempt: id("r-a1") }));
    w.put(cancel("r")).unwrap();
    w.put(finished("r-a1", AttemptEnd::HandedOver, Some("half"))).unwrap();
    assert!(matches!(w.pending()[0], Effect::Record { outcome: Outcome::Cancelled, .. }));
}

#[test]
fn whatever_end_the_run_came_to_it_is_handed_over() {
    for (end, goes_on, from) in [
        (AttemptEnd::TurnEnded, Some("r-a1"), "half"),
        (AttemptEnd::QuotaGone { until: None }, Some("r-a1"), "half"),
        (AttemptEnd::Lost, None, "c1"),
    ] {
        let mut w = running();
        w.put(checkpoint("r-a1")).unwrap();
        w.put(hand_over(Some("codex"))).unwrap();
        w.put(finished("r-a1", end, Some("half"))).unwrap();
        let run = next_run(&mut w);
        assert_eq!((run.agent.as_str(), run.goes_on, run.from.as_str()), ("codex", goes_on.map(id), from));
    }
}

#[test]
fn every_next_attempt_goes_on_in_the_worktree_that_is_known_to_be_whole() {
    for end in [
        AttemptEnd::QuotaGone { until: None },
        AttemptEnd::Failed { reason: "x".into() },
        AttemptEnd::Silent { ms: 1 },
        AttemptEnd::Stuck { what: "the same edit".into() },
        AttemptEnd::OverLimit { what: "memory".into() },
    ] {
        let mut w = running();
        w.put(finished("r-a1", end, Some("half"))).unwrap();
        let run = next_run(&mut w);
        assert_eq!((run.agent.as_str(), run.bench.as_str(), run.from.as_str()), ("codex", "r-a1", "half"));
        w.put(started("r-a2", "half")).unwrap();
        w.put(finished("r-a2", AttemptEnd::Silent { ms: 1 }, Some("more"))).unwrap();
        let run = next_run(&mut w);
        assert_eq!((run.goes_on, run.bench.as_str()), (Some(id("r-a2")), "r-a1"), "the first one's bench");
    }
    // What a run left that nobody saw the end of is known up to its last checkpoint.
    let mut w = running();
    w.put(checkpoint("r-a1")).unwrap();
    w.put(lost("run/r-a1")).unwrap();
    let run = next_run(&mut w);
    assert_eq!((run.goes_on, run.bench.as_str(), run.from.as_str()), (None, "r-a2", "c1"));
}

#[test]
fn the_same_agent_goes_on_in_its_session_after_a_failed_check_on_the_commit_that_failed() {
    let mut w = running();
    w.put(finished("r-a1", AttemptEnd::TurnEnded, Some("left"))).unwrap();
    w.put(checked("r-a1", Gate, CheckResult::Passed, Some("rebased"))).unwrap();
    w.put(failed("r-a1", Build)).unwrap();
    let run = next_run(&mut w);
    assert_eq!(
        (run.resume.as_deref(), run.from.as_str(), run.bench.as_str()),
        (Some("s"), "rebased", "r-a1")
    );
    w.put(started("r-a2", "rebased")).unwrap();
    w.put(finished("r-a2", AttemptEnd::Silent { ms: 1 }, Some("left2"))).unwrap();
    let run = next_run(&mut w);
    assert_eq!(
        (run.agent.as_str(), run.resume),
        ("codex", None),
        "another agent has no session to go on with"
    );
}

#[test]
fn a_question_is_answered_while_the_agent_waits() {
    let mut w = running();
    assert_eq!(w.kinds(ask("q", &["yes", "no"])), ["attempt.asked"]);
    assert!(matches!(w.put(ask("q", &[])), Err(Rejected::Stale { .. })));
    assert_eq!(w.effects(), ["run/r-a1"], "it goes on to run");
    assert!(matches!(w.put(answer("x", Some("yes"), None)), Err(Rejected::NoAsk { .. })));
    assert!(matches!(w.put(answer("q", Some("maybe"), None)), Err(Rejected::BadAnswer { .. })));
    assert!(matches!(w.put(answer("q", None, None)), Err(Rejected::BadAnswer { .. })));
    assert_eq!(w.kinds(answer("q", Some("yes"), None)), ["attempt.answered"]);
    assert!(matches!(w.put(answer("q", Some("yes"), None)), Err(Rejected::NoAsk { .. })));
    w.put(ask("words", &[])).unwrap();
    assert_eq!(w.kinds(answer("words", None, Some("blue"))), ["attempt.answered"]);
}

#[test]
fn a_question_that_outlives_its_run_is_waited_for() {
    let asked = AttemptEnd::Asked { question: "which?".into() };
    for (end, goes_on) in [(finished("r-a1", asked, Some("half")), Some("r-a1")), (lost("run/r-a1"), None)] {
        let waiting = || {
            let mut w = running();
            w.put(checkpoint("r-a1")).unwrap();
            w.put(ask("q", &[])).unwrap();
            let facts = w.put(end.clone()).unwrap();
            let Some(Fact::RequestWaiting(f)) = facts.last() else { panic!("{facts:?}") };
            let question = "claude asked something; answer it to go on".to_owned();
            assert_eq!(f.waiting, Waiting::You { question });
            assert!(w.effects().is_empty());
            w
        };
        let goes_on_by = |w: &mut World| {
            assert_eq!(w.effects(), ["orient/r"]);
            w.put(oriented("r", &[ready("codex"), ready("claude")])).unwrap();
            let run = next_run(w);
            assert_eq!((run.agent.as_str(), run.goes_on), ("claude", goes_on.map(id)));
        };
        let mut w = waiting();
        assert_eq!(w.kinds(answer("q", None, Some("blue"))), ["attempt.answered", "request.resumed"]);
        goes_on_by(&mut w);
        let mut w = waiting();
        let steer = Input::Steer { request: id("r"), text: blob("blue") };
        assert_eq!(w.kinds(steer), ["task.steered", "request.resumed"]);
        goes_on_by(&mut w);
        let mut w = waiting();
        w.put(retry("r")).unwrap();
        goes_on_by(&mut w);
    }
}

#[test]
fn a_used_up_quota_is_followed_as_the_workspace_wants() {
    let gone = || AttemptEnd::QuotaGone { until: Some(At(90_000)) };
    let mut w = running();
    w.limits.on_quota = crate::OnQuota::Wait;
    w.put(finished("r-a1", gone(), Some("half"))).unwrap();
    assert_eq!(w.effects(), ["wake/r/90000"]);
    w.put(retry("r")).unwrap();
    w.put(oriented("r", &[ready("codex"), ready("claude")])).unwrap();
    let run = next_run(&mut w);
    assert_eq!(
        (run.agent.as_str(), run.goes_on),
        ("claude", Some(id("r-a1"))),
        "the same one, in its worktree"
    );

    let mut w = running();
    w.limits.on_quota = crate::OnQuota::Ask;
    let facts = w.put(finished("r-a1", gone(), Some("half"))).unwrap();
    let Some(Fact::RequestWaiting(f)) = facts.last() else { panic!() };
    let Waiting::You { question } = &f.waiting else { panic!() };
    assert!(question.contains("claude") && question.contains("codex"), "{question}");
    w.put(retry("r")).unwrap();
    w.put(oriented("r", &[quota_gone("claude", Some(90_000)), ready("codex")])).unwrap();
    assert_eq!(w.agent("r"), "codex");
    // Without another one there is nothing to ask.
    let mut w = World::new();
    w.submit("r", None);
    w.limits.on_quota = crate::OnQuota::Ask;
    w.run("r", &[ready("claude")]);
    w.put(finished("r-a1", gone(), None)).unwrap();
    assert_eq!(w.effects(), ["wake/r/90000"]);
}

#[test]
fn credentials_that_do_not_do_are_no_readiness() {
    let stale =
        Readiness::Stale { version: "1".into(), reason: "too old".into(), next: "sign in again".into() };
    let refused = Readiness::Refused {
        version: "1".into(),
        at: At(5),
        reason: "401".into(),
        next: "sign in again".into(),
    };
    for (readiness, says) in [
        (stale, "does not take its credentials: too old (sign in again)"),
        (refused, "was refused by its service when it was last used: 401 (sign in again)"),
    ] {
        let mut w = World::new();
        w.submit("r", None);
        let facts = w.put(oriented("r", &[state_of("claude", readiness)])).unwrap();
        let Some(Fact::RequestWaiting(f)) = facts.last() else { panic!() };
        assert_eq!(f.waiting, Waiting::Agent { reason: format!("no agent is ready: claude {says}") });
    }
}

#[test]
fn who_has_no_place_yet_is_replaced_at_once() {
    let mut w = World::new();
    w.limits.at_once = 1;
    w.limits.active = 2;
    w.submit("s", None);
    w.run("s", &[ready("gemini")]);
    w.submit("r", None);
    w.put(oriented("r", &both())).unwrap();
    w.put(briefed("r-a1")).unwrap();
    assert_eq!(
        w.kinds(hand_over(Some("codex"))),
        ["attempt.hand_over_asked", "attempt.finished", "agent.chosen"]
    );
    let open = w.state.open(&id("r")).unwrap();
    assert_eq!(
        (open.attempt().unwrap().agent.as_str(), open.attempt().unwrap().goes_on.clone()),
        ("codex", None)
    );
}
