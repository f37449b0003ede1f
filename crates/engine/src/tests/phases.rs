//! Every phase against every input about a request: one table, written by hand.

use super::*;

const ALL: &str = "Queued Orienting Quota Agent Briefing Running Started Stopping Gate Health Landing Switching Live Failed Cancelled Closed";

/// `+` facts, `.` taken without facts, `S` stale, `T` too late, `N` not waiting, `E` ended, `U` unknown attempt,
/// `A` nothing was asked, `R` not running, `P` no race.
const TABLE: &str = "
cancel       + + + + + + + . + + T T T T . E
steer        + + + + + + + T T T T T T T T E
retry        N N + + N N N N N N N N N N N E
oriented     S + S S S S S S S S S S S S S E
briefed      U U S U + S S S S S S S S S S E
started      U U S U S + S S S S S S S S S E
checkpoint   U U S U S S + + S S S S S S S E
finished     U U S U S + + + S S S S S S S E
gate         U U S U S S S S + S S S S S S E
health       U U S U S S S S S + S S S S S E
landed       U U S U S S S S S S + S S S S E
land-stale   U U S U S S S S S S + S S S S E
switched     U U S U S S S S S S S + S S S E
recorded     S S S S S S S S S S S S + + + E
run-lost     S S S S S . + + S S S S S S S S
run-broken   S S S S S + + + S S S S S S S S
stop-lost    S S S S S S S . S S S S S S S S
stop-broken  S S S S S S S + S S S S S S S S
orient-lost  S . S S S S S S S S S S S S S S
orient-broke S + S S S S S S S S S S S S S S
brief-broken S S S S + S S S S S S S S S S S
land-broken  S S S S S S S S S S + S S S S S
switch-lost  S S S S S S S S S S S . S S S S
switch-broke S S S S S S S S S S S + S S S S
record-lost  S S S S S S S S S S S S . . . S
record-broke S S S S S S S S S S S S + + + S
asked        U U S U S S + + S S S S S S S E
answer       U U A U A A A A A A A A A A A E
hand-over    U U R U R + + R R R R R R R R E
pick         U U P U P P P P P P P P P P P E
";

#[test]
fn every_phase_answers_every_input_as_the_table_says() {
    let phases: Vec<&str> = ALL.split(' ').collect();
    let mut rows = 0;
    for line in TABLE.trim().lines() {
        let mut cells = line.split_whitespace();
        let name = cells.next().unwrap();
        let expected: Vec<&str> = cells.collect();
        assert_eq!(expected.len(), phases.len(), "{name}");
        for (phase, expected) in phases.iter().zip(expected) {
            let mut world = at(phase);
            let before = world.state.clone();
            let answer = world.put(input(name));
            let got = code(&answer);
            assert_eq!(got, expected, "{name} at {phase}: {answer:?}");
            assert!(got == "+" || world.state == before, "{name} at {phase} changed something");
        }
        rows += 1;
    }
    assert_eq!(rows, 30);
}

fn code(answer: &Result<Vec<Fact>, Rejected>) -> &'static str {
    match answer {
        Ok(facts) if facts.is_empty() => ".",
        Ok(_) => "+",
        Err(Rejected::Stale { .. }) => "S",
        Err(Rejected::TooLate { .. }) => "T",
        Err(Rejected::NotWaiting { .. }) => "N",
        Err(Rejected::Ended { .. }) => "E",
        Err(Rejected::UnknownAttempt { .. }) => "U",
        Err(Rejected::NoAsk { .. }) => "A",
        Err(Rejected::NotRunning { .. }) => "R",
        Err(Rejected::NotRacing { .. }) => "P",
        Err(other) => panic!("{other}"),
    }
}

