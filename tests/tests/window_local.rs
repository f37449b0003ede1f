//! The real desktop window on the workspace of this computer, driven by WebKit's own driver: it opens with nothing asked,
//! starts the daemon, takes a request to a live site, and shows what it knows once the daemon is gone.
//!
//! It needs a display; `./dev test window` gives one.

mod browser;
mod harness;
mod window;

use harness::BAKERY;
use serde_json::json;
use window::{BOX, Desktop, OFFLINE, picture};

#[test]
fn a_request_goes_live_and_is_shown_after_the_daemon_has_gone() {
    let desktop = Desktop::here();
    let window = desktop.window();
    // Nothing is asked first: no sign-in, no server, a project is there.
    window.see(BOX);
    window.says(".heard", "Live");
    picture("window-open");
    assert!(!desktop.loopwrightd(&["hello"]).is_empty(), "the window started the daemon");

    window.type_into(BOX, BAKERY);
    window.choose("[data-testid=ask-agent]", "practice");
    window.click("[data-testid=ask-send]");
    window.see("[data-testid=site-link]");
    picture("window-live");
    // What agents made does not run in this window.
    assert_eq!(window.count("iframe"), 0);
    window.see("[data-testid=preview-open]");

    desktop.loopwrightd(&[
        "memory",
        "push",
        "--title",
        "Rye",
        "The bakery sells rye bread on Tuesdays only.",
    ]);
    desktop.go("#/memory");
    window.says("[data-testid=notes]", "Rye");

    desktop.loopwrightd(&["stop", "--sites"]);
    window.see(OFFLINE);
    window.says(OFFLINE, "as of");
    window.says("[data-testid=notes]", "Rye");
    picture("window-offline-memory");
    desktop.go("#/deployments");
    window.says("[data-testid=deployments-row]", "bakery");
    picture("window-offline-deployments");
    // From the copy, after a start of the page with no daemon at all.
    window.reload();
    window.says("[data-testid=deployments-row]", "bakery");
    window.see(OFFLINE);

    desktop.go("#/home");
    window.type_into(BOX, "Another page");
    window.click("[data-testid=ask-send]");
    window.says("body", "nothing was changed");
    picture("window-offline-refused");
}

#[test]
fn the_page_can_do_nothing_but_ask_and_hear() {
    let desktop = Desktop::here();
    let window = desktop.window();
    window.see(BOX);
    // The main window's rights are the command and the event; every other window has less.
    let refused = "const done = arguments[arguments.length - 1]; \
         window.__TAURI__.core.invoke(arguments[0], arguments[1] ?? {}).then(() => done('done'), why => done(String(why)))";
    for (command, arguments) in [
        ("plugin:app|version", json!({})),
        ("plugin:webview|create_webview_window", json!({ "options": { "label": "x" } })),
        ("plugin:autostart|enable", json!({})),
        ("plugin:notification|notify", json!({ "options": { "title": "x" } })),
        ("plugin:event|emit", json!({ "event": "desk", "payload": {} })),
    ] {
        let said = window.js_async(refused, vec![json!(command), arguments]);
        assert!(said.as_str().is_some_and(|said| said.contains("not allowed")), "{command}: {said}");
    }
}
