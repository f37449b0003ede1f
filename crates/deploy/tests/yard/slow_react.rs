//! The React starter for real: packages installed from the registry, built, tested, started. Needs LOOPWRIGHT_NODE (the
//! folder of a node 22.22 or newer) and, for the first run on a machine, the registry.

use crate::{Ground, attempt, ground, put};
use deploy::{CheckOutcome, GateOutcome};
use protocol::CommitId;
use protocol::fact::CheckKind;

/// A home whose packages are shared between the tests of this run, as they are between projects.
async fn react() -> Ground {
    let ground = ground("react").await;
    assert!(
        ground.yard.node.is_some(),
        "set LOOPWRIGHT_NODE to the folder of a node program, 22.22 or newer (./dev test does)"
    );
    ground.yard.prepare_deps("react").await.unwrap();
    ground
}

async fn check(ground: &Ground, kind: CheckKind, commit: &CommitId) -> CheckOutcome {
    ground.yard.check(&ground.project, &attempt("a1"), kind, commit).await.unwrap()
}

fn log(outcome: &CheckOutcome) -> String {
    format!("{}\n{}", outcome.summary, String::from_utf8_lossy(&outcome.log))
}

#[tokio::test]
async fn the_starter_builds_passes_its_test_and_reports_what_breaks() {
    let ground = react().await;
    let outcome = check(&ground, CheckKind::Build, &ground.first).await;
    assert!(outcome.passed, "{}", log(&outcome));
    let root = ground.yard.worktree_dir(&ground.project, &attempt("a1"));
    assert!(
        root.join("app/build/server/index.js").is_file() && root.join("app/build/client/assets").is_dir()
    );
    let outcome = check(&ground, CheckKind::Test, &ground.first).await;
    assert!(outcome.passed, "{}", log(&outcome));
    assert!(String::from_utf8_lossy(&outcome.log).contains("pass 2"), "{}", log(&outcome));

    let home = b"export default function Home() { return <main><h1>Broken</main>; }\n";
    let broken = ground
        .yard
        .commit_files(&ground.project, &[("app/app/routes/home.tsx", Some(home))], "break", None)
        .await;
    let outcome = check(&ground, CheckKind::Build, &broken.unwrap()).await;
    assert!(!outcome.passed, "{}", log(&outcome));
    assert!(outcome.lines.iter().any(|line| line.contains("home.tsx")), "{:?}", outcome.lines);
    assert!(
        !outcome.lines.iter().any(|line| line.contains(ground.dir.path().to_str().unwrap())),
        "{:?}",
        outcome.lines
    );

    let home = b"export default function Home() { return <main><p>No heading, no title</p></main>; }\n";
    let poor = ground
        .yard
        .commit_files(&ground.project, &[("app/app/routes/home.tsx", Some(home))], "poor", None)
        .await;
    let outcome = check(&ground, CheckKind::Test, &poor.unwrap()).await;
    assert!(!outcome.passed && outcome.summary.starts_with("node --test"), "{}", log(&outcome));
}

#[tokio::test]
async fn packages_that_are_there_need_no_network_and_wrong_lists_are_refused() {
    let ground = react().await;
    assert!(ground.yard.has_deps("react").await.unwrap());
    // From here on npm would fail: its cache is no folder.
    let mut offline = ground.yard.clone();
    offline.npm_cache = Some("/dev/null/no".into());
    let outcome =
        offline.check(&ground.project, &attempt("a1"), CheckKind::Build, &ground.first).await.unwrap();
    assert!(outcome.passed, "{}", log(&outcome));

    let root = ground.worktree("a2", &[]).await;
    let package = std::fs::read_to_string(root.join("app/package.json")).unwrap();
    put(
        &root,
        &[("app/package.json", package.replace("\"react\": \"19.3.1\"", "\"react\": \"19.3.0\"").as_bytes())],
    );
    let commit = ground.checkpoint("a2").await;
    let GateOutcome::Passed { commit, .. } =
        ground.yard.gate(&ground.project, &attempt("a2"), &commit).await.unwrap()
    else {
        panic!("the gate did not pass it")
    };
    let outcome = check(&ground, CheckKind::Build, &commit).await;
    assert!(
        !outcome.passed && outcome.summary.contains("does not match package.json (react)"),
        "{}",
        log(&outcome)
    );
}