fn input(name: &str) -> Input {
    match name {
        "cancel" => cancel("r"),
        "steer" => Input::Steer { request: id("r"), text: blob("more") },
        "retry" => retry("r"),
        "oriented" => oriented("r", &[ready("claude-code")]),
        "briefed" => briefed("r-a1"),
        "started" => started("r-a1", "c0"),
        "checkpoint" => checkpoint("r-a1"),
        "finished" => finished("r-a1", AttemptEnd::TurnEnded, Some("c1")),
        "gate" => passed("r-a1", CheckKind::Gate),
        "health" => passed("r-a1", CheckKind::Health),
        "landed" => landed("r-a1", "c1"),
        "land-stale" => Input::LandStale { attempt: id("r-a1") },
        "switched" => switched("r-a1"),
        "recorded" => recorded("r"),
        "run-lost" => lost("run/r-a1"),
        "run-broken" => broken("run/r-a1"),
        "stop-lost" => lost("stop/r-a1"),
        "stop-broken" => broken("stop/r-a1"),
        "orient-lost" => lost("orient/r"),
        "orient-broke" => broken("orient/r"),
        "brief-broken" => broken("brief/r-a1"),
        "land-broken" => broken("land/r-a1/c1"),
        "switch-lost" => lost("switch/r-a1"),
        "switch-broke" => broken("switch/r-a1"),
        "record-lost" => lost("record/r"),
        "record-broke" => broken("record/r"),
        "asked" => {
            let (ask, kind, question) = ("q".into(), AskKind::Question, blob("which"));
            Input::Asked { attempt: id("r-a1"), ask, kind, question, options: vec![] }
        }
        "answer" => {
            let (request, attempt, text) = (id("r"), id("r-a1"), Some(blob("so")));
            Input::Answer { request, attempt, ask: "q".into(), option: None, text }
        }
        "hand-over" => Input::HandOver { request: id("r"), attempt: id("r-a1"), to: None },
        "pick" => Input::Pick { request: id("r"), attempt: id("r-a1") },
        other => panic!("{other}"),
    }
}

/// A world whose request `r` stands there.
fn at(phase: &str) -> World {
    let mut world = World::new();
    if phase == "Queued" {
        world.submit("earlier", None);
    }
    world.submit("r", None);
    let claude = [ready("claude-code")];
    match phase {
        "Queued" | "Orienting" => return world,
        "Agent" => drop(world.put(oriented("r", &[signed_out("claude-code")])).unwrap()),
        _ => drop(world.put(oriented("r", &claude)).unwrap()),
    }
    if matches!(phase, "Agent" | "Briefing") {
        return world;
    }
    world.put(briefed("r-a1")).unwrap();
    if phase == "Running" {
        return world;
    }
    world.put(started("r-a1", "c0")).unwrap();
    match phase {
        "Started" => return world,
        "Stopping" => return put(world, [cancel("r")]),
        "Quota" => {
            let end = AttemptEnd::QuotaGone { until: Some(At(5_000)) };
            return put(world, [finished("r-a1", end, None)]);
        }
        _ => world.put(finished("r-a1", AttemptEnd::TurnEnded, Some("c1"))).unwrap(),
    };
    match phase {
        "Gate" => return world,
        "Failed" => return put(world, [broken("check/r-a1/gate/c1")]),
        "Cancelled" => return put(world, [cancel("r")]),
        _ => world.pass("r-a1", &[CheckKind::Gate, CheckKind::Build, CheckKind::Test]),
    }
    let rest = [passed("r-a1", CheckKind::Health), landed("r-a1", "c1"), switched("r-a1"), recorded("r")];
    let steps =
        ["Health", "Landing", "Switching", "Live", "Closed"].iter().position(|p| *p == phase).unwrap();
    put(world, rest.into_iter().take(steps))
}

fn put(mut world: World, inputs: impl IntoIterator<Item = Input>) -> World {
    for input in inputs {
        world.put(input).unwrap();
    }
    world
}

#[test]
fn a_result_of_an_earlier_attempt_is_stale() {
    let mut world = at("Started");
    let fell = AttemptEnd::Failed { reason: "crash".into() };
    world.put(finished("r-a1", fell, None)).unwrap();
    world.begin("r");
    for late in [briefed("r-a1"), started("r-a1", "c0"), checkpoint("r-a1"), landed("r-a1", "c1")] {
        assert!(matches!(world.put(late), Err(Rejected::Stale { .. })));
    }
    assert!(matches!(world.put(checkpoint("r-a3")), Err(Rejected::UnknownAttempt { .. })));
    assert!(matches!(world.put(checkpoint("nothing")), Err(Rejected::UnknownAttempt { .. })));
}

#[test]
fn another_commit_or_release_than_the_pending_one_is_stale() {
    assert!(matches!(at("Landing").put(landed("r-a1", "c9")), Err(Rejected::Stale { .. })));
    let other = Input::Switched { attempt: id("r-a1"), release: id("rel-x"), url: "u".into() };
    assert!(matches!(at("Switching").put(other), Err(Rejected::Stale { .. })));
}
