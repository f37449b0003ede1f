//! The dashboard in a real browser, on the real daemon: asking, watching, looking at what came of it, rating it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod browser;
mod harness;

use browser::Browser;
use harness::{BAKERY, House, QUICK, asking};
use protocol::fact::{Fact, Outcome};
use protocol::{Request, RequestId, Response};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use testkit::Workspace;
use testkit::acp::{Act, Script};

const BOX: &str = "[data-testid=ask-box]";
const SEND: &str = "[data-testid=ask-send]";
const STATUS: &str = "[data-testid=request-status]";
const FRAME: &str = "iframe[data-testid=preview-frame]";
const ROW: &str = "[data-testid=deployments-row]";

const INDEX: &str = "app/public/index.html";
const BEGUN: &str = "<!doctype html>\n<title>Sauerteig</title>\n<h1>Bakery Sauerteig</h1>\n";
const MORE: &str = "<h2>Opening hours</h2>\n<p>Monday to Friday, 7 to 18</p>\n";

/// Files that let the agent, and later the build, go on.
struct Gates(PathBuf);

impl Gates {
    fn wait(&self, gate: &str) -> Act {
        Act::Await { path: self.0.join(gate).display().to_string() }
    }

    fn open(&self, gate: &str) {
        std::fs::write(self.0.join(gate), "").unwrap();
    }
}

/// An agent that writes, waits, writes more and waits; a build that waits.
fn slow_house() -> (House, Gates) {
    let workspace = Workspace::new().unwrap();
    let gates = Gates(workspace.open_folder("gates", 0o755).unwrap());
    let acts = vec![
        Act::Print { text: "The heading first.".into() },
        Act::Write { path: INDEX.into(), content: BEGUN.into() },
        gates.wait("more"),
        Act::Append { path: INDEX.into(), content: MORE.into() },
        gates.wait("done"),
    ];
    let house = House::scripted_in(workspace, &Script::always(vec![acts]), false, "");
    let build = format!("until [ -e {} ]; do sleep 0.05; done", gates.0.join("build").display());
    let manifest = house.file("app.toml").unwrap();
    house.commit("app.toml", &format!("{manifest}\n[build]\nrun = [[\"sh\", \"-c\", {build:?}]]\n"));
    (house, gates)
}

/// The first request of this house.
fn first_asked(house: &House) -> RequestId {
    house.wait(|entry| match &entry.fact {
        Fact::RequestReceived(received) => Some(received.request.clone()),
        _ => None,
    })
}

/// Types it and sends it, as a person would.
fn ask(browser: &Browser, text: &str) {
    browser.type_into(BOX, text);
    browser.click(SEND);
}

fn is_live(browser: &Browser) {
    browser.see(&format!("{STATUS}[data-status=live]"));
}

fn go(browser: &Browser, view: &str) {
    browser.click(&format!("[data-testid=nav-{view}]"));
    browser.see(&format!("main[data-view={view}]"));
}

/// Keeps every change of a stage's state, in order.
fn watch_stages(browser: &Browser) {
    let script = "window.moves = []; const note = e => window.moves.push(e.dataset.testid.slice(6) + ' ' + e.dataset.state); \
         new MutationObserver(all => all.forEach(m => m.target.dataset.testid?.startsWith('stage-') && note(m.target))) \
         .observe(document.querySelector('.ring'), { subtree: true, attributes: true, attributeFilter: ['data-state'] });";
    browser.js(script, vec![]);
}

fn stages_seen(browser: &Browser) -> Vec<String> {
    serde_json::from_value(browser.js("return window.moves", vec![])).unwrap()
}

/// Where in the list of changes this one is.
fn place(moves: &[String], wanted: &str) -> usize {
    moves.iter().position(|step| step == wanted).unwrap_or_else(|| panic!("no {wanted:?} in {moves:?}"))
}

fn shows(browser: &Browser, text: &str) {
    let look = "return document.body.innerText.includes(args[0])";
    browser.in_frame(FRAME, |frame| frame.until(&format!("{text:?} in the frame"), look, vec![json!(text)]));
}

