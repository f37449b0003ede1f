//! Signing in with the real programs, through the daemon's API: to the end where a scripted sign-in server can play the
//! vendor, up to the vendor's answer where it cannot. A network that holds nothing but loopback.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod accounts;
mod harness;

use accounts::{Accounts, KEY, asks_for, is_over, is_yours, now, proven};
use protocol::fact::{Paid, Readiness};
use protocol::view::{Proven, SignInState, SignInView, WayKind};
use protocol::{Code, Request};
use std::io::Write;
use std::process::{Command, Stdio};
use testkit::alone;
use testkit::auth::{AuthPlan, AuthServer, CODEX_CODE, KIMI_CODE};

fn failure(view: &SignInView) -> &str {
    let SignInState::Failed { reason, next } = &view.state else { panic!("{view:#?}") };
    assert!(!next.is_empty());
    reason
}

fn codex(server: &AuthServer) -> Accounts {
    let agent = Accounts::with_programs("codex", "");
    agent.wrap("codex", "login --device-auth", &format!("--experimental_issuer {}", server.url()));
    agent
}

fn kimi(server: &AuthServer) -> Accounts {
    let settings = format!(
        "[agents.kimi-code.env]\nKIMI_CODE_OAUTH_HOST = {:?}\nKIMI_CODE_BASE_URL = \"MODEL/v1\"\n",
        server.url()
    );
    Accounts::with_programs("kimi-code", &settings)
}

#[test]
fn codex_signs_in_with_a_device_code_and_out_again() {
    alone("codex_signs_in_with_a_device_code_and_out_again", || {
        let server = AuthServer::start(AuthPlan::approve_after(1)).unwrap();
        let agent = codex(&server);
        agent.sign_in("device");
        let view = agent.sign_in_until(is_yours);
        let SignInState::Yours { url, code, expires, .. } = &view.state else { panic!() };
        assert!(url.as_deref().unwrap().starts_with(&server.url()), "{view:#?}");
        assert_eq!(code.as_deref(), Some(CODEX_CODE));
        assert!(expires.is_some());
        let view = agent.sign_in_until(is_over);
        assert!(matches!(view.state, SignInState::Done { .. }), "{view:#?}");
        let row = agent.row(false);
        assert!(matches!(row.readiness, Readiness::SignedIn { .. }), "{row:#?}");
        assert_eq!(now(&row).account.paid, Some(Paid::Subscription));
        assert_eq!(proven(&row)[3], Proven::Unknown, "no turn has worked yet");
        agent.sign_out();
        assert!(matches!(agent.row(false).readiness, Readiness::SignedOut { .. }));
    });
}

/// Up to the vendor's answer: for this way Codex knows no other vendor.
#[test]
fn codex_takes_the_address_at_which_the_browser_ended() {
    alone("codex_takes_the_address_at_which_the_browser_ended", || {
        let agent = Accounts::with_programs("codex", "");
        agent.sign_in("browser");
        let view = agent.sign_in_until(is_yours);
        let SignInState::Yours { url: Some(url), callback: Some(port), .. } = view.state else {
            panic!("{view:#?}")
        };
        agent.say(&format!("http://localhost:{port}/auth/callback?code=made-up-code&state=another"));
        agent.sign_in_until(|state| asks_for(state).is_some_and(|asks| asks.contains("did not take it")));
        let state = url.split('&').find_map(|part| part.strip_prefix("state=")).unwrap();
        agent.say(&format!("http://localhost:{port}/auth/callback?code=made-up-code&state={state}"));
        let view = agent.sign_in_until(is_over);
        assert!(failure(&view).contains("Token exchange failed"), "{view:#?}");
        assert!(matches!(agent.row(false).readiness, Readiness::SignedOut { .. }));
        agent.is_secret("made-up-code");
    });
}

#[test]
fn a_device_code_that_is_refused_or_too_old_is_told() {
    alone("a_device_code_that_is_refused_or_too_old_is_told", || {
        let server = AuthServer::start(AuthPlan::refuse()).unwrap();
        let fails = |agent: &Accounts, way: &str, plan: AuthPlan| {
            server.plan(plan);
            agent.sign_in(way);
            let view = agent.sign_in_until(is_over);
            assert!(!failure(&view).is_empty() && !view.screen.is_empty(), "{view:#?}");
            assert!(matches!(agent.row(false).readiness, Readiness::SignedOut { .. }));
        };
        let agent = codex(&server);
        fails(&agent, "device", AuthPlan::refuse());
        fails(&agent, "device", AuthPlan::expire());
        let agent = kimi(&server);
        fails(&agent, "login", AuthPlan::refuse());
        // Kimi asks for a new code by itself; that it is told is all that there is to see.
        server.plan(AuthPlan::expire());
        agent.sign_in("login");
        agent.sign_in_prints(KIMI_CODE, 4);
        server.plan(AuthPlan::refuse());
        assert!(failure(&agent.sign_in_until(is_over)).contains("denied"));
    });
}

