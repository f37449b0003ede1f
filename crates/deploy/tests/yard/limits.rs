//! Checks under limits, with no package and no network: an `app.toml` of the test's own.

use crate::{Ground, attempt, ground};
use deploy::CheckOutcome;
use protocol::fact::CheckKind;

async fn build(ground: &Ground, name: &str, manifest: &str) -> CheckOutcome {
    let text = format!("[app]\nkind = \"static\"\n[start]\nrun = [\"x\"]\nfiles = [\"public\"]\n{manifest}");
    let commit = ground
        .yard
        .commit_files(&ground.project, &[("app.toml", Some(text.as_bytes()))], "manifest", None)
        .await
        .unwrap();
    ground.yard.check(&ground.project, &attempt(name), CheckKind::Build, &commit).await.unwrap()
}

#[tokio::test]
async fn programs_run_in_app_with_a_clean_environment_as_the_agents_user() {
    let ground = ground("static").await;
    let show = "pwd; id -u; env; echo oops >&2; cat public/index.html | head -1";
    let outcome =
        build(&ground, "a1", &format!("[build]\nrun = [[\"sh\", \"-c\", \"{show}\"], [\"true\"]]\n")).await;
    let log = String::from_utf8(outcome.log).unwrap();
    assert!(outcome.passed && outcome.lines.is_empty(), "{log}");
    assert!(
        log.contains("worktrees/a1/app\n") && log.contains("oops") && log.contains("<!doctype html>"),
        "{log}"
    );
    assert!(!log.contains("CARGO") && log.contains("\nCI=1\n"), "{log}");
    if let Some(agent) = ground.yard.run_as_agent {
        assert!(log.contains(&format!("\n{}\n", agent.uid)), "{log}");
    }
}

#[tokio::test]
async fn a_failure_is_told_with_its_lines() {
    let ground = ground("static").await;
    let run = "[build]\nrun = [[\"sh\", \"-c\", \"echo fine; echo \\\"error: $PWD/x.tsx:3 broken\\\" >&2; exit 7\"], [\"touch\", \"never\"]]\n";
    let outcome = build(&ground, "a1", run).await;
    assert!(!outcome.passed && outcome.summary.ends_with("ended with exit code 7"), "{}", outcome.summary);
    assert!(outcome.lines.contains(&"error: x.tsx:3 broken".to_owned()), "{:?}", outcome.lines);
    assert!(!ground.yard.worktree_dir(&ground.project, &attempt("a1")).join("app/never").exists());
    let outcome = build(&ground, "a2", "[build]\nrun = [[\"no-such-program\"]]\n").await;
    assert!(outcome.summary.ends_with("is not a program here"), "{}", outcome.summary);
    let outcome = build(&ground, "a3", "[build]\nrun = \"make\"\n").await;
    assert!(!outcome.passed && outcome.summary.contains("line 7, column 7"), "{}", outcome.summary);
}

#[tokio::test]
async fn a_build_that_takes_too_long_is_killed_with_all_it_started() {
    let ground = ground("static").await;
    let run =
        "[build]\ntimeout_s = 1\nrun = [[\"sh\", \"-c\", \"trap '' TERM; sleep 987654 & sleep 987654\"]]\n";
    let outcome = build(&ground, "a1", run).await;
    assert_eq!(outcome.summary.split(" sleep 987654 took").nth(1), Some(" longer than 1 s and was stopped"));
    let alive = std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let at = |file: &str| std::fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        at("cmdline") == "sleep\0987654\0" && !at("stat").contains(") Z ")
    });
    assert!(!alive, "a process of the build lives on");
}

#[tokio::test]
async fn what_a_build_leaves_running_does_not_live_on() {
    let ground = ground("static").await;
    let outcome =
        build(&ground, "a1", "[build]\nrun = [[\"sh\", \"-c\", \"sleep 876543 & exit 0\"]]\n").await;
    assert!(outcome.passed, "{}", outcome.summary);
    let alive = std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let at = |file: &str| std::fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        at("cmdline") == "sleep\0876543\0" && !at("stat").contains(") Z ")
    });
    assert!(!alive, "a process of the build lives on");
}

#[tokio::test]
async fn a_build_that_nobody_waits_for_any_more_does_not_live_on() {
    let ground = ground("static").await;
    let run = "[build]\nrun = [[\"sh\", \"-c\", \"setsid sleep 965432 & sleep 965432\"]]\n";
    let sleeping = || {
        std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let at = |file: &str| std::fs::read_to_string(entry.path().join(file)).unwrap_or_default();
            at("cmdline") == "sleep\0965432\0" && !at("stat").contains(") Z ")
        })
    };
    let until = async |wanted: bool| {
        while sleeping() != wanted {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        _ = build(&ground, "a1", run) => panic!("it does not end by itself"),
        () = until(true) => {}
    }
    tokio::time::timeout(std::time::Duration::from_secs(5), until(false)).await.unwrap();
}

#[tokio::test]
async fn too_much_memory_is_told_as_such() {
    let ground = ground("static").await;
    // tail keeps its whole last line: 3 GiB of it.
    let run = "[build]\nmemory_mb = 64\nrun = [[\"sh\", \"-c\", \"head -c 3000000000 /dev/zero | tail\"]]\n";
    let outcome = build(&ground, "a1", run).await;
    assert!(
        outcome.summary.ends_with("ran out of memory: needed more than 64 MB"),
        "{} {:?}",
        outcome.summary,
        outcome.lines
    );
}

#[tokio::test]
async fn a_flood_of_output_is_kept_in_bounds() {
    let ground = ground("static").await;
    let outcome =
        build(&ground, "a1", "[build]\nrun = [[\"sh\", \"-c\", \"yes error | head -c 30000000; exit 1\"]]\n")
            .await;
    assert!(!outcome.passed && outcome.log.len() < 5_000_000 && outcome.lines.len() <= 40);
}

#[tokio::test]
async fn what_an_agent_left_beside_its_commit_is_not_built() {
    let ground = ground("static").await;
    let root = ground.worktree("a1", &[("app/.gitignore", b"cache\n"), ("app/cache/poison", b"x")]).await;
    ground.checkpoint("a1").await;
    let run = "[build]\nrun = [[\"sh\", \"-c\", \"ls cache && exit 1 || exit 0\"]]\n";
    let outcome = build(&ground, "a1", run).await;
    assert!(outcome.passed, "{}", outcome.summary);
    assert!(!root.join("app/cache").exists());
}
