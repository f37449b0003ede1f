//! Memory: what is pushed is recalled where it fits, named with its source, and gone when it is forgotten.

mod harness;

use harness::{BAKERY, House, QUICK};
use protocol::fact::{Fact, NoteKind};
use protocol::view::NoteRow;
use protocol::*;

const COLOUR: &str = "The brand colour of the bakery is petrol, hex 0a5c63; never use red.";

fn recall(house: &House, query: &str) -> Vec<NoteRow> {
    match house.call(&Request::Recall { project: None, query: query.into(), limit: None }) {
        Response::Recalled { rows } => rows,
        other => unreachable!("{other:?}"),
    }
}

fn recalled_part(brief: &str) -> &str {
    brief.split_once("# Recalled memory").map_or("", |(_, memory)| memory)
}

#[test]
fn what_the_user_pushed_is_in_the_brief_with_its_source() {
    let house = House::practice();
    let note = house.push("Brand colour", COLOUR);
    let row = house.notes().into_iter().find(|row| row.note == note).unwrap();
    assert_eq!((row.text.as_str(), row.source.as_str(), row.note_kind), (COLOUR, "you", NoteKind::Decision));
    let found = recall(&house, "which colour does the bakery have?");
    assert_eq!(found[0].note, note);
    assert!(
        found[0].score.is_some() && found[0].why.as_deref().unwrap().contains("colour"),
        "{:?}",
        found[0]
    );

    let request = house.live("A page for the bakery in its brand colour");
    let hits = house.oriented(&request).recalled;
    assert!(hits.iter().any(|hit| hit.note == note && hit.why.contains("colour")), "{hits:?}");
    assert!(recalled_part(&house.brief(&request, 1)).contains(COLOUR));
    let parts = &house.show(&request).attempts[0].parts;
    assert!(parts.iter().any(|part| part.part == "memory" && part.source == note.as_str()), "{parts:?}");

    let other = house.live("Write a contact section with an email address");
    assert!(!house.brief(&other, 1).contains("0a5c63"), "what does not fit is not recalled");
}

#[test]
fn without_recall_the_answer_is_not_in_the_brief() {
    let house = House::open(&format!("{QUICK}[memory]\nrecall = 0\n"));
    house.push("Brand colour", COLOUR);
    let request = house.live("A page for the bakery in its brand colour");
    assert!(house.oriented(&request).recalled.is_empty());
    let brief = house.brief(&request, 1);
    assert!(!brief.contains("0a5c63") && !brief.contains("# Recalled memory"), "{brief}");
    assert!(!recall(&house, "brand colour").is_empty(), "it is still there for who asks");
}

#[test]
fn a_closed_request_leaves_a_note_of_its_own() {
    let house = House::practice();
    let request = house.live(BAKERY);
    let row = house.row(&request);
    let note = house.notes().into_iter().find(|note| note.request.as_ref() == Some(&request)).unwrap();
    assert_eq!((note.note_kind, note.agent.as_ref()), (NoteKind::Step, row.agent.as_ref()));
    assert_eq!(note.source, format!("request {request}"));
    assert!(
        note.text.contains(BAKERY) && note.text.contains(&row.commit.unwrap().as_str()[..12]),
        "{}",
        note.text
    );
}

#[test]
fn what_is_forgotten_is_gone_everywhere_and_stays_gone() {
    let house = House::practice();
    let note = house.push("Brand colour", COLOUR);
    let kept = house.push("Shop", "The bakery is closed on Mondays.");
    let blob = house.wait(|entry| match &entry.fact {
        Fact::MemoryPushed(pushed) if pushed.note == note => Some(pushed.text.clone()),
        _ => None,
    });
    assert_eq!(house.text(&blob), COLOUR);
    assert_eq!(house.call(&Request::Forget { note: note.clone() }), Response::Done);

    let gone = |house: &House| {
        assert!(house.notes().iter().all(|row| row.note != note));
        assert!(recall(house, "brand colour petrol").iter().all(|row| row.note != note));
        assert_eq!(house.refused(&Request::Text { blob: blob.blob.clone() }).code, Code::NotFound);
        assert_eq!(house.refused(&Request::Forget { note: note.clone() }).code, Code::NotFound);
        assert!(house.notes().iter().any(|row| row.note == kept), "the other one stays");
        house.is_sound();
    };
    gone(&house);
    let request = house.live("A page for the bakery in its brand colour petrol");
    assert!(!house.brief(&request, 1).contains("0a5c63"));
    let house = house.restart();
    gone(&house);
    let House { mut daemon, workspace } = house;
    daemon.quit().unwrap();
    for file in ["journal.db", "journal.db-wal", "memory.db", "memory.db-wal"] {
        let bytes = std::fs::read(workspace.home().join(file)).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&bytes).contains("hex 0a5c63"), "{file} still holds the text");
    }
}
