//! The driver with the practice agent as a real program: what is told, what is written, how it ends.

use crate::room::Room;
use agents::{Control, Event};
use protocol::fact::AttemptEnd;
use protocol::view::LineKind;
use std::fs;

const BAKERY: &str = "A page for a bakery called Sauerteig with opening hours and an order form";

#[tokio::test]
async fn a_request_becomes_a_page_step_by_step() {
    let room = Room::new();
    fs::create_dir_all(room.worktree().join("app/public")).unwrap();
    fs::write(room.worktree().join("app/public/index.html"), "<h1>starter</h1>").unwrap();
    let run =
        room.run_practice(&format!("# Who\nx\n\n# Task\n\n{BAKERY}\n\n# Recalled memory\nNot this")).await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded, "{:#?}", run.events);
    assert!(matches!(run.events.first(), Some(Event::Started { .. })));
    assert!(run.touched() >= 4, "{:#?}", run.events);
    assert!(run.says(LineKind::Tool, "Write the title “Sauerteig” · done"), "{:#?}", run.events);
    assert!(run.says(LineKind::Text, "practice agent"), "{:#?}", run.events);
    let page = fs::read_to_string(room.worktree().join("app/public/index.html")).unwrap();
    for words in ["Sauerteig", "A bakery", "Opening hours", "Order form", "<form", "8:00–18:00"] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    assert!(!page.contains("Not this") && !page.contains("starter"));
    assert_eq!(run.end.usage, Default::default(), "it has no model, so it reports no tokens");
    room.nothing_is_left();
}

#[tokio::test]
async fn a_later_request_changes_its_own_part_only() {
    let room = Room::new();
    fs::create_dir_all(room.worktree().join("app/app/routes")).unwrap();
    let home = room.worktree().join("app/app/routes/home.tsx");
    fs::write(&home, "export default function Home() { return null; }").unwrap();
    room.run_practice(BAKERY).await;
    let before = fs::read_to_string(&home).unwrap();
    let run = room.run_practice("# Task\nChange the opening hours to Monday to Saturday 7:00–18:00\n").await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded);
    let after = fs::read_to_string(&home).unwrap();
    assert!(after.contains("Monday to Saturday 7:00–18:00"), "{after}");
    assert!(!after.contains("8:00–13:00"));
    for kept in ["Sauerteig", "Order form", "Your order"] {
        assert!(before.contains(kept) && after.contains(kept), "{kept}");
    }
}

#[tokio::test]
async fn steering_is_the_next_turn_of_the_same_run() {
    let room = Room::new();
    let run = room.run_practice_with(BAKERY, |event| {
        matches!(event, Event::Touched).then(|| Control::Steer("rename it to Roggenbrot".into()))
    });
    let run = run.await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded);
    let page = fs::read_to_string(room.worktree().join("app/public/index.html")).unwrap();
    assert!(page.contains("Roggenbrot") && page.contains("Order form"), "{page}");
}

#[tokio::test]
async fn a_cancelled_run_ends_at_once_and_leaves_nothing() {
    let mut room = Room::new();
    room.pause_ms(60_000);
    let begun = std::time::Instant::now();
    let run = room
        .run_practice_with(BAKERY, |event| matches!(event, Event::Touched).then_some(Control::Cancel))
        .await;
    assert_eq!(run.end.end, AttemptEnd::Cancelled);
    assert_eq!(run.touched(), 1);
    assert!(begun.elapsed().as_secs() < 30, "it did not wait for the pause");
    room.nothing_is_left();
}
