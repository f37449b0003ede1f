//! In a real browser, with the agents' real programs: every state of readiness as the page shows it, and signing in from
//! it, by a key and by a device code. A network that holds nothing but loopback; keys and credentials are made up.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod accounts;
mod browser;
mod harness;

use accounts::{Accounts, KEY};
use browser::Browser;
use protocol::fact::{Fact, Readiness};
use protocol::{Request, Response};
use serde_json::json;
use std::net::TcpListener;
use testkit::alone;
use testkit::auth::{AuthPlan, AuthServer, CODEX_CODE};
use testkit::{Daemon, Workspace};

const DIALOG: &str = "[data-testid=sign-in-dialog]";

fn card(agent: &str, more: &str) -> String {
    format!("[data-testid=agent][data-agent={agent}]{more}")
}

fn agents_page(accounts: &Accounts) -> Browser {
    let browser = Browser::signed_in(&accounts.house);
    browser.click("[data-testid=nav-agents]");
    browser.see("[data-testid=agent]");
    browser
}

/// Waits until the page shows this state. Looks again as a person would: what changed on the disk is no fact.
fn shows(browser: &Browser, agent: &str, state: &str) {
    let wanted = card(agent, &format!("[data-readiness={state}]"));
    let look = "if (document.querySelector(args[0])) return true; \
                const b = document.querySelector('[data-testid=look-again]'); if (b && !b.disabled) b.click()";
    browser.until(&format!("{agent} as {state}"), look, vec![json!(wanted)]);
}

/// What is proven, the lowest rung first.
fn ladder(browser: &Browser, agent: &str) -> Vec<String> {
    let script = "return ['installed', 'credentials', 'accepted', 'worked'].map(r => \
                  document.querySelector(`${arguments[0]} [data-testid=rung-${r}]`).dataset.proven)";
    serde_json::from_value(browser.js(script, vec![json!(card(agent, ""))])).unwrap()
}

/// Opens the dialog by the card's own button.
fn open_dialog(browser: &Browser, agent: &str) {
    browser.click(&card(agent, " [data-testid=sign-in]"));
    browser.see(DIALOG);
}

fn type_key(browser: &Browser, accounts: &Accounts) {
    browser.click("[data-testid=way][data-way=endpoint]");
    browser.see("[data-testid=key-form]");
    let kind = browser.attribute("[data-testid=key-key]", "type");
    assert_eq!(kind.as_deref(), Some("password"), "a key is masked");
    browser.type_into("[data-testid=key-url]", &accounts.model.base_url());
    browser.type_into("[data-testid=key-key]", KEY);
    browser.click("[data-testid=key-save]");
}

