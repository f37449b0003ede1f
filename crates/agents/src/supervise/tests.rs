//! Trees that try to get away, with and without a cgroup, and what is found after a crash.

use super::*;
use std::collections::BTreeMap;
use std::ffi::OsString;
use tokio::io::{AsyncBufReadExt, BufReader};

fn setup(home: &Path) -> Setup {
    Setup {
        path: Vec::new(),
        node: None,
        practice: Vec::new(),
        homes: None,
        user_home: home.to_owned(),
        run_as: None,
        runtime: home.join("run"),
        env: BTreeMap::new(),
        leases: crate::Leases::default(),
        accounts: crate::Accounts::default(),
    }
}

/// A shell that starts children in many ways, says "ready" when they run, and then waits.
fn flock() -> Launch {
    let script = "sleep 600 & setsid sleep 600 & (setsid sh -c 'trap \"\" TERM HUP; sleep 600 & echo ready; sleep 600' &) ; sleep 600";
    let argv = ["/bin/sh", "-c", script].map(OsString::from).to_vec();
    Launch { argv, env: vec![("PATH".into(), "/usr/bin:/bin".into())] }
}

async fn started(home: &Path, id: &str, walls: Walls) -> Tree {
    let mut tree = Tree::start(&setup(home), id, flock(), home, walls).await.unwrap();
    let mut lines = BufReader::new(tree.child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("ready"));
    tree
}

fn alive(id: &str) -> Vec<i32> {
    proc::marked(sweep::MARK, id)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_of_a_tree_outlives_its_end() {
    for cgroup in [true, false] {
        let home = tempfile::tempdir().unwrap();
        let id = format!("end-{cgroup}-{}", std::process::id());
        let tree = started(home.path(), &id, Walls { cgroup, limits: None }).await;
        assert!(alive(&id).len() >= 5, "the children run");
        tree.end(Duration::ZERO).await.unwrap();
        assert_eq!(alive(&id), Vec::<i32>::new());
        assert!(Record::read(&home.path().join("run"), &id).is_none());
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn after_a_crash_the_record_and_the_mark_find_all_of_it() {
    for (cgroup, recorded) in [(true, true), (false, true), (false, false)] {
        let home = tempfile::tempdir().unwrap();
        let setup = setup(home.path());
        let id = format!("crash-{cgroup}-{recorded}-{}", std::process::id());
        let tree = started(home.path(), &id, Walls { cgroup, limits: None }).await;
        if !recorded {
            Record::remove(&setup.runtime, &id).unwrap();
        }
        let attempt = AttemptId::new(id.clone()).unwrap();
        kill_leftovers(&setup, &attempt).unwrap();
        assert_eq!(alive(&id), Vec::<i32>::new());
        kill_leftovers(&setup, &attempt).unwrap();
        tree.end(Duration::ZERO).await.unwrap();
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_number_that_was_given_to_another_process_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let setup = setup(home.path());
    let mut other = Command::new("sleep").arg("600").process_group(0).kill_on_drop(true).spawn().unwrap();
    let pid = other.id().unwrap().cast_signed();
    let id = format!("reused-{}", std::process::id());
    Record { pid: Some(pid), start: Some(1), cgroup: None, limits: Vec::new() }
        .write(&setup.runtime, &id)
        .unwrap();
    kill_leftovers(&setup, &AttemptId::new(id).unwrap()).unwrap();
    assert!(other.try_wait().unwrap().is_none(), "it still runs");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_tree_that_is_dropped_is_killed() {
    let home = tempfile::tempdir().unwrap();
    let id = format!("drop-{}", std::process::id());
    drop(started(home.path(), &id, Walls::default()).await);
    assert_eq!(alive(&id), Vec::<i32>::new());
}

#[tokio::test]
async fn a_program_that_cannot_start_leaves_no_record() {
    let home = tempfile::tempdir().unwrap();
    let launch = Launch { argv: vec!["/bin/true".into()], env: Vec::new() };
    let nowhere = home.path().join("nowhere");
    let started = Tree::start(&setup(home.path()), "nowhere", launch, &nowhere, Walls::default()).await;
    assert!(started.is_err());
    assert!(Record::read(&home.path().join("run"), "nowhere").is_none());
}

/// A program with the daemon's terminal could type into the shell behind it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_tree_has_a_session_of_its_own() {
    let home = tempfile::tempdir().unwrap();
    let id = format!("session-{}", std::process::id());
    let argv = ["/bin/sh", "-c", "cut -d' ' -f6 /proc/$$/stat; cat"].map(OsString::from).to_vec();
    let launch = Launch { argv, env: vec![("PATH".into(), "/usr/bin:/bin".into())] };
    let walls = Walls { cgroup: true, limits: None };
    let mut tree = Tree::start(&setup(home.path()), &id, launch, home.path(), walls).await.unwrap();
    let mut lines = BufReader::new(tree.child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap(), Some(tree.pid.to_string()));
    tree.end(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn folders_nested_by_the_thousand_are_removed() {
    let home = tempfile::tempdir().unwrap();
    let id = format!("deep-{}", std::process::id());
    let script = "import os,sys\nfor _ in range(3000): os.mkdir('d'); os.chdir('d')\nprint('ready',flush=True)\nsys.stdin.read()";
    let argv = ["/usr/bin/python3", "-c", script].map(OsString::from).to_vec();
    let launch = Launch { argv, env: vec![("PATH".into(), "/usr/bin:/bin".into())] };
    let tmp = home.path().join("run/tmp").join(&id);
    std::fs::create_dir_all(&tmp).unwrap();
    let mut tree = Tree::start(&setup(home.path()), &id, launch, &tmp, Walls::default()).await.unwrap();
    let mut lines = BufReader::new(tree.child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("ready"));
    tree.end(Duration::ZERO).await.unwrap();
    assert!(!tmp.exists() && Record::read(&home.path().join("run"), &id).is_none());
}