#[test]
fn a_sign_in_that_is_cancelled_or_cut_off_leaves_nothing() {
    alone("a_sign_in_that_is_cancelled_or_cut_off_leaves_nothing", || {
        let server = AuthServer::start(AuthPlan::approve_after(1_000_000)).unwrap();
        let agent = codex(&server);
        agent.sign_in("device");
        agent.sign_in_until(is_yours);
        let again = Request::SignIn { agent: agent.row(false).agent, way: "device".into() };
        assert_eq!(agent.house.refused(&again).code, Code::Conflict, "one at a time");
        agent.stop_sign_in();
        assert!(failure(&agent.sign_in_until(is_over)).contains("stopped"));
        assert!(!runs("login --device-auth"), "it is dead");
        agent.sign_in("device");
        agent.sign_in_until(is_yours);
        let agent = agent.crash();
        let view = agent.sign_in_until(is_over);
        assert!(failure(&view).contains("started again"), "{view:#?}");
        assert!(!runs("login --device-auth"), "it is dead");
        server.plan(AuthPlan::approve_after(0));
        agent.sign_in("device");
        assert!(matches!(agent.sign_in_until(is_over).state, SignInState::Done { .. }));
    });
}

/// Whether a process with these arguments lives in this namespace.
fn runs(arguments: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines.into_iter().any(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(arguments))
}

#[test]
fn kimi_code_signs_in_with_a_device_code_and_works_with_it() {
    alone("kimi_code_signs_in_with_a_device_code_and_works_with_it", || {
        let server = AuthServer::start(AuthPlan::approve_after(1)).unwrap();
        let mut agent = kimi(&server);
        agent.sign_in("login");
        let view = agent.sign_in_until(is_yours);
        let SignInState::Yours { url, code, .. } = &view.state else { panic!() };
        assert!(url.as_deref().unwrap().contains(KIMI_CODE), "{view:#?}");
        assert_eq!(code.as_deref(), Some(KIMI_CODE));
        let view = agent.sign_in_until(is_over);
        assert!(matches!(view.state, SignInState::Done { .. }), "{view:#?}\n{:#?}", server.log());
        let row = agent.row(false);
        assert!(matches!(row.readiness, Readiness::SignedIn { .. }), "{row:#?}");
        assert_eq!(now(&row).account.paid, Some(Paid::Subscription));
        agent.works();
        assert!(matches!(agent.row(false).readiness, Readiness::Worked { .. }));
        agent.sign_out();
        let row = agent.row(false);
        assert!(matches!(row.readiness, Readiness::SignedOut { .. }), "{row:#?}");
    });
}

#[test]
fn claude_code_shows_an_address_and_takes_a_code() {
    alone("claude_code_shows_an_address_and_takes_a_code", || {
        let agent = Accounts::with_programs("claude-code", "");
        agent.sign_in("login");
        let view = agent.sign_in_until(|state| asks_for(state).is_some());
        let SignInState::Yours { url: Some(url), .. } = &view.state else { panic!("{view:#?}") };
        assert!(url.starts_with("https://claude.ai/oauth/authorize"), "{url}");
        agent.say("only-a-half-of-a-code");
        agent.sign_in_until(|state| asks_for(state).is_some_and(|asks| asks.contains("full code")));
        agent.say("made-up-code#made-up-state");
        let view = agent.sign_in_until(is_over);
        assert!(failure(&view).contains("Couldn't log in"), "{view:#?}");
        agent.is_secret("only-a-half-of-a-code");
        agent.is_secret("made-up-code#made-up-state");
        assert!(matches!(agent.row(false).readiness, Readiness::SignedOut { .. }));
    });
}

