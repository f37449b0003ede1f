//! The real desktop window on the workspace of this computer, driven by WebKit's own driver: it opens with nothing asked,
//! starts the daemon, takes a request to a live site, and shows what it knows once the daemon is gone.
//!
//! It needs a display and a session bus of its own; `./dev test window` gives both.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod browser;
mod harness;

use browser::{Browser, SEEN};
use harness::{BAKERY, QUICK, QUIET};
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;
use testkit::Workspace;
use testkit::workspace::built;

const BOX: &str = "[data-testid=ask-box]";
const OFFLINE: &str = "[data-testid=offline]";
/// Off the fixed ports, and with nothing to fetch.
const SERVE: &str = "--port 0 --starter static --bridges off --memory off --model none";

struct Desktop {
    // Ended first: the window goes before the folder that it keeps its things in.
    window: Browser,
    daemon: PathBuf,
    workspace: Workspace,
}

impl Desktop {
    fn open() -> Desktop {
        let workspace = Workspace::new().unwrap();
        workspace.settings(&format!("{QUIET}{QUICK}")).unwrap();
        let daemon = workspace.copy_program(&built("loopwrightd").unwrap()).unwrap();
        let window = window(&workspace, &daemon);
        Desktop { window, daemon, workspace }
    }

    fn loopwrightd(&self, args: &[&str]) -> String {
        let mut command = Command::new(&self.daemon);
        let done = command.args(args).arg("--home").arg(self.workspace.home()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let mut stop = Command::new(&self.daemon);
        let _ = stop.args(["stop", "--sites", "--home"]).arg(self.workspace.home()).output();
    }
}

/// The driver starts the program itself, with the environment that it was started with.
fn window(workspace: &Workspace, daemon: &std::path::Path) -> Browser {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let driver = Command::new("WebKitWebDriver")
        .args(["--host=127.0.0.1".to_owned(), format!("--port={port}")])
        .env("TAURI_AUTOMATION", "true")
        .env("TAURI_WEBVIEW_AUTOMATION", "true")
        .env("LOOPWRIGHT_DESKTOP", workspace.path().join("desktop"))
        .env("LOOPWRIGHT_HOME", workspace.home())
        .env("LOOPWRIGHT_DAEMON", daemon)
        .env("LOOPWRIGHT_SERVE", SERVE)
        .current_dir(workspace.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("start WebKitWebDriver (./dev setup desktop installs it): {error}"));
    let deadline = Instant::now() + SEEN;
    while TcpStream::connect(&address).is_err() {
        assert!(Instant::now() < deadline, "WebKitWebDriver does not listen");
        std::thread::yield_now();
    }
    let program = built("loopwright").unwrap();
    let wanted = json!({ "webkitgtk:browserOptions": { "binary": program, "args": [] } });
    let Value::Object(wanted) = wanted else { panic!("no object") };
    Browser::driven(driver, address, wanted)
}

/// The whole display, for `docs/screens`; only where pictures are wanted.
fn picture(name: &str) {
    if let Some(folder) = std::env::var_os("LOOPWRIGHT_WINDOW_PICTURES") {
        let file = PathBuf::from(folder).join(format!("{name}.png"));
        let shot = Command::new("import").args(["-window", "root"]).arg(file).status().unwrap();
        assert!(shot.success());
    }
}

fn go(window: &Browser, hash: &str) {
    window.js("location.hash = arguments[0]", vec![json!(hash)]);
}

#[test]
fn a_request_goes_live_and_is_shown_after_the_daemon_has_gone() {
    let desktop = Desktop::open();
    let window = &desktop.window;
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
    go(window, "#/memory");
    window.says("[data-testid=notes]", "Rye");

    desktop.loopwrightd(&["stop", "--sites"]);
    window.see(OFFLINE);
    window.says(OFFLINE, "as of");
    window.says("[data-testid=notes]", "Rye");
    picture("window-offline-memory");
    go(window, "#/deployments");
    window.says("[data-testid=deployments-row]", "bakery");
    picture("window-offline-deployments");
    // From the copy, after a start of the page with no daemon at all.
    window.reload();
    window.says("[data-testid=deployments-row]", "bakery");
    window.see(OFFLINE);

    go(window, "#/home");
    window.type_into(BOX, "Another page");
    window.click("[data-testid=ask-send]");
    window.says("body", "nothing was changed");
    picture("window-offline-refused");
}

#[test]
fn the_page_can_do_nothing_but_ask_and_hear() {
    let desktop = Desktop::open();
    let window = &desktop.window;
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
