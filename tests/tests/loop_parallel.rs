//! One request in parts: several agents work at the same time, each in a folder of its own, and what they did lands part
//! by part without a lost change.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod harness;

use harness::crew::{self, in_parts, scene, script, shell, write};
use harness::{House, tcp};
use protocol::fact::{Fact, Outcome, TaskEnd};
use protocol::view::TaskStatus;
use protocol::{CommitId, RequestId};
use testkit::Workspace;
use testkit::acp::{Act, Script};

const INDEX: &str = "app/public/index.html";
/// A page with places far enough from each other that git needs nobody's help.
const PAGE: &str = "<!doctype html>\n<title>Sauerteig</title>\n<h1>Sauerteig</h1>\n<p>menu</p>\n<hr>\n<hr>\n<hr>\n<hr>\n\
                    <p>map</p>\n<hr>\n<hr>\n<hr>\n<hr>\n<p>form</p>\n";
const AT_ONCE: &str = "[limits]\nagents_at_once = 3\n";

fn replace(old: &str, new: &str) -> Act {
    Act::Replace { path: INDEX.into(), old: old.into(), new: new.into() }
}

/// Says that it has begun, and goes on once the two others have too: so they are at work at the same time.
fn together(signs: &std::path::Path, own: &str, acts: &[Act]) -> Script {
    let sign = |name: &str| signs.join(name).display().to_string();
    let mut all = vec![shell(&format!("touch {}", sign(own)))];
    for other in ["menu", "map", "form"].iter().filter(|other| **other != own) {
        all.push(Act::Await { path: sign(other) });
    }
    all.extend_from_slice(acts);
    script(vec![scene(own, &format!("# task\n\nwrite the {own}"), vec![all])])
}

fn ends(house: &House, request: &RequestId) -> Vec<TaskEnd> {
    let facts = house.facts(request).into_iter();
    facts
        .filter_map(|fact| if let Fact::TaskClosed(closed) = fact { Some(closed.end) } else { None })
        .collect()
}

fn landed(house: &House, request: &RequestId) -> Vec<CommitId> {
    let facts = house.facts(request).into_iter();
    facts.filter_map(|fact| if let Fact::AttemptLanded(f) = fact { Some(f.commit) } else { None }).collect()
}

const PARTS: [(&[&str], &str); 3] =
    [(&["claude-code"], "Write the menu"), (&["codex"], "Write the map"), (&["practice"], "Write the form")];

/// Three agents, each with its place of the page and a file of its own.
fn three(workspace: Workspace) -> House {
    let signs = workspace.open_folder("signs", 0o777).unwrap();
    let acts = |name: &str| {
        [
            replace(&format!("<p>{name}</p>"), &format!("<p>our {name}</p>")),
            write(&format!("app/public/{name}.html"), &format!("<!doctype html>\n<title>{name}</title>\n")),
        ]
    };
    let crew = [
        ("claude-code", together(&signs, "menu", &acts("menu"))),
        ("codex", together(&signs, "map", &acts("map"))),
        ("practice", together(&signs, "form", &acts("form"))),
    ];
    let house = crew::house_in(workspace, &crew, AT_ONCE);
    house.commit(INDEX, PAGE);
    house
}

/// Every change of every part is on the main branch and on the site.
fn nothing_is_lost(house: &House, request: &RequestId) {
    let page = house.page(request);
    let url = house.show(request).url.unwrap();
    for name in ["menu", "map", "form"] {
        assert!(page.contains(&format!("<p>our {name}</p>")), "{page}");
        assert!(tcp::get(&format!("{url}{name}.html")).body.contains(&format!("<title>{name}</title>")));
        assert!(house.file(&format!("app/public/{name}.html")).is_some());
    }
    assert_eq!(ends(house, request).len(), 3);
    assert!(ends(house, request).iter().all(|end| matches!(end, TaskEnd::Landed { .. })));
    // One landed on top of the other, with nothing between.
    let log = house.git(&["log", "--format=%H", "main"]);
    let places: Vec<usize> = landed(house, request)
        .iter()
        .map(|commit| log.lines().position(|hash| hash == commit.as_str()).unwrap())
        .collect();
    assert!(places.windows(2).all(|pair| pair[0] == pair[1] + 1), "{places:?}");
    house.is_sound();
}

#[test]
fn three_parts_are_made_at_once_and_land_without_a_lost_change() {
    let house = three(Workspace::new().unwrap());
    let (request, _) = house.accepted(&in_parts("A page for a bakery", &PARTS));
    house.ends_live(&request);
    nothing_is_lost(&house, &request);
    let lives = house.kinds(&request).iter().filter(|kind| **kind == "release.live").count();
    assert_eq!(lives, 1, "one release ships them all");
    let view = house.show(&request);
    assert_eq!(view.tasks.len(), 3);
    assert!(view.tasks.iter().all(|task| matches!(task.status, TaskStatus::Landed { .. })));
    let agents: Vec<&str> = view.attempts.iter().map(|attempt| attempt.agent.as_str()).collect();
    assert_eq!(agents.len(), 3, "{agents:?}");
    let row = house.row(&request);
    assert_eq!((row.outcome, row.attempts, row.by_agent.len()), (Outcome::Live, 3, 3));
    // Each knew the whole and what the others do, and was told to leave it to them.
    let brief = house.brief(&request, 1);
    assert!(brief.starts_with("# Task\n\nWrite the menu\n"), "{brief}");
    assert!(brief.contains("A page for a bakery") && brief.contains("- part 2: Write the map\n"), "{brief}");
    assert!(!brief.contains("- part 1:"), "its own part is no other's");
}

