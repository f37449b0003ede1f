//! An error becomes a diagnosis and a new attempt: the build, the tests or the health check fail, the agent is told how,
//! and mends it. Visitors see nothing of it.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod harness;

use harness::{BAKERY, House, tcp};
use protocol::RequestId;
use protocol::fact::{AttemptDiagnosed, CheckKind, CheckResult, Fact, NoteKind, Outcome};
use testkit::Workspace;
use testkit::acp::{Act, Script};

const PAGE: &str = "<!doctype html>\n<title>Sauerteig</title>\n<h1>Sauerteig</h1>\n<p>open 9 to 13</p>\n";
const BROKEN: &str = "<!doctype html>\n<title>Sauerteig</title>\n<h1>Sauerteig\n<p>open 9 to 13</p>\n";
const INDEX: &str = "app/public/index.html";

/// The static starter's `app.toml` with one more section.
const APP: &str = "[app]\nkind = \"static\"\n[start]\nrun = [\"{loopwrightd}\", \"serve-static\", \"public\"]\nfiles = [\"public\"]\n\
     [health]\npath = \"/\"\ntimeout_s = 15\n";
const CHECK: &str = "run = [[\"sh\", \"-c\", \"grep -q '</h1>' public/index.html || { echo 'error: public/index.html:3: the heading is not closed' >&2; exit 1; }\"]]\n";

fn write(content: &str) -> Act {
    Act::Write { path: INDEX.into(), content: content.into() }
}

fn mend() -> Act {
    Act::Replace { path: INDEX.into(), old: "<h1>Sauerteig\n".into(), new: "<h1>Sauerteig</h1>\n".into() }
}

fn diagnoses(house: &House, request: &RequestId) -> Vec<AttemptDiagnosed> {
    let facts = house.facts(request).into_iter();
    facts
        .filter_map(|fact| if let Fact::AttemptDiagnosed(found) = fact { Some(found) } else { None })
        .collect()
}

/// The record of a request whose first attempt failed at `what` with `line` in the log, and whose second mended it.
fn was_mended(house: &House, request: &RequestId, what: &str, line: &str) {
    let found = diagnoses(house, request);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].what, what);
    assert!(found[0].lines.iter().any(|said| said.contains(line)), "{:?}", found[0]);
    assert!(found[0].next.contains("practice"), "who goes on is said: {}", found[0].next);

    let view = house.show(request);
    assert_eq!(view.attempts.len(), 2);
    assert!(view.attempts[0].diagnosis.is_some() && view.attempts[1].diagnosis.is_none());
    let failed = view.attempts[0].checks.iter().find(|check| check.result != CheckResult::Passed).unwrap();
    assert_eq!(failed.check.word(), what);
    let brief = house.brief(request, 2);
    assert!(!house.brief(request, 1).contains(testkit::RETRY_MARK));
    let told = brief.split_once(testkit::RETRY_MARK).unwrap().1;
    assert!(found[0].lines.iter().all(|line| told.contains(line)), "{told}");

    let row = house.row(request);
    assert_eq!((row.outcome, row.attempts), (Outcome::Live, 2));
    assert!(row.summary.contains("2 attempts"), "{}", row.summary);
    let files = house.files();
    let step = files.lines().rfind(|path| path.starts_with("steps/completed/00")).unwrap();
    let step = house.file(step).unwrap();
    assert!(step.contains(&format!("attempt 1: {what} failed")), "{step}");
    assert!(step.contains("mended by attempt 2 (the practice agent"), "{step}");
    let failure = house.notes().into_iter().find(|note| note.note_kind == NoteKind::Failure).unwrap();
    assert!(failure.text.contains(line), "the next request may learn from it: {}", failure.text);
    house.is_sound();
}

