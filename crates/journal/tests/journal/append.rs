//! Appending: durable, chained, never changed; blobs and their forgetting; transcripts.

use crate::script::*;
use journal::{Batch, Error, Journal, NewBlob, Opening, Reader};
use protocol::fact::*;
use protocol::view::{LineKind, TranscriptLine};
use protocol::*;

#[test]
fn a_fresh_source_opens_itself_and_keeps_its_id() {
    let home = Home::new();
    let all = home.all();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].fact, JournalOpened { journal: source_id(), daemon: "0.1.0".into() }.into());
    let path = home.path();
    drop(home.journal);
    let other = JournalId::new("another").unwrap();
    let again =
        Journal::open(&path, Opening::Source { fresh_id: &other, daemon: "0.2.0", at: At(9) }).unwrap();
    assert_eq!(again.id(), &source_id());
    assert_eq!(again.head().0, 1, "an old journal is not opened twice");
    assert!(matches!(Journal::open(&path, Opening::Mirror), Err(Error::OtherRole { .. })));
}

#[test]
fn every_kind_of_fact_reads_back_as_it_was_and_is_chained() {
    let mut home = Home::new();
    let facts: Vec<Fact> =
        goldens().into_iter().filter(|fact| !matches!(fact, Fact::RequestReceived(_))).collect();
    let appended = home.journal.append(Batch { at: At(5), facts: facts.clone(), blobs: vec![] }).unwrap();
    let read = home.reader.entries(1, u32::MAX).unwrap();
    assert_eq!(appended, read);
    assert_eq!(read.iter().map(|entry| entry.fact.clone()).collect::<Vec<_>>(), facts);
    let all = home.all();
    assert!(all.windows(2).all(|pair| pair[1].prev == pair[0].hash && pair[1].seq == pair[0].seq + 1));
    let verified = home.reader.verify().unwrap();
    assert_eq!(verified.problems, Vec::<String>::new());
    assert_eq!((verified.entries, verified.head_hash), (all.len() as u64, home.journal.head().1));
}

#[test]
fn cursors_and_one_requests_entries() {
    let mut home = Home::new();
    for (fact, blob) in whole_request() {
        home.append_with(fact, blob.into_iter().collect());
    }
    let all = home.all();
    assert_eq!(home.reader.entries(3, 2).unwrap(), all[3..5]);
    assert_eq!(home.reader.entries(all.len() as u64, 10).unwrap(), []);
    let of = home.reader.entries_of(&id("r1")).unwrap();
    let wanted: Vec<Entry> =
        all.iter().filter(|entry| entry.fact.request() == Some(&id("r1"))).cloned().collect();
    assert_eq!(of, wanted);
    let mut replayed = Vec::new();
    home.reader.replay(|entry| replayed.push(entry)).unwrap();
    assert_eq!(replayed, all);
}

#[test]
fn a_client_id_has_one_request_and_a_refused_batch_leaves_nothing() {
    let mut home = Home::new();
    let (first, text) = intake(1);
    home.append_with(first.clone(), vec![text]);
    let head = home.journal.head();
    let (other, other_text) = intake(2);
    let again = RequestReceived { request: id("r9"), ..first };
    let batch =
        |fact: Fact, blob: &NewBlob| Batch { at: At(9), facts: vec![fact], blobs: vec![blob.clone()] };
    let refused = home
        .journal
        .append_all(vec![batch(other.clone().into(), &other_text), batch(again.into(), &other_text)]);
    match refused {
        Err(Error::ClientSeen { request, .. }) => assert_eq!(request, id("r1")),
        other => panic!("{other:?}"),
    }
    assert_eq!(home.journal.head(), head);
    assert_eq!(home.reader.blob(&other_text.id).unwrap(), None, "all or nothing");
    assert_eq!(home.reader.request_of_client(&id("c1")).unwrap(), Some(id("r1")));
    home.append_with(other, vec![other_text]);
    assert_eq!(home.reader.head().unwrap(), home.journal.head());
}

#[test]
fn a_fact_that_cannot_be_read_back_is_refused() {
    let mut home = Home::new();
    let usage = Usage { cost_usd: Some(f64::NAN), ..Usage::default() };
    let fact = AttemptFinished { usage, ..finished(1, AttemptEnd::TurnEnded) };
    let refused = home.journal.append(Batch { at: At(1), facts: vec![fact.into()], blobs: vec![] });
    assert!(matches!(refused, Err(Error::Unwritable { kind: "attempt.finished" })));
    assert_eq!(home.all().len(), 1);
}

#[test]
fn a_blob_under_a_wrong_name_is_refused() {
    let mut home = Home::new();
    let wrong = NewBlob { id: blob("other").id, ..blob("text") };
    let refused = home.journal.append(Batch { at: At(1), facts: vec![], blobs: vec![wrong] });
    assert!(matches!(refused, Err(Error::MisnamedBlob(_))));
}