#[test]
fn a_request_is_typed_watched_opened_and_rated() {
    let (house, gates) = slow_house();
    let browser = Browser::signed_in(&house);
    assert!(!browser.url().contains("key="), "the key of the link is not left in the address");
    watch_stages(&browser);
    ask(&browser, BAKERY);
    browser.see("[data-testid=stage-code][data-state=active]");
    browser.see(&format!("{STATUS}[data-status=running]"));
    let request = first_asked(&house);

    // The preview grows while the agent works, and nothing is live yet.
    shows(&browser, "Bakery Sauerteig");
    browser.in_frame(FRAME, |frame| assert!(!frame.page().contains("Opening hours")));
    gates.open("more");
    shows(&browser, "Opening hours");
    assert!(!house.kinds(&request).contains(&"release.live"), "{:?}", house.kinds(&request));
    browser.see("[data-testid=filmstrip-item]");
    gates.open("done");

    browser.see("[data-testid=stage-deploy][data-state=active]");
    assert!(!house.kinds(&request).contains(&"release.live"));
    gates.open("build");
    is_live(&browser);
    let moves = stages_seen(&browser);
    let (code, deploy) = (place(&moves, "code active"), place(&moves, "deploy active"));
    assert!(code < deploy && deploy < place(&moves, "record done"), "{moves:?}");
    for stage in ["request", "wake", "choose", "brief", "code", "deploy", "record"] {
        let state = browser.attribute(&format!("[data-testid=stage-{stage}]"), "data-state");
        assert_eq!(state.as_deref(), Some("done"), "{stage}: {moves:?}");
    }

    browser.click("[data-testid=filmstrip-item]");
    browser.see("[data-testid=checkpoint-large]");
    browser.keys("\u{e00c}");
    browser.gone("[data-testid=checkpoint-large]");

    let site = house.show(&request).url.unwrap();
    browser.in_new_tab("[data-testid=site-link]", |tab| {
        let look = "return document.body.innerText.includes('Monday to Friday, 7 to 18')";
        tab.until("the live site", look, vec![]);
        assert_eq!(tab.url(), site);
    });

    // By keyboard: to the deployments, to the row, to its fourth star.
    browser.js("document.activeElement.blur()", vec![]);
    browser.keys("gd");
    browser.see(ROW);
    browser.keys("j");
    browser.keys("\u{e004}");
    browser.keys("\u{e014}\u{e014}\u{e014}\u{e007}");
    let rated = house.wait(|entry| match &entry.fact {
        Fact::DeploymentRated(rated) => Some(rated.rating),
        _ => None,
    });
    assert_eq!(rated, 4);
    browser.see(&format!("{ROW} [data-testid=rate-4][aria-checked=true]"));
    browser.reload();
    browser.see(&format!("{ROW} [data-testid=rate-4][aria-checked=true]"));
    assert_eq!(house.row(&request).rating, Some(4));
    browser.is_quiet();
}

/// The default starter: the dev server's module reloading goes through our proxy into the frame.
#[test]
fn a_react_page_changes_in_the_preview_without_a_reload() {
    const HOME: &str = "app/app/routes/home.tsx";
    let Some(node) = std::env::var_os("LOOPWRIGHT_NODE") else {
        panic!("set LOOPWRIGHT_NODE to the folder of a node program, 22.22 or newer (./dev test does)")
    };
    let workspace = Workspace::new().unwrap();
    let gates = Gates(workspace.open_folder("gates", 0o755).unwrap());
    let replace = |old: &str, new: &str| Act::Replace { path: HOME.into(), old: old.into(), new: new.into() };
    let acts = vec![
        replace("Nothing is built yet</h1>", "Bakery Sauerteig</h1>"),
        gates.wait("more"),
        replace("Bakery Sauerteig</h1>", "Bakery Sauerteig, open daily</h1>"),
        gates.wait("done"),
    ];
    let argv = workspace.scripted_agent(&Script::always(vec![acts]), false).unwrap();
    workspace.settings(&format!("[practice]\nargv = {argv:?}\n")).unwrap();
    let args = ["--port", "0", "--starter", "react", "--node", node.to_str().unwrap()];
    let house = House::start_with(workspace, &args);
    let browser = Browser::signed_in(&house);
    ask(&browser, BAKERY);
    shows(&browser, "Bakery Sauerteig");
    browser.in_frame(FRAME, |frame| {
        frame.js("window.kept = true", vec![]);
        gates.open("more");
        frame.until("the change", "return document.body.innerText.includes('open daily')", vec![]);
        assert_eq!(
            frame.js("return window.kept ?? false", vec![]),
            json!(true),
            "exchanged, not loaded again"
        );
    });
    let request = first_asked(&house);
    assert!(!house.kinds(&request).contains(&"release.live"));
    gates.open("done");
    is_live(&browser);
    // Checkpoints have pictures here: a Chromium is installed.
    browser.see("[data-testid=filmstrip-item] img");
    shows(&browser, "open daily");
    assert!(house.page(&request).contains("open daily"));
    browser.is_quiet();
}

