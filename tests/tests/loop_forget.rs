//! What is forgotten is nowhere any more: in no table, index or log, in no brief and no transcript, in no answer of any
//! kind. What stays is a tombstone, and a journal that is whole.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod bridges;
mod harness;

use bridges::{ASKING, Bridged};
use harness::{House, about, files};
use protocol::fact::{Fact, MemoryForgotten};
use protocol::note::{GraphEdit, ReadEntity};
use protocol::*;
use serde_json::json;

/// Stands in the title, in the text and in what the note names, and nowhere else.
const MARKER: &str = "zyzzyvaquux";

/// Every answer of the API that could tell a note's words, as JSON.
fn answers(house: &House, note: &NoteId) -> Vec<(String, String)> {
    let mut asks = vec![
        Request::Home,
        Request::Notes { project: None, limit: Some(1000), superseded: true },
        Request::Recall(Box::new(api::RecallAsk {
            superseded: true,
            limit: Some(100),
            ..about("when is there rye bread")
        })),
        Request::Recall(Box::new(api::RecallAsk {
            superseded: true,
            ..about(&format!("rye {}", &MARKER[..7]))
        })),
        Request::Note { note: note.clone() },
        Request::ExportMemory { project: None, after: 0 },
        Request::Memory { project: None },
        Request::Graph(Box::new(api::GraphAsk { limit: Some(5000), ..api::GraphAsk::default() })),
        Request::Graph(Box::new(api::GraphAsk { find: Some("zyz".into()), ..api::GraphAsk::default() })),
        Request::Journal { after: 0, limit: Some(20_000) },
        Request::Deployments { project: None, filter: None, limit: None },
        Request::Steps { project: None },
    ];
    for entry in house.daemon.entries().unwrap() {
        match &entry.fact {
            Fact::RequestReceived(f) => asks.push(Request::Show { request: f.request.clone() }),
            Fact::TaskDeclared(f) => {
                asks.push(Request::Text { blob: f.brief.blob.clone() });
                asks.push(Request::Knew { attempt: f.attempt.clone() });
                let (attempt, after, limit) = (f.attempt.clone(), 0, Some(1000));
                asks.push(Request::Transcript { attempt, after, limit });
            }
            Fact::MemoryPushed(f) => asks.push(Request::Text { blob: f.text.blob.clone() }),
            _ => {}
        }
    }
    let mut said = Vec::new();
    for ask in asks {
        let answer = match house.daemon.call(&ask) {
            Ok(response) => serde_json::to_string(&response).unwrap(),
            Err(error) => error.to_string(),
        };
        said.push((format!("{ask:?}"), answer));
    }
    said
}

fn telling(house: &House, note: &NoteId) -> Vec<String> {
    let said = answers(house, note).into_iter();
    said.filter(|(_, answer)| answer.to_lowercase().contains(MARKER)).map(|(ask, _)| ask).collect()
}

#[test]
fn a_forgotten_note_is_in_no_file_and_in_no_answer() {
    let bridged = Bridged::open();
    let house = &bridged.house;
    let title = format!("Rye {MARKER}");
    let text = format!(
        "The bakery sells rye bread on Tuesdays; `app/{MARKER}.tsx` says so, and so does {}.",
        MARKER.to_uppercase()
    );
    let note = house.push(&title, &text);
    let older = api::NewNote {
        source: Some("docs/rye.md".into()),
        ..harness::a_note("Rye before", "rye bread on Mondays")
    };
    let older = match house.call(&Request::Push { project: None, note: older }) {
        Response::Pushed { notes } => notes[0].note.clone(),
        other => panic!("{other:?}"),
    };
    house.call(&Request::Supersede { note: older.clone(), by: note.clone() });
    let kept = ReadEntity { name: "Oven".into(), kind: "thing".into(), description: "kept".into() };
    house.call(&Request::EditGraph { project: None, edits: vec![GraphEdit::PutEntity(kept)] });

    // One request is told of it in its brief, and its agent asks for it and repeats it.
    let task = format!("{ASKING}: a page that says when there is rye bread");
    let run = bridged.tool("run_task", json!({ "task": task })).unwrap()["run_id"].clone();
    let asked = bridged.house.wait(|entry| match &entry.fact {
        Fact::AttemptAsked(asked) => Some(asked.clone()),
        _ => None,
    });
    let (url, token) = bridged.memory_given();
    let told = bridges::call(&url, &token, "recall", &json!({ "query": "when is there rye bread" }));
    assert!(told.body.contains(MARKER), "the agent was told: {told:?}");
    let recalled = |fact: &Fact| matches!(fact, Fact::MemoryRecalled(told) if told.notes.iter().any(|hit| hit.note == note));
    assert!(house.facts(&asked.request).iter().any(recalled), "that it was told is a fact");
    bridged.tool("answer_run", json!({ "run_id": run, "option": "yes" })).unwrap();
    house.closed(&asked.request);
    assert!(house.brief(&asked.request, 1).contains(MARKER), "it stood in the brief");
    let knew = match house.call(&Request::Knew { attempt: asked.attempt.clone() }) {
        Response::Knew { rows } => rows,
        other => panic!("{other:?}"),
    };
    let vias: Vec<_> = knew.iter().filter(|row| row.note == note).map(|row| row.via).collect();
    assert_eq!(vias, [view::KnewVia::Brief, view::KnewVia::Asked]);
    let by = match house.call(&Request::Note { note: note.clone() }) {
        Response::Note(view) => view.recalled_by,
        other => panic!("{other:?}"),
    };
    assert_eq!(by.len(), 2, "{by:?}");
    let before = telling(house, &note);
    for ask in ["Notes", "Recall", "Note {", "ExportMemory", "Graph", "Knew", "Text"] {
        assert!(before.iter().any(|told| told.starts_with(ask)), "{ask} told it before: {before:?}");
    }

    let held = files::holding(&house.workspace.home(), MARKER);
    for place in ["journal.db", "memory/"] {
        assert!(held.iter().any(|file| file.starts_with(place)), "{place} held it before: {held:?}");
    }
    assert_eq!(house.call(&Request::Forget { note: note.clone() }), Response::Done);
    assert_eq!(telling(house, &note), Vec::<String>::new());
    files::hold_nothing(&house.workspace, MARKER);
    files::hold_nothing(&house.workspace, &MARKER.to_uppercase());
    let lines = match house.call(&Request::Transcript { attempt: asked.attempt, after: 0, limit: None }) {
        Response::Transcript { lines, .. } => lines,
        other => panic!("{other:?}"),
    };
    assert!(lines.len() == 1 && lines[0].text.contains("forgotten"), "one line says why: {lines:?}");
    let tombstone = house.wait(|entry| match &entry.fact {
        Fact::MemoryForgotten(f) => Some(f.clone()),
        _ => None,
    });
    assert_eq!(tombstone, MemoryForgotten { note: note.clone(), ..tombstone.clone() });
    let current = house.recall("rye bread");
    assert!(current.iter().any(|row| row.note == older), "what it superseded is current again: {current:?}");
    house.is_sound();
    house.memory_is_sound();
    let House { mut daemon, workspace } = bridged.house;
    daemon.quit().unwrap();
    files::hold_nothing(&workspace, MARKER);
}
