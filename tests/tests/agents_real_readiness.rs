//! The ladder of readiness of each real agent: its program's real state is changed, and what the daemon says follows. A
//! network that holds nothing but loopback; keys and credentials are made up.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod accounts;
mod harness;

use accounts::{Accounts, KEY, now, proven, rung};
use protocol::fact::{AttemptEnd, Paid, Readiness};
use protocol::view::{Proven, Rung};
use testkit::alone;

use Proven::{No, Unknown, Yes};

/// Files of credentials that no service would take, as each program writes them.
struct Stale {
    agent: &'static str,
    /// What is named as credentials.
    named: &'static str,
    files: &'static [(&'static str, &'static str)],
}

/// From nothing to a turn that worked, with all that goes wrong between.
fn ladder(stale: &Stale) {
    let mut agent = Accounts::open(stale.agent, "");
    let row = agent.row(false);
    assert!(matches!(row.readiness, Readiness::Missing { .. }), "{row:#?}");
    assert_eq!(proven(&row), [No, No, Unknown, Unknown]);
    let pinned = now(&row).pinned.clone().unwrap();

    agent.install();
    let row = agent.until(|row| !matches!(row.readiness, Readiness::Missing { .. }));
    let Readiness::SignedOut { version, .. } = &row.readiness else { panic!("{row:#?}") };
    assert_eq!(*version, pinned, "the tested version is installed");
    assert_eq!(proven(&row), [Yes, No, No, Unknown]);
    assert!(rung(&row, Rung::Installed).how.contains(version), "{row:#?}");

    for (path, text) in stale.files {
        agent.leave(path, text);
    }
    let row = agent.until(|row| matches!(row.readiness, Readiness::Stale { .. }));
    assert_eq!(proven(&row), [Yes, Yes, No, Unknown]);
    let credentials = rung(&row, Rung::Credentials);
    assert!(credentials.how.contains(stale.named) && !credentials.how.contains("made-up"), "{row:#?}");
    for (path, _) in stale.files {
        agent.take_away(path);
    }
    agent.until(|row| matches!(row.readiness, Readiness::SignedOut { .. }));

    agent.give_key();
    let row = agent.row(false);
    assert!(matches!(row.readiness, Readiness::SignedIn { .. }), "{row:#?}\n{}", agent.story());
    assert_eq!(proven(&row), [Yes, Yes, Yes, Unknown]);
    let account = &now(&row).account;
    assert_eq!((account.paid, account.way.as_deref()), (Some(Paid::OwnEndpoint), Some("endpoint")));

    let revoked = agent.ask("A page that is revoked");
    assert!(matches!(agent.ends(&revoked), AttemptEnd::SignedOut { .. }), "{}", agent.story());
    let row = agent.row(false);
    assert!(matches!(row.readiness, Readiness::Refused { .. }), "{row:#?}");
    assert_eq!(proven(&row), [Yes, Yes, Yes, No]);
    agent.cancel(&revoked);
    let mut agent = agent.restart();
    let row = agent.row(false);
    assert!(matches!(row.readiness, Readiness::Refused { .. }), "a restart forgets nothing: {row:#?}");
    assert_eq!(now(&row).account.way.as_deref(), Some("endpoint"), "nor the key");

    agent.give_key();
    assert!(matches!(agent.row(false).readiness, Readiness::SignedIn { .. }), "a new key is a new chance");
    let used_up = agent.ask("A page beyond the allowance");
    let AttemptEnd::QuotaGone { until } = agent.ends(&used_up) else { panic!("{}", agent.story()) };
    let row = agent.row(false);
    let Readiness::QuotaGone { until: shown, .. } = row.readiness else { panic!("{row:#?}") };
    assert_eq!(shown, until);
    agent.cancel(&used_up);

    agent.give_key();
    agent.works();
    let row = agent.row(false);
    let Readiness::Worked { at, .. } = row.readiness else { panic!("{row:#?}") };
    assert_eq!(proven(&row), [Yes, Yes, Yes, Yes]);
    assert_eq!(rung(&row, Rung::Worked).at, Some(at));
    agent.is_secret(KEY);

    agent.sign_out();
    let row = agent.row(false);
    assert!(matches!(row.readiness, Readiness::SignedOut { .. }), "{row:#?}");
    assert_eq!(now(&row).account, Default::default());
    let left = std::fs::read_dir(agent.house.workspace.home().join("secrets")).unwrap().count();
    assert_eq!(left, 0, "the key is forgotten");
    assert!(agent.house.daemon.stop().unwrap().success());
}

#[test]
fn claude_code_goes_up_the_ladder() {
    alone("claude_code_goes_up_the_ladder", || {
        ladder(&Stale {
            agent: "claude-code",
            named: ".claude/.credentials.json",
            files: &[(".claude/.credentials.json", "{\"made-up\": 1")],
        });
    });
}

#[test]
fn codex_goes_up_the_ladder() {
    alone("codex_goes_up_the_ladder", || {
        ladder(&Stale {
            agent: "codex",
            named: ".codex/auth.json",
            files: &[(".codex/auth.json", "{\"made-up\": 1")],
        });
    });
}

#[test]
fn gemini_cli_goes_up_the_ladder() {
    let files = &[
        (
            ".gemini/oauth_creds.json",
            r#"{"access_token":"made-up","refresh_token":"made-up","token_type":"Bearer","expiry_date":1000}"#,
        ),
        (".gemini/settings.json", r#"{"security":{"auth":{"selectedType":"oauth-personal"}}}"#),
    ];
    alone("gemini_cli_goes_up_the_ladder", || {
        ladder(&Stale { agent: "gemini-cli", named: ".gemini/oauth_creds.json", files })
    });
}

#[test]
fn qwen_code_goes_up_the_ladder() {
    let files = &[
        (
            ".qwen/oauth_creds.json",
            r#"{"access_token":"made-up","refresh_token":"made-up","token_type":"Bearer","expiry_date":1000}"#,
        ),
        (".qwen/settings.json", r#"{"security":{"auth":{"selectedType":"qwen-oauth"}}}"#),
    ];
    alone("qwen_code_goes_up_the_ladder", || {
        ladder(&Stale { agent: "qwen-code", named: ".qwen/oauth_creds.json", files })
    });
}

#[test]
fn kimi_code_goes_up_the_ladder() {
    let files = &[(".kimi-code/credentials/kimi-code.json", "made-up")];
    alone("kimi_code_goes_up_the_ladder", || {
        ladder(&Stale { agent: "kimi-code", named: ".kimi-code/credentials", files })
    });
}
