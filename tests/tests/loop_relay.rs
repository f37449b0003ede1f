//! Work goes from hand to hand: another agent goes on in the folder of the one before and knows what was done; and several
//! race at the same task.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod harness;

use harness::House;
use harness::crew::{self, a_race, of, scene, script, shell, write};
use protocol::fact::{AgentChosen, AttemptEnd, Fact, Judge, Outcome, RaceJudged};
use protocol::{AgentId, AttemptId, Code, Request, RequestId};
use testkit::acp::{Act, Script};

const MENU: &str = "app/public/menu.html";
const MAP: &str = "app/public/map.html";

/// Writes the menu, leaves something that no commit holds, and never ends by itself.
fn half_way() -> Script {
    let first = vec![
        write(MENU, "<!doctype html>\n<title>Menu</title>\n"),
        shell("mkdir -p app/data && pwd >app/data/desk"),
        Act::Print { text: "The menu is done; the map is next.".into() },
        Act::Hang,
    ];
    script(vec![scene("half", "", vec![first])])
}

/// Goes on: writes the map, and proves by what lies there that it stands in the other one's folder.
fn goes_on() -> Script {
    let second = vec![
        shell(&format!("test -f {MENU} && cmp app/data/desk - <<END\n$(pwd)\nEND\n")),
        shell(&format!(
            "cmp app/data/desk - <<END && printf '<!doctype html>\\n<title>Map</title>\\n' >{MAP}\n$(pwd)\nEND\n"
        )),
    ];
    script(vec![scene("goes on", "what was done so far", vec![second])])
}

fn chosen(house: &House, request: &RequestId) -> Vec<AgentChosen> {
    let facts = house.facts(request).into_iter();
    facts.filter_map(|fact| if let Fact::AgentChosen(chosen) = fact { Some(chosen) } else { None }).collect()
}

/// Waits until the agent's first work was kept.
fn kept(house: &House, request: &RequestId) -> AttemptId {
    house.wait(|entry| match &entry.fact {
        Fact::AttemptCheckpoint(kept) if kept.request == *request => Some(kept.attempt.clone()),
        _ => None,
    })
}

fn hand_over(request: &RequestId, attempt: &AttemptId, to: Option<&str>) -> Request {
    let to = to.map(|agent| AgentId::new(agent).unwrap());
    Request::HandOver { request: request.clone(), attempt: attempt.clone(), to }
}

/// The second agent went on where the first one was, and was told of it.
fn was_handed_on(house: &House, request: &RequestId, end: &AttemptEnd) {
    let chosen = chosen(house, request);
    let agents: Vec<&str> = chosen.iter().map(|chosen| chosen.agent.as_str()).collect();
    assert_eq!(agents, ["claude-code", "codex"], "{}", house.story());
    assert_eq!(chosen[1].goes_on.as_ref(), Some(&chosen[0].attempt));
    let view = house.show(request);
    assert_eq!(&view.attempts[0].finished.as_ref().unwrap().end, end);
    assert!(house.file(MENU).is_some() && house.file(MAP).is_some(), "the work of both landed");
    let brief = house.brief(request, 2);
    for told in ["# What was done so far", "claude-code", MENU, "> The menu is done; the map is next."] {
        assert!(brief.contains(told), "{told}\n{brief}");
    }
    assert!(view.attempts[1].parts.iter().any(|part| part.part == "so far"));
    house.is_sound();
}

#[test]
fn the_user_hands_the_work_over_in_the_middle_of_it() {
    let house = crew::house(&[("claude-code", half_way()), ("codex", goes_on())], "");
    let (request, _) = house.accepted(&of("A menu and a map", "claude-code"));
    let attempt = kept(&house, &request);
    house.call(&hand_over(&request, &attempt, Some("codex")));
    house.ends_live(&request);
    was_handed_on(&house, &request, &AttemptEnd::HandedOver);
    let unknown = house.refused(&hand_over(&request, &attempt, Some("nobody")));
    assert_eq!(unknown.code, Code::BadInput);
    assert_eq!(house.refused(&hand_over(&request, &attempt, None)).code, Code::Conflict, "it is over");
}

#[test]
fn an_agent_whose_quota_is_gone_is_relieved() {
    let mut first = half_way();
    let acts = &mut first.scenes[0].attempts[0];
    acts.pop();
    // Time for the work to be kept, as between two answers of a model.
    acts.push(Act::Await { path: "app/data/desk".into() });
    acts.push(Act::Fail {
        code: -32603,
        message: "You've hit your usage limit. Try again in 3 hours.".into(),
    });
    let house = crew::house(&[("claude-code", first), ("codex", goes_on())], "");
    let (request, _) = house.accepted(&of("A menu and a map", "claude-code"));
    house.ends_live(&request);
    let view = house.show(&request);
    let end = view.attempts[0].finished.as_ref().unwrap().end.clone();
    assert!(matches!(end, AttemptEnd::QuotaGone { until: Some(_) }), "{end:?}");
    was_handed_on(&house, &request, &end);
}

