//! Several agents at the same task, of which one is taken.

use super::*;
use CheckKind::*;

fn racing(agents: &[&str]) -> World {
    let mut w = World::new();
    let race = agents.iter().map(|agent| id(agent)).collect();
    w.put(Input::Submit(RequestReceived { race, ..received("r") })).unwrap();
    w
}

/// Claude, codex and gemini run.
fn running() -> World {
    let mut w = racing(&["claude", "codex", "gemini"]);
    w.put(oriented("r", &[ready("claude"), ready("codex"), ready("gemini")])).unwrap();
    for n in 1..=3 {
        w.put(briefed(&format!("r-a{n}"))).unwrap();
        w.put(started(&format!("r-a{n}"), "c0")).unwrap();
    }
    w
}

fn ends(w: &mut World, attempt: &str, added: u32, duration_ms: u64) {
    let diff = DiffStat { files: 1, added, removed: 0 };
    let commit = Some(id(&format!("left-{attempt}")));
    let end = AttemptEnd::TurnEnded;
    let ended = Ended { commit, diff, duration_ms: Some(duration_ms), ..Ended::without_a_trace(end) };
    w.put(Input::Finished { attempt: id(attempt), ended }).unwrap();
}

fn judged(facts: &[Fact]) -> Option<&RaceJudged> {
    facts.iter().find_map(|fact| if let Fact::RaceJudged(f) = fact { Some(f) } else { None })
}

fn pick(attempt: &str) -> Input {
    Input::Pick { request: id("r"), attempt: id(attempt) }
}

#[test]
fn all_begin_alike_and_the_smallest_change_of_those_that_passed_lands() {
    let mut w = running();
    let runs = w.runs();
    assert_eq!(runs.len(), 3);
    assert!(
        runs.iter().all(|run| run.from == id("c0") && run.bench == run.attempt && run.task == id("r-t1"))
    );
    ends(&mut w, "r-a1", 30, 5);
    ends(&mut w, "r-a2", 20, 9);
    ends(&mut w, "r-a3", 1, 1);
    w.pass("r-a1", &[Gate, Build, Test, Health]);
    w.pass("r-a2", &[Gate, Build, Test, Health]);
    w.pass("r-a3", &[Gate]);
    let facts = w.put(failed("r-a3", Build)).unwrap();
    let kinds: Vec<&str> = facts.iter().map(Fact::kind).collect();
    assert_eq!(kinds, ["check.finished", "attempt.diagnosed", "race.judged"]);
    let race = judged(&facts).unwrap();
    let order: Vec<(&str, bool)> = race.ranking.iter().map(|r| (r.attempt.as_str(), r.passed)).collect();
    assert_eq!(order, [("r-a2", true), ("r-a1", true), ("r-a3", false)]);
    assert_eq!((race.winner.as_str(), race.judge), ("r-a2", Judge::Checks));
    assert_eq!(race.why, "2 passed all checks; codex made the smallest change");
    assert_eq!(w.effects(), ["land/r-a2/left-r-a2"]);
    assert_eq!(w.kinds(landed("r-a2", "left-r-a2")), ["attempt.landed", "task.closed"]);
    w.put(switched("r-a2")).unwrap();
    let facts = w.put(recorded("r")).unwrap();
    let row = facts.iter().find_map(|f| if let Fact::DeploymentRecorded(f) = f { Some(f) } else { None });
    assert_eq!(row.unwrap().agent, Some(id("codex")), "the winner is whose work it is");
    let record = |agent: &str| w.state.record(&id(agent));
    assert_eq!((record("codex").live, record("claude").live, record("claude").runs), (1, 0, 1));
}

#[test]
fn equals_are_told_apart_by_time_and_then_by_the_catalogue() {
    for (times, winner) in [([5, 4, 6], "r-a2"), ([7, 7, 7], "r-a1")] {
        let mut w = running();
        for (n, ms) in (1..=3).zip(times) {
            ends(&mut w, &format!("r-a{n}"), 10, ms);
        }
        for n in 1..=3 {
            let last = format!("r-a{n}");
            w.pass(&last, &[Gate, Build, Test]);
            if n == 3 {
                let facts = w.put(passed(&last, Health)).unwrap();
                assert_eq!(judged(&facts).unwrap().winner, id(winner));
            } else {
                w.pass(&last, &[Health]);
            }
        }
    }
}