#[test]
fn the_second_request_shows_what_was_recalled() {
    let house = House::practice();
    let first = house.live(BAKERY);
    let note = house.notes().into_iter().find(|note| note.request.as_ref() == Some(&first)).unwrap();
    let browser = Browser::signed_in(&house);
    ask(&browser, "Change the opening hours to Monday to Saturday 7:00–18:00");
    browser.says("[data-testid=turn]", "Monday to Saturday");
    let outcome = house.wait(|entry| match &entry.fact {
        Fact::RequestClosed(closed) if closed.request != first => Some(closed.outcome),
        _ => None,
    });
    assert_eq!(outcome, Outcome::Live);
    browser.until(
        "both turns live",
        "return document.querySelectorAll('[data-testid=site-link]').length === 2",
        vec![],
    );
    shows(&browser, "18:00");

    go(&browser, "deployments");
    browser.until("two rows", "return document.querySelectorAll(args[0]).length === 2", vec![json!(ROW)]);
    browser.type_into("[data-testid=filter]", "saturday");
    browser.until("one row", "return document.querySelectorAll(args[0]).length === 1", vec![json!(ROW)]);
    browser.click(&format!("{ROW} .cell-text"));
    browser.says("[data-testid=deployment-detail]", "Recalled notes");
    browser.click("[data-testid=brief] summary");
    browser.says("[data-testid=brief]", "# Recalled memory");
    browser.says("[data-testid=brief]", note.text.trim().lines().next().unwrap());
    browser.keys("\u{e00c}");
    browser.gone("[data-testid=deployment-detail]");

    // Memory finds it, and forgets it when told so.
    go(&browser, "memory");
    browser.type_into("[data-testid=memory-search]", "sauerteig");
    browser.see("[data-testid=note-why]");
    browser.click("[data-testid=note]");
    browser.says("[data-testid=note-open]", "Sauerteig");
    let before = house.notes().len();
    browser.click("[data-testid=forget]");
    browser.click("[data-testid=forget-yes]");
    house.wait(|entry| matches!(entry.fact, Fact::MemoryForgotten(_)).then_some(()));
    browser.gone("[data-testid=note-open]");
    let kept = house.notes().iter().filter(|note| !note.text.is_empty()).count();
    assert_eq!(kept, before - 1);
    // One word that matches is enough, so these stand alone.
    browser.js("document.querySelector('[data-testid=memory-search]').select()", vec![]);
    browser.type_into("[data-testid=memory-search]", "zzzzqqqq");
    browser.says("[data-testid=notes]", "Nothing in memory matches");
    browser.is_quiet();
}

#[test]
fn a_planned_step_is_sent_as_it_is() {
    let house = House::practice();
    let browser = Browser::signed_in(&house);
    go(&browser, "steps");
    browser.says("main", "Nothing is planned");
    browser.click("details summary");
    browser.type_into("[data-testid=step-title]", "A bakery page");
    browser.type_into("[data-testid=step-text]", BAKERY);
    browser.click("[data-testid=step-plan]");
    browser.says("[data-testid=planned-step]", BAKERY);
    let step = house.wait(|entry| match &entry.fact {
        Fact::StepPlanned(planned) => Some(planned.step.clone()),
        _ => None,
    });
    browser.click("[data-testid=step-send]");
    browser.see("main[data-view=home]");
    is_live(&browser);
    let asked = house.wait(|entry| match &entry.fact {
        Fact::RequestReceived(received) => Some(received.step.clone()),
        _ => None,
    });
    assert_eq!(asked, Some(step));
    go(&browser, "steps");
    browser.says("[data-testid=completed-step]", "Without an error");
    browser.says("[data-testid=planned]", "Nothing is planned");
    browser.is_quiet();
}