#[test]
fn entries_can_be_neither_changed_nor_deleted_nor_replaced() {
    let mut home = Home::new();
    home.append(ProjectActivated { project: id("bakery") });
    let before = home.all();
    let vandal = rusqlite::Connection::open(home.path()).unwrap();
    for sql in [
        "UPDATE entries SET body = '{}' WHERE seq = 2",
        "DELETE FROM entries WHERE seq = 2",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries SELECT seq, 0, prev, hash, kind, version, request, body FROM entries WHERE seq = 2",
        "INSERT INTO entries SELECT 9, at, prev, hash, kind, version, request, body FROM entries WHERE seq = 2",
    ] {
        let refused = vandal.execute_batch(sql).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{sql}: {refused}");
    }
    assert_eq!(home.all(), before);
}

#[test]
fn verify_names_what_was_tampered_with() {
    let mut home = Home::new();
    for (fact, blob) in whole_request() {
        home.append_with(fact, blob.into_iter().collect());
    }
    let vandal = rusqlite::Connection::open(home.path()).unwrap();
    let tampered = |sql: &str| {
        vandal
            .execute_batch("DROP TRIGGER IF EXISTS entries_keep; DROP TRIGGER IF EXISTS entries_stay; BEGIN")
            .unwrap();
        vandal.execute_batch(sql).unwrap();
        vandal.execute_batch("COMMIT").unwrap();
        home.reader.verify().unwrap().problems.join("\n")
    };
    assert_eq!(tampered("SELECT 1"), "");
    assert!(tampered("UPDATE blobs SET data = 'x' WHERE rowid = 1").contains("blob"));
    assert!(
        tampered("UPDATE entries SET request = 'r2' WHERE seq = 7")
            .contains("entry 7 is filed under another")
    );
    assert!(tampered("UPDATE entries SET at = at + 1 WHERE seq = 5").contains("entry 5 was changed"));
    assert!(tampered("DELETE FROM entries WHERE seq = 10").contains("entries 10 to 10 are missing"));
}

#[test]
fn forgetting_takes_the_text_from_every_file_and_leaves_the_chain_whole() {
    let mut home = Home::new();
    let secret = blob("the quick brown secret of the zyzzyva");
    let pushed = |note: &str, text: &NewBlob| MemoryPushed {
        note: id(note),
        project: id("bakery"),
        note_kind: NoteKind::Decision,
        title: "T".into(),
        text: text.to_ref(),
        source: "you".into(),
        request: None,
        agent: None,
        confidence: None,
        batch: None,
    };
    home.append_with(pushed("n1", &secret), vec![secret.clone()]);
    home.append_with(pushed("n2", &blob("kept")), vec![blob("kept")]);
    let holds = |home: &Home| {
        std::fs::read_dir(home.folder.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(7).any(|window| window == b"zyzzyva")
        })
    };
    assert!(holds(&home));
    assert_eq!(home.reader.note(&id("n1")).unwrap().unwrap().text, "the quick brown secret of the zyzzyva");
    home.append(MemoryForgotten { note: id("n1"), blob: secret.id.clone(), readings: vec![], project: None });
    assert!(!holds(&home), "the text is still in a file");
    assert_eq!(home.reader.note(&id("n1")).unwrap(), None);
    assert_eq!(home.reader.blob(&secret.id).unwrap(), None);
    let notes = home.reader.notes(&id("bakery"), 10, true).unwrap();
    assert_eq!(notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>(), ["kept"]);
    assert_eq!(home.reader.verify().unwrap().problems, Vec::<String>::new());
    home.append_with(ProjectActivated { project: id("bakery") }, vec![secret.clone()]);
    assert_eq!(home.reader.blob(&secret.id).unwrap(), None, "a forgotten blob does not come back");
    home.journal.rebuild_views().unwrap();
    assert_eq!(home.reader.notes(&id("bakery"), 10, true).unwrap(), notes);
}