#[test]
fn every_state_of_readiness_is_shown_as_it_is() {
    alone("every_state_of_readiness_is_shown_as_it_is", || {
        const AGENT: &str = "claude-code";
        let mut accounts = Accounts::open(AGENT, "");
        let browser = agents_page(&accounts);
        browser.see(&card(AGENT, "[data-readiness=missing] [data-testid=install]"));
        assert_eq!(ladder(&browser, AGENT), ["no", "no", "unknown", "unknown"]);
        browser.picture("agents-missing");

        accounts.install();
        shows(&browser, AGENT, "signed_out");
        assert_eq!(ladder(&browser, AGENT), ["yes", "no", "no", "unknown"]);
        browser.picture("agents-installed");

        accounts.leave(".claude/.credentials.json", "{\"made-up\": 1");
        shows(&browser, AGENT, "stale");
        assert_eq!(ladder(&browser, AGENT), ["yes", "yes", "no", "unknown"]);
        browser.see(&card(AGENT, " [data-testid=sign-in]"));
        browser.picture("agents-stale");
        accounts.take_away(".claude/.credentials.json");
        shows(&browser, AGENT, "signed_out");

        // By a key of one's own, typed once, from the dialog.
        open_dialog(&browser, AGENT);
        browser.picture("sign-in-ways");
        type_key(&browser, &accounts);
        browser.see("[data-testid=sign-in-readiness][data-readiness=signed_in]");
        browser.picture("sign-in-saved");
        browser.click("[data-testid=sign-in-close]");
        browser.gone(DIALOG);
        browser.see(&card(AGENT, "[data-readiness=signed_in]"));
        assert_eq!(ladder(&browser, AGENT), ["yes", "yes", "yes", "unknown"]);
        browser.says(&card(AGENT, ""), "your own endpoint");
        assert!(!browser.page().contains(KEY), "a key is never shown");
        browser.picture("agents-signed-in");

        let revoked = accounts.ask("A page that is revoked");
        accounts.ends(&revoked);
        browser.see(&card(AGENT, "[data-readiness=refused] [data-testid=sign-in]"));
        assert_eq!(ladder(&browser, AGENT), ["yes", "yes", "yes", "no"]);
        browser.picture("agents-refused");
        // The request says what it waits for, and its one action opens the dialog.
        browser.click("[data-testid=nav-home]");
        browser.click("[data-testid=wait][data-on=agent] [data-testid=wait-sign-in]");
        browser.see(DIALOG);
        accounts.cancel(&revoked);

        type_key(&browser, &accounts);
        browser.see("[data-testid=sign-in-readiness][data-readiness=signed_in]");
        browser.click("[data-testid=sign-in-close]");
        let used_up = accounts.ask("A page beyond the allowance");
        accounts.ends(&used_up);
        browser.see(&card(AGENT, "[data-readiness=quota_gone]"));
        browser.picture("agents-quota-gone");
        browser.click("[data-testid=nav-home]");
        browser.see("[data-testid=wait]");
        browser.picture("home-quota-gone");
        accounts.cancel(&used_up);

        browser.click("[data-testid=nav-agents]");
        browser.click(&card(AGENT, " [data-testid=change-account]"));
        type_key(&browser, &accounts);
        browser.see("[data-testid=sign-in-readiness][data-readiness=signed_in]");
        browser.click("[data-testid=sign-in-close]");
        accounts.works();
        browser.see(&card(AGENT, "[data-readiness=worked]"));
        assert_eq!(ladder(&browser, AGENT), ["yes", "yes", "yes", "yes"]);
        browser.picture("agents-worked");

        browser.click(&card(AGENT, " [data-testid=sign-out]"));
        browser.click(&card(AGENT, " [data-testid=sign-out-yes]"));
        browser.see(&card(AGENT, "[data-readiness=signed_out]"));
        accounts.is_secret(KEY);
        browser.is_quiet();
    });
}

fn codex(server: &AuthServer) -> Accounts {
    let accounts = Accounts::with_programs("codex", "");
    accounts.wrap("codex", "login --device-auth", &format!("--experimental_issuer {}", server.url()));
    accounts
}

#[test]
fn a_device_code_is_shown_refused_cancelled_and_taken() {
    alone("a_device_code_is_shown_refused_cancelled_and_taken", || {
        const CODE: &str = "[data-testid=device-code]";
        const DEVICE: &str = "[data-testid=way][data-way=device]";
        let server = AuthServer::start(AuthPlan::refuse()).unwrap();
        let accounts = codex(&server);
        let browser = agents_page(&accounts);
        open_dialog(&browser, "codex");

        browser.click(DEVICE);
        browser.see("[data-testid=login][data-state=failed]");
        browser.picture("sign-in-failed");

        server.plan(AuthPlan::approve_after(1_000_000));
        browser.click("[data-testid=sign-in-retry]");
        browser.says(CODE, CODEX_CODE);
        let url = browser.attribute("[data-testid=sign-in-url]", "href").unwrap();
        assert!(url.starts_with(&server.url()), "{url}");
        browser.picture("sign-in-code");
        browser.click("[data-testid=sign-in-stop]");
        browser.see(DEVICE);

        browser.click(DEVICE);
        browser.says(CODE, CODEX_CODE);
        server.plan(AuthPlan::approve_after(0));
        browser.see("[data-testid=login][data-state=done]");
        browser.picture("sign-in-done");
        browser.keys("\u{e00c}");
        browser.gone(DIALOG);
        browser.see(&card("codex", "[data-readiness=signed_in]"));
        browser.says(&card("codex", ""), "subscription");
        assert!(matches!(accounts.row(false).readiness, Readiness::SignedIn { .. }));
        browser.is_quiet();
    });
}

