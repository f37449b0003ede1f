//! The ladder, with small programs that answer as the real ones do.

use super::*;
use crate::account::Account;
use crate::profile::catalogue;
use proptest::prelude::*;
use protocol::fact::AttemptEnd;
use protocol::view::{Proven, Rung};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

struct Room {
    home: tempfile::TempDir,
    setup: Setup,
}

const NOW: At = At(1_000_000_000_000_000);

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
        accounts: Default::default(),
        leases: Default::default(),
    };
    Room { home, setup }
}

impl Room {
    fn program(&self, name: &str, script: &str) {
        let path = self.home.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn set(&mut self, agent: usize, name: &str, value: &str) {
        let env = self.setup.env.entry(catalogue()[agent].id.clone()).or_default();
        env.insert(name.into(), value.into());
    }

    async fn look(&self, agent: usize) -> Seen {
        look(&self.setup, &catalogue()[agent].id, NOW).await
    }

    async fn probe(&self, agent: usize) -> Readiness {
        probe(&self.setup, &catalogue()[agent].id, NOW).await
    }
}

const CLAUDE: usize = 0;
const CODEX: usize = 1;
const GEMINI: usize = 2;

const CLAUDE_SAYS: &str = r#"[ "$1" = --version ] && echo "2.1.330 (Claude Code)" && exit
    [ "$*" = "auth status" ] || exit 9
    if [ -n "$ANTHROPIC_API_KEY" ]; then echo '{"loggedIn": true, "authMethod": "api_key"}'; exit 0; fi
    if grep -q good "$HOME/.claude/.credentials.json" 2>/dev/null; then echo '{"loggedIn": true, "authMethod": "claude.ai"}'; exit 0; fi
    echo '{"loggedIn": false, "authMethod": "none"}'; exit 1"#;

#[tokio::test]
async fn missing_names_the_program_and_how_to_get_it() {
    let room = room();
    let Readiness::Missing { next } = room.probe(CLAUDE).await else { panic!() };
    assert!(next.contains("`claude`"), "{next}");
    room.program("claude", "exit 0");
    let Readiness::Missing { next } = room.probe(CLAUDE).await else { panic!() };
    assert!(next.contains("`claude-agent-acp`"), "{next}");
    assert_eq!(room.probe(catalogue().len() - 1).await, Readiness::Practice);
    let nobody = probe(&room.setup, &AgentId::new("nobody").unwrap(), NOW).await;
    assert!(matches!(nobody, Readiness::Missing { .. }));
}

#[tokio::test]
async fn a_file_is_named_and_is_no_sign_in() {
    let mut room = room();
    room.program("claude-agent-acp", "exit 1");
    room.program("claude", CLAUDE_SAYS);
    let Readiness::SignedOut { version, .. } = room.probe(CLAUDE).await else { panic!() };
    assert_eq!(version, "2.1.330");
    room.file(".claude/.credentials.json", "rubbish");
    let seen = room.look(CLAUDE).await;
    let judged = judge(&seen, &Past::default(), NOW, false);
    assert!(matches!(judged.readiness, Readiness::Stale { .. }), "{:?}", judged.readiness);
    let [installed, credentials, accepted, worked] = &judged.ladder[..] else { panic!() };
    assert_eq!((installed.proven, credentials.proven), (Proven::Yes, Proven::Yes));
    assert_eq!((accepted.proven, worked.proven), (Proven::No, Proven::Unknown));
    assert!(credentials.how.contains(".credentials.json") && !credentials.how.contains("rubbish"));
    room.file(".claude/.credentials.json", "good");
    let seen = room.look(CLAUDE).await;
    assert_eq!(seen.paid(), Some(Paid::Subscription));
    assert_eq!(room.probe(CLAUDE).await, Readiness::SignedIn { version: "2.1.330".into() });
    room.set(CLAUDE, "ANTHROPIC_BASE_URL", "http://127.0.0.1:1");
    assert_eq!(room.look(CLAUDE).await.paid(), Some(Paid::OwnEndpoint));
}

#[tokio::test]
async fn a_key_that_was_given_reaches_its_own_program() {
    let room = room();
    room.program("claude-agent-acp", "exit 1");
    room.program("claude", CLAUDE_SAYS);
    let agent = &catalogue()[CLAUDE].id;
    let before = mark(&room.setup, agent);
    let fields = BTreeMap::from([("key".to_owned(), " sk-made-up ".to_owned())]);
    let account = Account::new(agent, "api-key", fields, At(5)).unwrap();
    room.setup.accounts.set(agent, Some(account));
    assert_ne!(mark(&room.setup, agent), before);
    let seen = room.look(CLAUDE).await;
    assert_eq!(seen.paid(), Some(Paid::Key));
    let judged = judge(&seen, &Past { worked: Some(At(4)), ..Past::default() }, NOW, false);
    assert!(matches!(judged.readiness, Readiness::SignedIn { .. }), "the turn was made with another account");
    let judged = judge(&seen, &Past { worked: Some(At(6)), ..Past::default() }, NOW, false);
    assert_eq!(judged.readiness, Readiness::Worked { version: "2.1.330".into(), at: At(6) });
    room.setup.accounts.set(agent, None);
    assert!(matches!(room.probe(CLAUDE).await, Readiness::SignedOut { .. }));
}

#[tokio::test]
async fn codex_with_a_provider_of_its_own_needs_no_account() {
    let mut room = room();
    // Opens a session for whoever asks.
    room.program("codex-acp", r#"read a; echo '{"id":1,"result":{}}'; read b; echo '{"id":2,"result":{}}'"#);
    room.program(
        "codex",
        r#"[ "$1" = --version ] && echo "codex-cli 0.169.0" && exit
        [ -f "$HOME/.codex/auth.json" ] && echo "Error checking login status: failed to deserialize" >&2 && exit 1
        echo "Not logged in" >&2; exit 1"#,
    );
    assert!(matches!(room.probe(CODEX).await, Readiness::SignedOut { .. }));
    room.file(".codex/auth.json", "rubbish");
    assert!(matches!(room.probe(CODEX).await, Readiness::Stale { .. }));
    let config = "model_provider = \"mine\"\n[model_providers.mine]\nname = \"mine\"\nenv_key = \"MINE\"\n";
    room.file(".codex/config.toml", config);
    let Readiness::Stale { reason, .. } = room.probe(CODEX).await else { panic!("its key is not there") };
    assert!(reason.contains("MINE"), "{reason}");
    room.set(CODEX, "MINE", "made-up");
    assert_eq!(room.probe(CODEX).await, Readiness::SignedIn { version: "0.169.0".into() });
}

#[tokio::test]
async fn an_agent_without_a_question_is_asked_for_a_session() {
    let room = room();
    let answering = |answer: &str| {
        format!(
            "[ \"$1\" = --version ] && echo 0.61.0 && exit\nread a; echo '{{\"id\":1,\"result\":{{}}}}'\nread b; {answer}; sleep 60"
        )
    };
    room.program("gemini", &answering(r#"echo '{"id":2,"error":{"code":-32000,"message":"no key"}}'"#));
    assert!(matches!(room.probe(GEMINI).await, Readiness::SignedOut { .. }));
    room.file(".gemini/oauth_creds.json", "rubbish");
    let Readiness::Stale { reason, .. } = room.probe(GEMINI).await else { panic!() };
    assert!(reason.contains("no key"), "{reason}");
    room.program("gemini", &answering(r#"printf 'Enter the authorization code: \n'"#));
    assert!(matches!(room.probe(GEMINI).await, Readiness::Stale { .. }));
    room.program("gemini", &answering(r#"echo noise; echo '{"id":2,"result":{"sessionId":"s"}}'"#));
    assert_eq!(room.probe(GEMINI).await, Readiness::SignedIn { version: "0.61.0".into() });
    room.program("gemini", &answering("exit 3"));
    assert!(matches!(room.probe(GEMINI).await, Readiness::Broken { .. }));
}

#[tokio::test]
async fn a_program_that_makes_no_sense_is_broken() {
    let room = room();
    room.program("codex-acp", "exit 1");
    room.program("codex", "echo 'segmentation fault' >&2; exit 139");
    let Readiness::Broken { reason, .. } = room.probe(CODEX).await else { panic!() };
    assert!(reason.contains("segmentation fault"), "{reason}");
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
    // A person may keep their settings elsewhere; root follows nobody's link.
    let linked = (!rustix::process::geteuid().is_root()).then(|| "model_provider = \"own\"".to_owned());
    assert_eq!(read_config(&home.path().join("link")), linked);
    assert_eq!(read_config(&path).as_deref(), Some("model_provider = \"own\""));
}

fn seen(credential: Option<At>, accepted: Accepted) -> Seen {
    let credentials = credential.map(|at| Credential { name: "auth.json".into(), changed: Some(at) });
    Seen {
        agent: catalogue()[CODEX].id.clone(),
        at: NOW,
        installed: Installed::Yes { version: "1.0".into(), how: "asked".into() },
        credentials: credentials.into_iter().collect(),
        accepted,
        paid: None,
        key_set: None,
        mark: Mark::default(),
    }
}

fn yes() -> Accepted {
    Accepted::Yes { how: "asked".into() }
}

fn refused(at: i64) -> Past {
    Past {
        worked: Some(At(10)),
        last: Some((At(at), AttemptEnd::SignedOut { reason: "401".into() })),
        renewed: None,
    }
}

#[test]
fn a_refusal_stays_until_something_new_is_there() {
    let state = |seen: &Seen, past: &Past| judge(seen, past, At(1000), false).readiness;
    let old = seen(Some(At(5)), yes());
    assert!(matches!(state(&old, &refused(100)), Readiness::Refused { at: At(100), .. }));
    let worked = judge(&old, &refused(100), At(1000), false).ladder.pop().unwrap();
    assert_eq!((worked.proven, worked.at), (Proven::No, Some(At(100))));
    assert!(
        matches!(state(&seen(Some(At(101)), yes()), &refused(100)), Readiness::Worked { .. }),
        "a new file"
    );
    let key = Seen { key_set: Some(At(101)), ..old.clone() };
    assert!(matches!(state(&key, &refused(100)), Readiness::SignedIn { .. }), "a new key");
    let renewed = Past { renewed: Some(At(101)), ..refused(100) };
    assert!(matches!(state(&old, &renewed), Readiness::SignedIn { .. }), "a new sign-in");
    let worked = Past { last: Some((At(200), AttemptEnd::TurnEnded)), worked: Some(At(200)), renewed: None };
    assert!(matches!(state(&old, &worked), Readiness::Worked { at: At(200), .. }), "a turn that works");
}

#[test]
fn a_quota_comes_back_by_itself() {
    let gone = |until| Past { last: Some((At(100), AttemptEnd::QuotaGone { until })), ..Past::default() };
    let at = |now, past: &Past| judge(&seen(Some(At(150)), yes()), past, At(now), false);
    let known = gone(Some(At(500)));
    let judged = at(499, &known);
    assert!(matches!(judged.readiness, Readiness::QuotaGone { until: Some(At(500)), .. }));
    assert_eq!(judged.until, Some(At(500)));
    assert!(matches!(at(500, &known).readiness, Readiness::SignedIn { .. }));
    assert_eq!(at(500, &known).until, None);
    let unknown = gone(None);
    assert!(matches!(at(499, &unknown).readiness, Readiness::QuotaGone { until: None, .. }));
    assert!(matches!(at(100 + 3_600_000, &unknown).readiness, Readiness::SignedIn { .. }));
}

#[test]
fn busy_says_nothing_against_an_account_that_is_out() {
    let state = |accepted| judge(&seen(None, accepted), &Past::default(), At(1), true).readiness;
    assert!(matches!(state(yes()), Readiness::Busy { .. }));
    let no = Accepted::No { how: "asked".into(), reason: "out".into() };
    assert!(matches!(state(no), Readiness::SignedOut { .. }));
}

fn accepteds() -> impl Strategy<Value = Accepted> {
    prop_oneof![
        Just(yes()),
        Just(Accepted::No { how: "asked".into(), reason: "no".into() }),
        Just(Accepted::Unclear { reason: "what".into() }),
        Just(Accepted::NotAsked),
    ]
}

fn ends() -> impl Strategy<Value = AttemptEnd> {
    prop_oneof![
        Just(AttemptEnd::TurnEnded),
        Just(AttemptEnd::SignedOut { reason: "401".into() }),
        (0..400i64).prop_map(|until| AttemptEnd::QuotaGone { until: Some(At(until)) }),
        Just(AttemptEnd::QuotaGone { until: None }),
        Just(AttemptEnd::Lost),
    ]
}

proptest! {
    /// The one word above the ladder never says more than the ladder.
    #[test]
    fn the_state_never_says_more_than_the_ladder(
        file in prop::option::of(0..300i64), accepted in accepteds(),
        installed in 0..3u8, key_set in prop::option::of(0..300i64), renewed in prop::option::of(0..300i64),
        worked in prop::option::of(0..300i64), last in prop::option::of((0..300i64, ends())),
        now in 0..400i64, busy: bool,
    ) {
        let mut seen = seen(file.map(At), accepted);
        seen.key_set = key_set.map(At);
        match installed {
            0 => seen.installed = Installed::Missing { next: "install".into() },
            1 => seen.installed = Installed::Broken { reason: "broken".into() },
            _ => {}
        }
        let past = Past { worked: worked.map(At), last: last.map(|(at, end)| (At(at), end)), renewed: renewed.map(At) };
        let judged = judge(&seen, &past, At(now), busy);
        let rungs: Vec<Rung> = judged.ladder.iter().map(|row| row.rung).collect();
        prop_assert_eq!(rungs, [Rung::Installed, Rung::Credentials, Rung::Accepted, Rung::Worked]);
        let proven = |at: usize| judged.ladder[at].proven;
        match judged.readiness {
            Readiness::Missing { .. } => prop_assert_eq!(proven(0), Proven::No),
            Readiness::SignedOut { .. } => prop_assert_eq!((proven(0), proven(1), proven(2)), (Proven::Yes, Proven::No, Proven::No)),
            Readiness::Stale { .. } => prop_assert_eq!((proven(0), proven(1), proven(2)), (Proven::Yes, Proven::Yes, Proven::No)),
            Readiness::SignedIn { .. } => prop_assert_eq!((proven(0), proven(2), proven(3)), (Proven::Yes, Proven::Yes, Proven::Unknown)),
            Readiness::Worked { at, .. } => {
                prop_assert_eq!((proven(0), proven(2), proven(3)), (Proven::Yes, Proven::Yes, Proven::Yes));
                prop_assert_eq!(judged.ladder[3].at, Some(at));
            }
            Readiness::Refused { at, .. } => {
                prop_assert_eq!((proven(2), proven(3)), (Proven::Yes, Proven::No));
                prop_assert_eq!(judged.ladder[3].at, Some(at));
            }
            Readiness::QuotaGone { .. } => {
                prop_assert_eq!(proven(2), Proven::Yes);
                prop_assert!(judged.until.is_some_and(|until| until > At(now)));
            }
            Readiness::Busy { .. } => prop_assert!(busy && proven(2) == Proven::Yes),
            Readiness::Broken { .. } => prop_assert!(proven(0) == Proven::Unknown || proven(2) == Proven::Unknown),
            Readiness::Practice => prop_assert!(false, "it is not the practice agent"),
        }
    }
}
