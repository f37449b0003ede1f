//! Making projects, and reading and changing their main branch.

use crate::{AT, attempt, ground};
use deploy::{Error, LandOutcome, RunAs, Yard, slug, starters};
use protocol::{ProjectId, ReleaseId};

#[tokio::test]
async fn a_new_project_has_its_instruction_layer_and_its_app() {
    for starter in starters() {
        let ground = ground(starter.id).await;
        for path in ["SOUL.md", "AGENTS.md", "GLOSSARY.md", "app.toml"] {
            let text = ground.text("main", path).await.unwrap();
            assert!(!text.contains("{name}") && !text.contains("{notes}") && text.len() > 100, "{path}");
        }
        assert_eq!(ground.text("main", "CLAUDE.md").await.unwrap(), "@AGENTS.md\n");
        for path in ["steps/planned/.gitkeep", "steps/completed/.gitkeep"] {
            assert_eq!(ground.text(ground.first.as_str(), path).await.unwrap(), "");
        }
        assert!(ground.text("main", "GLOSSARY.md").await.unwrap().contains("| Word | Meaning |"));
        let history = ground.yard.history(&ground.project, "SOUL.md").await.unwrap();
        assert_eq!((history.len(), history[0].at), (1, AT));
        ground.yard.manifest(&ground.project, "main").await.unwrap();
    }
}

#[tokio::test]
async fn several_files_are_read_at_once_as_one_by_one() {
    let ground = ground("static").await;
    let paths = ["SOUL.md", "no/such.md", "CLAUDE.md", "app", "steps/planned/.gitkeep"];
    let many = ground.yard.read_many(&ground.project, &ground.first, &paths).await.unwrap();
    assert_eq!(many.len(), paths.len());
    for (path, read) in paths.iter().zip(&many).filter(|(path, _)| **path != "app") {
        let one = ground.yard.read(&ground.project, ground.first.as_str(), path).await.unwrap();
        assert_eq!(*read, one, "{path}");
    }
    assert_eq!(many[1], None);
}

#[tokio::test]
async fn the_same_starter_at_the_same_time_makes_the_same_commit() {
    assert_eq!(ground("static").await.first, ground("static").await.first);
}

#[tokio::test]
async fn what_cannot_be_made_is_told_apart() {
    let ground = ground("static").await;
    let yard = &ground.yard;
    let again = yard.create_project(&ground.project, "Bakery", "static", AT).await;
    assert!(matches!(again, Err(Error::ProjectExists(_))));
    let other = ProjectId::new("other").unwrap();
    assert!(matches!(yard.create_project(&other, "Other", "cobol", AT).await, Err(Error::NoStarter { .. })));
    assert!(!yard.has_project(&other));
    assert!(matches!(yard.head(&other).await, Err(Error::NoProject(_))));
}

#[test]
fn a_name_becomes_an_id_or_is_refused() {
    let good = [
        ("Sauerteig", "sauerteig"),
        (" Bäckerei Groß & Söhne ", "baeckerei-gross-soehne"),
        ("a/../b", "a-b"),
        ("It's 5", "its-5"),
    ];
    for (name, id) in good {
        assert_eq!(slug(name).unwrap().as_str(), id);
    }
    for name in ["", "  ", "///", "שלום", "a\nb", &"x".repeat(61), "\u{202E}"] {
        assert!(matches!(slug(name), Err(Error::BadName { .. })), "{name:?}");
    }
}

#[tokio::test]
async fn files_are_committed_only_on_what_was_read() {
    let ground = ground("static").await;
    let (yard, project, first) = (&ground.yard, &ground.project, &ground.first);
    let second = yard
        .commit_files(
            project,
            &[("SOUL.md", Some(b"new soul")), ("steps/planned/1.md", Some(b"x"))],
            "edit",
            Some(first),
        )
        .await
        .unwrap();
    assert_eq!(yard.head(project).await.unwrap(), second);
    let stale = yard.commit_files(project, &[("SOUL.md", Some(b"other"))], "edit", Some(first)).await;
    assert!(matches!(stale, Err(Error::Moved)));
    assert_eq!(ground.text("main", "SOUL.md").await.unwrap(), "new soul");
    assert_ne!(ground.text(first.as_str(), "SOUL.md").await.unwrap(), "new soul");
    let dropped = yard.commit_files(project, &[("steps/planned/1.md", None)], "drop", None).await.unwrap();
    // Done again, as after a crash: nothing is left to do.
    let again = yard.commit_files(project, &[("steps/planned/1.md", None)], "drop", None).await.unwrap();
    assert_eq!((&again, yard.head(project).await.unwrap()), (&dropped, dropped.clone()));
    assert!(
        std::fs::read_dir(yard.repo_dir(project).join("refs/loopwright")).map_or(0, Iterator::count) == 0
    );
    assert_eq!(ground.text("main", "steps/planned/1.md").await, None);
    assert_eq!(yard.history(project, "SOUL.md").await.unwrap()[0].says, "edit");
}