#[test]
fn parts_that_say_different_things_in_the_same_place_are_brought_together() {
    let ours = |mine: &str| {
        let first = vec![replace("<p>menu</p>", &format!("<p>{mine}</p>"))];
        // Both sides are in the folder, with marks between them: the agent keeps both.
        let mend = vec![shell(&format!(
            "grep -q '<p>bread</p>' {INDEX} && grep -q '<p>cake</p>' {INDEX} && sed -i -e '/^<<<<<<</d' -e '/^|||||||/d' -e '/^=======/d' -e '/^>>>>>>>/d' -e '/<p>menu<.p>/d' {INDEX}"
        ))];
        script(vec![scene(mine, "", vec![first, mend])])
    };
    let house = crew::house(&[("claude-code", ours("bread")), ("codex", ours("cake"))], AT_ONCE);
    house.commit(INDEX, PAGE);
    let parts: [(&[&str], &str); 2] = [(&["claude-code"], "Sell bread"), (&["codex"], "Sell cake")];
    let (request, _) = house.accepted(&in_parts("A page for a bakery", &parts));
    house.ends_live(&request);
    let page = house.page(&request);
    assert!(page.contains("<p>bread</p>") && page.contains("<p>cake</p>"), "{page}");
    assert!(!page.contains("<<<") && !page.contains(">>>"), "{page}");
    assert_eq!(house.show(&request).attempts.len(), 3, "only the second one to land had to look again");
    house.is_sound();
}

#[test]
fn a_part_that_cannot_be_made_does_not_take_the_others_down() {
    let none = || scene("none", "", vec![vec![Act::Print { text: "I would rather not.".into() }]]);
    let menu = vec![vec![replace("<p>menu</p>", "<p>our menu</p>")]];
    let good = script(vec![scene("menu", "# task\n\nwrite the menu", menu), none()]);
    let bad = script(vec![none()]);
    let house = crew::house(&[("claude-code", good), ("codex", bad.clone()), ("practice", bad)], AT_ONCE);
    house.commit(INDEX, PAGE);
    let parts: [(&[&str], &str); 2] = [(&["claude-code"], "Write the menu"), (&["codex"], "Write the map")];
    let (request, _) = house.accepted(&in_parts("A page for a bakery", &parts));
    let closed = house.closed(&request);
    assert_eq!(closed.outcome, Outcome::Partly, "{}\n{}", closed.why, house.story());
    assert!(house.page(&request).contains("<p>our menu</p>"));
    let row = house.row(&request);
    assert_eq!(row.outcome, Outcome::Partly);
    let view = house.show(&request);
    assert!(matches!(view.tasks[1].status, TaskStatus::GivenUp { .. }), "{:?}", view.tasks[1]);
    house.is_sound();
}

/// It writes the whole page each time, so that its own parts are always at odds.
#[test]
fn the_practice_agent_brings_its_own_parts_together() {
    let house = House::open(&format!("{}{AT_ONCE}", harness::QUICK));
    let parts: [(&[&str], &str); 3] = [
        (&[], "Add opening hours from 9 to 13"),
        (&[], "Add an order form with name and email"),
        (&[], "Add a list of breads: rye, spelt and wheat"),
    ];
    let (request, _) = house.accepted(&in_parts("A page for a bakery called Sauerteig", &parts));
    house.ends_live(&request);
    let page = house.page(&request).to_lowercase();
    for words in ["9", "<form", "spelt"] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    assert!(!page.contains("&lt;&lt;&lt;") && !page.contains("<<<<<<<"), "{page}");
    house.is_sound();
}

/// Each waits for the other: one after the other they would never end.
#[test]
fn two_requests_may_be_worked_on_at_the_same_time() {
    let workspace = Workspace::new().unwrap();
    let signs = workspace.open_folder("signs", 0o777).unwrap();
    let sign = |name: &str| signs.join(name).display().to_string();
    let one = |own: &str, other: &str| {
        let file = write(&format!("app/public/{own}.html"), "<!doctype html>\n<title>x</title>\n");
        let acts = vec![shell(&format!("touch {}", sign(own))), Act::Await { path: sign(other) }, file];
        script(vec![scene(own, "", vec![acts])])
    };
    let crew = [("claude-code", one("menu", "map")), ("codex", one("map", "menu"))];
    let house = crew::house_in(workspace, &crew, "[limits]\nrequests_at_once = 2\nagents_at_once = 2\n");
    let asked = ["claude-code", "codex"].map(|agent| house.accepted(&crew::of("A page", agent)).0);
    asked.iter().for_each(|request| house.ends_live(request));
    assert!(house.file("app/public/menu.html").is_some() && house.file("app/public/map.html").is_some());
    let steps: Vec<_> = house.rows().iter().filter_map(|row| row.step).collect();
    assert_eq!(steps.len(), 2);
    assert_ne!(steps[0], steps[1]);
    house.is_sound();
}

#[test]
fn the_daemon_may_die_while_three_are_at_work() {
    let house = three(Workspace::new().unwrap());
    let (request, _) = house.accepted(&in_parts("A page for a bakery", &PARTS));
    let mut begun = 0;
    house.wait(|entry| {
        begun += u32::from(matches!(entry.fact, Fact::AttemptStarted(_)));
        (begun == 3).then_some(())
    });
    let house = house.killed_and_started();
    house.ends_live(&request);
    nothing_is_lost(&house, &request);
}
