//! Commands, the first look and dead lines, against a real sshd.

use crate::sshd::{PASSWORD, Sshd, now, password, somebody};
use protocol::setup::Rights;
use remote::{ExecError, Limits, Local, Session, Way, connect, probe};
use rustix::process::Signal;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

async fn enter_by(server: &Sshd, local: &Local, user: &str) -> Session {
    let target = server.target(user);
    let ask = Some(somebody("x").0);
    let session =
        connect(local, Way { target: &target, with: password(PASSWORD), jumps: vec![], ask }).await.unwrap();
    // The process that serves the user is there once it has served something, be it a refusal.
    let _ = session.exec("true", b"", LIMIT).await;
    session
}

async fn enter(server: &Sshd, user: &str) -> Session {
    enter_by(server, &server.local(), user).await
}

#[tokio::test]
async fn a_noisy_profile_is_kept_beside_the_answer() {
    let server = Sshd::start("");
    let noise = "echo 'Welcome, lw:begin'; echo 'arch=noise'; echo loud >&2\ntrap 'echo bye' EXIT\n";
    std::fs::write(server.home("deploy").join(".bashrc"), noise).unwrap();
    let session = enter(&server, "deploy").await;
    let framed = session.exec("cat; echo err >&2; exit 7", b"in\n\xff", LIMIT).await.unwrap();
    assert_eq!((framed.code, framed.out.as_str(), framed.err.as_str()), (7, "in\n\u{fffd}", "err\n"));
    assert!(framed.noise.contains("Welcome") && framed.noise.contains("loud"), "{}", framed.noise);
    let found = probe::look(&session, now).await.unwrap();
    assert_eq!(found.user.as_deref(), Some("deploy"));
    assert_eq!(found.rights, Rights::SudoAsks);
    assert!(
        found.arch.is_some_and(|arch| arch != "noise")
            && found.noise.is_some_and(|noise| noise.contains("Welcome"))
    );
    assert!(found.clock_skew.is_some_and(|skew| skew.abs() <= 2), "{:?}", found.clock_skew);
    assert!(
        found.memory > Some(0) && found.disk_free > Some(0) && found.system.is_some() && found.init.is_some()
    );
}

#[tokio::test]
async fn a_user_without_a_shell_is_told_as_that() {
    let server = Sshd::start("");
    let error = probe::look(&enter(&server, "noshell").await, now).await.unwrap_err();
    assert!(matches!(&error, ExecError::NoShell { words } if words.contains("not available")), "{error:?}");
    let forced = Sshd::start("ForceCommand echo only backups here; exit 1");
    let error = probe::look(&enter(&forced, "deploy").await, now).await.unwrap_err();
    assert!(matches!(&error, ExecError::NoShell { words } if words.contains("backups")), "{error:?}");
}

#[tokio::test]
async fn an_expired_password_is_told_as_that() {
    let server = Sshd::start("ForceCommand echo 'WARNING: Your password has expired.'; exit 1");
    let error = probe::look(&enter(&server, "deploy").await, now).await.unwrap_err();
    assert!(matches!(error, ExecError::PasswordExpired), "{error:?}");
}

#[tokio::test]
async fn one_session_at_a_time_is_enough() {
    let server = Sshd::start("MaxSessions 1");
    let session = enter(&server, "deploy").await;
    let run = |number: u32| {
        let session = session.clone();
        async move { session.exec(&format!("echo {number}"), b"", LIMIT).await.unwrap().out }
    };
    let (a, b, c, d) = tokio::join!(run(1), run(2), run(3), run(4));
    assert_eq!([a, b, c, d], ["1\n", "2\n", "3\n", "4\n"]);
}

#[tokio::test]
async fn no_session_at_all_is_told() {
    let server = Sshd::start("MaxSessions 0");
    let session = enter(&server, "deploy").await;
    let error = session.exec("true", b"", LIMIT).await.unwrap_err();
    assert!(
        matches!(error, ExecError::NoSession { .. }) && error.next().contains("MaxSessions"),
        "{error:?}"
    );
}

