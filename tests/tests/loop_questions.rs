//! An agent that asks: the request waits for its user, no clock runs, and the answer reaches the agent, at once or, when
//! its run is gone, by the next one's brief.

mod harness;

use harness::House;
use harness::crew::{self, of, scene, script, write};
use protocol::fact::{AskKind, Fact, Waiting};
use protocol::view::{AskView, RequestView, Status, TaskStatus};
use protocol::{AttemptId, Code, Request, RequestId};
use testkit::acp::{Act, Script};

const INDEX: &str = "app/public/index.html";
const ASKS: &str = "[agents.claude-code]\npermissions = \"ask\"\n";

/// Asks for a permission, then writes a page that says what was answered.
fn asking() -> Script {
    let acts = vec![
        Act::Ask { title: "Delete the old menu".into() },
        write(INDEX, "<!doctype html>\n<title>Asked</title>\n<p>done</p>\n"),
    ];
    script(vec![scene("asks", "", vec![acts])])
}

fn open_question(view: &RequestView) -> Option<(AttemptId, AskView)> {
    view.attempts.iter().find_map(|attempt| Some((attempt.attempt.clone(), attempt.asked.clone()?)))
}

fn answer(request: &RequestId, attempt: &AttemptId, asked: &str, option: &str) -> Request {
    Request::Answer {
        request: request.clone(),
        attempt: attempt.clone(),
        asked: asked.into(),
        option: Some(option.into()),
        text: None,
    }
}

/// What an agent was told is in its transcript, by its own words.
fn heard(house: &House, attempt: &AttemptId, words: &str) -> bool {
    let all = Request::Transcript { attempt: attempt.clone(), after: 0, limit: None };
    match house.call(&all) {
        protocol::Response::Transcript { lines, .. } => lines.iter().any(|line| line.text.contains(words)),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_permission_is_asked_for_and_given() {
    let house = crew::house(&[("claude-code", asking())], ASKS);
    let (request, _) = house.accepted(&of("A page", "claude-code"));
    let (attempt, asked) = house.page_where(&request, open_question);
    assert_eq!(asked.ask_kind, AskKind::Permission);
    assert!(asked.question.as_ref().unwrap().contains("Delete the old menu"), "{asked:?}");
    assert_eq!(asked.options.iter().map(|option| option.id.as_str()).collect::<Vec<_>>(), ["yes", "no"]);
    let view = house.show(&request);
    assert!(
        matches!(&view.row.status, Status::Waiting { waiting: Waiting::You { question } } if question.contains("Delete"))
    );
    assert!(matches!(&view.tasks[0].status, TaskStatus::Waiting { .. }));
    let empty = Request::Answer {
        request: request.clone(),
        attempt: attempt.clone(),
        asked: asked.ask.clone(),
        option: None,
        text: None,
    };
    assert_eq!(house.refused(&empty).code, Code::BadInput);
    house.call(&answer(&request, &attempt, &asked.ask, "yes"));
    house.ends_live(&request);
    assert!(heard(&house, &attempt, "yes"));
    assert!(house.page(&request).contains("<p>done</p>"));
    assert_eq!(open_question(&house.show(&request)), None);
    assert_eq!(
        house.refused(&answer(&request, &attempt, &asked.ask, "yes")).code,
        Code::Conflict,
        "it is answered"
    );
    house.is_sound();
}

#[test]
fn where_it_may_do_all_nobody_is_asked() {
    let house = crew::house(&[("claude-code", asking())], "");
    let (request, _) = house.accepted(&of("A page", "claude-code"));
    house.ends_live(&request);
    assert!(!house.kinds(&request).contains(&"attempt.asked"));
}

#[test]
fn a_question_outlives_the_daemon() {
    let house = crew::house(&[("claude-code", asking())], ASKS);
    let (request, _) = house.accepted(&of("A page", "claude-code"));
    let (attempt, asked) = house.page_where(&request, open_question);
    let house = house.killed_and_started();
    // The run is gone, and still the request waits for the answer, not for anything else.
    let still = house.page_where(&request, |view| {
        view.attempts.first()?.finished.as_ref()?;
        open_question(view)
    });
    assert_eq!(still, (attempt.clone(), asked.clone()));
    house.call(&answer(&request, &attempt, &asked.ask, "no"));
    // Who goes on is told what was answered; being new, it may well ask for itself.
    let (next, again) = house.page_where(&request, open_question);
    assert_ne!(next, attempt);
    let brief = house.brief(&request, 2);
    assert!(brief.contains("# Asked and answered") && brief.contains("The user's answer: No"), "{brief}");
    house.call(&answer(&request, &next, &again.ask, "yes"));
    house.ends_live(&request);
    assert!(heard(&house, &next, "yes"));
}

#[test]
fn a_request_that_waits_for_an_answer_can_be_cancelled() {
    let house = crew::house(&[("claude-code", asking())], ASKS);
    let (request, _) = house.accepted(&of("A page", "claude-code"));
    let (attempt, asked) = house.page_where(&request, open_question);
    house.call(&Request::Cancel { request: request.clone() });
    house.wait(|entry| match &entry.fact {
        Fact::RequestClosed(closed) if closed.request == request => Some(()),
        _ => None,
    });
    assert!(house.daemon.call(&answer(&request, &attempt, &asked.ask, "yes")).is_err());
}