#[test]
fn if_none_passes_the_one_that_got_furthest_goes_on_alone() {
    let mut w = running();
    w.put(finished("r-a1", AttemptEnd::Silent { ms: 1_000 }, None)).unwrap();
    ends(&mut w, "r-a2", 1, 1);
    w.pass("r-a2", &[Gate]);
    w.put(failed("r-a2", Build)).unwrap();
    ends(&mut w, "r-a3", 500, 9);
    w.pass("r-a3", &[Gate, Build]);
    let facts = w.put(failed("r-a3", Test)).unwrap();
    let kinds: Vec<&str> = facts.iter().map(Fact::kind).collect();
    assert_eq!(kinds, ["check.finished", "attempt.diagnosed", "race.judged", "agent.chosen"]);
    assert_eq!(judged(&facts).unwrap().winner, id("r-a3"));
    w.put(briefed("r-a4")).unwrap();
    let run = w.runs().remove(0);
    assert_eq!((run.agent.as_str(), run.bench.as_str()), ("gemini", "r-a3"));
    assert_eq!((run.goes_on, run.from.as_str()), (Some(id("r-a3")), "left-r-a3"));
}

#[test]
fn a_race_that_nobody_can_go_on_with_ends_the_task() {
    let mut w = running();
    w.limits.attempts = 1;
    w.limits.same_agent_again = 0;
    for n in 1..=3 {
        let facts = w.put(finished(&format!("r-a{n}"), AttemptEnd::TurnEnded, None)).unwrap();
        assert_eq!(facts.last().map(Fact::kind) == Some("task.closed"), n == 3);
    }
    let Effect::Record { outcome, why, .. } = w.pending().remove(0) else { panic!() };
    assert_eq!((outcome, why.as_str()), (Outcome::Failed, "given up after 1 attempt, which is the limit"));
}

#[test]
fn the_user_may_pick_before_the_end_and_the_others_are_stopped() {
    let mut w = running();
    ends(&mut w, "r-a2", 1, 1);
    assert_eq!(w.put(pick("r-a1")), Err(Rejected::NothingToPick { attempt: id("r-a1") }));
    w.pass("r-a2", &[Gate, Build, Test, Health]);
    let facts = w.put(pick("r-a2")).unwrap();
    let race = judged(&facts).unwrap();
    assert_eq!((race.judge, race.why.as_str()), (Judge::You, "you picked it"));
    assert_eq!(w.effects(), ["run/r-a1", "stop/r-a1", "land/r-a2/left-r-a2", "run/r-a3", "stop/r-a3"]);
    assert!(matches!(w.pending()[1], Effect::StopAgent { why: Stop::OutOfRace, .. }));
    w.put(landed("r-a2", "left-r-a2")).unwrap();
    for (n, last) in [(1, false), (3, true)] {
        let facts = w.put(finished(&format!("r-a{n}"), AttemptEnd::Cancelled, None)).unwrap();
        assert_eq!(facts.last().map(Fact::kind) == Some("task.closed"), last);
    }
    assert_eq!(w.effects(), ["switch/r-a2"]);
    assert_eq!(w.put(pick("r-a1")), Err(Rejected::NotRacing { attempt: id("r-a1") }));
}

#[test]
fn a_pick_that_failed_its_checks_must_pass_them_first() {
    let mut w = running();
    ends(&mut w, "r-a1", 1, 1);
    w.pass("r-a1", &[Gate]);
    w.put(failed("r-a1", Build)).unwrap();
    w.put(pick("r-a1")).unwrap();
    assert!(w.effects().contains(&"check/r-a1/gate/left-r-a1".to_owned()));
    w.put(finished("r-a2", AttemptEnd::Cancelled, None)).unwrap();
    w.put(finished("r-a3", AttemptEnd::Cancelled, None)).unwrap();
    let facts = w.put(failed("r-a1", Gate)).unwrap();
    assert_eq!(facts.last().map(Fact::kind), Some("agent.chosen"), "then the usual rules hold");
}

