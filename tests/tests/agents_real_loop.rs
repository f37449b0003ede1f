//! The whole loop with the real Claude Code and Codex: a request to `loopwrightd serve`, the real program writes the page,
//! it lands, it is live, and the deployments row has the tokens that the scripted model server billed.
//!
//! Each test runs in a namespace with nothing but loopback, with made-up keys.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod harness;
#[path = "agents_real/house.rs"]
mod house;

use house::{Real, conversation, edit, packages, write};
use testkit::alone;
use testkit::model::{Scenario, Step};

const REQUEST: &str = "A page for a bakery called Sauerteig, with opening hours from 9 to 13";
const CHANGE: &str = "Change the opening hours of the bakery: from 8 to 14";

const INDEX: &str = "app/public/index.html";
const PAGE: &str = "<!doctype html>\n<title>Sauerteig</title>\n<h1>Sauerteig</h1>\n<p>9 to 13</p>\n";

const HOME: &str = "app/app/routes/home.tsx";
const COMPONENT: &str = r#"export function meta() {
  return [{ title: "Sauerteig" }];
}

export default function Home() {
  return (
    <main className="mx-auto max-w-2xl px-6 py-24">
      <h1 className="text-4xl font-semibold">Bakery Sauerteig</h1>
      <p>Open from 9 to 13</p>
    </main>
  );
}
"#;
const HOURS: &str = "      <p>Open from 9 to 13</p>\n";
const NEW_HOURS: &str = "      <p>Open from 8 to 14</p>\n";
const BROKEN_HOURS: &str = "      <p>Open from 9 to 13</div>\n";

/// The first that matches plays, and the brief of the change tells of the first request too.
fn bakery(steps: Vec<Step>, retry: Vec<Step>, change: Vec<Step>) -> Scenario {
    let conversations =
        vec![conversation("8 to 14", change, vec![]), conversation("Sauerteig", steps, retry)];
    Scenario { conversations }
}

fn a_plain_page_is_live(agent: &str) {
    let real = Real::plain(bakery(vec![write(INDEX, PAGE)], vec![], vec![]));
    let (request, row) = real.live(agent, REQUEST);
    assert_eq!(real.house.page(&request), PAGE);
    assert_eq!(row.attempts, 1);
    real.costs_what_was_billed(&row);
}

fn what_the_gate_refused_is_mended(agent: &str) {
    let link = Step::Shell { command: "ln -s /etc/passwd app/public/passwords".into() };
    // The gate has taken the link out; what is left to do is seen by the page.
    let mended = "<p>9 to 13</p>\n<p>Without passwords</p>\n";
    let retry = vec![edit(INDEX, "<p>9 to 13</p>\n", mended)];
    let real = Real::plain(bakery(vec![write(INDEX, PAGE), link], retry, vec![]));
    let (request, row) = real.live(agent, REQUEST);
    assert_eq!(row.attempts, 2);
    assert!(real.house.page(&request).ends_with(mended));
    let found = real.diagnosis(&request);
    assert_eq!(found.what, "gate");
    assert!(found.lines.iter().any(|line| line.contains("app/public/passwords")), "{found:?}");
    // Both attempts are paid for.
    real.costs_what_was_billed(&row);
}

/// One agent makes the page, the other changes it and knows of the first.
fn a_react_page_is_built_and_changed(maker: &str, changer: &str) {
    let change = vec![edit(HOME, HOURS, NEW_HOURS)];
    let real = Real::react(bakery(vec![write(HOME, COMPONENT)], vec![], change));
    let house = &real.house;
    let (first, made) = real.live(maker, REQUEST);
    let page = house.page(&first);
    assert!(page.contains("Bakery Sauerteig") && page.contains("Open from 9 to 13"), "{page}");
    assert_eq!(house.file(HOME).unwrap(), COMPONENT);
    assert_eq!(made.attempts, 1);
    real.costs_what_was_billed(&made);

    let step = |note: &protocol::view::NoteRow| {
        note.note_kind == protocol::fact::NoteKind::Step && note.request.as_ref() == Some(&first)
    };
    let note = house.notes().into_iter().find(step).unwrap();
    let (second, changed) = real.live(changer, CHANGE);
    let recalled = house.oriented(&second).recalled;
    assert!(recalled.iter().any(|hit| hit.note == note.note), "{recalled:?}");
    let brief = house.brief(&second, 1);
    let memory = brief.split_once("# Recalled memory").unwrap().1;
    assert!(memory.contains(note.text.trim()) && memory.contains("Sauerteig"), "{brief}");
    let told = real.model.log().into_iter().filter_map(|entry| entry.call);
    let mut told = told.filter(|call| call.conversation == "8 to 14" && !call.tools.is_empty());
    assert_eq!(
        told.next().unwrap().prompt.trim(),
        brief.trim(),
        "the brief that is kept is what the model got"
    );

    assert_eq!(changed.url, made.url, "the site keeps its address");
    let page = house.page(&second);
    assert!(page.contains("Open from 8 to 14") && !page.contains("9 to 13"), "{page}");
    assert!(page.contains("Bakery Sauerteig"), "{page}");
    assert_eq!((changed.attempts, changed.step), (1, Some(2)));
    real.costs_what_was_billed(&changed);
    house.is_sound();
}

fn a_react_build_that_fails_is_mended(agent: &str) {
    let broken = COMPONENT.replace(HOURS, BROKEN_HOURS);
    let real = Real::react(bakery(vec![write(HOME, &broken)], vec![edit(HOME, BROKEN_HOURS, HOURS)], vec![]));
    let (request, row) = real.live(agent, REQUEST);
    assert_eq!(row.attempts, 2);
    let page = real.house.page(&request);
    assert!(page.contains("Open from 9 to 13"), "{page}");
    let found = real.diagnosis(&request);
    assert_eq!(found.what, "build");
    assert!(found.lines.iter().any(|line| line.contains("app/routes/home.tsx")), "{found:?}");
    real.costs_what_was_billed(&row);
    real.house.is_sound();
}

#[test]
fn claude_code_makes_a_live_page() {
    alone("claude_code_makes_a_live_page", || a_plain_page_is_live("claude-code"));
}

#[test]
fn codex_makes_a_live_page() {
    alone("codex_makes_a_live_page", || a_plain_page_is_live("codex"));
}

#[test]
fn claude_code_mends_what_the_gate_refused() {
    alone("claude_code_mends_what_the_gate_refused", || what_the_gate_refused_is_mended("claude-code"));
}

#[test]
fn codex_mends_what_the_gate_refused() {
    alone("codex_mends_what_the_gate_refused", || what_the_gate_refused_is_mended("codex"));
}

#[test]
fn claude_code_makes_a_react_page_and_codex_changes_it() {
    packages();
    alone("claude_code_makes_a_react_page_and_codex_changes_it", || {
        a_react_page_is_built_and_changed("claude-code", "codex");
    });
}

#[test]
fn codex_makes_a_react_page_and_claude_code_changes_it() {
    packages();
    alone("codex_makes_a_react_page_and_claude_code_changes_it", || {
        a_react_page_is_built_and_changed("codex", "claude-code");
    });
}

#[test]
fn claude_code_mends_a_react_build() {
    packages();
    alone("claude_code_mends_a_react_build", || a_react_build_that_fails_is_mended("claude-code"));
}

#[test]
fn codex_mends_a_react_build() {
    packages();
    alone("codex_mends_a_react_build", || a_react_build_that_fails_is_mended("codex"));
}
