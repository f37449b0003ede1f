//! A full disk: nothing new is taken, nothing is harmed, and with room again everything goes on. The home lies on a small
//! file system of its own, in a namespace in which one may be mounted.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod harness;

use harness::{House, asking};
use protocol::fact::{Fact, Outcome};
use protocol::*;
use std::fs::File;
use std::io::Write;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use testkit::Workspace;
use testkit::acp::{Act, Script};
use testkit::namespace::alone;

const PAGE: &str = "<!doctype html>\n<title>Quick</title>\n<h1>Quick</h1>\n";

/// Takes what is left of the file system.
fn fill(file: &Path) {
    let mut filler = File::create(file).unwrap();
    let mut block = vec![7; 1024 * 1024];
    while !block.is_empty() {
        if filler.write_all(&block).is_err() {
            block.truncate(block.len() / 2);
        }
    }
}

/// A house on a small file system, which is taken down with it: a folder cannot be removed from under one.
struct SmallHouse(Option<House>);

impl Deref for SmallHouse {
    type Target = House;
    fn deref(&self) -> &House {
        self.0.as_ref().unwrap()
    }
}

impl Drop for SmallHouse {
    fn drop(&mut self) {
        let Some(House { daemon, workspace }) = self.0.take() else { return };
        drop(daemon);
        while workspace.sweep() > 0 {}
        let _ = Command::new("umount").arg("--lazy").arg(workspace.home()).status();
    }
}

/// Its first request waits for the file that is given with it.
fn small_house() -> (SmallHouse, PathBuf) {
    let workspace = Workspace::new().unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=64m,mode=711", "none"];
    let mounted = Command::new("mount").args(mount).arg(workspace.home()).status();
    assert!(mounted.unwrap().success(), "mount a small file system");
    let go = workspace.open_folder("signs", 0o711).unwrap().join("go");
    let write = Act::Write { path: "app/public/index.html".into(), content: PAGE.into() };
    let waits = vec![Act::Await { path: go.display().to_string() }, write];
    let more = vec![Act::Append { path: "app/public/index.html".into(), content: "<p>more</p>\n".into() }];
    (SmallHouse(Some(House::scripted_in(workspace, &Script::always(vec![waits, more]), true, ""))), go)
}

/// Asks until the journal has no room for more; what was taken until then, and the refusal.
fn ask_until_refused(house: &House) -> (Vec<RequestId>, ApiError) {
    let mut taken = Vec::new();
    loop {
        match house.daemon.call(&asking(&format!("One more {}", "x".repeat(30_000)))) {
            Ok(Response::Accepted { request, .. }) => taken.push(request),
            Ok(other) => unreachable!("{other:?}"),
            Err(refused) => return (taken, refused),
        }
        assert!(taken.len() < 1000, "a full disk was not noticed");
    }
}

fn says_full(house: &House) -> bool {
    let Response::Home(home) = house.call(&Request::Home) else { unreachable!() };
    home.disk_full
}

#[test]
fn a_full_disk_stops_intake_and_harms_nothing() {
    alone("a_full_disk_stops_intake_and_harms_nothing", || {
        let (house, go) = small_house();
        let running = house.ask("A page");
        house.wait(|entry| matches!(entry.fact, Fact::AttemptStarted(_)).then_some(()));
        let filler = house.workspace.home().join("filler");
        fill(&filler);
        let (taken, refused) = ask_until_refused(&house);
        assert_eq!(refused.code, Code::DiskFull, "{refused}");
        assert!(refused.next.unwrap().contains("make room"));
        let text = "y".to_owned();
        let push = Request::Push { project: None, note: harness::a_note("x", &text) };
        assert_eq!(house.refused(&push).code, Code::DiskFull, "refused until there is room for work");
        assert!(says_full(&house), "the screen can say so");
        house.is_sound();

        std::fs::remove_file(filler).unwrap();
        let after = house.ask("And one more");
        assert!(!says_full(&house));
        std::fs::write(go, "").unwrap();
        house.ends_live(&running);
        taken.iter().for_each(|request| house.ends_live(request));
        house.ends_live(&after);
        house.is_sound();
    });
}

#[test]
fn what_runs_ends_on_the_room_that_was_kept_back() {
    alone("what_runs_ends_on_the_room_that_was_kept_back", || {
        let (mut house, go) = small_house();
        let running = house.ask("A page");
        house.wait(|entry| matches!(entry.fact, Fact::AttemptStarted(_)).then_some(()));
        fill(&house.workspace.home().join("filler"));
        let (_, refused) = ask_until_refused(&house);
        assert_eq!(refused.code, Code::DiskFull);
        std::fs::write(go, "").unwrap();
        // Who asks again and again takes nothing of that room, not even for a moment.
        let done = AtomicBool::new(false);
        let asked = std::thread::scope(|scope| {
            let (house, done) = (&*house, &done);
            let again = scope.spawn(move || {
                let refused = || house.refused(&asking("One more")).code == Code::DiskFull;
                (0..100_000).take_while(|_| !done.load(Ordering::Relaxed) && refused()).count()
            });
            house.closed(&running);
            done.store(true, Ordering::Relaxed);
            again.join().unwrap()
        });
        assert!(asked > 0);
        house.ends_live(&running);
        assert_eq!(house.page(&running), PAGE);
        assert_eq!(house.refused(&asking("One more")).code, Code::DiskFull);
        house.is_sound();
        house.0 = house.0.take().map(House::restart);
        assert_eq!(house.row(&running).outcome, Outcome::Live, "a restart finds it all");
    });
}