#[test]
fn a_workspace_may_leave_it_to_the_user() {
    let at_end = || {
        let mut w = running();
        w.limits.pick = Judge::You;
        for n in 1..=3 {
            ends(&mut w, &format!("r-a{n}"), n, 1);
        }
        w.pass("r-a1", &[Gate, Build, Test, Health]);
        w.put(failed("r-a2", Gate)).unwrap();
        w.pass("r-a3", &[Gate, Build, Test]);
        assert_eq!(w.kinds(passed("r-a3", Health)), ["check.finished", "request.waiting"]);
        assert!(w.effects().is_empty());
        w
    };
    let mut w = at_end();
    assert_eq!(w.kinds(pick("r-a3")), ["request.resumed", "race.judged"]);
    assert_eq!(w.effects(), ["land/r-a3/left-r-a3"]);
    // Who wants it to go on without a pick leaves it to the checks.
    let mut w = at_end();
    assert_eq!(w.kinds(retry("r")), ["request.resumed", "race.judged"]);
    assert_eq!(w.effects(), ["land/r-a1/left-r-a1"]);
    let mut w = at_end();
    w.put(cancel("r")).unwrap();
    assert!(matches!(w.pending()[0], Effect::Record { outcome: Outcome::Cancelled, .. }));
    assert_eq!(w.put(pick("r-a2")), Err(Rejected::NotRacing { attempt: id("r-a2") }), "it is over");
    // Nor while the others are still being stopped.
    let mut w = running();
    ends(&mut w, "r-a1", 1, 1);
    w.put(failed("r-a1", Gate)).unwrap();
    w.put(cancel("r")).unwrap();
    assert_eq!(w.put(pick("r-a1")), Err(Rejected::NotRacing { attempt: id("r-a1") }));
}

#[test]
fn a_race_is_run_by_those_that_are_ready() {
    let mut w = racing(&["claude", "codex", "qwen"]);
    let agents = [ready("claude"), signed_out("codex"), ready("qwen")];
    let facts = w.put(oriented("r", &agents)).unwrap();
    let chosen: Vec<(&str, &str)> = facts
        .iter()
        .filter_map(|f| if let Fact::AgentChosen(f) = f { Some(f) } else { None })
        .map(|f| (f.agent.as_str(), f.why.as_str()))
        .collect();
    let why = "you asked for claude, codex and qwen at the same time; codex is signed out (run codex login)";
    assert_eq!(chosen, [("claude", why), ("qwen", why)]);

    // One alone is no race: it tries again as usual, and its end is the request's.
    let mut w = racing(&["claude", "codex"]);
    w.put(oriented("r", &[ready("claude"), signed_out("codex")])).unwrap();
    let facts = w.ends("r", AttemptEnd::TurnEnded, None);
    assert_eq!(facts.last().map(Fact::kind), Some("agent.chosen"));
    assert_eq!(w.state.open(&id("r")).unwrap().lanes.len(), 1);

    let mut w = racing(&["claude", "codex"]);
    let agents = [signed_out("claude"), quota_gone("codex", Some(9_000)), ready("gemini")];
    assert_eq!(w.kinds(oriented("r", &agents)), ["request.oriented", "plan.made", "request.waiting"]);
    assert_eq!(w.effects(), ["wake/r/9000"]);
    w.put(retry("r")).unwrap();
    w.put(oriented("r", &[ready("claude"), ready("codex")])).unwrap();
    assert_eq!(w.effects(), ["brief/r-a1", "brief/r-a2"]);
}

#[test]
fn a_lost_run_begins_again_in_its_race() {
    let mut w = running();
    ends(&mut w, "r-a1", 1, 1);
    w.put(failed("r-a1", Gate)).unwrap();
    let facts = w.put(lost("run/r-a3")).unwrap();
    assert_eq!(facts.last().map(Fact::kind), Some("agent.chosen"));
    let open = w.state.open(&id("r")).unwrap();
    assert_eq!((open.attempt().unwrap().lane, open.attempt().unwrap().agent.as_str()), (2, "gemini"));
    assert_eq!(open.lanes.len(), 3);
    assert!(matches!(w.lane("r", 1).at, Stand::Out { .. }));
}

#[test]
fn a_part_may_race_beside_other_parts() {
    let mut w = World::new();
    let part = |agents: &[&str]| PartWish { text: blob("p"), agents: agents.iter().map(|a| id(a)).collect() };
    let parts = vec![part(&["claude", "codex"]), part(&[])];
    w.put(Input::Submit(RequestReceived { parts, ..received("r") })).unwrap();
    w.put(oriented("r", &[ready("claude"), ready("codex"), ready("gemini")])).unwrap();
    let tasks: Vec<(String, String)> = w
        .state
        .open(&id("r"))
        .unwrap()
        .attempts
        .iter()
        .map(|a| (a.task.to_string(), a.agent.to_string()))
        .collect();
    let expected = [("r-t1", "claude"), ("r-t1", "codex"), ("r-t2", "gemini")];
    assert_eq!(tasks, expected.map(|(task, agent)| (task.to_owned(), agent.to_owned())));
}