#[test]
fn instructions_are_edited_and_never_overwritten_unseen() {
    const TEXT: &str = "[data-testid=instruction-text]";
    const SAVE: &str = "[data-testid=instruction-save]";
    let house = House::practice();
    let browser = Browser::signed_in(&house);
    go(&browser, "instructions");
    browser.until(
        "four files",
        "return document.querySelectorAll('[data-testid=instruction]').length === 4",
        vec![],
    );
    browser.type_into(TEXT, "\nSpeak plainly.\n");
    browser.click(SAVE);
    browser.says(".editor header", "as saved");
    house.wait(|entry| matches!(entry.fact, Fact::InstructionEdited(_)).then_some(()));
    let path = browser.text(".editor header b");
    assert!(house.file(&path).unwrap().contains("Speak plainly."), "{path}");
    browser.until(
        "two saves",
        "return document.querySelectorAll('[data-testid=history] button').length === 2",
        vec![],
    );

    // Somebody else saves while one types.
    browser.type_into(TEXT, "Mine.\n");
    let read = Request::ReadInstruction { project: None, path: path.clone(), at: None };
    let Response::Instruction { base, text, .. } = house.call(&read) else { panic!("not read") };
    let theirs = format!("{text}\nTheirs.\n");
    house.call(&Request::WriteInstruction { project: None, path: path.clone(), text: theirs.clone(), base });
    browser.click(SAVE);
    browser.says("[data-testid=conflict]", "Theirs.");
    assert_eq!(house.file(&path).unwrap(), theirs);
    browser.click("[data-testid=conflict] button:last-child");
    browser.click(SAVE);
    browser.says(".editor header", "as saved");
    assert!(house.file(&path).unwrap().ends_with("Mine.\n"));
    browser.click("[data-testid=history] button:last-child");
    browser.says(".editor", "As it was at");

    go(&browser, "agents");
    browser.see("[data-testid=agent][data-agent=practice] .badge.practice");
    assert_eq!(browser.count("[data-testid=agent]"), 6);
    go(&browser, "doctor");
    browser.see("[data-testid=doctor-row]");
}

#[test]
fn a_second_project_is_made_and_worked_on() {
    let house = House::practice();
    let browser = Browser::signed_in(&house);
    browser.click("[data-testid=project-menu]");
    browser.type_into("[data-testid=project-name]", "Bakery");
    browser.click("input[name=starter][value=static]");
    browser.click("[data-testid=project-create]");
    browser.says(".chat header", "Bakery");
    browser.gone(".menu-sheet");
    ask(&browser, BAKERY);
    is_live(&browser);
    shows(&browser, "Sauerteig");
    browser.click("[data-testid=project-menu]");
    browser.click("[data-testid=project-item]:not(:disabled)");
    browser.says(".chat header", "My site");
    go(&browser, "deployments");
    browser.says("main", "Nothing was deployed yet");
    browser.is_quiet();
}

#[test]
fn what_is_asked_is_text_and_nothing_else() {
    let house = House::practice();
    let browser = Browser::signed_in(&house);
    let bad = "<script>alert(1)</script><img src=x onerror=alert(2)> “Sauerteig” **bold** \u{202e}txet";
    house.ends_live(&house.accepted(&asking(bad)).0);
    is_live(&browser);
    browser.says("[data-testid=turn]", "<script>alert(1)</script><img src=x onerror=alert(2)>");
    for view in ["deployments", "steps", "memory", "home"] {
        go(&browser, view);
        browser.says("main", "<script>alert(1)</script>");
        assert_eq!(browser.dialog(), None);
        assert_eq!(browser.count("main script, main img[src=x]"), 0);
    }
    browser.is_quiet();
}

/// A daemon that can be stopped and found again at the same address, and a browser that is signed in to it.
fn signed_in_on(args: &[&str]) -> (House, Browser) {
    let workspace = Workspace::new().unwrap();
    workspace.settings(&format!("{}{QUICK}", harness::QUIET)).unwrap();
    let house = House::start_with(workspace, args);
    let browser = Browser::signed_in(&house);
    browser.says(".heard", "Live");
    (house, browser)
}

/// The daemon is started again; the same page finds it, and what was typed meanwhile goes live.
fn comes_back(workspace: Workspace, args: &[&str], browser: &Browser) {
    let house = House::start_with(workspace, args);
    browser.says(".heard", "Live");
    browser.click(SEND);
    is_live(browser);
    house.row(&first_asked(&house));
}

