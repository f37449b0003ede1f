//! The daemon is aborted after each record of a whole request, one after the other, and started again: the request is
//! carried out once, and nothing of it twice.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod crash;
mod harness;

use crash::{
    Visitor, ask, closed, doomed, live, live_release, no_worktree_is_left, runs, thinking, workspace,
};
use harness::{BAKERY, House, PATIENCE, asking_as};
use journal::{Journal, Opening, Reader};
use protocol::fact::{AttemptEnd, CheckKind, Entry, Outcome};
use protocol::{Fact, Request, RequestId};
use std::os::unix::process::ExitStatusExt;
use std::time::Instant;
use testkit::Workspace;

/// More records than a request has.
const MANY: u64 = 60;

#[test]
fn a_crash_after_any_record_loses_nothing_and_repeats_nothing() {
    let mut house = live(thinking());
    let first = house.live(BAKERY);
    let visitor = Visitor::of(&house.show(&first).url.unwrap());
    let mut crashes = 0;
    for n in 1..MANY {
        let main = house.git(&["rev-parse", "main"]);
        let House { daemon, workspace } = house;
        assert!(daemon.stop().unwrap().success());
        let ask = asking_as(&format!("crash-{n}"), &format!("Change the opening hours to 7:{n:02}–18:00"));
        let (crashed, known) = first_life(&workspace, n, &ask);
        house = live(workspace);
        let (request, new) = house.accepted(&ask);
        assert!(!new, "what was recorded before the crash after record {n} is not taken again");
        assert!(known.is_none_or(|known| known == request));
        let closed = closed(&house, &request);
        assert_eq!(closed.outcome, Outcome::Live, "record {n}: {}\n{}", closed.why, house.story());
        happened_once(&house, &request, main.trim());
        if !crashed {
            break;
        }
        crashes += 1;
    }
    let visits = visitor.leaves();
    println!("{crashes} crashes, {} visits", visits.served);
    assert!(visits.failed.is_empty(), "{:?} of {} visits", visits.failed, visits.served);
    assert!(visits.served > 100 && (10..MANY - 1).contains(&crashes), "{crashes} crashes");
    crash::repository_is_whole(&house);
    views_are_what_the_facts_say(house);
}

/// The views that grew through all the crashes are those that are made of the facts anew.
fn views_are_what_the_facts_say(house: House) {
    let House { daemon, workspace } = house;
    assert!(daemon.stop().unwrap().success());
    let path = workspace.home().join("journal.db");
    let rows = || {
        let reader = Reader::open(&path).unwrap();
        let projects = reader.projects().unwrap();
        let project = &projects[0].project;
        format!(
            "{projects:?} {:?} {:?} {:?} {:?} {:?}",
            reader.requests(None, 1000).unwrap(),
            reader.releases(project).unwrap(),
            reader.steps(project).unwrap(),
            reader.notes(project, 1000, true).unwrap(),
            reader.agent_record().unwrap(),
        )
    };
    let grown = rows();
    let fresh_id = &protocol::JournalId::new("unused").unwrap();
    let opening = Opening::Source { fresh_id, daemon: "test", at: protocol::At(0) };
    Journal::open(&path, opening).unwrap().rebuild_views().unwrap();
    assert_eq!(grown, rows());
}

/// Until its crash, or the request's end. Whether it crashed, and the request if the client was told.
fn first_life(workspace: &Workspace, n: u64, request: &Request) -> (bool, Option<RequestId>) {
    let mut daemon = doomed(workspace, n);
    let known = ask(&mut daemon, request, Instant::now() + PATIENCE).map(|(request, new)| {
        assert!(new);
        request
    });
    let ended = daemon.wait_for(PATIENCE, |entry| match &entry.fact {
        Fact::RequestClosed(closed) => (Some(&closed.request) == known.as_ref()).then_some(()),
        _ => None,
    });
    let status = if ended.is_ok() { daemon.stop().unwrap() } else { daemon.wait_end(PATIENCE).unwrap() };
    assert!(status.success() || status.signal() == Some(6), "record {n}: {status} {ended:?}");
    (!status.success(), known)
}

