//! What is remembered, replaced, read and forgotten.

use super::*;

fn pushing(note: &str, source: &str) -> Pushing {
    let fact = MemoryPushed {
        note: id(note),
        project: id("bakery"),
        note_kind: NoteKind::Decision,
        title: String::new(),
        text: blob(&format!("text-{note}")),
        source: source.into(),
        request: None,
        agent: None,
        confidence: None,
        batch: None,
    };
    Pushing { fact, supersedes: vec![] }
}

fn push(note: &str, source: &str) -> Input {
    Input::Push(vec![pushing(note, source)])
}

fn superseded(note: &str, by: &str) -> Fact {
    MemorySuperseded { project: id("bakery"), note: id(note), by: id(by) }.into()
}

fn forgotten(note: &str, readings: Vec<BlobId>) -> Fact {
    let blob = id(&format!("text-{note}"));
    MemoryForgotten { note: id(note), blob, readings, project: Some(id("bakery")) }.into()
}

fn forget(note: &str) -> Input {
    Input::Forget { note: id(note) }
}

fn reading(note: &str, text: Option<&str>) -> Input {
    Input::Enriched(MemoryEnriched {
        project: id("bakery"),
        note: id(note),
        reading: text.map(blob),
        by: "codex".into(),
        usage: Usage::default(),
        why: None,
    })
}

/// What follows a push of one note.
fn replaces(w: &mut World, input: Input) -> Vec<Fact> {
    w.put(input).unwrap().split_off(1)
}

#[test]
fn a_note_is_pushed_and_forgotten_once_and_its_blob_is_named() {
    let mut w = World::new();
    assert_eq!(w.kinds(push("n", "you")), ["memory.pushed"]);
    assert_eq!(w.put(push("n", "you")), Err(Rejected::Taken { id: "n".into() }));
    assert_eq!(w.put(forget("n")), Ok(vec![forgotten("n", vec![])]));
    assert_eq!(w.put(forget("n")), Err(Rejected::UnknownNote { note: id("n") }));
}

#[test]
fn the_same_source_again_replaces_and_a_shared_one_does_not() {
    let mut w = World::new();
    w.put(push("n1", "docs/a.md")).unwrap();
    assert_eq!(replaces(&mut w, push("n2", "docs/a.md")), [superseded("n1", "n2")]);
    assert_eq!(replaces(&mut w, push("n3", "docs/a.md")), [superseded("n2", "n3")]);
    assert_eq!(replaces(&mut w, push("n4", "docs/b.md")), []);
    for source in ["you", "a client", "request r1"] {
        for n in 1..3 {
            assert_eq!(replaces(&mut w, push(&format!("{}-{n}", source.replace(' ', "-")), source)), []);
        }
    }
    // Another space is another memory.
    let mut elsewhere = pushing("n5", "docs/a.md");
    elsewhere.fact.project = id("notes-of-a-client");
    assert_eq!(w.kinds(Input::Push(vec![elsewhere])), ["memory.pushed"]);
}

#[test]
fn what_a_forgotten_note_superseded_is_current_again() {
    let mut w = World::new();
    for note in ["n1", "n2", "n3"] {
        w.put(push(note, "docs/a.md")).unwrap();
    }
    w.put(forget("n3")).unwrap();
    assert_eq!(w.state.notes.get(&id("n2")).unwrap().superseded_by, None);
    assert_eq!(w.state.notes.get(&id("n1")).unwrap().superseded_by, Some(id("n2")));
    assert_eq!(
        replaces(&mut w, push("n4", "docs/a.md")),
        [superseded("n2", "n4")],
        "its source goes on from it"
    );
}

#[test]
fn notes_of_one_push_replace_each_other_in_order_and_come_together_or_not_at_all() {
    let mut w = World::new();
    w.put(push("n0", "docs/a.md")).unwrap();
    let facts = w.put(Input::Push(vec![pushing("n1", "docs/a.md"), pushing("n2", "docs/a.md")])).unwrap();
    let kinds: Vec<_> = facts.iter().map(Fact::kind).collect();
    assert_eq!(kinds, ["memory.pushed", "memory.superseded", "memory.pushed", "memory.superseded"]);
    assert_eq!((&facts[1], &facts[3]), (&superseded("n0", "n1"), &superseded("n1", "n2")));
    let twice = Input::Push(vec![pushing("n3", "you"), pushing("n3", "you")]);
    assert_eq!(w.put(twice), Err(Rejected::Taken { id: "n3".into() }));
    assert_eq!(w.put(forget("n3")), Err(Rejected::UnknownNote { note: id("n3") }), "none of them was taken");
}

#[test]
fn a_note_names_what_it_supersedes() {
    let mut w = World::new();
    w.put(push("n1", "you")).unwrap();
    w.put(push("n2", "docs/a.md")).unwrap();
    let newer = |note: &str, older: &[&str], source: &str| {
        let supersedes = older.iter().map(|note| id(note)).collect();
        Input::Push(vec![Pushing { supersedes, ..pushing(note, source) }])
    };
    let both = [superseded("n1", "n3"), superseded("n2", "n3")];
    assert_eq!(replaces(&mut w, newer("n3", &["n2", "n1", "n2"], "docs/a.md")), both);
    assert_eq!(w.put(newer("n4", &["n9"], "you")), Err(Rejected::UnknownNote { note: id("n9") }));
    let mut elsewhere = pushing("n5", "you");
    (elsewhere.fact.project, elsewhere.supersedes) = (id("other"), vec![id("n3")]);
    assert_eq!(w.put(Input::Push(vec![elsewhere])), Err(Rejected::UnknownNote { note: id("n3") }));
}

