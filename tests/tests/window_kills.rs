//! The desktop program is killed at each step of a set-up, in its real window: what it had begun goes on, it is found again
//! where it stands, and nothing is there twice. And the network goes away, as the window shows it.
//!
//! It needs a display; `./dev test window` gives one.

#![expect(clippy::unwrap_used, reason = "test code")]

mod browser;
mod harness;
mod kills;
mod setup;
mod window;

use browser::Browser;
use kills::Moments;
use serde_json::json;
use setup::{PROGRAM, lines, ok};
use testkit::server::{Fault, Net, Server, Spec};
use window::Desktop;
use window::wizard::{
    FINGERPRINT, FOUND, PLAN, SERVER, choose_passphrase, is_ready, planned, shown, sign_in, unlock,
};

/// As far as the plan, whatever there is of it from before.
fn to_the_plan(desktop: &Desktop, server: &Server, known: bool) {
    let window = desktop.window();
    sign_in(window, server, "root", "rootpw");
    if !known {
        window.see(FINGERPRINT);
        window.click("[data-testid=trust]");
    }
    window.see(FOUND);
    window.click("[data-testid=show-plan]");
}

fn killed(desktop: &mut Desktop) {
    desktop.kill();
    desktop.open_again();
    unlock(desktop);
}

fn begun(window: &Browser) {
    window.click("[data-testid=starter-static]");
    planned(window);
    window.click("[data-testid=begin]");
}

/// Those that changed something after the desktop was let in.
fn steps_of_the_run(server: &Server) -> Vec<String> {
    let journal = ok(server, &format!("{PROGRAM} setup status --json"));
    let started = lines(&journal).into_iter().filter(|entry| entry["event"] == "step_started");
    let steps = started.map(|entry| entry["step"].as_str().unwrap().to_owned());
    steps.filter(|step| step != "binary" && step != "desk").collect()
}

#[test]
fn killed_at_any_stage_it_finds_its_server_again_and_nothing_is_there_twice() {
    let net = Net::up().unwrap();
    let server = net.start(Spec { cpus: 2, ..Spec::default() }).unwrap();
    // The server's program is one that can be held at each of its moments.
    let mut desktop = Desktop::in_net_with(&net, "loopwrightd-faults");
    choose_passphrase(&desktop);

    // Before the server is a place: the user begins again by hand.
    to_the_plan(&desktop, &server, false);
    ok(&server, "until ls /root/.loopwright-upload/*.part >/dev/null 2>&1; do :; done");
    killed(&mut desktop);
    to_the_plan(&desktop, &server, true);
    shown(desktop.window(), PLAN);
    killed(&mut desktop);
    to_the_plan(&desktop, &server, true);
    begun(desktop.window());
    ok(&server, "until pgrep -f '[s]etup begin' >/dev/null; do :; done");
    killed(&mut desktop);
    to_the_plan(&desktop, &server, true);
    let moments = Moments::of_services(&server);
    begun(desktop.window());

    // From here on it goes on without the desktop, which finds it again at each step.
    let mut killed_at = Vec::new();
    loop {
        let moment = moments.next();
        if let Some(step) = moment.strip_suffix(" started") {
            killed(&mut desktop);
            killed_at.push(step.to_owned());
        }
        moments.go_on();
        if moment == "run Apply over" {
            break;
        }
    }
    moments.end();
    assert_eq!(killed_at, steps_of_the_run(&server));
    desktop.go("#/servers");
    shown(desktop.window(), SERVER);
    let place = desktop.window().attribute(SERVER, "data-place").unwrap();
    desktop.go(&format!("#/servers/setup/{place}"));
    is_ready(desktop.window());

    let keys = ok(&server, "cat /var/lib/loopwright/desk/.ssh/authorized_keys");
    assert_eq!(keys.lines().count(), 1, "{keys}");
    assert_eq!(server.exec("ls /root/.loopwright-upload").unwrap().out, "", "what was sent is gone");
    let again = ok(&server, &format!("{PROGRAM} setup apply --json"));
    let last: serde_json::Value = serde_json::from_str(again.lines().last().unwrap()).unwrap();
    assert_eq!((&last["ok"], &last["changes"]), (&json!(true), &json!(0)), "{again}");
    the_network_goes_away(&desktop, &server, &place);
}

/// The window says so with the reason, and comes back by itself.
fn the_network_goes_away(desktop: &Desktop, server: &Server, place: &str) {
    let window = desktop.window();
    desktop.go(&format!("#/servers/at/{place}"));
    shown(window, "[data-testid=link][data-link=up]");
    server.fault(Fault::Blackhole).unwrap();
    shown(window, "[data-testid=link][data-link=lost]");
    window.says("[data-testid=link]", "answer");
    server.fault(Fault::Heal).unwrap();
    shown(window, "[data-testid=link][data-link=up]");
}
