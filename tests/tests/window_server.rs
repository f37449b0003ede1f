//! The wizard in the real desktop window, against real servers that are thrown away: from address and password to a first
//! request that is live at the server's port 80. With the practice agent, and with a real agent's program whose vendor is
//! the scripted model server.
//!
//! It needs a display; `./dev test window` gives one.

#![expect(clippy::unwrap_used, reason = "test code")]

mod browser;
mod harness;
mod setup;
mod window;

use browser::Browser;
use harness::BAKERY;
use serde_json::json;
use setup::answer;
use testkit::model::{Conversation, Scenario, Step};
use testkit::server::{Fault, Net, Server, Spec, Suite};
use testkit::workspace::built;
use window::wizard::{
    FINGERPRINT, FOUND, PLAN, SERVER, SET_UP, choose_passphrase, is_ready, planned, sign_in, unlock,
};
use window::{BOX, Desktop, OFFLINE, picture};

/// Where the program lies that makes the plan.
const UPLOAD: &str = "/.loopwright-upload";

/// Somebody's answer from the site, as it comes from the server's port 80.
fn visit(server: &Server) -> String {
    answer(server.forward(80).unwrap()).unwrap()
}

/// The key is the server's own, by what its console prints.
fn trust(window: &Browser, server: &Server) {
    window.see(FINGERPRINT);
    let command = window.text("[data-testid=command]");
    let console = server.exec(&command).unwrap().ok().unwrap();
    let shown = window.text("[data-testid=sha256]");
    assert!(console.contains(&shown), "{shown}: {console}");
    window.type_into("[data-testid=pasted]", &console);
    window.says(FINGERPRINT, "They are the same.");
    picture("server-2-fingerprint");
    window.click("[data-testid=trust]");
}

fn set(window: &Browser, css: &str, text: &str) {
    let script = "const e = document.querySelector(arguments[0]); e.value = arguments[1]; \
                  e.dispatchEvent(new Event('input', { bubbles: true })); e.dispatchEvent(new Event('change', { bubbles: true }))";
    window.js(script, vec![json!(css), json!(text)]);
}

fn ask(desktop: &Desktop, agent: &str) {
    let window = desktop.window();
    window.see(BOX);
    window.type_into(BOX, BAKERY);
    window.choose("[data-testid=ask-agent]", agent);
    window.click("[data-testid=ask-send]");
    window.until_within(
        SET_UP,
        "the site's address",
        "return document.querySelector('[data-testid=site-link]')",
        vec![],
    );
}

#[test]
fn a_bare_debian_12_is_set_up_serves_and_is_shown_when_it_is_off() {
    let net = Net::up().unwrap();
    let server = net.start(Spec { cpus: 2, ..Spec::default() }).unwrap();
    let bare = server.manifest().unwrap();
    let mut desktop = Desktop::in_net(&net);
    let window = desktop.window();
    choose_passphrase(&desktop);
    sign_in(window, &server, "root", "rootpw");
    trust(window, &server);
    window.says(FOUND, "Debian GNU/Linux 12 (bookworm)");
    picture("server-3-found");
    window.click("[data-testid=show-plan]");
    window.see(PLAN);
    for what in ["loopwright-edge.socket", "/etc/sudoers.d/loopwright", "/.ssh/authorized_keys", "git"] {
        window.says(PLAN, what);
    }
    picture("server-4-plan");
    // The whole plan is shown, and all that is there is the program that made it.
    let there = bare.changes(&server.manifest().unwrap());
    assert!(there.iter().all(|line| line.starts_with(&format!("+ /root{UPLOAD}"))), "{there:#?}");
    assert_eq!(there.len(), 2, "{there:#?}");
    window.click("[data-testid=leave]");
    window.see("[data-testid=sign-in-form]");
    assert_eq!(bare.changes(&server.manifest().unwrap()), [""; 0], "what is left is as it was found");

    // Known by its key now.
    sign_in(window, &server, "root", "rootpw");
    window.click("[data-testid=show-plan]");
    window.click("[data-testid=starter-static]");
    planned(window);
    window.click("[data-testid=begin]");
    window.until_within(
        SET_UP,
        "a step at work",
        "return document.querySelector('[data-step=packages][data-state=running], [data-step=packages][data-state=done]')",
        vec![],
    );
    picture("server-5-progress");

    // The window is closed in the middle, and opened again on the same.
    desktop.close();
    desktop.open_again();
    unlock(&desktop);
    let window = desktop.window();
    desktop.go("#/servers");
    window.see(SERVER);
    picture("server-5-back");
    let place = window.attribute(SERVER, "data-place").unwrap();
    desktop.go(&format!("#/servers/setup/{place}"));
    is_ready(window);
    let all_done = "const states = [...document.querySelectorAll('[data-testid=run-step]')].map(e => e.dataset.state); \
                    return states.length >= 14 && states.every(state => state === 'done')";
    window.until("every step is done", all_done, vec![]);
    picture("server-6-ready");

    window.click("[data-testid=to-home]");
    ask(&desktop, "practice");
    window.see(".rate-line");
    picture("server-7-live");
    let page = visit(&server);
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("Sauerteig"), "{page}");
    is_how_it_does(&desktop, &server);
    is_there_without_its_server(&desktop, &server);
}

