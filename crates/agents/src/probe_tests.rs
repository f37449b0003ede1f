//! The ladder of readiness, with small programs that answer as the real ones do.

use super::*;
use crate::profile::catalogue;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

struct Room {
    home: tempfile::TempDir,
    setup: Setup,
}

fn room() -> Room {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("bin")).unwrap();
    let setup = Setup {
        path: vec![home.path().join("bin")],
        node: None,
        practice: vec!["unused".into()],
        homes: None,
        user_home: home.path().to_owned(),
        run_as: None,
        runtime: home.path().join("run"),
        env: BTreeMap::new(),
    };
    Room { home, setup }
}

impl Room {
    fn program(&self, name: &str, script: &str) {
        let path = self.home.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn set(&mut self, agent: usize, name: &str, value: &str) {
        let env = self.setup.env.entry(catalogue()[agent].id.clone()).or_default();
        env.insert(name.into(), value.into());
    }

    async fn probe(&self, agent: usize) -> Readiness {
        probe(&self.setup, &catalogue()[agent].id).await
    }
}

const CLAUDE: usize = 0;
const CODEX: usize = 1;

#[tokio::test]
async fn missing_names_the_program_and_how_to_get_it() {
    let room = room();
    let Readiness::Missing { next } = room.probe(CLAUDE).await else { panic!() };
    assert!(next.contains("`claude`") && next.contains("npm install"), "{next}");
    room.program("claude", "exit 0");
    let Readiness::Missing { next } = room.probe(CLAUDE).await else { panic!() };
    assert!(next.contains("`claude-agent-acp`"), "{next}");
    assert_eq!(room.probe(catalogue().len() - 1).await, Readiness::Practice);
    let nobody = probe(&room.setup, &AgentId::new("nobody").unwrap()).await;
    assert!(matches!(nobody, Readiness::Missing { .. }));
}

#[tokio::test]
async fn claude_is_asked_for_its_own_word() {
    let mut room = room();
    room.program("claude-agent-acp", "exit 1");
    room.program(
        "claude",
        r#"[ "$1" = --version ] && echo "2.1.330 (Claude Code)" && exit
        [ "$*" = "auth status" ] || exit 9
        if [ -n "$ANTHROPIC_API_KEY" ]; then echo '{"loggedIn": true, "authMethod": "api_key"}'; exit 0; fi
        echo '{"loggedIn": false, "authMethod": "none"}'; exit 1"#,
    );
    let Readiness::SignedOut { version, next } = room.probe(CLAUDE).await else { panic!() };
    assert_eq!(version, "2.1.330");
    assert!(next.contains("claude auth login"));
    room.set(CLAUDE, "ANTHROPIC_API_KEY", "sk-made-up");
    assert_eq!(room.probe(CLAUDE).await, Readiness::SignedIn { version: "2.1.330".into() });
}

#[tokio::test]
async fn codex_with_a_provider_of_its_own_needs_no_account() {
    let mut room = room();
    room.program("codex-acp", "exit 1");
    room.program(
        "codex",
        r#"[ "$1" = --version ] && echo "codex-cli 0.169.0" && exit; echo "Not logged in" >&2; exit 1"#,
    );
    assert!(matches!(room.probe(CODEX).await, Readiness::SignedOut { .. }));
    let config = "model_provider = \"mine\"\n[model_providers.mine]\nname = \"mine\"\nenv_key = \"MINE\"\n";
    fs::create_dir(room.home.path().join(".codex")).unwrap();
    fs::write(room.home.path().join(".codex/config.toml"), config).unwrap();
    assert!(matches!(room.probe(CODEX).await, Readiness::SignedOut { .. }), "its key is not there");
    room.set(CODEX, "MINE", "made-up");
    assert_eq!(room.probe(CODEX).await, Readiness::SignedIn { version: "0.169.0".into() });
}

#[tokio::test]
async fn a_program_that_makes_no_sense_is_broken() {
    let room = room();
    room.program("codex-acp", "exit 1");
    room.program("codex", "echo 'segmentation fault' >&2; exit 139");
    let Readiness::Broken { reason, next } = room.probe(CODEX).await else { panic!() };
    assert!(reason.contains("segmentation fault") && next.contains("codex --version"), "{reason} {next}");
    room.program("codex", r#"[ "$1" = --version ] && echo 1.2.3 && exit; echo "panic" >&2; exit 2"#);
    assert!(matches!(room.probe(CODEX).await, Readiness::Broken { .. }));
}

#[test]
fn settings_that_are_no_plain_file_hold_nobody() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config.toml");
    assert_eq!(read_config(&path), None);
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert_eq!(read_config(&path), None);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "model_provider = \"own\"").unwrap();
    std::os::unix::fs::symlink(&path, home.path().join("link")).unwrap();
    assert_eq!(read_config(&home.path().join("link")).unwrap(), "model_provider = \"own\"");
}
