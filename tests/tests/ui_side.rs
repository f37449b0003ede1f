//! In a real browser: what agents ask is answered, a list is split in parts, agents race, and work is handed over.

mod browser;
mod harness;

use browser::Browser;
use harness::House;
use harness::crew::{self, scene, script, shell, write};
use protocol::fact::{Fact, Judge};
use protocol::{AttemptId, RequestId};
use testkit::Workspace;
use testkit::acp::{Act, Script};

const BOX: &str = "[data-testid=ask-box]";
const SEND: &str = "[data-testid=ask-send]";
const LIVE: &str = "[data-testid=request-status][data-status=live]";
const WAITING: &str = "[data-testid=request-status][data-status=waiting]";
const INDEX: &str = "app/public/index.html";
const NEWLINE: &str = "\u{e008}\u{e007}\u{e008}";
const ASKS: &str = "[agents.claude-code]\npermissions = \"ask\"\n";

fn page(text: &str) -> Act {
    write(INDEX, &format!("<!doctype html>\n<title>Sauerteig</title>\n{text}\n"))
}

fn asked(house: &House) -> RequestId {
    house.wait(|entry| match &entry.fact {
        Fact::RequestReceived(received) => Some(received.request.clone()),
        _ => None,
    })
}

fn ask_one(browser: &Browser, agent: &str, text: &str) {
    browser.choose("[data-testid=ask-agent]", agent);
    browser.type_into(BOX, text);
    browser.click(SEND);
}

#[test]
fn a_permission_is_given_with_one_click() {
    let acts = vec![Act::Ask { title: "Delete the old menu".into() }, page("<p>done</p>")];
    let house = crew::house(&[("claude-code", script(vec![scene("asks", "", vec![acts])]))], ASKS);
    let browser = Browser::signed_in(&house);
    ask_one(&browser, "claude-code", "A page for a bakery");
    browser.says("[data-testid=asked][data-kind=permission]", "Delete the old menu");
    browser.see(WAITING);
    assert_eq!(browser.count("[data-testid=ask-option]"), 2);
    assert_eq!(browser.count("[data-testid=answer-box]"), 0, "there is nothing to be said in words");
    browser.picture("home-permission");
    browser.click("[data-testid=ask-option]");
    browser.see(LIVE);
    browser.gone("[data-testid=asked]");
    let request = asked(&house);
    assert!(house.page(&request).contains("<p>done</p>"));
    browser.is_quiet();
}

#[test]
fn a_question_is_answered_in_words() {
    let question = vec![Act::Print { text: "Which colour shall the headings have?".into() }];
    let answered = vec![page("<h1 style=\"color: brown\">Sauerteig</h1>")];
    let asking =
        script(vec![scene("answered", "Rye brown", vec![answered]), scene("asks", "", vec![question])]);
    let house = crew::house(&[("claude-code", asking)], ASKS);
    let browser = Browser::signed_in(&house);
    ask_one(&browser, "claude-code", "A page for a bakery");
    browser.says("[data-testid=asked][data-kind=question]", "Which colour shall the headings have?");
    browser.see(WAITING);
    browser.type_into("[data-testid=answer-box]", "Rye brown, please");
    browser.picture("home-question");
    browser.click("[data-testid=answer-send]");
    browser.see(LIVE);
    assert!(house.page(&asked(&house)).contains("color: brown"));
    browser.is_quiet();
}

/// Writes a file of its own once the two others are at work too.
fn part(signs: &std::path::Path, own: &str) -> Script {
    let sign = |name: &str| signs.join(name).display().to_string();
    let mut acts = vec![shell(&format!("touch {}", sign(own)))];
    acts.extend(["menu", "map", "form"].map(|name| Act::Await { path: sign(name) }));
    acts.push(Act::Await { path: sign("go") });
    acts.push(write(&format!("app/public/{own}.html"), &format!("<!doctype html>\n<title>{own}</title>\n")));
    script(vec![scene(own, "", vec![acts])])
}

#[test]
fn a_list_is_split_into_three_parts_that_run_at_once() {
    let workspace = Workspace::new().unwrap();
    let signs = workspace.open_folder("signs", 0o777).unwrap();
    let crew = [
        ("claude-code", part(&signs, "menu")),
        ("codex", part(&signs, "map")),
        ("practice", part(&signs, "form")),
    ];
    let house = crew::house_in(workspace, &crew, "[limits]\nagents_at_once = 3\n");
    let browser = Browser::signed_in(&house);
    let lines = ["For the bakery Sauerteig:", "- write the menu", "- write the map", "- write the form"];
    browser.type_into(BOX, &lines.join(NEWLINE));
    browser.click("[data-testid=split]");
    for (n, agent) in ["claude-code", "codex", "practice"].iter().enumerate() {
        browser.choose(&format!("[data-testid=part-agent-{}]", n + 1), agent);
    }
    browser.picture("home-split");
    browser.click(SEND);
    browser.until(
        "three lanes at work",
        "return document.querySelectorAll('[data-testid=lane][data-status=running]').length === 3",
        vec![],
    );
    for (agent, words) in [("Claude Code", "write the menu"), ("Codex", "write the map")] {
        browser.says("[data-testid=lane]", agent);
        browser.says("[data-testid=lane]", words);
    }
    browser.picture("home-parts");
    std::fs::write(signs.join("go"), "").unwrap();
    browser.see(LIVE);
    assert_eq!(browser.count("[data-testid=lane][data-status=live]"), 3);
    for name in ["menu", "map", "form"] {
        assert!(house.file(&format!("app/public/{name}.html")).is_some(), "{name}");
    }
    browser.click("[data-testid=nav-deployments]");
    browser.click("[data-testid=deployments-row] .cell-text");
    browser.until(
        "a line for each agent",
        "return document.querySelectorAll('[data-testid=share]').length === 3",
        vec![],
    );
    browser.is_quiet();
}

