//! The loop with the practice agent, from words to a live page: twice, and the second time it remembers the first.

mod harness;

use harness::{BAKERY, House};
use protocol::fact::{AttemptEnd, CheckKind, CheckResult, NoteKind, Outcome};
use protocol::view::NoteRow;

#[test]
fn a_request_ends_as_a_live_page_with_its_record() {
    let house = House::practice();
    let request = house.live(BAKERY);

    let page = house.page(&request);
    assert!(page.contains("Sauerteig") && page.contains("<form"), "{page}");
    assert!(page.to_lowercase().contains("opening hours"), "{page}");

    let row = house.row(&request);
    assert_eq!((row.outcome, row.attempts, row.step, row.rating), (Outcome::Live, 1, Some(1), None));
    assert_eq!(row.text.as_deref(), Some(BAKERY));
    assert!(row.practice, "the practice agent is said to be one");
    assert_eq!(row.agent.unwrap().as_str(), "practice");
    assert!(row.duration_ms > 0 && row.release.is_some() && row.url.is_some());

    // The step's file is the one commit after the change itself.
    let commit = row.commit.unwrap();
    let log = house.git(&["log", "--format=%H %s", "main"]);
    let log: Vec<&str> = log.lines().collect();
    assert!(log[0].contains("step 1"), "{log:?}");
    assert!(log[1].starts_with(commit.as_str()), "{log:?}");
    let changed = house.git(&["diff", "--name-only", &format!("{commit}~1"), commit.as_str()]);
    assert!(changed.lines().all(|path| path.starts_with("app/")), "{changed}");
    let live = house.git(&["cat-file", "blob", &format!("{commit}:app/public/index.html")]);
    assert_eq!(page, live, "what is live is what was recorded");

    let files = house.files();
    let steps: Vec<&str> = files.lines().filter(|path| path.starts_with("steps/completed/001-")).collect();
    assert_eq!(steps.len(), 1, "{files}");
    let step = house.file(steps[0]).unwrap();
    assert!(step.contains(BAKERY) && step.contains(commit.as_str()) && step.contains("None."), "{step}");
}

#[test]
fn every_stage_is_told_by_its_fact() {
    let house = House::practice();
    let request = house.live(BAKERY);
    let mut kinds = house.kinds(&request);
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "request.received",
            "request.oriented",
            "plan.made",
            "agent.chosen",
            "task.declared",
            "attempt.started",
            "attempt.checkpoint",
            "attempt.finished",
            "check.finished",
            "attempt.landed",
            "release.live",
            "step.completed",
            "deployment.recorded",
            "memory.pushed",
            "request.closed",
        ]
    );
    let oriented = house.oriented(&request);
    let read: Vec<&str> = oriented.sources.iter().map(|source| source.path.as_str()).collect();
    assert_eq!(read, ["SOUL.md", "AGENTS.md", "CLAUDE.md", "GLOSSARY.md"]);
    let view = house.show(&request);
    let attempt = &view.attempts[0];
    assert_eq!(attempt.finished.as_ref().unwrap().end, AttemptEnd::TurnEnded);
    let checks: Vec<_> = attempt.checks.iter().map(|check| (check.check, &check.result)).collect();
    let passed = CheckKind::ORDER.map(|check| (check, &CheckResult::Passed));
    assert_eq!(checks, passed);
    house.is_sound();
}

#[test]
fn the_next_request_starts_smarter_and_changes_only_what_was_asked() {
    let house = House::practice();
    let first = house.live(BAKERY);
    let before = house.page(&first);
    let step = |note: &NoteRow| note.note_kind == NoteKind::Step && note.request.as_ref() == Some(&first);
    let note = house.notes().into_iter().find(step).unwrap();

    let second = house.live("Change the opening hours to Monday to Saturday 7:00–18:00");
    let recalled = house.oriented(&second).recalled;
    assert!(recalled.iter().any(|hit| hit.note == note.note), "{recalled:?}");
    let brief = house.brief(&second, 1);
    let memory = brief.split_once("# Recalled memory").unwrap().1;
    assert!(memory.contains(note.text.trim()), "{memory}");
    let parts = &house.show(&second).attempts[0].parts;
    assert!(parts.iter().any(|part| part.part == "memory" && part.source == note.note.as_str()), "{parts:?}");

    let after = house.page(&second);
    assert_ne!(before, after);
    assert!(after.contains("7:00") && after.contains("18:00"), "{after}");
    assert!(after.contains("Sauerteig") && after.contains("<form"), "{after}");
    assert!(!before.contains("18:00") || !before.contains("7:00"), "{before}");
    let form = |page: &str| page.split_once("<form").unwrap().1.split_once("</form>").unwrap().0.to_owned();
    assert_eq!(form(&before), form(&after), "the order form was not asked to change");
    assert_eq!(house.row(&second).step, Some(2));
}

#[test]
fn sites_live_on_while_the_daemon_is_restarted() {
    let house = House::practice();
    let request = house.live(BAKERY);
    let url = house.show(&request).url.unwrap();
    let house = house.restart();
    assert!(harness::tcp::get(&url).body.contains("Sauerteig"));
    let second = house.live("Change the opening hours to Monday to Saturday 7:00–18:00");
    assert_eq!(house.show(&second).url.unwrap(), url, "a project keeps its address");
    assert!(house.page(&second).contains("18:00"));
}
