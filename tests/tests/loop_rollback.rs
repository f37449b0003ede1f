//! Going back: an earlier release is started again from its folder, without a build, and forward again.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod harness;

use harness::{House, tcp};
use protocol::fact::{Fact, ReleaseRolledBack};
use protocol::*;
use testkit::acp::{Act, Script};

fn page(n: usize) -> String {
    format!("<!doctype html>\n<title>Page {n}</title>\n<h1>Page {n}</h1>\n")
}

/// A house whose nth request writes page n.
fn pages(count: usize) -> House {
    let write = |n| vec![Act::Write { path: "app/public/index.html".into(), content: page(n) }];
    House::scripted(&Script::always((1..=count).map(write).collect()), true)
}

fn rollback(release: Option<&ReleaseId>) -> Request {
    Request::Rollback { project: None, release: release.cloned() }
}

fn live(house: &House) -> ReleaseId {
    let live: Vec<_> = house.releases().into_iter().filter(|row| row.live).collect();
    assert_eq!(live.len(), 1, "{live:?}");
    live[0].release.clone()
}

fn rolled(house: &House) -> Vec<ReleaseRolledBack> {
    let entries = house.daemon.entries().unwrap().into_iter();
    entries
        .filter_map(|e| if let Fact::ReleaseRolledBack(fact) = e.fact { Some(fact) } else { None })
        .collect()
}

#[test]
fn back_and_forward_without_a_build() {
    let house = pages(3);
    let nothing = house.refused(&rollback(None));
    assert_eq!(nothing.code, Code::Conflict, "{nothing}");
    let first = house.live("The first page");
    let url = house.show(&first).url.unwrap();
    let old = live(&house);
    assert_eq!(house.refused(&rollback(None)).code, Code::NotFound, "there is no earlier one");
    house.live("The second page");
    let new = live(&house);
    assert_eq!(tcp::get(&url).body, page(2));
    let before = house.daemon.entries().unwrap();
    let main = house.git(&["rev-parse", "main"]);

    house.call(&rollback(None));
    assert_eq!(tcp::get(&url).body, page(1), "visitors see the old page");
    assert_eq!(live(&house), old);
    let after = house.daemon.entries().unwrap();
    let added: Vec<_> = after[before.len()..].iter().map(|entry| entry.fact.kind()).collect();
    assert_eq!(added, ["release.rolled_back"], "nothing was built or checked");
    assert_eq!(house.git(&["rev-parse", "main"]), main, "the work is not undone");

    house.call(&rollback(Some(&new)));
    assert_eq!(tcp::get(&url).body, page(2), "and forward again");
    assert_eq!(live(&house), new);
    let moves: Vec<_> = rolled(&house).into_iter().map(|fact| (fact.from, fact.to)).collect();
    assert_eq!(moves, [(new.clone(), old.clone()), (old, new.clone())]);
    assert_eq!(house.refused(&rollback(Some(&new))).code, Code::Conflict, "it is live already");
    assert_eq!(house.refused(&rollback(Some(&"nothing".parse().unwrap()))).code, Code::NotFound);

    // A restart keeps what visitors see, and the next request is not held up.
    house.call(&rollback(None));
    let house = house.restart();
    assert_eq!(tcp::get(&url).body, page(1));
    house.live("The third page");
    assert_eq!(tcp::get(&url).body, page(3));
    house.is_sound();
}

#[test]
fn the_last_five_releases_are_kept_and_an_older_one_is_refused_in_words() {
    let house = pages(8);
    for n in 1..=8 {
        house.live(&format!("Page number {n}"));
    }
    let rows = house.releases();
    assert_eq!(rows.len(), 8);
    let kept: Vec<bool> = rows.iter().map(|row| row.kept).collect();
    assert!(kept[..5].iter().all(|kept| *kept), "newest first: {kept:?}");
    assert!(kept[6..].iter().all(|kept| !kept), "newest first: {kept:?}");
    let url = house.show(&house.rows()[0].request).url.unwrap();
    let refused = house.refused(&rollback(Some(&rows[7].release)));
    assert_eq!(refused.code, Code::Conflict);
    assert!(refused.message.contains("not kept") && refused.next.unwrap().contains("five"));
    assert_eq!(tcp::get(&url).body, page(8), "nothing was switched");
    house.call(&rollback(Some(&rows[4].release)));
    assert_eq!(tcp::get(&url).body, page(4), "the oldest of the five comes up");
}