/// Health, and from outside nothing but what is meant to answer.
fn is_how_it_does(desktop: &Desktop, server: &Server) {
    let window = desktop.window();
    desktop.go("#/servers");
    window.click(&format!("{SERVER} [data-testid=place-details]"));
    window.says("[data-testid=health]", "loopwright-edge.socket");
    window.click("[data-testid=expose]");
    window.see("[data-testid=exposure-result][data-light~=green]");
    let open = "return [...document.querySelectorAll('[data-testid=exposure] tbody tr')].filter(r => r.textContent.includes('answers')).map(r => Number(r.cells[0].textContent))";
    assert_eq!(window.js(open, vec![]), json!([22, 80, 443]));
    assert_eq!(server.open_ports().unwrap(), [22, 80, 443]);
    window.js("document.querySelector('[data-testid=exposure]').scrollIntoView()", vec![]);
    picture("server-8-health");
    window.type_into("[data-testid=domain-name]", "app.bakery.test");
    window.click("[data-testid=domain-set]");
    window.says("[data-testid=certificates]", "none is asked for");
    let named = server.exec("loopwrightd domain --json").unwrap().ok().unwrap();
    assert!(named.contains("app.bakery.test"), "{named}");
}

/// The journal and the memory are read from the copy here, which says as of when it is.
fn is_there_without_its_server(desktop: &Desktop, server: &Server) {
    let window = desktop.window();
    desktop.go("#/memory");
    window.says("[data-testid=notes]", "Sauerteig");
    server.fault(Fault::PowerOff).unwrap();
    window.see(OFFLINE);
    window.says(OFFLINE, "as of");
    window.reload();
    window.says("[data-testid=notes]", "Sauerteig");
    window.says(OFFLINE, "as of");
    picture("server-9-off-memory");
    desktop.go("#/deployments");
    window.says("[data-testid=deployments-row]", "bakery");
    picture("server-9-off-deployments");
    server.fault(Fault::PowerOn).unwrap();
    window.gone(OFFLINE);
    window.says(".heard", "Live");
    // The site in a window of its own, through the connection; it lies over this one.
    desktop.go("#/home");
    window.click("[data-testid=preview-open]");
}

const MADE: &str = "<!doctype html>\n<title>Sauerteig</title>\n<h1>Made by a real program</h1>\n";
const MODEL_PORT: u16 = 4141;
const KEY: &str = "sk-made-up-7f3a9c51d2e8";

/// The vendor: on the server's own loopback, where nobody else reaches it.
fn model_on(server: &Server, desktop: &Desktop) {
    let write = Step::Write { path: "app/public/index.html".into(), content: MADE.into() };
    let steps = vec![write, Step::Delay { ms: 300 }, Step::Text { text: "The page is there.".into() }];
    let bakery = Conversation { name: "bakery".into(), when: vec!["Sauerteig".into()], steps, retry: vec![] };
    let scenario = desktop.workspace.path().join("scenario.json");
    let text = serde_json::to_vec(&Scenario { conversations: vec![bakery] }).unwrap();
    std::fs::write(&scenario, text).unwrap();
    server.put(&scenario, "/root/scenario.json", 0o644).unwrap();
    server.put(&built("scripted-model").unwrap(), "/root/scripted-model", 0o755).unwrap();
    let run = format!(
        "systemd-run --quiet --unit=vendor /root/scripted-model --port {MODEL_PORT} --scenario /root/scenario.json"
    );
    server.exec(&run).unwrap().ok().unwrap();
}

#[test]
fn a_bare_debian_13_is_set_up_with_a_real_agent_which_makes_a_live_page() {
    let net = Net::up().unwrap();
    let spec = Spec { suite: Suite::Trixie, cpus: 2, ..Spec::default() };
    let server = net.start(spec).unwrap();
    let desktop = Desktop::in_net(&net);
    let window = desktop.window();
    choose_passphrase(&desktop);
    // A user whom sudo asks for the password.
    sign_in(window, &server, "admin", "adminpw");
    trust(window, &server);
    window.says(FOUND, "Debian GNU/Linux 13 (trixie)");
    window.click("[data-testid=show-plan]");
    window.click("[data-testid=wish-agent][data-agent=claude-code]");
    set(window, "[data-testid=wish-project]", "Bakery");
    window.click("[data-testid=starter-static]");
    planned(window);
    window.says("[data-step=agents]", "claude-code");
    window.click("[data-testid=begin]");
    is_ready(window);

    model_on(&server, &desktop);
    window.click("[data-testid=to-agents]");
    let card = "[data-testid=agent][data-agent=claude-code]";
    window.click(&format!("{card} [data-testid=sign-in]"));
    window.click("[data-testid=way][data-way=endpoint]");
    window.type_into("[data-testid=key-url]", &format!("http://127.0.0.1:{MODEL_PORT}"));
    window.type_into("[data-testid=key-key]", KEY);
    window.click("[data-testid=key-save]");
    window.see("[data-testid=sign-in-readiness][data-readiness=signed_in]");
    picture("server-agent-signed-in");
    window.click("[data-testid=sign-in-close]");
    desktop.go("#/home");
    ask(&desktop, "claude-code");
    let page = visit(&server);
    assert!(page.starts_with("HTTP/1.1 200") && page.ends_with(MADE), "{page}");
}
