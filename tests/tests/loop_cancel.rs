//! Cancelling: at any moment, at once, and with everything that the agent started.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod harness;

use harness::{BAKERY, House};
use protocol::fact::{AttemptEnd, Fact, Outcome};
use protocol::{Code, Request, RequestId};
use std::path::PathBuf;
use testkit::acp::{Act, Scene, Script};

const PAGE: &str = "<!doctype html>\n<title>Quick</title>\n<h1>Quick</h1>\n";

/// Does nothing that ends when asked to "go on for ever", writes a page at once for anything else.
fn script(deaf: bool) -> Script {
    let page = vec![Act::Write { path: "app/public/index.html".into(), content: PAGE.into() }];
    let hang = vec![
        // A process in a session of its own, one that ignores to be asked, and one that is nobody's child any more.
        Act::Child { seconds: 900, pid_file: "app/child".into() },
        Act::Shell { command: "setsid sh -c 'trap \"\" TERM INT HUP; echo $$ >app/deaf; while :; do sleep 900; done' >/dev/null 2>&1 &".into() },
        Act::Shell { command: "until [ -s app/deaf ]; do :; done; (setsid sh -c 'echo $$ >app/orphan; exec sleep 900' >/dev/null 2>&1 &); until [ -s app/orphan ]; do :; done".into() },
        Act::Hang,
    ];
    let scene = |name: &str, when: &[&str], acts| Scene {
        name: name.into(),
        when: when.iter().map(|word| (*word).to_owned()).collect(),
        attempts: vec![acts],
    };
    Script {
        deaf,
        scenes: vec![scene("hang", &["go on for ever"], hang), scene("page", &[], page)],
        ..Script::default()
    }
}

fn cancel(house: &House, request: &RequestId) {
    house.call(&Request::Cancel { request: request.clone() });
}

/// The processes that the hanging agent left a number of, once all have.
fn started_by(house: &House, request: &RequestId) -> Vec<u32> {
    const FILES: [&str; 3] = ["app/child", "app/deaf", "app/orphan"];
    let commit = house.wait(|entry| match &entry.fact {
        Fact::AttemptCheckpoint(kept)
            if kept.request == *request && kept.diff.files as usize >= FILES.len() =>
        {
            Some(kept.commit.clone())
        }
        _ => None,
    });
    let read =
        |file: &&str| house.git(&["cat-file", "blob", &format!("{commit}:{file}")]).trim().parse().unwrap();
    FILES.iter().map(read).collect()
}

fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
}

/// Programs that run in the attempt's worktree or are the agent itself.
fn agents_alive(house: &House) -> Vec<PathBuf> {
    let worktrees = house.workspace.home().join("projects");
    let folders = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let alive = folders.filter(|process| {
        let stands = std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| {
            cwd.starts_with(&worktrees) && cwd.components().any(|part| part.as_os_str() == "worktrees")
        });
        let is_agent = std::fs::read(process.join("cmdline")).is_ok_and(|line| {
            let line = String::from_utf8_lossy(&line).into_owned();
            line.contains("scripted-acp-agent")
                && line.contains(&house.workspace.path().display().to_string())
        });
        stands || is_agent
    });
    alive.collect()
}

fn dies_with_all_it_started(deaf: bool) {
    let house = House::scripted(&script(deaf), false);
    let request = house.ask("Go on for ever");
    let next = house.ask(BAKERY);
    let pids = started_by(&house, &request);
    assert!(pids.iter().all(|pid| lives(*pid)), "{pids:?} must live, or this shows nothing");
    assert!(!agents_alive(&house).is_empty());

    cancel(&house, &request);
    let end = house.wait(|entry| match &entry.fact {
        Fact::AttemptFinished(finished) if finished.request == request => Some(finished.end.clone()),
        _ => None,
    });
    assert_eq!(end, AttemptEnd::Cancelled);
    assert!(pids.iter().all(|pid| !lives(*pid)), "{pids:?}: some of it lives");
    let closed = house.closed(&request);
    assert_eq!(closed.outcome, Outcome::Cancelled, "{}", closed.why);
    house.ends_live(&next);
    assert_eq!(house.page(&next), PAGE, "the next one runs");
    assert_eq!(agents_alive(&house), Vec::<PathBuf>::new());

    let row = house.row(&request);
    assert_eq!((row.outcome, row.step, row.release), (Outcome::Cancelled, None, None));
    assert!(house.notes().iter().all(|note| note.request.as_ref() != Some(&request)));
    assert!(!house.files().contains("app/child"), "nothing of it landed");
}

#[test]
fn an_agent_that_does_not_hear_is_killed_with_all_that_it_started() {
    dies_with_all_it_started(true);
}

#[test]
fn an_agent_that_hears_ends_and_what_it_started_is_killed() {
    dies_with_all_it_started(false);
}

#[test]
fn a_queued_request_is_cancelled_before_anything_is_done() {
    let house = House::scripted(&script(false), false);
    let running = house.ask("Go on for ever");
    let queued = house.ask(BAKERY);
    started_by(&house, &running);
    cancel(&house, &queued);
    assert_eq!(house.closed(&queued).outcome, Outcome::Cancelled);
    let kinds = house.kinds(&queued);
    assert!(!kinds.contains(&"request.oriented") && !kinds.contains(&"agent.chosen"), "{kinds:?}");
    let row = house.row(&queued);
    assert_eq!((row.outcome, row.attempts, row.agent), (Outcome::Cancelled, 0, None));

    let last = house.ask(BAKERY);
    cancel(&house, &running);
    house.ends_live(&last);
}

#[test]
fn cancelling_twice_or_too_late_is_said_in_words() {
    let house = House::scripted(&script(false), false);
    let done = house.live(BAKERY);
    let refused = house.refused(&Request::Cancel { request: done.clone() });
    assert_eq!(refused.code, Code::Conflict);
    assert!(refused.message.contains("has ended"), "{refused}");
    let refused = house.refused(&Request::Steer { request: done, text: "faster".into() });
    assert_eq!(refused.code, Code::Conflict);

    let running = house.ask("Go on for ever");
    started_by(&house, &running);
    cancel(&house, &running);
    // Whether it has ended meanwhile or not, it is one cancel.
    let _ = house.daemon.call(&Request::Cancel { request: running.clone() });
    house.closed(&running);
    let asked = house.kinds(&running).iter().filter(|kind| **kind == "request.cancel_asked").count();
    assert_eq!(asked, 1);
    let ended = house.kinds(&running).iter().filter(|kind| **kind == "request.closed").count();
    assert_eq!(ended, 1);
}
