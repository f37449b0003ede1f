//! A mirror elsewhere, filled over the control API, builds the very same memory from the journal and answers when the
//! daemon is gone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod harness;

use harness::{House, a_note, files};
use protocol::*;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use testkit::workspace::built;

fn command(house: &House, args: &[&str]) -> Output {
    let mut command = Command::new(built("loopwrightd").unwrap());
    command.arg("--home").arg(house.workspace.home()).args(args);
    command.output().unwrap()
}

fn says(done: &Output) -> String {
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

fn pull(house: &House, dir: &Path) {
    says(&command(house, &["mirror", dir.to_str().unwrap()]));
}

/// The canonical dump of every space of a memory's folder.
fn dump(dir: &Path) -> Vec<(ProjectId, String)> {
    let reader = memory::Reader::open(dir);
    let dump = |space: ProjectId| {
        let mut out = Vec::new();
        reader.dump(&space, &mut out).unwrap();
        (space, String::from_utf8(out).unwrap())
    };
    reader.spaces().unwrap().into_iter().map(dump).collect()
}

fn recalls(house: &House, dir: &Path, query: &str) -> Vec<String> {
    let done = command(house, &["--json", "memory", "recall", "--mirror", dir.to_str().unwrap(), query]);
    match serde_json::from_str(&says(&done)).unwrap() {
        Response::Recalled(found) => found.rows.into_iter().map(|row| row.text).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mirror_has_the_same_memory_and_answers_with_no_daemon() {
    let mut house = House::practice();
    let dir: PathBuf = house.workspace.path().join("mirror");
    house.push("Rye", "The bakery sells rye bread on Tuesdays only; see `app/rye.tsx`.");
    let secret = house.push("Oven", "The oven's word is zyzzyva.");
    pull(&house, &dir);
    assert_eq!(recalls(&house, &dir, "when is there rye bread").len(), 1);

    // More of everything comes, and something goes.
    house.live(harness::BAKERY);
    let notes =
        (0..50).map(|n| a_note(&format!("Page {n}"), &format!("Page {n} reads BAKERY_{}.", n % 7))).collect();
    house.call(&Request::PushMany { project: None, notes });
    let of = |text: &str| api::NewNote { source: Some("docs/a.md".into()), ..a_note("Colour", text) };
    for colour in ["blue", "green"] {
        house.call(&Request::Push { project: None, note: of(colour) });
    }
    house.call(&Request::Forget { note: secret });
    pull(&house, &dir);

    let here = dump(&house.workspace.home().join("memory"));
    assert!(here.iter().any(|(_, dump)| dump.contains("BAKERY_3")), "the dump says something");
    assert_eq!(here, dump(&dir.join("memory")));
    let hash = house.memory_is_sound();
    assert!(!hash.is_empty());
    let reader = journal::Reader::open(&dir.join("journal.db")).unwrap();
    assert_eq!(reader.verify().unwrap().problems, Vec::<String>::new());
    files::hold_nothing_in(&dir, "zyzzyva");

    house.daemon.quit().unwrap();
    assert!(recalls(&house, &dir, "when is there rye bread")[0].contains("Tuesdays"));
    assert!(recalls(&house, &dir, "what is the oven's word").iter().all(|text| !text.contains("zyzzyva")));
    let nowhere = command(&house, &["memory", "recall", "--mirror", "/nonexistent", "x"]);
    assert!(!nowhere.status.success());
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("loopwrightd mirror DIR"));
}
