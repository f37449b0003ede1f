//! Worktrees and checkpoints: quick, exact, and deaf to what an agent puts in their way.

use crate::{attempt, ground, put};
use std::os::unix::fs::{MetadataExt, symlink};

#[tokio::test]
async fn a_worktree_is_made_once_and_kept() {
    let ground = ground("static").await;
    let root = ground.worktree("a1", &[("app/public/new.html", b"new")]).await;
    let again = ground.yard.worktree(&ground.project, &attempt("a1"), &ground.first).await.unwrap();
    assert_eq!(root, again);
    assert_eq!(std::fs::read(root.join("app/public/new.html")).unwrap(), b"new");
    if let Some(agent) = ground.yard.run_as_agent {
        let owner = |path: &str| std::fs::symlink_metadata(root.join(path)).unwrap().uid();
        assert_eq!([owner(""), owner("app/public/index.html")], [agent.uid, agent.uid]);
        assert_eq!([owner("SOUL.md"), owner("app.toml"), owner("steps")], [0, 0, 0]);
    }
}

#[tokio::test]
async fn checkpoints_hold_what_changed_and_only_then() {
    let ground = ground("static").await;
    let (yard, project, a1) = (&ground.yard, &ground.project, attempt("a1"));
    let root = ground.worktree("a1", &[]).await;
    assert!(yard.checkpoint(project, &a1, "none").await.unwrap().is_none());
    put(&root, &[("app/public/a.html", b"one\ntwo\n")]);
    std::fs::remove_file(root.join("app/public/style.css")).unwrap();
    let (first, stat) = yard.checkpoint(project, &a1, "two\nlines").await.unwrap().unwrap();
    assert_eq!((stat.files, stat.added), (2, 2));
    assert!(stat.removed > 10);
    assert!(yard.checkpoint(project, &a1, "none").await.unwrap().is_none());
    put(&root, &[("app/public/a.html", b"one\n")]);
    let (second, stat) = yard.checkpoint(project, &a1, "less").await.unwrap().unwrap();
    assert_eq!((stat.files, stat.added, stat.removed), (1, 0, 1));
    assert_ne!(first, second);
    assert_eq!(yard.diffstat(project, &ground.first, &second).await.unwrap().files, 2);
    assert!(yard.diff(project, &ground.first, &second).await.unwrap().contains("+one"));
    // A folder where a file was, and the other way round.
    std::fs::remove_file(root.join("app/public/a.html")).unwrap();
    put(&root, &[("app/public/a.html/index.html", b"x")]);
    assert_eq!(yard.checkpoint(project, &a1, "folder").await.unwrap().unwrap().1.files, 2);
    std::fs::remove_dir_all(root.join("app/public")).unwrap();
    put(&root, &[("app/public", b"now a file")]);
    let (last, _) = yard.checkpoint(project, &a1, "file").await.unwrap().unwrap();
    assert_eq!(ground.text(last.as_str(), "app/public").await.unwrap(), "now a file");
}

#[tokio::test]
async fn packages_and_ignored_files_are_not_counted() {
    let ground = ground("react").await;
    let root = ground
        .worktree(
            "a1",
            &[("app/build/x.js", b"x"), ("app/.vite/deps/y.js", b"y"), ("app/data/site.sqlite", b"z")],
        )
        .await;
    let link = root.join("app/node_modules");
    if ground.yard.node.is_some() {
        assert!(std::fs::read_link(&link).unwrap().starts_with(ground.dir.path().join("deps")));
    } else {
        symlink("/nowhere", &link).unwrap();
    }
    put(&root, &[("app/lib/node_modules/evil/index.js", b"x")]);
    assert!(ground.yard.checkpoint(&ground.project, &attempt("a1"), "none").await.unwrap().is_none());
}

#[tokio::test]
async fn a_file_that_is_known_cannot_be_hidden_by_an_ignore_rule() {
    let ground = ground("static").await;
    let root =
        ground.worktree("a1", &[("app/.gitignore", b"*\n"), ("app/public/index.html", b"changed")]).await;
    let commit = ground.checkpoint("a1").await;
    assert_eq!(ground.text(commit.as_str(), "app/public/index.html").await.unwrap(), "changed");
    assert_eq!(ground.text(commit.as_str(), "app/.gitignore").await, None, "it ignores itself");
    drop(root);
}

