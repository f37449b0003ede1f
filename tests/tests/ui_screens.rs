//! Takes the pictures in `docs/screens`: every view, light and dark, of a workspace where real requests were run. Not a
//! test of its own: `LOOPWRIGHT_SCREENS=1 cargo test --package system-tests --test ui_screens -- --ignored` takes them anew.
//! Those of agents, questions and races are taken by `ui_agents` and `ui_side` on their way, with the same variable set.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod browser;
mod harness;

use browser::Browser;
use harness::{BAKERY, House};
use protocol::Request;
use serde_json::json;
use testkit::Workspace;
use testkit::acp::{Act, Script};

const HOURS: &str = "Change the opening hours to Monday to Saturday 7:00–18:00";
const BREADS: &str = "Add a list of three breads of the bakery, with their prices";
const INDEX: &str = "app/public/index.html";
const LIST: &str =
    "<ul><li>Rye sourdough, 4.80 €</li><li>Spelt loaf, 5.20 €</li><li>Butter plait, 3.90 €</li></ul>";
/// A test of the site as its owner might write one.
const TEST: &str = "\n[test]\nrun = [[\"sh\", \"check.sh\"]]\n";
const CHECK: &str = "count() { grep -o \"$1\" public/index.html | wc -l; }\n\
     [ \"$(count '<ul')\" = \"$(count '</ul>')\" ] || { echo 'error: public/index.html: a list is not closed' >&2; exit 1; }\n";

#[test]
#[ignore = "writes into docs/screens"]
fn every_view_light_and_dark() {
    let house = House::start(workspace("2500", ""));
    let browser = Browser::signed_in(&house);
    browser.picture("home-empty");
    ask(&browser, BAKERY);
    in_frame(&browser, "opening hours");
    browser.see("[data-testid=filmstrip-item] img");
    browser.picture("home-running");
    is_live(&browser);
    house.live(HOURS);

    // The third one breaks a test first and mends it then: an agent that does so when it is told to.
    drop(browser);
    let house = house_that_stumbles(house);
    let browser = Browser::signed_in(&house);
    ask(&browser, BREADS);
    browser.says("[data-testid=turn]", BREADS);
    is_live(&browser);
    in_frame(&browser, "Rye sourdough");
    browser.see("[data-testid=filmstrip-item] img");
    browser.picture("home-live");
    browser.click("[data-testid=filmstrip-item]");
    browser.picture("home-checkpoint");

    rate(&house);
    house.push("Colours", "The shop's colours are flour white and rye brown; headings are never red.");
    plan(
        &house,
        "Show where the shop is",
        "A map or a drawing of the way from the station, and the address.",
    );
    plan(&house, "Pictures of the bread", "Two or three pictures, small enough for a telephone.");
    browser.keys("\u{e00c}");
    view(&browser, "deployments", "[data-testid=deployments-row]");
    browser.picture("deployments");
    browser.click("[data-testid=deployments-row] .cell-text");
    browser.see("[data-testid=deployment-detail] [data-testid=brief]");
    browser.picture("deployment");
    browser.keys("\u{e00c}");
    view(&browser, "steps", "[data-testid=completed-step]");
    browser.picture("steps");
    view(&browser, "memory", "[data-testid=note]");
    browser.type_into("[data-testid=memory-search]", "opening hours");
    browser.see("[data-testid=note-why]");
    browser.click("[data-testid=note]");
    browser.picture("memory");
    view(&browser, "agents", "[data-testid=agent]");
    browser.picture("agents");
    view(&browser, "instructions", "[data-testid=instruction-text]");
    browser.picture("instructions");
    view(&browser, "doctor", "[data-testid=doctor-row]");
    browser.picture("doctor");
    view(&browser, "home", "[data-testid=ask-box]");
    browser.click("[data-testid=project-menu]");
    browser.picture("projects");
    browser.click(".menu-veil");
    browser.js("document.activeElement.blur()", vec![]);
    browser.keys("?");
    browser.see("[role=dialog]");
    browser.picture("keys");
    browser.js("localStorage.clear()", vec![]);
    browser.reload();
    browser.see("[data-testid=signed-out]");
    browser.picture("signed-out");
}

fn workspace(pause: &str, more: &str) -> Workspace {
    let workspace = Workspace::new().unwrap();
    settings(&workspace, pause, more);
    workspace
}

fn settings(workspace: &Workspace, pause: &str, more: &str) {
    workspace.settings(&format!("{more}[agents.practice.env]\nPRACTICE_PAUSE_MS = \"{pause}\"\n")).unwrap();
}

fn house_that_stumbles(house: House) -> House {
    let script = Script::always(vec![
        vec![
            Act::Print { text: "I add the list of breads above the order form.".into() },
            Act::Replace {
                path: INDEX.into(),
                old: "<form".into(),
                new: format!("{}<form", LIST.replace("</ul>", "")),
            },
        ],
        vec![
            Act::Print { text: "The list was not closed; I close it.".into() },
            Act::Replace {
                path: INDEX.into(), old: "3.90 €</li>".into(), new: "3.90 €</li></ul>".into()
            },
            Act::Sleep { ms: 2500 },
        ],
    ]);
    let argv = house.workspace.scripted_agent(&script, false).unwrap();
    settings(&house.workspace, "700", &format!("[practice]\nargv = {argv:?}\n"));
    let manifest = house.file("app.toml").unwrap();
    house.commit("app/check.sh", CHECK);
    house.commit("app.toml", &format!("{manifest}{TEST}"));
    house.restart()
}

fn rate(house: &House) {
    for (row, rating) in house.rows().into_iter().skip(1).zip([5, 4]) {
        house.call(&Request::Rate { deployment: row.deployment, rating });
    }
}

fn plan(house: &House, title: &str, text: &str) {
    house.call(&Request::PlanStep { project: None, title: title.into(), text: text.into() });
}

fn ask(browser: &Browser, text: &str) {
    browser.type_into("[data-testid=ask-box]", text);
    browser.click("[data-testid=ask-send]");
}

fn is_live(browser: &Browser) {
    browser.see("[data-testid=request-status][data-status=live]");
}

fn view(browser: &Browser, view: &str, full: &str) {
    browser.click(&format!("[data-testid=nav-{view}]"));
    browser.see(full);
}

fn in_frame(browser: &Browser, text: &str) {
    let look = "return document.body.innerText.toLowerCase().includes(args[0].toLowerCase())";
    browser.in_frame("iframe[data-testid=preview-frame]", |frame| frame.until(text, look, vec![json!(text)]));
}
