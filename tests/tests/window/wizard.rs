//! The wizard's ways, as a user goes them.

use super::Desktop;
use crate::browser::Browser;
use serde_json::json;
use std::time::Duration;
use testkit::server::Server;

/// A set-up with Node fetched from its registry; far above what it takes.
pub const SET_UP: Duration = Duration::from_secs(400);
pub const SERVER: &str = "[data-testid=place][data-place^=at-]";
pub const FINGERPRINT: &str = "[data-testid=fingerprint]";
pub const FOUND: &str = "[data-testid=found-lines]";
pub const PLAN: &str = "[data-testid=plan]";
const PASSPHRASE: &str = "a passphrase for the test";

pub fn choose_passphrase(desktop: &Desktop) {
    desktop.go("#/servers/new");
    let window = desktop.window();
    window.type_into("[data-testid=vault-passphrase]", PASSPHRASE);
    window.type_into("[data-testid=vault-again]", PASSPHRASE);
    window.click("[data-testid=vault-open]");
    window.gone("[data-testid=vault]");
}

pub fn unlock(desktop: &Desktop) {
    desktop.go("#/servers/new");
    let window = desktop.window();
    window.type_into("[data-testid=vault-passphrase]", PASSPHRASE);
    window.click("[data-testid=vault-open]");
    window.gone("[data-testid=vault]");
}

pub fn sign_in(window: &Browser, server: &Server, user: &str, password: &str) {
    window.type_into("[data-testid=address]", &server.ip().to_string());
    window.type_into("[data-testid=port]", "22");
    window.type_into("[data-testid=user]", user);
    window.type_into("[data-testid=password]", password);
    super::picture("server-1-address");
    window.click("[data-testid=meet]");
}

/// The plan of what is wished by now.
pub fn planned(window: &Browser) {
    let settled = "return document.querySelector('[data-testid=plan-page]')?.ariaBusy === 'false' && document.querySelector('[data-testid=plan]')";
    window.until_within(SET_UP, "the plan of what is wished", settled, vec![]);
}

pub fn is_ready(window: &Browser) {
    let ready = "return document.querySelector('[data-testid=run-title]')?.textContent.endsWith('is ready')";
    window.until_within(SET_UP, "that the server is ready", ready, vec![]);
}

/// Within the time of a set-up.
pub fn shown(window: &Browser, css: &str) {
    window.until_within(SET_UP, css, "return document.querySelector(args[0])", vec![json!(css)]);
}