/// Filters need configuration, and the configuration that git reads is not the agent's to write: neither its `.git`
/// file, nor a nested repository, nor an attribute makes the daemon run a program of its choice.
#[tokio::test]
async fn nothing_an_agent_writes_is_run_by_git() {
    let ground = ground("static").await;
    let root = ground.worktree("a1", &[("app/public/a.txt", b"plain")]).await;
    let proof = ground.dir.path().join("proof");
    let evil = format!("touch {} && cat", proof.display());
    let config = format!(
        "[core]\n\tfsmonitor = {evil}\n\thooksPath = hooks\n[filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\trequired = true\n[diff \"evil\"]\n\ttextconv = {evil}\n\tcommand = {evil}\n[merge \"evil\"]\n\tdriver = {evil}\n"
    );
    let hook = format!("#!/bin/sh\n{evil}\n");
    put(
        &root,
        &[
            ("app/.gitattributes", b"* filter=evil diff=evil merge=evil\n"),
            ("evil.git/HEAD", b"ref: refs/heads/main\n"),
            ("evil.git/config", config.as_bytes()),
            ("evil.git/hooks/post-commit", hook.as_bytes()),
            ("evil.git/hooks/pre-commit", hook.as_bytes()),
            ("evil.git/objects/x", b""),
            ("evil.git/refs/x", b""),
            ("app/nested/.git/HEAD", b"ref: refs/heads/main\n"),
            ("app/nested/.git/config", config.as_bytes()),
            ("app/nested/.git/objects/x", b""),
            ("app/nested/.git/refs/x", b""),
            ("app/nested/file", b"x"),
        ],
    );
    std::fs::remove_file(root.join(".git")).unwrap();
    put(&root, &[(".git", format!("gitdir: {}\n", root.join("evil.git").display()).as_bytes())]);
    let commit = ground.checkpoint("a1").await;
    put(&root, &[("app/nested/file", b"y")]);
    let commit = ground
        .yard
        .checkpoint(&ground.project, &attempt("a1"), "again")
        .await
        .unwrap()
        .map_or(commit, |c| c.0);
    ground.yard.diff(&ground.project, &ground.first, &commit).await.unwrap();
    ground
        .yard
        .commit_files(&ground.project, &[("app/public/a.txt", Some(b"other"))], "edit", None)
        .await
        .unwrap();
    ground.yard.gate(&ground.project, &attempt("a1"), &commit).await.unwrap();
    ground.yard.reset_worktree(&ground.project, &attempt("a1"), &commit).await.unwrap();
    assert!(!proof.exists(), "a program of the agent was run");
    assert_eq!(ground.text(commit.as_str(), "app/public/a.txt").await.unwrap(), "plain");
}

#[tokio::test]
async fn links_are_recorded_as_links_and_never_followed() {
    let ground = ground("static").await;
    let secret = ground.dir.path().join("secret");
    std::fs::write(&secret, "do not read me").unwrap();
    let root = ground.worktree("a1", &[]).await;
    symlink(&secret, root.join("app/public/link")).unwrap();
    std::fs::remove_dir_all(root.join("steps")).unwrap();
    symlink(ground.dir.path(), root.join("steps")).unwrap();
    let commit = ground.checkpoint("a1").await;
    assert_eq!(ground.text(commit.as_str(), "app/public/link").await.unwrap(), secret.to_str().unwrap());
    assert_eq!(ground.text(commit.as_str(), "steps/secret").await, None);
    // Laying it out again writes nothing through them either.
    ground.yard.reset_worktree(&ground.project, &attempt("a1"), &ground.first).await.unwrap();
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "do not read me");
}

#[tokio::test]
async fn dropped_worktrees_are_gone_and_their_commits_stay() {
    let ground = ground("static").await;
    let (yard, project) = (&ground.yard, &ground.project);
    for name in ["a1", "a2", "a3"] {
        ground.worktree(name, &[("app/public/x", name.as_bytes())]).await;
    }
    let commit = ground.checkpoint("a1").await;
    yard.drop_worktree(project, &attempt("a1")).await.unwrap();
    yard.drop_worktree(project, &attempt("a1")).await.unwrap();
    yard.prune_worktrees(project, &[attempt("a3")]).await.unwrap();
    assert_eq!(yard.worktrees(project).unwrap(), [attempt("a3")]);
    assert_eq!(ground.text(commit.as_str(), "app/public/x").await.unwrap(), "a1");
}