#[test]
fn gemini_cli_shows_an_address_and_takes_a_code() {
    alone("gemini_cli_shows_an_address_and_takes_a_code", || {
        let agent = Accounts::with_programs("gemini-cli", "");
        agent.sign_in("login");
        let view = agent.sign_in_until(|state| asks_for(state).is_some());
        let SignInState::Yours { url: Some(url), .. } = &view.state else { panic!("{view:#?}") };
        assert!(url.starts_with("https://accounts.google.com/") && url.contains("&client_id="), "{url}");
        agent.say("4/made-up-code-of-google");
        let view = agent.sign_in_until(is_over);
        assert!(failure(&view).contains("Failed to authenticate"), "{view:#?}");
        agent.is_secret("made-up-code-of-google");
        assert!(!agent.row(true).readiness.is_ready());
    });
}

#[test]
fn a_key_is_checked_before_it_is_kept_and_qwens_old_way_is_gone() {
    alone("a_key_is_checked_before_it_is_kept_and_qwens_old_way_is_gone", || {
        let agent = Accounts::with_programs("qwen-code", "");
        let row = agent.row(false);
        let gone = now(&row).ways.iter().find(|way| way.way == "login").unwrap();
        assert_eq!(gone.way_kind, WayKind::Gone);
        let login = Request::SignIn { agent: row.agent.clone(), way: "login".into() };
        assert_eq!(agent.house.refused(&login).code, Code::BadInput);
        let url = agent.model.openai_url();
        let two_lines = format!("{KEY}\nX: y");
        let good = [("key", KEY), ("url", url.as_str()), ("model", "qwen3-coder-plus")];
        for (at, bad) in [(0, ""), (0, two_lines.as_str()), (1, "file:///etc/passwd"), (2, "a\u{0}b")] {
            let mut fields = good;
            fields[at].1 = bad;
            let refused = agent.set_key("api-key", &fields).unwrap_err();
            assert_eq!(refused.code, Code::BadInput);
            assert!(!refused.to_string().contains(KEY), "{refused}");
        }
        assert!(matches!(agent.row(false).readiness, Readiness::SignedOut { .. }));
        for way in ["coding-plan", "api-key"] {
            agent.set_key(way, &good).unwrap();
            let row = agent.row(false);
            assert!(matches!(row.readiness, Readiness::SignedIn { .. }), "{row:#?}");
            let open: Vec<_> = now(&row).account.fields.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(open, ["model", "url"]);
        }
        agent.is_secret(KEY);
    });
}

/// With the vendor's address set by the machine's owner, so that a key of the vendor's can be played.
#[test]
fn keys_of_the_vendors_work() {
    alone("keys_of_the_vendors_work", || {
        for (agent, variable) in
            [("claude-code", "ANTHROPIC_BASE_URL"), ("gemini-cli", "GOOGLE_GEMINI_BASE_URL")]
        {
            let settings = format!("[agents.{agent}.env]\n{variable} = \"MODEL\"\n");
            let mut agent = Accounts::with_programs(agent, &settings);
            agent.set_key("api-key", &[("key", KEY)]).unwrap();
            agent.works();
            agent.is_secret(KEY);
        }
    });
}

/// `loopwrightd ARGS` on the agent's home, with this typed: its code and all that it printed.
fn command_line(agent: &Accounts, args: &[&str], typed: &str) -> (Option<i32>, String) {
    let workspace = &agent.house.workspace;
    let mut command = Command::new(harness::program(workspace));
    command.arg("--home").arg(workspace.home()).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let printed = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8_lossy(&printed).into_owned())
}

#[test]
fn the_command_line_signs_in_and_out() {
    alone("the_command_line_signs_in_and_out", || {
        let server = AuthServer::start(AuthPlan::approve_after(1)).unwrap();
        let agent = codex(&server);
        let (code, printed) = command_line(&agent, &["sign-in", "codex", "--way", "device"], "");
        assert!(
            code == Some(0) && printed.contains(CODEX_CODE) && printed.contains("signed in"),
            "{printed}"
        );
        let (code, printed) = command_line(&agent, &["sign-out", "codex"], "");
        assert!(code == Some(0) && printed.contains("signed out"), "{printed}");
        let typed = format!("4\n{}\n{KEY}\ngpt-5.5\n", agent.model.openai_url());
        let (code, printed) = command_line(&agent, &["sign-in", "codex"], &typed);
        assert!(code == Some(0) && printed.contains("kept.") && !printed.contains(KEY), "{printed}");
        assert_eq!(now(&agent.row(false)).account.paid, Some(Paid::OwnEndpoint));
        // Codex may write its shell's environment there, for as long as it runs.
        let written = agent.house.workspace.home().join("agents/codex/.codex/shell_snapshots");
        assert!(!written.exists(), "{}", written.display());
        agent.is_secret(KEY);
    });
}
