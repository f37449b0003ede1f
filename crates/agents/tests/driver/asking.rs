//! Agents that want to know something: who is asked, what the answer does, and that no clock runs meanwhile.

use crate::misbehaving::PRELUDE;
use crate::room::Room;
use agents::{Control, Event, Permissions};
use protocol::fact::{AskKind, AttemptEnd};
use protocol::view::LineKind;
use std::time::Duration;

/// Asks in its first turn and says what it was told in the next.
const ASKS: &str = r#"
turns = []
def turn(i, t):
    turns.append(t)
    text("Which colour?" if len(turns) == 1 else "I was told: " + t)
    end(i)
serve(turn)"#;

const PERMISSION: &str = r#"
def turn(i, t):
    send({"jsonrpc": "2.0", "id": 7, "method": "session/request_permission", "params": {"sessionId": "s",
        "toolCall": {"toolCallId": "t", "title": "rm -rf build"}, "options": [
            {"optionId": "once", "name": "Yes, once", "kind": "allow_once"}, {"optionId": "no", "name": "No", "kind": "reject_once"}]}})
    text(json.dumps(json.loads(sys.stdin.readline())["result"]["outcome"]))
    end(i)
serve(turn)"#;

const FORM: &str = r#"
def turn(i, t):
    send({"jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": {"sessionId": "s", "mode": "form", "message": "Choose",
        "requestedSchema": {"type": "object", "required": ["q0", "q1"], "properties": {
            "q0": {"type": "string", "title": "Colour", "oneOf": [{"const": "red", "title": "Red"}, {"const": "blue", "title": "Blue"}]},
            "q1": {"type": "string", "title": "Name"}}}}})
    text(json.dumps(json.loads(sys.stdin.readline())["result"], sort_keys=True))
    end(i)
serve(turn)"#;

fn room(script: &str) -> Room {
    let mut room = Room::new();
    room.scripted(&format!("{PRELUDE}\n{script}"));
    room
}

fn answer(event: &Event, option: Option<&str>, text: Option<&str>) -> Option<Control> {
    let Event::Asked { ask, .. } = event else { return None };
    let own = |words: Option<&str>| words.map(str::to_owned);
    Some(Control::Answer { ask: ask.clone(), option: own(option), text: own(text) })
}

#[tokio::test]
async fn a_question_in_words_is_answered_by_the_next_turn_of_the_session() {
    let room = room(ASKS);
    let run = room.run_with_orders("x", |event| answer(event, None, Some("blue"))).await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded);
    assert!(run.says(LineKind::Text, "I was told: blue"), "{:#?}", run.events);
    let asked = run.events.iter().find_map(|event| match event {
        Event::Asked { kind, question, options, .. } => Some((*kind, question.as_str(), options.len())),
        _ => None,
    });
    assert_eq!(asked, Some((AskKind::Question, "Which colour?", 0)));
    assert!(run.events.contains(&Event::Answered { ask: "ask-1".into() }));
    room.nothing_is_left();
}

#[tokio::test]
async fn while_it_waits_for_a_person_no_clock_runs() {
    let mut room = room(ASKS);
    room.limits.idle = Duration::from_millis(900);
    room.limits.wall = Duration::from_millis(2500);
    let run = room.run_with_orders("x", |event| {
        if matches!(event, Event::Asked { .. }) {
            // Longer than both clocks.
            std::thread::sleep(Duration::from_millis(3000));
        }
        answer(event, None, Some("blue"))
    });
    assert_eq!(run.await.end.end, AttemptEnd::TurnEnded);
}

#[tokio::test]
async fn words_of_the_user_answer_an_open_question_and_silence_ends_the_turn() {
    let room = room(ASKS);
    let steered = room.run_with_orders("x", |event| {
        matches!(event, Event::Asked { .. }).then(|| Control::Steer("green".into()))
    });
    assert!(steered.await.says(LineKind::Text, "I was told: green"));
    let silent = room.run_with_orders("x", |event| answer(event, None, None)).await;
    assert_eq!(silent.end.end, AttemptEnd::TurnEnded);
}

#[tokio::test]
async fn a_question_that_nobody_can_see_ends_the_run_with_it() {
    let room = room(ASKS);
    let run = room.run_alone("x").await;
    assert_eq!(run.end.end, AttemptEnd::Asked { question: "Which colour?".into() });
    room.nothing_is_left();
}

#[tokio::test]
async fn cancel_and_hand_over_end_an_open_question() {
    for (order, end) in
        [(Control::Cancel, AttemptEnd::Cancelled), (Control::HandOver, AttemptEnd::HandedOver)]
    {
        let room = room(ASKS);
        let run = room
            .run_with_orders("x", |event| matches!(event, Event::Asked { .. }).then(|| order.clone()))
            .await;
        assert_eq!(run.end.end, end);
        room.nothing_is_left();
    }
}

#[tokio::test]
async fn a_permission_is_asked_for_where_the_job_says_so() {
    let mut room = room(PERMISSION);
    room.permissions = Permissions::Ask;
    let yes = room.run_with_orders("x", |event| answer(event, Some("once"), None)).await;
    assert!(yes.says(LineKind::Text, r#""optionId": "once""#), "{:#?}", yes.events);
    let asked = yes.events.iter().find_map(|event| match event {
        Event::Asked { kind, question, options, .. } => Some((*kind, question.as_str(), options.len())),
        _ => None,
    });
    assert_eq!(asked, Some((AskKind::Permission, "rm -rf build", 2)));
    let none = room.run_with_orders("x", |event| answer(event, None, None)).await;
    assert!(none.says(LineKind::Text, r#""outcome": "cancelled""#), "{:#?}", none.events);
    room.permissions = Permissions::Allow;
    let allowed = room.run_practice("x").await;
    assert!(
        allowed.says(LineKind::Text, r#""optionId": "once""#) && !allowed.asked(),
        "{:#?}",
        allowed.events
    );
}

#[tokio::test]
async fn a_form_is_asked_question_by_question() {
    let room = room(FORM);
    let run = room.run_with_orders("x", |event| match event {
        Event::Asked { options, .. } if options.is_empty() => answer(event, None, Some("Ada")),
        _ => answer(event, Some("blue"), None),
    });
    let run = run.await;
    assert!(
        run.says(LineKind::Text, r#"{"action": "accept", "content": {"q0": "blue", "q1": "Ada"}}"#),
        "{:#?}",
        run.events
    );
    let unwilling = room.run_with_orders("x", |event| answer(event, None, None)).await;
    assert!(unwilling.says(LineKind::Text, r#"{"action": "cancel"}"#), "{:#?}", unwilling.events);
}
