//! The views are a function of the entries: made again, they are the same bytes, for any entries at all.

use crate::script::*;
use journal::{Batch, Error, Journal, Opening};
use proptest::prelude::*;
use protocol::fact::*;
use protocol::*;
use std::path::Path;

/// Every view table, row by row.
pub fn dump(path: &Path) -> Vec<(String, Vec<Vec<rusqlite::types::Value>>)> {
    let db = rusqlite::Connection::open(path).unwrap();
    let kept = ["meta", "entries", "blobs", "transcripts"];
    let mut query = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let views = tables.into_iter().filter(|name| !kept.contains(&name.as_str()));
    views
        .map(|table| {
            let mut query = db.prepare(&format!("SELECT * FROM {table} ORDER BY seq")).unwrap();
            let columns = query.column_count();
            let rows = query.query_map([], |row| (0..columns).map(|n| row.get(n)).collect()).unwrap();
            let rows = rows.map(Result::unwrap).collect();
            (table, rows)
        })
        .collect()
}

#[test]
fn a_whole_requests_views_are_the_same_when_made_again() {
    let mut home = Home::new();
    for (fact, blob) in whole_request() {
        home.append_with(fact, blob.into_iter().collect());
    }
    let before = dump(&home.path());
    assert!(before.iter().filter(|(_, rows)| !rows.is_empty()).count() >= 6, "the script fills the tables");
    let vandal = rusqlite::Connection::open(home.path()).unwrap();
    vandal
        .execute_batch("DELETE FROM requests; UPDATE notes SET title = 'x'; DELETE FROM deployments")
        .unwrap();
    assert_ne!(dump(&home.path()), before);
    home.journal.rebuild_views().unwrap();
    assert_eq!(dump(&home.path()), before);
}

#[test]
fn views_of_another_version_are_made_anew_at_open() {
    let mut home = Home::new();
    for (fact, blob) in whole_request() {
        home.append_with(fact, blob.into_iter().collect());
    }
    let (path, before) = (home.path(), dump(&home.path()));
    drop((home.journal, home.reader));
    let older = rusqlite::Connection::open(&path).unwrap();
    older
        .execute_batch(
            "UPDATE meta SET value = '0' WHERE key = 'views'; DROP TABLE notes; CREATE TABLE old (x)",
        )
        .unwrap();
    drop(older);
    Journal::open(&path, Opening::Source { fresh_id: &source_id(), daemon: "1", at: At(0) }).unwrap();
    assert_eq!(dump(&path), before);
}

/// Facts of a few things, in any order, also ones that the engine would never write.
fn any_fact() -> impl Strategy<Value = (Fact, Option<String>)> {
    let pool: Vec<Fact> =
        goldens().into_iter().chain(whole_request().into_iter().map(|(fact, _)| fact)).collect();
    let plain = (0..pool.len()).prop_map(move |n| (pool[n].clone(), None));
    let intake = (0..6usize, 0..6usize).prop_map(|(n, client)| {
        let (received, _) = intake(n);
        (
            RequestReceived { client: id(&format!("c{client}")), ..received }.into(),
            Some(format!("request number {n}")),
        )
    });
    let note = (0..4usize, 0..4usize).prop_map(|(n, text)| {
        let text = format!("note {text}");
        let pushed = MemoryPushed {
            note: id(&format!("n{n}")),
            project: id("bakery"),
            note_kind: NoteKind::Decision,
            title: "T".into(),
            text: blob(&text).to_ref(),
            source: "you".into(),
            request: Some(id("r1")),
            agent: None,
            confidence: None,
            batch: None,
        };
        (pushed.into(), Some(text))
    });
    let forget = (0..4usize, 0..4usize).prop_map(|(n, text)| {
        let (note, blob) = (id(&format!("n{n}")), blob(&format!("note {text}")).id);
        (MemoryForgotten { note, blob, readings: vec![], project: None }.into(), None)
    });
    let step = (0..3usize, any::<bool>()).prop_map(|(n, plan)| {
        let (project, step) = (id("bakery"), id(&format!("s{n}")));
        let fact: Fact = if plan {
            StepPlanned { project, step, title: "S".into(), text: blob("step").to_ref() }.into()
        } else {
            StepDropped { project, step }.into()
        };
        (fact, None)
    });
    prop_oneof![4 => plain, 2 => intake, 2 => note, 1 => forget, 1 => step]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_journal_gives_the_same_views_again_and_in_a_mirror(
        script in proptest::collection::vec(proptest::collection::vec(any_fact(), 1..6), 1..12)
    ) {
        let mut home = Home::new();
        let mut blobs = Vec::new();
        for (n, facts) in script.into_iter().enumerate() {
            let stored: Vec<_> = facts.iter().filter_map(|(_, text)| text.as_deref().map(blob)).collect();
            blobs.extend(stored.clone());
            let facts = facts.into_iter().map(|(fact, _)| fact).collect();
            match home.journal.append(Batch { at: At(n as i64), facts, blobs: stored }) {
                Ok(_) | Err(Error::ClientSeen { .. }) => {}
                Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }
        let before = dump(&home.path());
        for table in ["requests", "attempts"] {
            prop_assert!(before.iter().any(|(name, _)| name == table));
        }
        home.journal.rebuild_views().unwrap();
        prop_assert_eq!(&dump(&home.path()), &before);
        prop_assert_eq!(home.reader.verify().unwrap().problems, Vec::<String>::new());

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mirror.db");
        let mut mirror = Journal::open(&path, Opening::Mirror).unwrap();
        // A golden fact in the middle opens a journal a second time: a mirror takes none of such a source.
        let all = home.all();
        if all.iter().skip(1).any(|entry| matches!(entry.fact, Fact::JournalOpened(_))) {
            prop_assert!(mirror.mirror(&source_id(), &all, &blobs).is_err(), "a second opening was mirrored");
        } else {
            mirror.mirror(&source_id(), &all, &blobs).unwrap();
            prop_assert_eq!(&dump(&path), &before);
        }
        // Every row that a view names can be read, and every request has a page.
        for row in home.reader.requests(None, 100).unwrap() {
            let page = home.reader.show(&row.request).unwrap().unwrap();
            prop_assert_eq!(page.row, row);
            prop_assert!(!page.now.is_empty());
        }
        home.reader.deployments(None, None, 100).unwrap();
        home.reader.steps(&id("bakery")).unwrap();
        home.reader.notes(&id("bakery"), 100, true).unwrap();
        home.reader.releases(&id("bakery")).unwrap();
    }
}