#[test]
fn a_daemon_that_is_away_is_said_and_found_again() {
    let port = testkit::free_port().unwrap().to_string();
    let args = ["--port", port.as_str(), "--starter", "static"];
    let (house, browser) = signed_in_on(&args);
    let House { daemon, workspace } = house;
    assert!(daemon.stop().unwrap().success());
    browser.says(".heard", "Reconnecting");
    browser.type_into(BOX, BAKERY);
    browser.click(SEND);
    browser.see("[data-testid=ask-refused]");
    assert_eq!(browser.value(BOX), BAKERY, "what was typed is kept");
    comes_back(workspace, &args, &browser);
}

/// A site of this machine may take the daemon's port while it is stopped. The page must not tell it the token.
#[test]
fn another_program_on_the_daemons_port_is_not_told_the_token() {
    let port = testkit::free_port().unwrap().to_string();
    let args = ["--port", port.as_str(), "--starter", "static"];
    let (house, browser) = signed_in_on(&args);
    let token = browser.js("return localStorage.getItem('loopwright.token')", vec![]);
    let token = token.as_str().unwrap().to_owned();
    let House { daemon, workspace } = house;
    assert!(daemon.stop().unwrap().success());
    browser.says(".heard", "Reconnecting");

    let thief = TcpListener::bind(("127.0.0.1", port.parse().unwrap())).unwrap();
    browser.type_into(BOX, BAKERY);
    browser.click(SEND);
    let heard: Vec<String> = (0..3).map(|_| impostor(&thief)).collect();
    assert!(heard.iter().any(|request| request.starts_with("GET /api/prove/")), "{heard:?}");
    for request in &heard {
        assert!(!request.contains(&token) && !request.to_lowercase().contains("authorization"), "{request}");
    }
    drop(thief);

    comes_back(workspace, &args, &browser);
}

/// Answers one request with a proof that is none, and tells what was asked.
fn impostor(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = vec![0; 8192];
    let length = stream.read(&mut request).unwrap();
    let body = "{\"proof\":\"00\"}";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    String::from_utf8_lossy(&request[..length]).into_owned()
}

#[test]
fn the_look_is_kept_and_every_view_fits_a_small_window() {
    const THEME: &str = "[data-testid=theme]";
    let house = House::practice();
    house.live(BAKERY);
    let browser = Browser::signed_in(&house);
    browser.prefers("light");
    browser.click(THEME);
    browser.click(THEME);
    browser.reload();
    browser.see("[data-theme=dark]");
    let dark = "return getComputedStyle(document.body).colorScheme === 'dark'";
    browser.until("dark against the system's wish", dark, vec![]);
    for width in [1024, 800, 360] {
        browser.resize(width, 700);
        for view in ["home", "deployments", "steps", "memory", "agents", "bridges", "instructions", "doctor"]
        {
            browser.js("location.hash = '#/' + arguments[0]", vec![json!(view)]);
            browser.see(&format!("main[data-view={view}]"));
            browser.until("loaded", "return !document.querySelector('.bone')", vec![]);
            let wider = browser.js("return document.documentElement.scrollWidth - innerWidth", vec![]);
            assert!(wider.as_i64().unwrap() <= 0, "{view} at {width}: {wider} too wide");
        }
    }
    browser.is_quiet();
}

#[test]
fn nobody_gets_in_without_a_good_link() {
    let house = House::practice();
    let link = browser::link(&house);
    let browser = Browser::open(&house.workspace);
    let (base, _) = link.split_once('#').unwrap();
    for address in [base.to_owned(), format!("{base}#key=made-up"), format!("{base}#/memory")] {
        browser.goto(&address);
        browser.reload();
        browser.says("[data-testid=signed-out]", "loopwrightd link");
        assert_eq!(browser.count(BOX), 0);
    }
    browser.js("localStorage.setItem('loopwright.token', 'made-up')", vec![]);
    browser.reload();
    browser.says("[data-testid=signed-out]", "This session has ended");
    browser.goto(&link);
    browser.see(BOX);
    // A link works once.
    browser.js("localStorage.clear()", vec![]);
    browser.goto("about:blank");
    browser.goto(&link);
    browser.says("[data-testid=signed-out]", "used already");
}
