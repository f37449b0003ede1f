//! Sign-ins to their end, with small programs that talk as the vendors' do.

use super::*;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

struct Room {
    home: tempfile::TempDir,
    setup: Setup,
}

impl Room {
    fn with(program: &str, script: &str) -> Room {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("bin").join(program);
        fs::create_dir(home.path().join("bin")).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        let setup = Setup {
            path: vec![home.path().join("bin")],
            node: None,
            practice: Vec::new(),
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

    fn begin(&self, agent: &str, way: &str, limit: Duration) -> Going {
        let first =
            SignInView { way: way.into(), started: At(0), state: SignInState::Starting, screen: Vec::new() };
        let (shown, view) = watch::channel(first);
        let (say, orders) = mpsc::channel(1);
        let wanted = SignIn { agent: AgentId::new(agent).unwrap(), way: way.into(), started: At(0), limit };
        let setup = self.setup.clone();
        let task = tokio::spawn(async move { sign_in(&setup, wanted, orders, &shown).await });
        Going { view, say, task }
    }
}

struct Going {
    view: watch::Receiver<SignInView>,
    say: mpsc::Sender<Say>,
    task: tokio::task::JoinHandle<Result<String, NotSignedIn>>,
}

impl Going {
    async fn until(&mut self, is: impl FnMut(&SignInView) -> bool) -> SignInView {
        let seen = timeout(Duration::from_secs(20), self.view.wait_for(is)).await;
        seen.unwrap_or_else(|_| panic!("not seen")).unwrap().clone()
    }

    async fn say(&self, text: &str) {
        self.say.send(Say::Text(text.into())).await.unwrap();
    }
}

const LONG: Duration = Duration::from_secs(60);

fn asks(view: &SignInView) -> Option<&str> {
    match &view.state {
        SignInState::Yours { asks, .. } => asks.as_deref(),
        _ => None,
    }
}

const CLAUDE: &str = r#"
    [ -n "$ANTHROPIC_API_KEY" ] && exit 9
    printf "If the browser didn't open, visit:\nhttps://claude.ai/oauth/authorize?state=x\nPaste code here if prompted > "
    while read code; do
        case $code in
            right#code) mkdir -p "$HOME/.claude"; echo x > "$HOME/.claude/.credentials.json"; echo "Login successful."; exit 0;;
            *#*) echo "Couldn't log in: $code was refused"; exit 1;;
            *) echo "That doesn't look like the full code. Copy all of it.";;
        esac
    done"#;

#[tokio::test]
async fn a_pasted_code_signs_in_and_is_shown_nowhere() {
    let room = Room::with("claude", CLAUDE);
    let mut going = room.begin("claude-code", "login", LONG);
    let view = going.until(|view| asks(view).is_some()).await;
    let SignInState::Yours { url, .. } = &view.state else { panic!() };
    assert_eq!(url.as_deref(), Some("https://claude.ai/oauth/authorize?state=x"));
    going.say("only-half-of-it").await;
    let again = going.until(|view| asks(view).is_some_and(|asks| asks.contains("full code"))).await;
    assert!(!format!("{again:?}").contains("only-half"));
    going.say("right#code").await;
    assert_eq!(going.task.await.unwrap().unwrap(), "Login successful.");
}

#[tokio::test]
async fn a_wrong_code_is_a_named_failure_without_the_code() {
    let room = Room::with("claude", CLAUDE);
    let mut going = room.begin("claude-code", "login", LONG);
    going.until(|view| asks(view).is_some()).await;
    going.say("wrong#code-4711").await;
    let failed = (&mut going.task).await.unwrap().unwrap_err();
    assert_eq!(failed.reason, "Couldn't log in: ••• was refused");
    assert!(!format!("{:?}", *going.view.borrow()).contains("4711"));
}

#[tokio::test]
async fn a_sign_in_that_is_stopped_or_too_late_leaves_nothing() {
    let room = Room::with("claude", &format!("sleep 300 & echo $! > \"$HOME/pid\"\n{CLAUDE}"));
    for stopped in [true, false] {
        let limit = if stopped { LONG } else { Duration::from_millis(1500) };
        let mut going = room.begin("claude-code", "login", limit);
        if stopped {
            going.until(|view| asks(view).is_some()).await;
            going.say.send(Say::Stop).await.unwrap();
        }
        let failed = going.task.await.unwrap().unwrap_err();
        assert!(failed.reason.contains(if stopped { "stopped" } else { "nobody signed in" }), "{failed:?}");
        let pid = fs::read_to_string(room.home.path().join("pid")).unwrap();
        assert!(!std::path::Path::new("/proc").join(pid.trim()).join("cwd").exists(), "its child is dead");
        assert!(!end_sign_in(&room.setup, &AgentId::new("claude-code").unwrap()).unwrap());
    }
}

#[tokio::test]
async fn one_that_the_daemons_death_left_is_ended_and_told() {
    let room = Room::with("claude", CLAUDE);
    let agent = AgentId::new("claude-code").unwrap();
    let mut going = room.begin("claude-code", "login", LONG);
    going.until(|view| asks(view).is_some()).await;
    assert!(end_sign_in(&room.setup, &agent).unwrap());
    going.task.await.unwrap().unwrap_err();
    assert!(!end_sign_in(&room.setup, &agent).unwrap());
}

#[tokio::test]
async fn another_daemon_of_this_machine_ends_no_sign_in_of_ours() {
    let (ours, others) = (Room::with("claude", CLAUDE), Room::with("claude", CLAUDE));
    let agent = AgentId::new("claude-code").unwrap();
    let mut going = ours.begin("claude-code", "login", LONG);
    going.until(|view| asks(view).is_some()).await;
    assert!(!end_sign_in(&others.setup, &agent).unwrap());
    going.say("right#code").await;
    assert_eq!(going.task.await.unwrap().unwrap(), "Login successful.");
}

#[tokio::test]
async fn a_program_that_takes_nothing_does_not_hold_a_sign_in_for_ever() {
    let script = r#"printf "visit:\nhttps://claude.ai/x\nPaste code here > "; sleep 300"#;
    let room = Room::with("claude", script);
    let mut going = room.begin("claude-code", "login", Duration::from_secs(3));
    going.until(|view| asks(view).is_some()).await;
    // More than a pipe holds.
    for _ in 0..12 {
        let _ = timeout(LONG, going.say.send(Say::Text("x".repeat(8000)))).await.expect("it is over by then");
    }
    let failed = timeout(LONG, going.task).await.expect("it ends").unwrap().unwrap_err();
    assert!(failed.reason.contains("does not take"), "{failed:?}");
}

#[tokio::test]
async fn what_was_typed_is_no_address_to_open_when_it_is_printed_again() {
    let script = r#"
        printf "visit: https://claude.ai/x\nPaste code here > "
        read code
        printf "visit: https://claude.ai/x?code=$code\nThat doesn't look like the full code: $code\n"
        sleep 300"#;
    let room = Room::with("claude", script);
    let mut going = room.begin("claude-code", "login", LONG);
    going.until(|view| asks(view).is_some()).await;
    going.say("s3cret-4711").await;
    let again = going.until(|view| asks(view).is_some_and(|asks| asks.contains("full code"))).await;
    assert!(
        matches!(&again.state, SignInState::Yours { url: Some(url), .. } if url.ends_with("•••")),
        "{again:?}"
    );
    assert!(!format!("{again:?}").contains("4711"), "{again:?}");
}

#[tokio::test]
async fn signing_out_follows_no_link_out_of_the_agents_home() {
    let room = Room::with("claude", CLAUDE);
    let home = room.home.path();
    fs::create_dir(home.join("others")).unwrap();
    fs::write(home.join("others/kept"), "").unwrap();
    fs::create_dir(home.join(".gemini")).unwrap();
    std::os::unix::fs::symlink(home.join("others"), home.join(".gemini/oauth_creds.json")).unwrap();
    let agent = AgentId::new("gemini-cli").unwrap();
    assert_eq!(sign_out(&room.setup, &agent).await.unwrap(), "its credentials were removed");
    assert!(fs::symlink_metadata(home.join(".gemini/oauth_creds.json")).is_err());
    assert!(home.join("others/kept").exists());
    assert_eq!(
        sign_out(&room.setup, &agent).await.unwrap(),
        "its credentials were removed",
        "nothing is no error"
    );
}

#[tokio::test]
async fn a_program_that_wants_a_terminal_gets_one() {
    let script = r#"
        [ -t 0 ] && [ -t 1 ] || { echo "no terminal"; exit 3; }
        stty size
        printf "\033[2J\033[1;1H● 1. Sign in with Google\r\n"
        read enter
        printf "Please visit the following URL to authorize the application:\r\n\r\n\033[1mhttps://accounts.google.com/o/oauth2?state=y\033[0m\r\n\r\nEnter the authorization code: "
        read code
        if [ "$code" = good-code-1 ]; then mkdir -p "$HOME/.gemini"; echo x > "$HOME/.gemini/oauth_creds.json"; echo "welcome"; sleep 300
        else echo "Failed to authenticate with authorization code:invalid_grant $code"; sleep 300; fi"#;
    for (code, good) in [("bad-code-123", false), ("good-code-1", true)] {
        let room = Room::with("gemini", script);
        let mut going = room.begin("gemini-cli", "login", LONG);
        let view = going.until(|view| asks(view).is_some()).await;
        let SignInState::Yours { url, .. } = &view.state else { panic!() };
        assert_eq!(url.as_deref(), Some("https://accounts.google.com/o/oauth2?state=y"));
        assert!(view.screen.iter().any(|line| line == "100 200"), "{view:?}");
        going.say(code).await;
        let ended = (&mut going.task).await.unwrap();
        assert_eq!(ended.is_ok(), good, "{ended:?}");
        if let Err(failed) = ended {
            assert!(
                failed.reason.contains("invalid_grant") && !failed.reason.contains("bad-code"),
                "{failed:?}"
            );
        }
        assert!(!format!("{:?}", *going.view.borrow()).contains(code), "the terminal's echo is hidden");
    }
}

#[tokio::test]
async fn the_browsers_way_back_is_taken_in_its_place() {
    let script = r#"
        python3 - <<'PY'
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        done = self.path.startswith('/success')
        self.send_response(200 if done else 302)
        if not done: self.send_header('Location', '/success?' + self.path.split('?')[1])
        self.end_headers()
        if done: self.server.over = True
    def log_message(self, *a): pass
s = http.server.HTTPServer(('127.0.0.1', 0), H)
s.over = False
print('Starting local login server on http://localhost:%d.' % s.server_port)
print('https://auth.openai.com/oauth/authorize?state=z', flush=True)
while not s.over: s.handle_request()
print('Successfully logged in')
PY"#;
    let room = Room::with("codex", script);
    let mut going = room.begin("codex", "browser", LONG);
    let view = going.until(|view| matches!(view.state, SignInState::Yours { .. })).await;
    let SignInState::Yours { callback: Some(port), .. } = view.state else { panic!("{view:?}") };
    going.say("http://evil.test/auth/callback?code=x").await;
    going.until(|view| asks(view).is_some_and(|asks| asks.contains("no address on"))).await;
    going.say(&format!("http://localhost:{port}/auth/callback?code=c0de&state=z")).await;
    assert_eq!(going.task.await.unwrap().unwrap(), "Successfully logged in");
}

#[test]
fn only_one_line_is_passed_on() {
    assert_eq!(sayable("  abc#def \n").unwrap(), "abc#def");
    for text in ["", "  ", "a\nb", "a\u{1b}[A", &"x".repeat(9000)] {
        sayable(text).unwrap_err();
    }
}
