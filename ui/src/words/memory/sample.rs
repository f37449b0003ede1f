//! A memory to test against.

use crate::words::sample::id;
use protocol::At;
use protocol::fact::{NoteKind, Usage};
use protocol::view::*;

pub fn note(name: &str) -> NoteRow {
    NoteRow {
        note: id(name),
        project: id("p"),
        note_kind: NoteKind::Decision,
        title: "Colours".into(),
        text: "Headings are rye brown.".into(),
        source: "you".into(),
        request: Some(id("r")),
        agent: None,
        at: At(1),
        confidence: Some(80),
        superseded_by: Some(id("n2")),
        tokens: 6,
        score: Some(0.5),
        why: Some("matched: colours".into()),
    }
}

pub fn entity() -> EntityRow {
    EntityRow {
        name: "app/x.tsx".into(),
        kind: "file".into(),
        description: "the shop".into(),
        notes: vec![id("n")],
    }
}

pub fn recalled() -> RecalledView {
    let relation = RelationRow {
        source: "a".into(),
        target: "b".into(),
        kind: "with".into(),
        description: String::new(),
        weight: 1.5,
        notes: vec![id("n")],
    };
    RecalledView {
        rows: vec![note("n")],
        entities: vec![entity()],
        relations: vec![relation],
        tokens: 6,
        of_tokens: 600,
        model: Some("m".into()),
    }
}

pub fn opened() -> NoteView {
    let reading =
        ReadingRow { by: "codex".into(), at: At(2), usage: Usage::default(), why: Some("w".into()) };
    let told = RecalledBy {
        request: id("r"),
        attempt: Some(id("a")),
        at: At(3),
        score: 0.25,
        why: "follows n".into(),
    };
    NoteView {
        row: note("n"),
        supersedes: vec![id("n0")],
        entities: vec![entity()],
        recalled_by: vec![told],
        readings: vec![reading],
    }
}

pub fn stands() -> MemoryView {
    MemoryView {
        notes: 3,
        superseded: 1,
        entities: 9,
        relations: 12,
        tokens: 600,
        bytes: 4096,
        model: ModelView {
            name: Some("m".into()),
            dim: Some(384),
            waiting: 2,
            says: Some("being fetched".into()),
            failed: false,
        },
        models: vec![ModelChoice {
            name: "m".into(),
            what: "English".into(),
            fetch_bytes: 9,
            disk_bytes: 8,
            here: true,
        }],
        enrichment: EnrichmentView {
            by: Some("codex".into()),
            waiting: 1,
            used: 100,
            budget: Some(1000),
            failed: None,
        },
        address: Some("http://127.0.0.1:9621".into()),
        address_why: None,
        elsewhere: None,
        meter: vec![MeterRow { request: id("r"), at: At(4), tokens: 60, of_tokens: 600 }],
    }
}

pub fn node(name: &str, kind: &str, degree: u32) -> GraphNode {
    GraphNode { name: name.into(), kind: kind.into(), degree, notes: 1, first: At(1), last: At(2) }
}

pub fn graph() -> GraphView {
    GraphView {
        nodes: vec![node("a", "file", 1), node("b", "term", 1)],
        edges: vec![GraphEdge { a: 0, b: 1, kind: "with".into(), weight: 2.0 }],
        of: 40,
    }
}

pub fn knew() -> Vec<KnewRow> {
    let row = |via, title: Option<&str>| KnewRow {
        note: id("n"),
        title: title.map(str::to_owned),
        note_kind: title.map(|_| NoteKind::Decision),
        via,
        score: 1.0,
        why: "matched: hours".into(),
    };
    vec![row(KnewVia::Brief, Some("Hours")), row(KnewVia::Asked, None)]
}