#[test]
fn a_cycle_of_supersedes_is_refused() {
    let mut w = World::new();
    for note in ["n1", "n2", "n3"] {
        w.put(push(note, "you")).unwrap();
    }
    let supersede = |note: &str, by: &str| Input::Supersede { note: id(note), by: id(by) };
    assert_eq!(w.put(supersede("n1", "n2")), Ok(vec![superseded("n1", "n2")]));
    assert_eq!(w.put(supersede("n1", "n2")), Ok(vec![]), "said twice");
    assert_eq!(w.put(supersede("n2", "n3")), Ok(vec![superseded("n2", "n3")]));
    for (note, by) in [("n3", "n1"), ("n2", "n1"), ("n3", "n3")] {
        assert_eq!(w.put(supersede(note, by)), Err(Rejected::Cycle { note: id(note), by: id(by) }));
    }
    assert_eq!(w.put(supersede("n9", "n1")), Err(Rejected::UnknownNote { note: id("n9") }));
    assert_eq!(w.put(supersede("n3", "n9")), Err(Rejected::UnknownNote { note: id("n9") }));
}

#[test]
fn readings_go_with_their_note_and_come_too_late_after_it() {
    let mut w = World::new();
    w.put(push("n1", "you")).unwrap();
    assert_eq!(w.kinds(reading("n1", Some("read-1"))), ["memory.enriched"]);
    assert_eq!(w.kinds(reading("n1", None)), ["memory.enriched"], "a run that gave nothing had its cost");
    assert_eq!(w.kinds(reading("n1", Some("read-2"))), ["memory.enriched"]);
    assert_eq!(w.put(forget("n1")), Ok(vec![forgotten("n1", vec![id("read-1"), id("read-2")])]));
    let late = Rejected::Stale { what: "a reading of note n1".into() };
    assert_eq!(w.put(reading("n1", Some("read-3"))), Err(late));
}

#[test]
fn an_agent_that_asks_is_of_a_request_that_is_open() {
    let mut w = World::new();
    let asked = || {
        Input::Recalled(MemoryRecalled {
            request: id("r"),
            attempt: id("r-a1"),
            project: id("bakery"),
            notes: vec![],
        })
    };
    assert_eq!(w.put(asked()), Err(Rejected::UnknownRequest { request: id("r") }));
    w.submit("r", None);
    assert_eq!(w.kinds(asked()), ["memory.recalled"]);
}

#[test]
fn the_close_of_a_request_pushes_its_notes_with_what_agents_read_out_of_them() {
    let mut w = World::new();
    w.submit("r", None);
    w.put(cancel("r")).unwrap();
    let Input::Recorded { request, mut record } = recorded("r") else { unreachable!() };
    record.step = None;
    record.notes[0].readings = vec![ReadText { by: id("codex"), reading: blob("read") }];
    record.notes[1].source = Some("a term".into());
    let facts = w.put(Input::Recorded { request, record }).unwrap();
    let read =
        facts.iter().find_map(|fact| if let Fact::MemoryEnriched(read) = fact { Some(read) } else { None });
    assert_eq!(read.map(|read| (read.note.as_str(), read.by.as_str())), Some(("note-r-1", "codex")));
    assert_eq!(w.put(forget("note-r-1")).unwrap().len(), 1);
    assert_eq!(replaces(&mut w, push("n2", "a term")), [superseded("note-r-2", "n2")]);
}

#[test]
fn a_brief_that_tells_what_was_forgotten_meanwhile_is_written_again() {
    let mut w = World::new();
    w.put(push("n1", "you")).unwrap();
    w.submit("r", None);
    w.put(oriented("r", &[practice()])).unwrap();
    let telling = |notes: &[&str]| {
        let part = |note: &&str| BriefPart {
            part: BriefPart::MEMORY.into(),
            source: (*note).into(),
            tokens: 1,
            cut: false,
        };
        let parts = notes.iter().map(part).collect();
        Input::Briefed { attempt: id("r-a1"), brief: blob("brief"), parts, budget: 10 }
    };
    assert_eq!(w.effects(), ["brief/r-a1"]);
    w.put(forget("n1")).unwrap();
    assert_eq!(w.put(telling(&["n1"])), Err(Rejected::UnknownNote { note: id("n1") }));
    assert_eq!(w.effects(), ["brief/r-a1"]);
    let told = Input::Recalled(MemoryRecalled {
        request: id("r"),
        attempt: id("r-a1"),
        project: id("bakery"),
        notes: vec![Recalled { note: id("n1"), score: 1.0, why: String::new() }],
    });
    assert_eq!(w.put(told), Err(Rejected::UnknownNote { note: id("n1") }));
    assert_eq!(w.kinds(telling(&["of another server"])), ["task.declared"]);
}
