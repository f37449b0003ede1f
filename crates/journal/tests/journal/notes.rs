//! Notes: what supersedes what, who was told, and what forgetting takes with it.

use crate::script::*;
use protocol::fact::*;
use protocol::view::{KnewVia, LineKind, TranscriptLine};
use protocol::*;

fn pushed(note: &str, text: &str) -> (MemoryPushed, journal::NewBlob) {
    let blob = blob(&note::pack(&format!("title of {note}"), text));
    let fact = MemoryPushed {
        note: id(note),
        project: id("bakery"),
        note_kind: NoteKind::Decision,
        title: String::new(),
        text: blob.to_ref(),
        source: "docs/a.md".into(),
        request: None,
        agent: None,
        confidence: Some(60),
        batch: Some("b1".into()),
    };
    (fact, blob)
}

fn push(home: &mut Home, note: &str, text: &str) -> journal::NewBlob {
    let (fact, blob) = pushed(note, text);
    home.append_with(fact, vec![blob.clone()]);
    blob
}

fn names(rows: &[view::NoteRow]) -> Vec<&str> {
    rows.iter().map(|row| row.note.as_str()).collect()
}

#[test]
fn a_superseded_note_is_listed_for_who_asks_and_comes_back_when_the_newer_is_forgotten() {
    let mut home = Home::new();
    push(&mut home, "n1", "blue");
    let green = push(&mut home, "n2", "green");
    home.append(MemorySuperseded { project: id("bakery"), note: id("n1"), by: id("n2") });
    let list = |home: &Home, all| home.reader.notes(&id("bakery"), 10, all).unwrap();
    assert_eq!(names(&list(&home, false)), ["n2"]);
    assert_eq!(names(&list(&home, true)), ["n2", "n1"]);
    assert_eq!(home.reader.superseded_by(&id("n2")).unwrap(), [id::<NoteId>("n1")]);
    let row = home.reader.note(&id("n1")).unwrap().unwrap();
    assert_eq!((row.title.as_str(), row.text.as_str()), ("title of n1", "blue"));
    assert_eq!((row.confidence, row.superseded_by), (Some(60), Some(id("n2"))));
    assert_eq!(names(&home.reader.notes_of_batch(&id("bakery"), "b1").unwrap()), ["n1", "n2"]);
    home.append(MemoryForgotten { note: id("n2"), blob: green.id, readings: vec![], project: None });
    assert_eq!(names(&list(&home, false)), ["n1"]);
    let after = home.reader.notes_after(&id("bakery"), 0, 10).unwrap();
    assert_eq!(after.iter().map(|(_, row)| row.superseded_by.clone()).collect::<Vec<_>>(), [None]);
}

fn told(note: &str) -> Vec<Recalled> {
    vec![Recalled { note: id(note), score: 0.5, why: "matched: rye".into() }]
}

/// A request that was told of `in_brief` as it began, and whose attempt asked for `asked`.
fn request_that_knew(home: &mut Home, in_brief: &str, asked: &str) -> journal::NewBlob {
    let (received, text) = intake(1);
    home.append_with(received, vec![text]);
    let meter = Some(MemoryMeter { tokens: 3, of_tokens: 9 });
    home.append(RequestOriented {
        request: id("r1"),
        sources: vec![],
        recalled: told(in_brief),
        agents: vec![],
        base: id("c0"),
        memory: meter,
    });
    home.append(chosen(1, "codex"));
    let part = BriefPart { part: BriefPart::MEMORY.into(), source: in_brief.into(), tokens: 3, cut: false };
    let brief = blob("the brief with the notes");
    let parts = vec![part];
    home.append_with(TaskDeclared { parts, brief: brief.to_ref(), ..declared(1) }, vec![brief.clone()]);
    let (request, project) = (id("r1"), id("bakery"));
    home.append(MemoryRecalled { request, attempt: id("r1.1.1"), project, notes: told(asked) });
    brief
}

fn prints(home: &mut Home, seq: u64, kind: LineKind) {
    let line = TranscriptLine { seq, at: At(1), kind, text: format!("line {seq}") };
    home.journal.append_transcript(&[(id("r1.1.1"), line)]).unwrap();
}

fn printed(home: &Home) -> Vec<(u64, LineKind)> {
    let lines = home.reader.transcript(&id("r1.1.1"), 0, 100).unwrap();
    lines.into_iter().map(|line| (line.seq, line.kind)).collect()
}

#[test]
fn what_an_attempt_knew_is_known_from_the_brief_and_from_what_it_asked() {
    let mut home = Home::new();
    push(&mut home, "n1", "blue");
    push(&mut home, "n2", "green");
    request_that_knew(&mut home, "n1", "n2");
    let knew = home.reader.knew(&id("r1.1.1")).unwrap();
    let rows: Vec<_> = knew.iter().map(|row| (row.note.as_str(), row.via, row.title.as_deref())).collect();
    let both = [("n1", KnewVia::Brief, Some("title of n1")), ("n2", KnewVia::Asked, Some("title of n2"))];
    assert_eq!(rows, both);
    let by = |note: &str| home.reader.recalled_by(&id(note), 10).unwrap();
    assert_eq!(by("n1").iter().map(|row| row.attempt.clone()).collect::<Vec<_>>(), [None]);
    assert_eq!(by("n2").iter().map(|row| row.attempt.clone()).collect::<Vec<_>>(), [Some(id("r1.1.1"))]);
    let meter = home.reader.meter(&id("bakery"), 10).unwrap();
    assert_eq!(meter.iter().map(|row| (row.tokens, row.of_tokens)).collect::<Vec<_>>(), [(3, 9)]);
}

#[test]
fn forgetting_takes_readings_briefs_and_what_those_printed_who_were_told() {
    for forgotten in ["n1", "n2"] {
        let mut home = Home::new();
        let texts = [push(&mut home, "n1", "blue"), push(&mut home, "n2", "green")];
        let brief = request_that_knew(&mut home, "n1", "n2");
        let reading = blob("{\"entities\":[]}");
        let enriched = MemoryEnriched {
            project: id("bakery"),
            note: id(forgotten),
            reading: Some(reading.to_ref()),
            by: "codex".into(),
            usage: Usage::default(),
            why: None,
        };
        home.append_with(enriched, vec![reading.clone()]);
        assert_eq!(home.reader.reading_texts(&id(forgotten)).unwrap(), ["{\"entities\":[]}"]);
        prints(&mut home, 1, LineKind::Text);
        prints(&mut home, 2, LineKind::Tool);
        let text = &texts[usize::from(forgotten == "n2")];
        home.append(MemoryForgotten {
            note: id(forgotten),
            blob: text.id.clone(),
            readings: vec![reading.id.clone()],
            project: Some(id("bakery")),
        });
        for gone in [&text.id, &reading.id, &brief.id] {
            assert_eq!(home.reader.blob(gone).unwrap(), None);
        }
        assert_eq!(printed(&home), [(3, LineKind::Daemon)], "one line says why nothing is there");
        prints(&mut home, 4, LineKind::Text);
        prints(&mut home, 5, LineKind::Daemon);
        assert_eq!(printed(&home), [(3, LineKind::Daemon), (5, LineKind::Daemon)]);
        assert_eq!(home.reader.reading_texts(&id(forgotten)).unwrap(), Vec::<String>::new());
        let knew = home.reader.knew(&id("r1.1.1")).unwrap();
        let row = knew.iter().find(|row| row.note.as_str() == forgotten).unwrap();
        assert_eq!((&row.title, row.note_kind), (&None, None));
        assert_eq!(home.reader.verify().unwrap().problems, Vec::<String>::new());
    }
}