#[tokio::test]
async fn of_many_writers_at_once_none_loses_a_change_silently() {
    let ground = ground("static").await;
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (yard, project) = (ground.yard.clone(), ground.project.clone());
        writers.spawn(async move {
            let path = format!("steps/planned/{n}.md");
            let done = yard.commit_files(&project, &[(&path, Some(b"x"))], "plan", None).await;
            (path, done)
        });
    }
    for (path, done) in writers.join_all().await {
        match done {
            Ok(_) => assert!(ground.text("main", &path).await.is_some()),
            Err(error) => assert!(matches!(error, Error::Moved | Error::Git { .. }), "{error}"),
        }
    }
}

#[tokio::test]
async fn odd_paths_and_revisions_are_refused() {
    let ground = ground("static").await;
    for path in ["", "/etc/passwd", "../x", "a/../../x", ".git/config", "a//b", "a\nb", "a\\b", "./a"] {
        let read = ground.yard.read(&ground.project, "main", path).await;
        assert!(matches!(read, Err(Error::BadPath { .. })), "{path:?}");
    }
    for at in ["HEAD", "--output=/tmp/x", "main~1", "", "refs/heads/main"] {
        assert!(ground.yard.read(&ground.project, at, "SOUL.md").await.is_err(), "{at:?}");
    }
    assert_eq!(ground.text("main", "no/such/file").await, None);
    assert_eq!(ground.yard.read(&ground.project, "main", "app").await.unwrap(), None);
}

#[tokio::test]
async fn landing_is_done_once_and_never_over_somebody_elses_change() {
    let ground = ground("static").await;
    let (yard, project) = (&ground.yard, &ground.project);
    ground.worktree("a1", &[("app/public/a.html", b"a")]).await;
    ground.worktree("a2", &[("app/public/b.html", b"b")]).await;
    let mut passed = Vec::new();
    for name in ["a1", "a2"] {
        let commit = ground.checkpoint(name).await;
        match yard.gate(project, &attempt(name), &commit).await.unwrap() {
            deploy::GateOutcome::Passed { commit, .. } => passed.push(commit),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(yard.land(project, &passed[0]).await.unwrap(), LandOutcome::Landed);
    assert_eq!(yard.land(project, &passed[0]).await.unwrap(), LandOutcome::Landed);
    assert_eq!(yard.land(project, &passed[1]).await.unwrap(), LandOutcome::Stale);
    yard.commit_files(project, &[("SOUL.md", Some(b"s"))], "edit", None).await.unwrap();
    assert_eq!(yard.land(project, &passed[0]).await.unwrap(), LandOutcome::Landed, "an ancestor has landed");
}

/// Only root can be asked: for anybody else there is one user.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn agents_and_apps_read_what_is_theirs_alone() {
    let ground = ground("static").await;
    if ground.yard.run_as_agent.is_none() {
        return;
    }
    let (agent, app, project) = (65_534, 65_533, &ground.project);
    let yard = Yard { run_as_app: Some(RunAs { uid: app, gid: app }), ..ground.yard.clone() };
    let worktree = ground.worktree("a1", &[]).await;
    let release =
        yard.stage(project, &attempt("a1"), &ReleaseId::new("r1").unwrap(), &ground.first).await.unwrap();
    let page = std::path::Path::new("app/public/index.html");
    let can = |user: u32, file: std::path::PathBuf| {
        let ids = [format!("--reuid={user}"), format!("--regid={user}")];
        let mut command = std::process::Command::new("setpriv");
        command.args(ids).args(["--clear-groups", "cat"]).arg(&file);
        assert!(file.is_file(), "{}", file.display());
        command.output().unwrap().status.success()
    };
    let seen = |user| {
        [yard.repo_dir(project).join("HEAD"), worktree.join(page), release.join(page)]
            .map(|file| can(user, file))
    };
    assert_eq!(seen(agent), [false, true, false]);
    let by_app = seen(app);
    assert!(!by_app[0] && by_app[2]);
}
