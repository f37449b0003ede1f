//! Old facts stay readable: every kind has golden files, and each of them parses and serialises to the same text. A
//! golden file is never edited; a shape that changes gets files of its next version.
//!
//! A file is named `KIND.vVERSION.json`, or `KIND.vVERSION.CASE.json` for another case of the same kind.

#![expect(clippy::unwrap_used, reason = "tests, and what they share, fail by panicking")]

use protocol::Fact;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn goldens() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// The kind in a file's name: what stands before `.v1`.
fn kind_and_version(name: &str) -> (&str, u16) {
    let at = name.rfind(".v").unwrap();
    let version = name[at + 2..].split('.').next().unwrap();
    (&name[..at], version.parse().unwrap())
}

#[test]
fn every_kind_has_a_golden_file_of_every_version() {
    let there: BTreeSet<(String, u16)> = goldens()
        .iter()
        .map(|(name, _)| kind_and_version(name))
        .map(|(kind, version)| (kind.to_owned(), version))
        .collect();
    let wanted =
        Fact::KINDS.iter().flat_map(|kind| (1..=Fact::VERSION).map(|version| ((*kind).to_owned(), version)));
    assert_eq!(there, wanted.collect());
}

#[test]
fn every_golden_file_parses_and_serialises_to_the_same_text() {
    for (name, text) in goldens() {
        let fact: Fact = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(fact.kind(), kind_and_version(&name).0, "{name}");
        assert_eq!(serde_json::to_string_pretty(&fact).unwrap() + "\n", text, "{name}");
    }
}

#[test]
fn fields_that_a_later_program_adds_do_not_hinder_reading() {
    for (name, text) in goldens() {
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let plain: Fact = serde_json::from_value(value.clone()).unwrap();
        value["body"]["added_by_a_later_program"] = serde_json::json!({"x": [1, null]});
        let read: Fact = serde_json::from_value(value).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert_eq!(read, plain, "{name}");
    }
}