#[tokio::test]
async fn what_a_killed_daemon_left_is_ended_and_unlocked() {
    let ground = ground("static").await;
    let (yard, project) = (&ground.yard, &ground.project);
    ground.worktree("a1", &[]).await;
    let repo = yard.repo_dir(project);
    let aside = repo.join(format!("refs/loopwright/aside-{}-0", std::process::id()));
    std::fs::create_dir_all(aside.parent().unwrap()).unwrap();
    std::fs::write(&aside, format!("{}\n", ground.first)).unwrap();
    for lock in ["refs/heads/main.lock", "refs/heads/attempt/a1.lock", "worktrees/a1/index.lock", "HEAD.lock"]
    {
        std::fs::write(repo.join(lock), "").unwrap();
    }
    let mut left = std::process::Command::new("sleep")
        .arg("600")
        .env("LOOPWRIGHT_WORK", ground.dir.path())
        .spawn()
        .unwrap();
    yard.commit_files(project, &[("SOUL.md", Some(b"new"))], "edit", None).await.unwrap_err();
    yard.recover().await.unwrap();
    assert!(!left.wait().unwrap().success());
    assert!(!aside.exists() && !repo.join("worktrees/a1/index.lock").exists());
    yard.commit_files(project, &[("SOUL.md", Some(b"new"))], "edit", None).await.unwrap();
}

/// The next attempt goes on in what the one before left, also in what no commit has yet.
#[tokio::test]
async fn a_bench_is_taken_up_as_it_was_left() {
    let ground = ground("static").await;
    let (yard, project, a1) = (&ground.yard, &ground.project, attempt("a1"));
    let root = ground.worktree("a1", &[("app/public/a.html", b"one")]).await;
    let first = ground.checkpoint("a1").await;
    put(&root, &[("app/public/b.html", b"not committed"), ("app/data/site.sqlite", b"ignored")]);
    assert_eq!(yard.bench(project, &a1, &first).await.unwrap(), root);
    assert_eq!(std::fs::read(root.join("app/public/b.html")).unwrap(), b"not committed");
    assert_eq!(std::fs::read(root.join("app/data/site.sqlite")).unwrap(), b"ignored");
    let second = ground.checkpoint("a1").await;
    // The engine may know less than what is there: nothing of it is lost.
    yard.bench(project, &a1, &first).await.unwrap();
    assert_eq!(yard.tip(project, &a1).await.unwrap(), first);
    assert_eq!(ground.checkpoint("a1").await.as_str().len(), second.as_str().len());
    let tip = yard.tip(project, &a1).await.unwrap();
    assert_eq!(ground.text(tip.as_str(), "app/public/b.html").await.unwrap(), "not committed");
    assert!(yard.repo_dir(project).join("refs/loopwright/kept").join(second.as_str()).is_file());
}

#[tokio::test]
async fn a_bench_that_stands_elsewhere_or_is_gone_is_made_anew() {
    let ground = ground("static").await;
    let (yard, project, a1) = (&ground.yard, &ground.project, attempt("a1"));
    let root = ground.worktree("a1", &[("app/public/a.html", b"one")]).await;
    let work = ground.checkpoint("a1").await;
    // After the checks it stands, on no branch, at what they looked at.
    yard.reset_worktree(project, &a1, &ground.first).await.unwrap();
    assert!(!root.join("app/public/a.html").exists());
    yard.bench(project, &a1, &ground.first).await.unwrap();
    put(&root, &[("app/public/c.html", b"three")]);
    let third = ground.checkpoint("a1").await;
    assert_eq!(ground.text(third.as_str(), "app/public/a.html").await, None);
    put(&root, &[("app/public/forbidden.html", b"x")]);
    yard.bench(project, &a1, &work).await.unwrap();
    assert!(root.join("app/public/a.html").exists());
    assert!(!root.join("app/public/forbidden.html").exists() && !root.join("app/public/c.html").exists());
    yard.drop_worktree(project, &a1).await.unwrap();
    yard.bench(project, &a1, &third).await.unwrap();
    assert!(root.join("app/public/c.html").exists());
    assert_eq!(yard.tip(project, &a1).await.unwrap(), third);
    let changed = yard.changed(project, &ground.first, &third, 10).await.unwrap();
    assert_eq!(changed.len(), 1);
    assert_eq!((changed[0].0.as_str(), changed[0].1.added), ("app/public/c.html", 1));
    assert_eq!(yard.changed(project, &ground.first, &third, 0).await.unwrap(), []);
}
