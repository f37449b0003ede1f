//! Starting: what is wrong is refused or worked around, and said in words with the next step.

mod harness;

use harness::{BAKERY, House, PLAIN, QUICK, QUIET, asking, program, tcp};
use protocol::fact::{CheckResult, Fact, Outcome, Waiting};
use protocol::*;
use std::net::TcpListener;
use testkit::namespace::alone;
use testkit::{Daemon, Workspace};

#[test]
fn a_second_daemon_on_the_same_home_is_refused_and_the_first_goes_on() {
    let house = House::practice();
    let (success, said) = House::failing_start(&house.workspace);
    assert!(!success);
    assert!(said.contains("a daemon serves") && said.contains("already"), "{said}");
    assert!(said.contains("loopwrightd stop"), "the next step: {said}");
    house.live(BAKERY);
}

#[test]
fn a_taken_port_gives_another_one_and_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let workspace = Workspace::new().unwrap();
    workspace.settings(QUIET).unwrap();
    let house = House::start_with(workspace, &["--port", &port.to_string(), "--starter", "static"]);
    let said = house.daemon.printed();
    assert!(said.contains(&format!("port {port} is taken")), "{said}");
    let address = said.lines().find_map(|line| line.strip_prefix("dashboard: ")).unwrap();
    let (address, _) = tcp::parts(address);
    assert_ne!(address, format!("127.0.0.1:{port}"));
    assert_eq!(tcp::get(&format!("http://{address}/api/head")).status, 401, "the dashboard answers there");
}

#[test]
fn a_home_of_a_newer_version_is_refused_and_left_as_it_is() {
    let House { mut daemon, workspace } = House::practice();
    let entries = daemon.entries().unwrap();
    assert!(daemon.quit().unwrap().success());
    drop(daemon);
    let journal = workspace.home().join("journal.db");
    // The version as SQLite keeps it: the key and its value, one after the other.
    let mut before = std::fs::read(&journal).unwrap();
    let key = b"home_version";
    let places: Vec<usize> = (0..before.len()).filter(|at| before[*at..].starts_with(key)).collect();
    assert_eq!(places.len(), 1, "the version has one place in the file");
    let known = std::mem::replace(&mut before[places[0] + key.len()], b'9');
    std::fs::write(&journal, &before).unwrap();
    let (success, said) = House::failing_start(&workspace);
    assert!(!success);
    assert!(
        said.contains("newer Loopwright") && said.contains("layout 9") && said.contains("--home"),
        "{said}"
    );
    let mut after = std::fs::read(&journal).unwrap();
    assert!(after[places[0]..].starts_with(b"home_version9"));
    after[places[0] + key.len()] = known;
    std::fs::write(&journal, after).unwrap();
    let house = House::start(workspace);
    assert_eq!(house.daemon.entries().unwrap(), entries);
    house.is_sound();
}

#[test]
fn wrong_settings_are_told_with_line_and_column() {
    let wrong = [
        ("screenshots = \"off\"\nport = \"many\"\n", "line 2, column 8", "port"),
        ("screenshots = \"off\"\n\n[limits]\nidle = 5\n", "line 4, column 1", "idle"),
        ("port = \n", "line 1, column 8", "port"),
    ];
    for (toml, place, name) in wrong {
        let workspace = Workspace::new().unwrap();
        workspace.settings(toml).unwrap();
        let (success, said) = House::failing_start(&workspace);
        assert!(!success);
        assert!(said.contains("loopwright.toml") && said.contains(place) && said.contains(name), "{said}");
    }
}

#[test]
fn a_wrong_manifest_fails_the_request_with_line_and_column() {
    let house = House::practice();
    let manifest = house.file("app.toml").unwrap();
    house.commit("app.toml", "[app]\nkind = \"static\"\n\n[strat]\nrun = []\n");
    let request = house.ask(BAKERY);
    let closed = house.closed(&request);
    assert_eq!(closed.outcome, Outcome::Failed);
    assert!(closed.why.contains("app.toml, line 4, column 2"), "{}", closed.why);
    let view = house.show(&request);
    let failed = view.attempts[0].checks.iter().find(|check| check.result != CheckResult::Passed).unwrap();
    let CheckResult::Failed { summary, .. } = &failed.result else { unreachable!() };
    assert!(summary.contains("strat"), "{summary}");
    house.commit("app.toml", &manifest);
    house.live(BAKERY);
}

#[test]
fn an_agent_that_is_not_there_is_waited_for_until_it_is_cancelled() {
    let workspace = Workspace::new().unwrap();
    workspace.settings(&format!("{QUIET}{QUICK}")).unwrap();
    let system = [("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")];
    let daemon = Daemon::start_program(&program(&workspace), &workspace, &PLAIN, &system).unwrap();
    let house = House { daemon, workspace };
    house.wait(|entry| matches!(entry.fact, Fact::ProjectActivated(_)).then_some(()));
    let Request::Ask { client, text, channel, .. } = asking(BAKERY) else { unreachable!() };
    let agent = Some(AgentId::new("codex").unwrap());
    let (request, _) = house.accepted(&Request::Ask {
        client,
        text,
        project: None,
        agent,
        race: vec![],
        parts: vec![],
        step: None,
        channel,
    });
    let waiting = house.wait(|entry| match &entry.fact {
        Fact::RequestWaiting(waiting) if waiting.request == request => Some(waiting.waiting.clone()),
        _ => None,
    });
    let Waiting::Agent { reason } = waiting else { unreachable!("{waiting:?}") };
    assert!(reason.contains("is not installed") && reason.contains("loopwrightd agents install"), "{reason}");
    assert!(house.show(&request).now.contains("codex"), "{}", house.show(&request).now);

    // Who waits holds up nobody.
    house.live(BAKERY);
    house.call(&Request::Cancel { request: request.clone() });
    assert_eq!(house.closed(&request).outcome, Outcome::Cancelled);
    assert!(house.kinds(&request).iter().all(|kind| *kind != "agent.chosen"));
}

#[test]
fn the_loop_works_without_any_network() {
    alone("the_loop_works_without_any_network", || {
        let house = House::practice();
        let request = house.live(BAKERY);
        assert!(house.page(&request).contains("Sauerteig"));
    });
}

#[test]
fn everything_ends_when_it_is_stopped_with_its_sites() {
    let house = House::practice();
    let url = house.show(&house.live(BAKERY)).url.unwrap();
    let House { mut daemon, workspace } = house;
    assert!(daemon.quit().unwrap().success());
    let (address, _) = tcp::parts(&url);
    assert!(std::net::TcpStream::connect(address).is_err(), "the site still answers");
    assert_eq!(workspace.sweep(), 0, "something of it still runs");
    assert!(!workspace.home().join("run/control.sock").exists());
}