#[test]
fn forgetting_a_note_takes_the_briefs_that_hold_it() {
    let mut home = Home::new();
    let (secret, brief) = (blob("rye only"), blob("# Recalled memory: rye only"));
    let other = blob("a brief without it");
    let pushed = MemoryPushed {
        note: id("n1"),
        project: id("bakery"),
        note_kind: NoteKind::Decision,
        title: "T".into(),
        text: secret.to_ref(),
        source: "you".into(),
        request: None,
        agent: None,
        confidence: None,
        batch: None,
    };
    home.append_with(pushed, vec![secret.clone()]);
    for (n, note, brief) in [(1, "n1", &brief), (2, "n2", &other)] {
        let (received, text) = intake(n);
        let request = received.request.clone();
        home.append_with(received, vec![text]);
        let recalled = vec![Recalled { note: id(note), score: 1.0, why: "matched: rye".into() }];
        let (sources, agents, base) = (vec![], vec![], id("c0ffee"));
        home.append(RequestOriented {
            request: request.clone(),
            sources,
            recalled,
            agents,
            base,
            memory: None,
        });
        let (task, attempt) = (id(&format!("{request}-t1")), id(&format!("{request}-a1")));
        let told = TaskDeclared { request, task, attempt, brief: brief.to_ref(), parts: vec![], budget: 10 };
        home.append_with(told, vec![brief.clone()]);
    }
    home.append(MemoryForgotten { note: id("n1"), blob: secret.id.clone(), readings: vec![], project: None });
    assert_eq!(home.reader.blob(&secret.id).unwrap(), None);
    assert_eq!(home.reader.blob(&brief.id).unwrap(), None, "the brief holds the note's text");
    assert!(home.reader.blob(&other.id).unwrap().is_some());
    assert_eq!(home.reader.verify().unwrap().problems, Vec::<String>::new());
    home.journal.rebuild_views().unwrap();
    assert_eq!(home.reader.verify().unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_blob_goes_to_a_mirror_with_its_salt() {
    let mut home = Home::new();
    let data = NewBlob::new([9; 16], vec![0, 159, 146, 150]);
    home.append_with(ProjectActivated { project: id("bakery") }, vec![data.clone()]);
    assert_eq!(home.reader.blob(&data.id).unwrap().unwrap(), data.data);
    assert_eq!(home.reader.blob_with_salt(&data.id).unwrap(), Some(data));
}

#[test]
fn transcripts_have_a_cursor_of_their_own_and_can_be_pruned() {
    let mut home = Home::new();
    let line =
        |seq, text: &str| TranscriptLine { seq, at: At(seq as i64), kind: LineKind::Tool, text: text.into() };
    let (one, two): (AttemptId, AttemptId) = (id("a1"), id("a2"));
    let lines =
        [(one.clone(), line(1, "x")), (two.clone(), line(1, "other")), (one.clone(), line(2, "y\0\u{202E}"))];
    home.journal.append_transcript(&lines).unwrap();
    home.journal
        .append_transcript(&[(one.clone(), line(2, "a second time")), (one.clone(), line(3, "z"))])
        .unwrap();
    assert_eq!(home.journal.transcript_head(&one).unwrap(), 3);
    assert_eq!(home.reader.transcript(&one, 1, 10).unwrap(), [line(2, "y\0\u{202E}"), line(3, "z")]);
    assert_eq!(home.reader.transcript(&one, 0, 1).unwrap(), [line(1, "x")]);
    home.journal.prune_transcript(&one).unwrap();
    assert_eq!(home.reader.transcript(&one, 0, 10).unwrap(), []);
    assert_eq!(home.reader.transcript(&two, 0, 10).unwrap().len(), 1);
    assert_eq!(home.journal.head().0, 1, "a transcript is no fact");
}

#[test]
fn the_transcripts_of_the_attempts_that_printed_last_are_kept() {
    let mut home = Home::new();
    let line = |at| TranscriptLine { seq: at as u64, at: At(at), kind: LineKind::Text, text: "x".into() };
    for (attempt, at) in [("b", 1), ("d", 2), ("a", 3), ("c", 4), ("b", 5)] {
        home.journal.append_transcript(&[(id(attempt), line(at))]).unwrap();
    }
    assert_eq!(home.journal.prune_transcripts(4).unwrap(), 0);
    assert_eq!(home.journal.prune_transcripts(2).unwrap(), 2);
    let kept = |name: &str| home.reader.transcript(&id::<AttemptId>(name), 0, 10).unwrap().len();
    assert_eq!(["a", "b", "c", "d"].map(kept), [0, 2, 1, 0]);
}

#[test]
fn a_newer_home_is_refused_in_words_and_left_as_it_is() {
    let home = Home::new();
    let path = home.path();
    drop(home.journal);
    let later = rusqlite::Connection::open(&path).unwrap();
    later.execute("UPDATE meta SET value = '7' WHERE key = 'home_version'", []).unwrap();
    drop(later);
    let refused = Journal::open(&path, Opening::Source { fresh_id: &source_id(), daemon: "1", at: At(0) });
    assert!(matches!(refused, Err(Error::NewerHome { found: 7, known: HOME_VERSION })));
    assert!(matches!(Reader::open(&path), Err(Error::NewerHome { .. })));
}

#[test]
fn a_second_writer_is_noticed() {
    let mut home = Home::new();
    let mut other =
        Journal::open(&home.path(), Opening::Source { fresh_id: &source_id(), daemon: "1", at: At(0) })
            .unwrap();
    let batch =
        || Batch { at: At(1), facts: vec![ProjectActivated { project: id("bakery") }.into()], blobs: vec![] };
    other.append(batch()).unwrap();
    assert!(matches!(home.journal.append(batch()), Err(Error::OtherWriter { known: 1, found: 2 })));
}

#[cfg(unix)]
#[test]
fn its_files_are_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mut home = Home::new();
    home.append(ProjectActivated { project: id("bakery") });
    let mut seen = 0;
    for file in std::fs::read_dir(home.folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        seen += 1;
    }
    assert!(seen >= 4, "database, log, shared memory and ballast");
}
