//! A disk that is really full: a small tmpfs in a mount namespace of its own.

use crate::script::*;
use journal::{Batch, Error, Journal, NewBlob, Opening, Reader};
use protocol::At;
use protocol::fact::*;
use std::path::Path;
use std::process::Command;

const HOME: &str = "JOURNAL_TEST_FULL_HOME";

#[test]
fn a_full_disk_is_told_apart_and_the_end_can_still_be_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap();
    let mount = format!("mount -t tmpfs -o size=12m,mode=700 tmpfs '{home}'");
    let may = Command::new("unshare").args(["-m", "sh", "-c", &mount]).output();
    if !may.is_ok_and(|may| may.status.success()) {
        eprintln!("not run: a mount namespace takes root; the full page count is tested in any case");
        return;
    }
    let test = std::env::current_exe().unwrap();
    let run =
        format!("{mount} && exec '{}' --exact full::fill_the_disk --ignored --nocapture", test.display());
    let done = Command::new("unshare").args(["-m", "sh", "-c", &run]).env(HOME, home).output().unwrap();
    let out = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && out.contains("1 passed"), "{out}");
}

fn big(n: u8) -> Batch {
    Batch { at: At(i64::from(n)), facts: vec![], blobs: vec![NewBlob::new([n; 16], vec![n; 200_000])] }
}

fn small() -> Batch {
    Batch { at: At(1), facts: vec![ProjectActivated { project: id("bakery") }.into()], blobs: vec![] }
}

fn fill(journal: &mut Journal) -> Error {
    (0..=255).find_map(|n| journal.append(big(n)).err()).unwrap()
}

#[test]
#[ignore = "run by the test above, in a namespace with a small disk"]
fn fill_the_disk() {
    let Ok(home) = std::env::var(HOME) else { return };
    let (home, opening) =
        (Path::new(&home), Opening::Source { fresh_id: &source_id(), daemon: "1", at: At(0) });
    let path = home.join("journal.db");
    let mut journal = Journal::open(&path, opening).unwrap();
    let reader = Reader::open(&path).unwrap();
    let ballast = home.join("journal.db.ballast");
    assert!(ballast.exists());

    let full = fill(&mut journal);
    assert!(matches!(full, Error::DiskFull(Some(_))), "{full:?}");
    assert!(!ballast.exists(), "the ballast was given back");
    let entries = journal.append(small()).expect("a small fact goes in after the ballast went out");
    assert_eq!(reader.head().unwrap().0, entries[0].seq);
    assert!(!journal.room().unwrap(), "there is no room for work yet");
    assert!(!ballast.exists());

    // Fill it to the last byte: still nothing is harmed, and everything can be read.
    std::fs::write(home.join("hog"), vec![1; 16_000_000]).unwrap_err();
    assert!(matches!(fill(&mut journal), Error::DiskFull(_)));
    let line = protocol::view::TranscriptLine {
        seq: 1,
        at: At(1),
        kind: protocol::view::LineKind::Text,
        text: "x".repeat(500_000),
    };
    let mut lines = Vec::new();
    for seq in 1..20 {
        lines.push((id("a1"), protocol::view::TranscriptLine { seq, ..line.clone() }));
    }
    assert!(matches!(journal.append_transcript(&lines), Err(Error::DiskFull(_))));
    assert_eq!(reader.verify().unwrap().problems, Vec::<String>::new());
    assert_eq!(reader.head().unwrap(), journal.head());

    // A daemon that starts on a full disk, and one that goes on when there is room.
    drop(journal);
    match Journal::open(&path, opening) {
        Ok(_) => {}
        Err(error) => assert!(error.is_disk_full(), "{error:?}"),
    }
    std::fs::remove_file(home.join("hog")).unwrap();
    let mut journal = Journal::open(&path, opening).unwrap();
    journal.append(small()).unwrap();
    assert_eq!(reader.verify().unwrap().problems, Vec::<String>::new());
}