#[test]
fn a_restart_does_not_break_the_relay() {
    let map = vec![write(MAP, "<!doctype html>\n<title>Map</title>\n")];
    let second = script(vec![scene("map", "what was done so far", vec![map])]);
    let house = crew::house(&[("claude-code", half_way()), ("codex", second)], "");
    let (request, _) = house.accepted(&of("A menu and a map", "claude-code"));
    kept(&house, &request);
    let house = house.killed_and_started();
    // Claude Code is begun again and hangs again; its new run is handed over.
    let attempt = house.wait(|entry| match &entry.fact {
        Fact::AttemptStarted(started) if started.attempt.as_str().ends_with("-a2") => {
            Some(started.attempt.clone())
        }
        _ => None,
    });
    house.call(&hand_over(&request, &attempt, Some("codex")));
    house.ends_live(&request);
    let chosen = chosen(&house, &request);
    assert_eq!(chosen.last().unwrap().agent.as_str(), "codex");
    assert!(house.file(MENU).is_some() && house.file(MAP).is_some());
}

fn judged(house: &House, request: &RequestId) -> RaceJudged {
    let mut found = house.facts(request).into_iter().filter_map(|fact| match fact {
        Fact::RaceJudged(judged) => Some(judged),
        _ => None,
    });
    found.next_back().unwrap()
}

fn page(lines: usize) -> Script {
    let text = format!("<!doctype html>\n<title>Race</title>\n{}", "<p>x</p>\n".repeat(lines));
    script(vec![scene("page", "", vec![vec![write("app/public/index.html", &text)]])])
}

#[test]
fn the_smaller_of_two_good_changes_wins_the_race() {
    let house =
        crew::house(&[("claude-code", page(40)), ("codex", page(1))], "[limits]\nagents_at_once = 2\n");
    let (request, _) = house.accepted(&a_race("A page", &["claude-code", "codex"]));
    house.ends_live(&request);
    let judged = judged(&house, &request);
    let view = house.show(&request);
    let winner = view.attempts.iter().find(|attempt| attempt.attempt == judged.winner).unwrap();
    assert_eq!((winner.agent.as_str(), judged.judge), ("codex", Judge::Checks), "{}", judged.why);
    assert_eq!(judged.ranking.len(), 2);
    assert!(judged.ranking.iter().all(|ranked| ranked.passed));
    assert_eq!(house.page(&request).matches("<p>x</p>").count(), 1);
    assert_eq!(view.tasks[0].judged.as_ref(), Some(&judged));
    assert_eq!(view.attempts.iter().filter(|attempt| attempt.landed.is_some()).count(), 1);
    house.is_sound();
}

#[test]
fn the_user_may_pick_the_other_one() {
    let settings = "[limits]\nagents_at_once = 2\npick = \"you\"\n";
    let house = crew::house(&[("claude-code", page(40)), ("codex", page(1))], settings);
    let (request, _) = house.accepted(&a_race("A page", &["claude-code", "codex"]));
    let attempt = house.page_where(&request, |view| {
        let waits = matches!(view.row.status, protocol::view::Status::Waiting { .. });
        let of_claude = view.attempts.iter().find(|attempt| attempt.agent.as_str() == "claude-code")?;
        waits.then(|| of_claude.attempt.clone())
    });
    house.call(&Request::Pick { request: request.clone(), attempt: attempt.clone() });
    house.ends_live(&request);
    let judged = judged(&house, &request);
    assert_eq!((judged.winner, judged.judge), (attempt, Judge::You));
    assert_eq!(house.page(&request).matches("<p>x</p>").count(), 40);
}

#[test]
fn a_race_that_makes_no_sense_is_refused() {
    let house = House::practice();
    for agents in [&["codex"][..], &["codex", "codex"], &["codex", "nobody"]] {
        assert_eq!(house.refused(&a_race("A page", agents)).code, Code::BadInput, "{agents:?}");
    }
    let race = Request::Ask {
        client: protocol::ClientId::new("c-both").unwrap(),
        text: "A page".into(),
        project: None,
        agent: Some(AgentId::new("codex").unwrap()),
        race: vec![AgentId::new("codex").unwrap(), AgentId::new("claude-code").unwrap()],
        parts: vec![],
        step: None,
        channel: protocol::fact::Channel::CommandLine,
    };
    assert_eq!(house.refused(&race).code, Code::BadInput);
    assert_eq!(house.rows().iter().filter(|row| row.outcome == Outcome::Live).count(), 0);
}
