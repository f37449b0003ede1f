//! A note is read by the real Claude Code and Codex, in a call stripped to the question: what they say becomes a reading,
//! and what it cost is what the scripted model server billed.
//!
//! Each test runs in a namespace with nothing but loopback, with made-up keys.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod harness;
#[path = "agents_real/house.rs"]
mod house;

use house::Real;
use protocol::api::NewNote;
use protocol::fact::{Fact, MemoryEnriched, NoteKind};
use protocol::note::Reading;
use protocol::*;
use testkit::model::bill::Wire;
use testkit::model::{Conversation, Scenario, Step};
use testkit::{Workspace, alone};

const NOTE: &str = "After the spring meeting the bakery page keeps its prices in a plain table instead of the spreadsheet that \
    Lena filled by hand each morning, because loading the spreadsheet took four seconds on a telephone and broke twice \
    when the sheet was renamed. The table is written by a small script that Otto runs before the ovens start.";

const RECORDS: &str = "entity<|#|>Otto<|#|>person<|#|>He runs the script.\n\
    relation<|#|>Otto<|#|>Lena<|#|>took over<|#|>Otto's script does what Lena did by hand.\n<|COMPLETE|>";

/// Words of the question.
const QUESTION: &str = "one note of a software project";

fn read_by(agent: &str, wire: Wire) {
    let steps = vec![Step::Text { text: RECORDS.into() }];
    let reading = Conversation { name: "reading".into(), when: vec![QUESTION.into()], steps, retry: vec![] };
    let scenario = Scenario { conversations: vec![reading] };
    let settings = format!("[memory.enrich]\nagent = \"{agent}\"\n");
    let real = Real::plain_in(Workspace::new().unwrap(), scenario, &settings);
    let house = &real.house;
    let note = NewNote {
        kind: NoteKind::Decision,
        title: "Prices".into(),
        text: NOTE.into(),
        source: None,
        supersedes: vec![],
    };
    let Response::Pushed { notes } = house.call(&Request::Push { project: None, note }) else { panic!() };
    let fact: MemoryEnriched = house.wait(|entry| match &entry.fact {
        Fact::MemoryEnriched(fact) => Some(fact.clone()),
        _ => None,
    });
    assert_eq!((&fact.note, fact.by.as_str(), &fact.why), (&notes[0].note, agent, &None), "{}", real.story());
    let reading: Reading = serde_json::from_str(&house.text(&fact.reading.unwrap())).unwrap();
    assert_eq!((reading.entities.len(), reading.relations.len()), (2, 1));
    real.was_billed(&fact.usage, wire);
    let told =
        real.model.log().into_iter().filter_map(|entry| entry.call).find(|call| !call.tools.is_empty());
    let call = told.unwrap();
    assert!(call.prompt.contains("Otto runs before the ovens"), "{}", call.prompt);
    assert!(
        !call.tools.iter().any(|tool| tool.contains("recall")),
        "no tool server of ours: {:?}",
        call.tools
    );
}

#[test]
fn codex_reads_a_note() {
    alone("codex_reads_a_note", || read_by("codex", Wire::Responses));
}

#[test]
fn claude_code_reads_a_note() {
    alone("claude_code_reads_a_note", || read_by("claude-code", Wire::Messages));
}
