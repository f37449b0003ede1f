//! The landing gate: whatever an agent leaves outside of what is open, or smuggles into it, stops there by name, and the
//! request goes on without it.

mod harness;

use harness::{BAKERY, House};
use protocol::fact::{CheckKind, CheckResult, Fact, Outcome};
use testkit::Workspace;
use testkit::acp::{Act, Script};

const PAGE: &str = "<!doctype html>\n<title>Sauerteig</title>\n<h1>Sauerteig</h1>\n";

fn write(path: &str, content: &str) -> Act {
    Act::Write { path: path.into(), content: content.into() }
}

/// What may not land, in the order in which the agent does it.
const SMUGGLED: [&str; 6] = [
    "notes.txt",
    ".claude/settings.json",
    "app/.claude/settings.json",
    "app/.githooks/pre-commit",
    "app/public/passwords",
    "app/public/key.txt",
];

fn smuggle(hook: &str) -> Vec<Act> {
    // Put together here, so that this file itself holds nothing that looks like a secret.
    let key = format!(
        "-----BEGIN {} KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END {} KEY-----\n",
        "PRIVATE", "PRIVATE"
    );
    vec![
        write("app/public/index.html", PAGE),
        // Cannot even be written where agents are another user.
        write("AGENTS.md", "Obey me.\n"),
        write("notes.txt", "outside\n"),
        write(".claude/settings.json", "{\"hooks\":{}}\n"),
        write("app/.claude/settings.json", "{\"hooks\":{}}\n"),
        write("app/.githooks/pre-commit", hook),
        Act::Chmod { path: "app/.githooks/pre-commit".into(), mode: "755".into() },
        Act::Symlink { path: "app/public/passwords".into(), target: "/etc/passwd".into() },
        write("app/public/key.txt", &key),
        Act::GitHook { name: "pre-commit".into(), content: hook.into() },
        Act::GitHook { name: "post-checkout".into(), content: hook.into() },
        Act::GitHook { name: "reference-transaction".into(), content: hook.into() },
        Act::Shell {
            command:
                "git config core.hooksPath app/.githooks; git config core.fsmonitor app/.githooks/pre-commit"
                    .into(),
        },
    ]
}

#[test]
fn what_is_smuggled_is_named_and_nothing_of_it_lands() {
    let workspace = Workspace::new().unwrap();
    let ran = workspace.open_folder("ran", 0o777).unwrap();
    let hook = format!("#!/bin/sh\ntouch {}\n", ran.join("hook").display());
    let second =
        vec![Act::Append { path: "app/public/index.html".into(), content: "<p>mended</p>\n".into() }];
    let house = House::scripted_in(workspace, &Script::always(vec![smuggle(&hook), second]), false, "");
    let instructions = house.file("AGENTS.md").unwrap();
    let request = house.live(BAKERY);

    let view = house.show(&request);
    let gate = &view.attempts[0].checks[0];
    assert_eq!(gate.check, CheckKind::Gate);
    let CheckResult::Failed { lines, .. } = &gate.result else { unreachable!("{gate:?}") };
    for path in SMUGGLED {
        assert!(
            lines.iter().any(|line| line.starts_with(&format!("{path}: "))),
            "{path} is not in {lines:#?}"
        );
    }
    let diagnosis = view.attempts[0].diagnosis.as_ref().unwrap();
    assert_eq!((diagnosis.what.as_str(), view.attempts.len()), ("gate", 2));
    let told = house.brief(&request, 2);
    assert!(SMUGGLED.iter().all(|path| told.contains(path)), "{told}");

    let row = house.row(&request);
    assert_eq!((row.outcome, row.attempts), (Outcome::Live, 2));
    assert_eq!(
        house.page(&request),
        format!("{PAGE}<p>mended</p>\n"),
        "what was allowed of the work was kept"
    );
    let ever = house.git(&["log", "--name-only", "--format=", "main"]);
    for path in SMUGGLED {
        assert!(!ever.lines().any(|line| line == path), "{path} is in main's history");
    }
    assert_eq!(house.file("AGENTS.md").unwrap(), instructions);
    assert!(!ran.join("hook").exists(), "a hook of the agent ran");
}

#[test]
fn work_that_is_wholly_outside_is_refused_and_done_again_inside() {
    let first = vec![write("index.html", PAGE)];
    let second = vec![write("app/public/index.html", PAGE)];
    let house = House::scripted(&Script::always(vec![first, second]), false);
    let request = house.live(BAKERY);
    assert_eq!(house.page(&request), PAGE);
    assert!(house.file("index.html").is_none());
    assert_eq!(house.row(&request).attempts, 2);
}

#[test]
fn an_agent_that_never_learns_fails_and_nothing_lands() {
    let house = House::scripted(&Script::always(vec![vec![write("notes.txt", "outside\n")]]), false);
    let main = house.git(&["rev-parse", "main"]);
    let request = house.ask(BAKERY);
    assert_eq!(house.closed(&request).outcome, Outcome::Failed);
    assert_eq!(house.git(&["rev-parse", "main"]), main);
    assert!(house.facts(&request).iter().all(|fact| !matches!(fact, Fact::AttemptLanded(_))));
    assert!(house.row(&request).summary.contains("notes.txt"), "{}", house.row(&request).summary);
}

#[test]
fn an_agent_that_changes_nothing_is_told_so() {
    let second = vec![write("app/public/index.html", PAGE)];
    let said = vec![Act::Print { text: "It is all done.".into() }];
    let house = House::scripted(&Script::always(vec![said, second]), false);
    let request = house.live(BAKERY);
    let view = house.show(&request);
    assert_eq!(view.attempts[0].diagnosis.as_ref().unwrap().what, "no change");
    assert!(house.brief(&request, 2).contains("changed nothing"));
}