#[test]
fn a_code_is_pasted_and_a_way_that_is_gone_is_shown_as_gone() {
    alone("a_code_is_pasted_and_a_way_that_is_gone_is_shown_as_gone", || {
        let accounts = Accounts::with_programs("claude-code", "");
        let browser = agents_page(&accounts);
        open_dialog(&browser, "claude-code");
        browser.click("[data-testid=way][data-way=login]");
        let url = "const a = document.querySelector('[data-testid=sign-in-url]'); return a && a.href";
        let url = browser.until("its address", url, vec![]);
        assert!(url.as_str().unwrap().starts_with("https://claude.ai/oauth/authorize"), "{url}");
        browser.picture("sign-in-paste");
        browser.type_into("[data-testid=sign-in-say]", "made-up-code#made-up-state");
        browser.click("[data-testid=sign-in-send]");
        browser.says("[data-testid=login][data-state=failed]", "Couldn't log in");
        browser.see("[data-testid=sign-in-retry]");
        browser.keys("\u{e00c}");
        browser.gone(DIALOG);

        browser.js("location.hash = '#/agents/qwen-code'", vec![]);
        browser.see(&format!("{DIALOG} [data-testid=way][data-kind=gone]"));
        assert_eq!(browser.count(&format!("{DIALOG} button[data-testid=way][data-kind=gone]")), 0);
        browser.picture("sign-in-gone");
        browser.is_quiet();
    });
}

#[test]
fn the_bridges_are_shown_with_their_token_masked() {
    let workspace = Workspace::new().unwrap();
    workspace.settings(&format!("{}{}", harness::QUIET, harness::QUICK)).unwrap();
    let args = ["--port", "0", "--starter", "static", "--bridges", "0"];
    let house = harness::House::start_with(workspace, &args);
    let Response::Bridges { rows, token } = house.call(&Request::Bridges) else { panic!() };
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.up) && !token.is_empty(), "{rows:?}");
    let browser = Browser::signed_in(&house);
    browser.click("[data-testid=nav-bridges]");
    browser.until(
        "every bridge",
        "return document.querySelectorAll('[data-testid=bridge-row]').length === args[0]",
        vec![json!(rows.len())],
    );
    for row in &rows {
        browser.says("[data-testid=bridge-row]", &row.url);
    }
    assert!(!browser.page().contains(&token), "it is masked until it is asked for");
    browser.click("[data-testid=bridge-reveal]");
    browser.says("[data-testid=bridge-token]", &token);
    browser.says("[data-testid=bridge-config]", &format!("Bearer {token}"));
    browser.click("[data-testid=bridge-reveal]");
    browser.until("masked again", "return !document.body.innerText.includes(args[0])", vec![json!(token)]);
    browser.picture("bridges");
    browser.click("[data-testid=nav-agents]");
    browser.says(&card("codex", " [data-testid=bridge][data-up=up]"), "not the same as signed in");
    browser.is_quiet();
}

#[test]
fn an_installation_is_followed_and_its_failure_is_told() {
    let workspace = Workspace::new().unwrap();
    workspace.settings(&format!("{}{}", harness::QUIET, harness::QUICK)).unwrap();
    // A registry that takes what is asked and does not answer, until it goes away.
    let registry = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", registry.local_addr().unwrap());
    let tools = workspace.path().join("tools");
    let args = [&harness::PLAIN[..], &["--tools", tools.to_str().unwrap()]].concat();
    let daemon = Daemon::start(&workspace, &args, &[("npm_config_registry", &address)]).unwrap();
    let house = harness::House { daemon, workspace };
    house.wait(|entry| matches!(entry.fact, Fact::ProjectActivated(_)).then_some(()));
    let browser = Browser::signed_in(&house);
    browser.click("[data-testid=nav-agents]");
    browser.click(&card("qwen-code", "[data-readiness=missing] [data-testid=install]"));
    let job = |state: &str| {
        card("qwen-code", &format!(" [data-testid=job][data-what=install][data-state={state}]"))
    };
    browser.says(&job("running"), "Fetching");
    browser.js("document.querySelector(arguments[0]).scrollIntoView()", vec![json!(card("qwen-code", ""))]);
    browser.picture("agents-installing");
    drop(registry);
    browser.says(&job("failed"), "ailed to fetch");
    browser.see(&card("qwen-code", "[data-readiness=missing] [data-testid=install]"));
    browser.is_quiet();
}