#[test]
fn a_build_that_fails_is_mended_by_the_next_attempt() {
    let house = House::scripted(&Script::always(vec![vec![write(BROKEN)], vec![mend()]]), false);
    house.commit("app.toml", &format!("{APP}[build]\n{CHECK}"));
    let request = house.live(BAKERY);
    was_mended(&house, &request, "build", "public/index.html:3: the heading is not closed");
    assert_eq!(house.page(&request), PAGE);
    let log = house.show(&request).attempts[0].checks.iter().find_map(|check| check.log.clone()).unwrap();
    let answer = house.call(&protocol::Request::Text { blob: log });
    assert!(
        matches!(answer, protocol::Response::Text { text } if text.contains("the heading is not closed"))
    );
}

#[test]
fn a_test_that_fails_is_mended_by_the_next_attempt() {
    let house = House::scripted(&Script::always(vec![vec![write(BROKEN)], vec![mend()]]), false);
    house.commit("app.toml", &format!("{APP}[test]\n{CHECK}"));
    let request = house.live(BAKERY);
    was_mended(&house, &request, "test", "public/index.html:3: the heading is not closed");
    let checks = &house.show(&request).attempts[0].checks;
    assert_eq!(checks.last().unwrap().check, CheckKind::Test, "nothing is checked after a failure");
}

#[test]
fn a_release_that_is_not_healthy_never_reaches_visitors() {
    let workspace = Workspace::new().unwrap();
    let go = workspace.open_folder("signs", 0o711).unwrap().join("go");
    let first = vec![write(PAGE)];
    let other = Act::Write { path: "app/public/other.html".into(), content: "x".into() };
    let bad = vec![Act::Delete { path: INDEX.into() }, other];
    let new = "<!doctype html>\n<title>New</title>\n<h1>New</h1>\n";
    let good = vec![Act::Await { path: go.display().to_string() }, write(new)];
    let house = House::scripted_in(workspace, &Script::always(vec![first, bad, good]), true, "");
    house.commit("app.toml", &APP.replace("timeout_s = 15", "timeout_s = 2"));
    let url = house.show(&house.live(BAKERY)).url.unwrap();

    let request = house.ask("Write it anew");
    house.wait(|entry| match &entry.fact {
        Fact::AttemptStarted(started) if started.attempt.as_str().ends_with("-a2") => Some(()),
        _ => None,
    });
    let found = diagnoses(&house, &request);
    assert_eq!((found.len(), found[0].what.as_str()), (1, "health check"));
    assert!(found[0].summary.contains("404"), "{:?}", found[0]);
    assert_eq!(tcp::get(&url).body, PAGE, "visitors see the old release while the new one is mended");
    std::fs::write(go, "").unwrap();
    house.ends_live(&request);
    assert_eq!(tcp::get(&url).body, new);
    assert_eq!(house.row(&request).attempts, 2);
}

#[test]
fn what_cannot_be_mended_ends_with_the_reason_and_leaves_the_site_alone() {
    let first = vec![write(PAGE)];
    let again = vec![Act::Append { path: INDEX.into(), content: "<p>better?</p>\n".into() }];
    let house = House::scripted(&Script::always(vec![first, vec![write(BROKEN)], again]), true);
    house.commit("app.toml", &format!("{APP}[build]\n{CHECK}"));
    let before = house.live(BAKERY);
    let url = house.show(&before).url.unwrap();
    let main = house.git(&["rev-parse", "main"]);
    let request = house.ask("Write it anew");
    let closed = house.closed(&request);
    assert_eq!(closed.outcome, Outcome::Failed, "{}", house.story());
    assert!(closed.why.contains("grep"), "{}", closed.why);
    let row = house.row(&request);
    assert_eq!((row.outcome, row.attempts, row.release, row.step), (Outcome::Failed, 2, None, None));
    assert_eq!(tcp::get(&url).body, PAGE);
    assert_eq!(house.git(&["rev-parse", "main"]), main, "nothing landed");
    let note = house.notes().into_iter().find(|note| note.request.as_ref() == Some(&request)).unwrap();
    assert_eq!(note.note_kind, NoteKind::Failure);
}
