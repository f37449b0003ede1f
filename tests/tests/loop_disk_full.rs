//! A full disk: nothing new is taken, nothing is harmed, and with room again everything goes on. The home lies on a small
//! file system of its own, in a namespace in which one may be mounted.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod harness;

use harness::{House, asking};
use protocol::fact::Fact;
use protocol::*;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;
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

#[test]
fn a_full_disk_stops_intake_and_harms_nothing() {
    alone("a_full_disk_stops_intake_and_harms_nothing", || {
        let workspace = Workspace::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m,mode=711", "none"])
            .arg(workspace.home())
            .status();
        assert!(mounted.unwrap().success(), "mount a small file system");
        let go = workspace.open_folder("signs", 0o711).unwrap().join("go");
        let write = || Act::Write { path: "app/public/index.html".into(), content: PAGE.into() };
        let waits = vec![Act::Await { path: go.display().to_string() }, write()];
        let more =
            vec![Act::Append { path: "app/public/index.html".into(), content: "<p>more</p>\n".into() }];
        let house = House::scripted_in(workspace, &Script::always(vec![waits, more]), true, "");
        let running = house.ask("A page, slowly");
        house.wait(|entry| matches!(entry.fact, Fact::AttemptStarted(_)).then_some(()));

        let filler = house.workspace.home().join("filler");
        fill(&filler);
        // What the journal has set aside already may take a few more.
        let mut taken = Vec::new();
        let refused = loop {
            match house.daemon.call(&asking(&format!("One more {}", "x".repeat(30_000)))) {
                Ok(Response::Accepted { request, .. }) => taken.push(request),
                other => break other.unwrap_err(),
            }
            assert!(taken.len() < 1000, "a full disk was not noticed");
        };
        assert_eq!(refused.code, Code::DiskFull, "{refused}");
        assert!(refused.next.unwrap().contains("make room"));
        let push = Request::Push {
            project: None,
            kind: fact::NoteKind::Decision,
            title: "x".into(),
            text: "y".into(),
        };
        assert_eq!(
            house.refused(&push).code,
            Code::DiskFull,
            "it stays refused, the journal's own room given back"
        );
        let Response::Home(home) = house.call(&Request::Home) else { unreachable!() };
        assert!(home.disk_full, "the screen can say so");
        house.is_sound();

        std::fs::remove_file(filler).unwrap();
        let after = house.ask("And one more");
        std::fs::write(go, "").unwrap();
        house.ends_live(&running);
        house.ends_live(&after);
        let Response::Home(home) = house.call(&Request::Home) else { unreachable!() };
        assert!(!home.disk_full);
        assert!(
            taken.iter().all(|request| house.kinds(request).contains(&"request.closed")),
            "what was taken is done"
        );
        house.is_sound();
    });
}