#[test]
fn the_second_of_a_race_is_picked() {
    let long = |n: usize| script(vec![scene("page", "", vec![vec![page(&"<p>x</p>\n".repeat(n))]])]);
    let settings = "[limits]\nagents_at_once = 2\npick = \"you\"\n";
    let house = crew::house(&[("claude-code", long(40)), ("codex", long(1))], settings);
    let browser = Browser::signed_in(&house);
    browser.type_into(BOX, "A page for a bakery");
    browser.click("[data-testid=race] summary");
    browser.until(
        "both agents to choose from",
        "return document.querySelectorAll('[data-testid=race-agent]').length >= 2",
        vec![],
    );
    for agent in ["Claude Code", "Codex"] {
        let tick = "for (const l of document.querySelectorAll('label.tick')) \
                    if (l.textContent.trim() === arguments[0]) l.querySelector('input').click()";
        browser.js(tick, vec![serde_json::json!(agent)]);
    }
    browser.click(SEND);
    let other = "[data-testid=racer][data-agent=claude-code]";
    browser.see(WAITING);
    browser.see(&format!("{other} [data-testid=pick]"));
    browser.picture("home-race");
    browser.click(&format!("{other} [data-testid=pick]"));
    browser.see(LIVE);
    browser.see(&format!("{other}.winner"));
    let judged = house.wait(|entry| match &entry.fact {
        Fact::RaceJudged(judged) if judged.judge == Judge::You => Some(judged.winner.clone()),
        _ => None,
    });
    let request = asked(&house);
    let attempt = house.show(&request).attempts.into_iter().find(|a| a.attempt == judged).unwrap();
    assert_eq!(attempt.agent.as_str(), "claude-code");
    assert_eq!(house.page(&request).matches("<p>x</p>").count(), 40);
    browser.is_quiet();
}

#[test]
fn work_is_handed_over_in_the_middle_of_it() {
    const MENU: &str = "app/public/menu.html";
    const MAP: &str = "app/public/map.html";
    let half = vec![
        write(MENU, "<!doctype html>\n<title>Menu</title>\n"),
        Act::Print { text: "The menu is done; the map is next.".into() },
        Act::Hang,
    ];
    let rest = vec![shell(&format!("test -f {MENU}")), write(MAP, "<!doctype html>\n<title>Map</title>\n")];
    let crew = [
        ("claude-code", script(vec![scene("half", "", vec![half])])),
        ("codex", script(vec![scene("rest", "what was done so far", vec![rest])])),
    ];
    let house = crew::house(&crew, "");
    let browser = Browser::signed_in(&house);
    ask_one(&browser, "claude-code", "A menu and a map");
    let first: AttemptId = house.wait(|entry| match &entry.fact {
        Fact::AttemptCheckpoint(kept) => Some(kept.attempt.clone()),
        _ => None,
    });
    // While it works, its account has no place for another run.
    browser.click("[data-testid=nav-agents]");
    browser.see("[data-testid=agent][data-agent=claude-code][data-readiness=busy]");
    browser.picture("agents-busy");
    browser.click("[data-testid=nav-home]");
    browser.see(".live [data-testid=hand-over]");
    browser.click(".live [data-testid=hand-over] summary");
    browser.choose(".live [data-testid=hand-over-to]", "codex");
    browser.picture("home-hand-over");
    browser.click(".live [data-testid=hand-over-send]");
    browser.see(LIVE);
    browser.says(".attempt", "goes on with another's work");
    let view = house.show(&asked(&house));
    assert_eq!(view.attempts[1].goes_on.as_ref(), Some(&first));
    assert!(house.file(MENU).is_some() && house.file(MAP).is_some());
    browser.is_quiet();
}

/// Says so with its cause once an agent has been quiet for long, and what one can do.
#[test]
fn an_agent_that_is_quiet_is_said_to_be() {
    let quiet =
        script(vec![scene("quiet", "", vec![vec![Act::Print { text: "I think.".into() }, Act::Hang]])]);
    let house = crew::house(&[("claude-code", quiet)], "");
    let browser = Browser::signed_in(&house);
    ask_one(&browser, "claude-code", "A page for a bakery");
    browser.says("[data-testid=silent]", "Nothing was heard from it for");
    browser.see(".live [data-testid=hand-over]");
    browser.picture("home-silent");
    browser.click("[data-testid=cancel]");
    browser.click("[data-testid=cancel-yes]");
    browser.see("[data-testid=request-status][data-status=cancelled]");
}
