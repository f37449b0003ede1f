//! A writer that is killed at any moment: what it acknowledged is there, and the chain is whole.

use crate::script::*;
use journal::{Batch, Journal, Opening, Reader};
use protocol::At;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const HOME: &str = "JOURNAL_TEST_CRASH_HOME";

/// Not a test of its own: the program that is killed. It appends for as long as it lives and says on its standard
/// output what was acknowledged.
#[test]
#[ignore = "run by the test below, as another process"]
fn append_until_killed() {
    let Ok(path) = std::env::var(HOME) else { return };
    let mut journal =
        Journal::open(path.as_ref(), Opening::Source { fresh_id: &source_id(), daemon: "1", at: At(0) })
            .unwrap();
    let mut out = std::io::stdout();
    let mut next = journal.head().0 as usize;
    loop {
        let batches = (0..3).map(|n| {
            let (received, text) = intake(next + n);
            Batch { at: At(next as i64), facts: vec![received.into()], blobs: vec![text] }
        });
        let entries = journal.append_all(batches.collect()).unwrap();
        let last = entries.last().unwrap().last().unwrap();
        writeln!(out, "\nacknowledged {} {}", last.seq, last.hash).unwrap();
        out.flush().unwrap();
        next += 3;
    }
}

/// Runs the writer, kills it after it has acknowledged `after` batches, and gives all that it acknowledged.
fn kill_after(path: &std::path::Path, after: usize) -> Vec<(u64, String)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::append_until_killed", "--ignored", "--nocapture", "--test-threads=1"])
        .env(HOME, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        if let ["acknowledged", seq, hash] = words.as_slice()
            && hash.len() == 64
        {
            acknowledged.push((seq.parse().unwrap(), (*hash).to_owned()));
        }
        if acknowledged.len() == after {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    acknowledged
}

#[test]
fn thirty_kills_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut before = 0;
    for round in 0..30 {
        let acknowledged = kill_after(&path, 1 + round % 7);
        assert!(acknowledged.len() > round % 7, "round {round}: the writer died by itself");
        let reader = Reader::open(&path).unwrap();
        let entries = reader.entries(0, u32::MAX).unwrap();
        for (seq, hash) in &acknowledged {
            let found = entries.get(*seq as usize - 1).map(|entry| &entry.hash);
            assert_eq!(found, Some(hash), "round {round}: acknowledged entry {seq} was lost");
        }
        let verified = reader.verify().unwrap();
        assert_eq!(verified.problems, Vec::<String>::new(), "round {round}");
        assert!(verified.entries > before, "round {round}");
        assert_eq!(
            (verified.entries - 1) % 3,
            0,
            "round {round}: batches of one transaction are there whole"
        );
        assert_eq!(
            reader.requests(None, u32::MAX).unwrap().len() as u64,
            verified.entries - 1,
            "round {round}"
        );
        before = verified.entries;
    }
    let views = crate::views::dump(&path);
    let mut journal =
        Journal::open(&path, Opening::Source { fresh_id: &source_id(), daemon: "1", at: At(0) }).unwrap();
    journal.rebuild_views().unwrap();
    assert_eq!(crate::views::dump(&path), views);
}
