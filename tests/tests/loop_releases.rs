//! What passed its checks and never went live leaves nothing behind: no process and no folder.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod harness;

use harness::House;
use harness::crew::{self, in_parts, scene, script, write};
use protocol::RequestId;
use protocol::fact::Fact;
use std::collections::BTreeSet;
use std::fs;
use testkit::acp::Script;

const AT_ONCE: &str = "[limits]\nagents_at_once = 2\n";

fn writes(name: &str) -> Script {
    let file = write(&format!("app/public/{name}.html"), "<!doctype html>\n<title>x</title>\n");
    script(vec![scene(name, "", vec![vec![file]])])
}

fn two() -> House {
    crew::house(&[("claude-code", writes("menu")), ("codex", writes("map"))], AT_ONCE)
}

/// Releases of the request that passed their health check.
fn healthy(house: &House, request: &RequestId) -> usize {
    let facts = house.facts(request).into_iter();
    facts.filter(|fact| matches!(fact, Fact::CheckFinished(check) if check.release.is_some())).count()
}

/// Releases that have a folder.
fn staged(house: &House) -> BTreeSet<String> {
    let releases = house.repository().parent().unwrap().join("releases");
    fs::read_dir(releases).unwrap().map(|entry| name_of(&entry.unwrap().path())).collect()
}

fn name_of(path: &std::path::Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// Releases of this home that have a process.
fn running(house: &House) -> BTreeSet<String> {
    let mark = format!("@{}/run/edge.json", house.workspace.home().display());
    let environs =
        fs::read_dir("/proc").unwrap().filter_map(|p| fs::read(p.ok()?.path().join("environ")).ok());
    environs
        .filter_map(|environ| {
            let text = String::from_utf8_lossy(&environ).into_owned();
            let own = text.split('\0').find_map(|pair| pair.strip_prefix("LOOPWRIGHT_RELEASE="))?;
            own.strip_suffix(&mark).map(str::to_owned)
        })
        .collect()
}

fn only_the_live_one(house: &House, request: &RequestId) {
    house.ends_live(request);
    assert_eq!(healthy(house, request), 2, "{}", house.story());
    let live: BTreeSet<String> =
        house.releases().into_iter().filter(|row| row.live).map(|row| row.release.to_string()).collect();
    assert_eq!(live.len(), 1);
    assert_eq!(running(house), live);
    assert_eq!(staged(house), live);
    house.is_sound();
}

#[test]
fn of_a_race_only_the_winner_stays() {
    let house = two();
    let (request, _) = house.accepted(&crew::a_race("A page for a bakery", &["claude-code", "codex"]));
    only_the_live_one(&house, &request);
}

#[test]
fn of_a_request_in_parts_only_the_whole_stays() {
    let house = two();
    let parts: [(&[&str], &str); 2] = [(&["claude-code"], "Write the menu"), (&["codex"], "Write the map")];
    let (request, _) = house.accepted(&in_parts("A page for a bakery", &parts));
    only_the_live_one(&house, &request);
}