#[tokio::test]
async fn something_left_in_the_background_holds_nothing_up() {
    let server = Sshd::start("");
    let session = enter(&server, "deploy").await;
    let framed = session.exec("sleep 300 & echo done", b"", LIMIT).await.unwrap();
    assert_eq!((framed.code, framed.out.as_str()), (0, "done\n"));
}

#[tokio::test]
async fn a_connection_that_is_cut_is_lost_and_not_done() {
    let server = Sshd::start("");
    let session = enter(&server, "deploy").await;
    let running = tokio::spawn({
        let session = session.clone();
        async move { session.exec("touch started; sleep 300", b"", LIMIT).await }
    });
    while !server.home("deploy").join("started").exists() {
        tokio::task::yield_now().await;
    }
    server.signal(Signal::KILL);
    let error = running.await.unwrap().unwrap_err();
    assert!(matches!(error, ExecError::Lost { .. }), "{error:?}");
    assert!(session.closed().await.why.contains("cut"));
    assert!(matches!(session.exec("true", b"", LIMIT).await, Err(ExecError::Lost { .. })));
}

#[tokio::test]
async fn a_server_that_stops_answering_is_noticed() {
    let server = Sshd::start("");
    let quick = Limits { keepalive: Duration::from_millis(200), ..Limits::default() };
    let local = Local { limits: quick, ..server.local() };
    let session = enter_by(&server, &local, "deploy").await;
    server.signal(Signal::STOP);
    let why = session.closed().await.why;
    server.signal(Signal::CONT);
    assert!(why.contains("stopped answering"), "{why}");
}

/// Blocked in a write, the library looks at no clock; the line itself does.
#[tokio::test]
async fn a_server_that_takes_nothing_more_is_noticed_too() {
    let server = Sshd::start("");
    let quick =
        Limits { dead: Duration::from_secs(1), keepalive: Duration::from_secs(300), ..Limits::default() };
    let local = Local { limits: quick, ..server.local() };
    let session = enter_by(&server, &local, "deploy").await;
    server.signal(Signal::STOP);
    let much = vec![0; 64 << 20];
    let written = session.exec("cat >/dev/null", &much, Duration::from_secs(60)).await;
    server.signal(Signal::CONT);
    assert!(matches!(written, Err(ExecError::Lost { .. })), "{written:?}");
}

#[test]
fn by_default_a_dead_server_is_noticed_within_20_seconds() {
    let limits = Limits::default();
    assert!(limits.keepalive * 4 < Duration::from_secs(20) && limits.dead < Duration::from_secs(20));
}

#[tokio::test]
async fn what_a_command_prints_has_a_limit_and_so_has_its_time() {
    let server = Sshd::start("");
    let session = enter(&server, "deploy").await;
    assert!(matches!(session.exec("cat /dev/zero", b"", LIMIT).await, Err(ExecError::TooMuch)));
    let late = session.exec("sleep 300", b"", Duration::from_millis(300)).await;
    assert!(matches!(late, Err(ExecError::TimedOut { .. })), "{late:?}");
    assert_eq!(session.exec("echo still", b"", LIMIT).await.unwrap().out, "still\n");
}

#[tokio::test]
async fn the_last_of_a_sessions_clones_ends_it() {
    let server = Sshd::start("");
    let session = enter(&server, "deploy").await;
    let other = session.clone();
    drop(session);
    assert_eq!(other.exec("echo still", b"", LIMIT).await.unwrap().out, "still\n");
    drop(other);
    while !server.sessions().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What `./dev bench server` measures over a distance; here, that it is one command and no more.
#[tokio::test]
async fn the_first_look_is_one_round_trip() {
    let server = Sshd::start("LogLevel VERBOSE");
    let session = enter(&server, "root").await;
    let before = server.log().matches("Starting session").count();
    probe::look(&session, now).await.unwrap();
    assert_eq!(server.log().matches("Starting session").count() - before, 1);
}