/// The request's change, its record and its release are there, each once.
fn happened_once(house: &House, request: &RequestId, main_before: &str) {
    let entries = house.daemon.entries().unwrap();
    let ended = runs(&entries, request);
    let whole: Vec<_> = ended.iter().filter(|(_, end)| **end != AttemptEnd::Lost).collect();
    assert!(whole.len() == 1 && *whole[0].1 == AttemptEnd::TurnEnded && ended.len() <= 2, "{ended:?}");
    ended.keys().for_each(crash::nothing_lives_of);

    let facts: Vec<&Fact> =
        entries.iter().map(|entry| &entry.fact).filter(|fact| fact.request() == Some(request)).collect();
    for kind in [
        "request.received",
        "attempt.landed",
        "release.live",
        "step.completed",
        "deployment.recorded",
        "request.closed",
    ] {
        let times = facts.iter().filter(|fact| fact.kind() == kind).count();
        assert_eq!(times, 1, "{kind}\n{}", house.story());
    }
    let checks: Vec<CheckKind> = facts
        .iter()
        .filter_map(|fact| if let Fact::CheckFinished(check) = fact { Some(check.check) } else { None })
        .collect();
    assert_eq!(checks, CheckKind::ORDER);
    landed_once(house, &facts, main_before);
    no_worktree_is_left(house);
    house.is_sound();
    steps_are_files(house, &entries);
}

fn landed_once(house: &House, facts: &[&Fact], main_before: &str) {
    let landed = facts.iter().find_map(|fact| match fact {
        Fact::AttemptLanded(landed) => Some(landed.commit.clone()),
        _ => None,
    });
    let log = house.git(&["log", "--reverse", "--format=%H %s", &format!("{main_before}..main")]);
    let log: Vec<&str> = log.lines().collect();
    assert_eq!(log.len(), 2, "one change and one step: {log:?}");
    assert!(log[0].starts_with(landed.unwrap().as_str()), "{log:?}");
    assert!(log[1].split_once(' ').unwrap().1.starts_with("step "), "{log:?}");
    let release = facts.iter().find_map(|fact| match fact {
        Fact::ReleaseLive(live) => Some(live.release.clone()),
        _ => None,
    });
    let release = release.unwrap();
    let live: Vec<_> = house.releases().into_iter().filter(|row| row.live).collect();
    assert!(live.len() == 1 && live[0].release == release, "{live:?}");
    assert_eq!(live_release(&house.workspace).0, release.as_str(), "visitors get what was recorded");
}

/// Each completed step has its file, and no other file is there.
fn steps_are_files(house: &House, entries: &[Entry]) {
    let files = house.files();
    let files: Vec<&str> =
        files.lines().filter(|path| path.starts_with("steps/completed/0") && path.ends_with(".md")).collect();
    let numbers: Vec<u32> = entries
        .iter()
        .filter_map(
            |entry| if let Fact::StepCompleted(step) = &entry.fact { Some(step.number) } else { None },
        )
        .collect();
    let of = |path: &&str| path.split('/').next_back().unwrap()[..3].parse::<u32>().unwrap();
    assert_eq!(files.iter().map(of).collect::<Vec<_>>(), numbers);
    assert_eq!(numbers, (1..=u32::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
}

#[test]
fn a_rollback_that_was_recorded_happens_after_the_crash() {
    let house = live(workspace("[agents.practice.env]\nPRACTICE_PAUSE_MS = \"0\"\n"));
    let first = house.live(BAKERY);
    house.live("Change the opening hours to 7:30–18:00");
    let url = house.show(&first).url.unwrap();
    assert!(harness::tcp::get(&url).body.contains("7:30"));
    let House { daemon, workspace } = house;
    assert!(daemon.stop().unwrap().success());

    let mut daemon = doomed(&workspace, 1);
    crash::answers(&mut daemon);
    let visitor = Visitor::of(&url);
    daemon.try_call(&Request::Rollback { project: None, release: None }).unwrap_err();
    assert_eq!(daemon.wait_end(PATIENCE).unwrap().signal(), Some(6));

    let house = live(workspace);
    let back = house.releases().into_iter().find(|row| row.live).unwrap().release;
    let until = Instant::now() + PATIENCE;
    while live_release(&house.workspace).0 != back.as_str() {
        assert!(Instant::now() < until, "{}", house.story());
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    assert!(!house.page(&first).contains("7:30"));
    let visits = visitor.leaves();
    assert!(visits.failed.is_empty(), "{:?}", visits.failed);
}
