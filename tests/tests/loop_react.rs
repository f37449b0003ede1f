//! The loop with the React starter: packages from the registry, a real build, its tests, a server of its own. Needs
//! LOOPWRIGHT_NODE (the folder of a node 22.22 or newer) and, for a machine's first run, the registry.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod harness;

use harness::{BAKERY, House, QUICK, QUIET, tcp};
use protocol::fact::{CheckKind, CheckResult};
use testkit::Workspace;
use testkit::acp::{Act, Script};

const HOME: &str = "app/app/routes/home.tsx";

fn react(workspace: Workspace) -> House {
    let Some(node) = std::env::var_os("LOOPWRIGHT_NODE") else {
        panic!("set LOOPWRIGHT_NODE to the folder of a node program, 22.22 or newer (./dev test does)")
    };
    let node = node.into_string().unwrap();
    House::start_with(workspace, &["--port", "0", "--starter", "react", "--node", &node])
}

#[test]
fn slow_react_ends_live_and_the_next_request_changes_it() {
    let workspace = Workspace::new().unwrap();
    workspace.settings(&format!("{QUIET}{QUICK}")).unwrap();
    let house = react(workspace);
    let first = house.live(BAKERY);
    let page = house.page(&first);
    assert!(page.contains("Sauerteig") && page.contains("<form"), "rendered on the server: {page}");
    let checks = &house.show(&first).attempts[0].checks;
    assert!(checks.iter().map(|check| check.check).eq(CheckKind::ORDER), "{checks:?}");
    let log = checks[1].log.clone().unwrap();
    assert!(house.text(&protocol::fact::BlobRef { blob: log, bytes: 0 }).contains("build"));

    let second = house.live("Change the opening hours to Monday to Saturday 7:00–18:00");
    let changed = house.page(&second);
    assert_ne!(changed, page);
    assert!(
        changed.contains("7:00–18:00") && changed.contains("Sauerteig") && changed.contains("<form"),
        "{changed}"
    );
    house.call(&protocol::Request::Rollback { project: None, release: None });
    assert_eq!(tcp::get(&house.show(&second).url.unwrap()).body, page, "and back without a build");
}

#[test]
fn slow_react_a_build_that_breaks_is_told_by_file_and_mended() {
    let page = |close: &str| {
        let text = format!(
            "export function meta() {{ return [{{ title: \"Sauerteig\" }}]; }}\n\
             export default function Home() {{ return <main><h1>Sauerteig</h1><p>9 to 13</p>{close}; }}\n"
        );
        vec![Act::Write { path: HOME.into(), content: text }]
    };
    let workspace = Workspace::new().unwrap();
    let script = Script::always(vec![page(""), page("</main>")]);
    let argv = workspace.scripted_agent(&script, false).unwrap();
    workspace.settings(&format!("{QUIET}[practice]\nargv = {argv:?}\n")).unwrap();
    let house = react(workspace);
    let request = house.live(BAKERY);
    let view = house.show(&request);
    assert_eq!(view.attempts.len(), 2);
    let diagnosis = view.attempts[0].diagnosis.as_ref().unwrap();
    assert_eq!(diagnosis.what, "build");
    assert!(diagnosis.lines.iter().any(|line| line.contains("home.tsx")), "{:?}", diagnosis.lines);
    assert!(view.attempts[1].checks.iter().all(|check| check.result == CheckResult::Passed));
    assert!(house.page(&request).contains("<p>9 to 13</p>"));
}
