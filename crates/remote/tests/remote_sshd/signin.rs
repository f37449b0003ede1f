//! Getting in, and each way of not getting in, against a real sshd.

use crate::sshd::{PASSWORD, Sshd, password, somebody};
use protocol::desk::Target;
use remote::{AgentAt, ConnectError, OurKey, Question, Session, SignIn, Way, connect};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn enter(server: &Sshd, user: &str, with: SignIn) -> Result<Session, ConnectError> {
    let target = server.target(user);
    connect(&server.local(), Way { target: &target, with, jumps: vec![], ask: Some(somebody("42").0) }).await
}

async fn says_who(session: &Session) -> String {
    session.exec("id -un", b"", Duration::from_secs(20)).await.unwrap().out.trim().to_owned()
}

#[tokio::test]
async fn a_password_lets_in_and_the_key_that_was_confirmed_is_asked_about_once() {
    let server = Sshd::start("Banner none");
    let (ask, mut heard) = somebody("x");
    let (local, target) = (server.local(), server.target("deploy"));
    let way = || Way { target: &target, with: password(PASSWORD), jumps: vec![], ask: Some(ask.clone()) };
    let session = connect(&local, way()).await.unwrap();
    assert_eq!(says_who(&session).await, "deploy");
    let shown = Command::new("ssh-keygen").arg("-lf").arg(server.path("ed25519.pub")).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(&session.server_key().sha256), "{shown}");
    let again = connect(&local, way()).await.unwrap();
    assert_eq!(says_who(&again).await, "deploy");
    assert_eq!(heard.recv().await.unwrap(), format!("fingerprint {} false", session.server_key().sha256));
    assert!(heard.try_recv().is_err(), "it was asked twice");
}

#[tokio::test]
async fn a_key_that_is_not_confirmed_is_not_talked_to_and_not_pinned() {
    let server = Sshd::start("");
    let (local, target) = (server.local(), server.target("deploy"));
    let way = Way { target: &target, with: password(PASSWORD), jumps: vec![], ask: None };
    assert!(matches!(connect(&local, way).await, Err(ConnectError::NotTrusted { .. })));
    assert!(local.pins.recorded("127.0.0.1", server.port).is_empty());
    assert!(!server.log().contains("Accepted"));
}

/// Whoever compares a fingerprint in another window may take longer than the server waits.
#[tokio::test]
async fn the_server_may_lose_patience_before_the_key_is_confirmed() {
    let server = std::sync::Arc::new(Sshd::start("LoginGraceTime 1"));
    let (ask, mut questions) = tokio::sync::mpsc::channel(1);
    let seen = std::sync::Arc::clone(&server);
    let answering = tokio::spawn(async move {
        let Some(Question::Fingerprint { reply, .. }) = questions.recv().await else {
            panic!("something else")
        };
        assert!(!seen.sessions().is_empty(), "nobody waits for the answer");
        while !seen.sessions().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        reply.send(true).unwrap();
        assert!(questions.recv().await.is_none(), "it was asked again");
    });
    let (local, target) = (server.local(), server.target("deploy"));
    let way = Way { target: &target, with: password(PASSWORD), jumps: vec![], ask: Some(ask) };
    let session = connect(&local, way).await.unwrap();
    assert_eq!(says_who(&session).await, "deploy");
    answering.await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_named() {
    let server = Sshd::start("LogLevel VERBOSE");
    let error = enter(&server, "deploy", password("wrong")).await.unwrap_err();
    assert!(matches!(error, ConnectError::WrongPassword { .. }), "{error:?}");
    assert_eq!(server.log().matches("Failed password").count(), 1, "{}", server.log());
    let root = Sshd::start("PermitRootLogin no");
    let error = enter(&root, "root", password(PASSWORD)).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::WrongPassword { .. }) && error.next().contains("sudo"),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_a_server_does_not_offer_is_said_with_what_it_does() {
    let server = Sshd::start("PasswordAuthentication no");
    let error = enter(&server, "deploy", password(PASSWORD)).await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::NotOffered { offered, .. } if offered == &["publickey"]),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_asks_itself_gets_the_password_or_the_user() {
    let server = Sshd::start("UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes");
    assert_eq!(says_who(&enter(&server, "deploy", password(PASSWORD)).await.unwrap()).await, "deploy");
    let wrong = enter(&server, "deploy", password("wrong")).await.unwrap_err();
    assert!(matches!(wrong, ConnectError::WrongPassword { .. }), "{wrong:?}");
    let (ask, mut heard) = somebody(PASSWORD);
    let (local, target) = (server.local(), server.target("deploy"));
    let way = Way { target: &target, with: SignIn::Interactive, jumps: vec![], ask: Some(ask) };
    assert_eq!(says_who(&connect(&local, way).await.unwrap()).await, "deploy");
    assert_eq!(heard.recv().await.unwrap(), "prompts 1");
    let way = Way { target: &target, with: SignIn::Interactive, jumps: vec![], ask: None };
    assert!(matches!(connect(&local, way).await, Err(ConnectError::NotAnswered)));
}

#[tokio::test]
async fn a_key_and_then_a_question() {
    let server = Sshd::start(
        "UsePAM yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive",
    );
    let key = OurKey::make("x").unwrap();
    server.let_in("deploy", &key.public_line().unwrap());
    let (local, target) = (server.local(), server.target("deploy"));
    let ask = somebody(PASSWORD).0;
    let way = Way { target: &target, with: SignIn::Key(key.clone()), jumps: vec![], ask: Some(ask) };
    assert_eq!(says_who(&connect(&local, way).await.unwrap()).await, "deploy");
    let way = Way { target: &target, with: SignIn::Key(key), jumps: vec![], ask: None };
    let error = connect(&local, way).await.unwrap_err();
    assert!(matches!(error, ConnectError::NeedsMore { .. }), "{error:?}");
}

#[tokio::test]
async fn a_key_file_with_a_passphrase_without_one_and_with_the_wrong_one() {
    let server = Sshd::start("");
    for kind in ["ed25519", "rsa", "ecdsa"] {
        let path = server.path(&format!("user-{kind}"));
        let made =
            Command::new("ssh-keygen").args(["-q", "-t", kind, "-N", "secret", "-f"]).arg(&path).status();
        assert!(made.unwrap().success());
        let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        server.let_in("deploy", line.trim());
        let with = |passphrase: Option<&str>| SignIn::KeyFile {
            path: path.clone(),
            passphrase: passphrase.map(|text| text.to_owned().into()),
        };
        assert_eq!(
            says_who(&enter(&server, "deploy", with(Some("secret"))).await.unwrap()).await,
            "deploy",
            "{kind}"
        );
        let none = enter(&server, "deploy", with(None)).await.unwrap_err();
        assert!(matches!(none, ConnectError::PassphraseNeeded { .. }), "{none:?}");
        let wrong = enter(&server, "deploy", with(Some("wrong"))).await.unwrap_err();
        assert!(matches!(wrong, ConnectError::PassphraseWrong { .. }), "{wrong:?}");
    }
    let refused = enter(&server, "deploy", SignIn::Key(OurKey::make("x").unwrap())).await.unwrap_err();
    assert!(matches!(refused, ConnectError::KeyRefused { .. }) && refused.is_final(), "{refused:?}");
    let missing = SignIn::KeyFile { path: server.path("nothing"), passphrase: None };
    assert!(matches!(enter(&server, "deploy", missing).await, Err(ConnectError::KeyUnreadable { .. })));
}

#[tokio::test]
async fn the_users_agent_signs_and_its_absence_is_named() {
    let server = Sshd::start("");
    let socket = server.path("agent");
    let mut agent =
        Command::new("ssh-agent").arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()).spawn().unwrap();
    while !socket.exists() {
        tokio::task::yield_now().await;
    }
    let local = remote::Local { agent: AgentAt::Socket(socket.clone()), ..server.local() };
    let target = server.target("deploy");
    let ask = somebody("x").0;
    let way = || Way { target: &target, with: SignIn::Agent, jumps: vec![], ask: Some(ask.clone()) };
    let empty = connect(&local, way()).await.unwrap_err();
    assert!(matches!(empty, ConnectError::AgentEmpty), "{empty:?}");
    for name in ["other", "mine"] {
        let path = server.path(name);
        let made =
            Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path).status();
        assert!(made.unwrap().success());
        let added = Command::new("ssh-add").arg("-q").arg(&path).env("SSH_AUTH_SOCK", &socket).status();
        assert!(added.unwrap().success());
    }
    server.let_in("deploy", std::fs::read_to_string(server.path("mine.pub")).unwrap().trim());
    let session = connect(&local, way()).await;
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert_eq!(says_who(&session.unwrap()).await, "deploy");
    let _ = std::fs::remove_file(&socket);
    let none = connect(&local, way()).await.unwrap_err();
    assert!(matches!(none, ConnectError::NoAgent { .. }), "{none:?}");
}

#[tokio::test]
async fn another_key_of_whatever_algorithm_is_a_full_stop() {
    let mut server = Sshd::start("");
    drop(enter(&server, "deploy", password(PASSWORD)).await.unwrap());
    let pinned = server.local().pins.recorded("127.0.0.1", server.port);
    for kind in ["ecdsa", "rsa", "ed25519"] {
        server = server.again(kind, "");
        let error = enter(&server, "deploy", password(PASSWORD)).await.unwrap_err();
        let key = error.changed_key().unwrap_or_else(|| panic!("{error:?}"));
        assert_eq!(key.recorded, pinned);
        assert!(!key.recorded.contains(&key.presented) && error.is_final());
        assert!(!server.log().contains("Accepted"), "the password was given to a stranger");
    }
    server.local().pins.forget("127.0.0.1", server.port).unwrap();
    drop(enter(&server, "deploy", password(PASSWORD)).await.unwrap());
}

#[tokio::test]
async fn known_hosts_is_a_hint_and_its_revoked_keys_are_refused() {
    let server = Sshd::start("");
    let key = std::fs::read_to_string(server.path("ed25519.pub")).unwrap();
    let line = format!("[127.0.0.1]:{} {key}", server.port);
    std::fs::write(server.path("known_hosts"), &line).unwrap();
    let (ask, mut heard) = somebody("x");
    let target = server.target("deploy");
    let way = || Way { target: &target, with: password(PASSWORD), jumps: vec![], ask: Some(ask.clone()) };
    drop(connect(&server.local(), way()).await.unwrap());
    assert!(heard.recv().await.unwrap().ends_with(" true"));
    std::fs::write(server.path("known_hosts"), format!("@revoked {line}")).unwrap();
    let error = connect(&server.local(), way()).await.unwrap_err();
    assert!(matches!(error, ConnectError::HostKeyRevoked { .. }), "{error:?}");
}

#[tokio::test]
async fn the_way_leads_through_another_host_and_its_troubles_are_told_as_its_own() {
    let jump = Sshd::start("");
    let server = Sshd::start("");
    let target = Target { jump: Some(Box::new(jump.target("deploy"))), ..server.target("root") };
    let local = server.local();
    let ask = somebody("x").0;
    let way = |first: &str| Way {
        target: &target,
        with: password(PASSWORD),
        jumps: vec![password(first)],
        ask: Some(ask.clone()),
    };
    let session = connect(&local, way(PASSWORD)).await.unwrap();
    assert_eq!(says_who(&session).await, "root");
    assert_eq!(local.pins.recorded("127.0.0.1", jump.port).len(), 1);
    let error = connect(&local, way("wrong")).await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::Jump { source, .. } if matches!(**source, ConnectError::WrongPassword { .. }))
    );
    let closed = Sshd::start("AllowTcpForwarding no");
    let target = Target { jump: Some(Box::new(closed.target("deploy"))), ..server.target("root") };
    let way = Way { target: &target, with: password(PASSWORD), jumps: vec![], ask: Some(ask.clone()) };
    let error = connect(&local, way).await.unwrap_err();
    assert!(matches!(error, ConnectError::JumpRefused { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_not_an_ssh_server_is_told_apart() {
    let server = Sshd::start("");
    let mut local = server.local();
    local.limits.handshake = Duration::from_millis(300);
    let listen = || async { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap() };
    let (silent, web, closing, ended) = (listen().await, listen().await, listen().await, listen().await);
    let ports = [&silent, &web, &closing, &ended].map(|l| l.local_addr().unwrap().port());
    tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            tokio::select! {
                Ok(one) = silent.accept() => held.push(one),
                Ok((mut one, _)) = web.accept() => {
                    let _ = one.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>\r\n").await;
                    held.push((one, "127.0.0.1:1".parse().unwrap()));
                }
                Ok((one, _)) = closing.accept() => drop(one),
                // As a web server does: it waits for a request, takes our first line for one, answers and closes.
                Ok((mut one, _)) = ended.accept() => {
                    let mut line = [0; 64];
                    let _ = one.read(&mut line).await;
                    let _ = one.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
                }
            }
        }
    });
    let to = |host: &str, port| Target { host: host.into(), port, user: "x".into(), jump: None };
    let attempt = async |target: Target| {
        connect(&local, Way { target: &target, with: password("x"), jumps: vec![], ask: None })
            .await
            .unwrap_err()
    };
    let hung = attempt(to("127.0.0.1", ports[0])).await;
    assert!(matches!(hung, ConnectError::Hung { .. }), "{hung:?}");
    for port in [ports[1], ports[3]] {
        let web = attempt(to("127.0.0.1", port)).await;
        assert!(matches!(web, ConnectError::NotSsh { .. }) && web.next().contains("22"), "{web:?}");
    }
    let dropped = attempt(to("127.0.0.1", ports[2])).await;
    assert!(
        matches!(dropped, ConnectError::Dropped { .. }) && dropped.next().contains("wait"),
        "{dropped:?}"
    );
    let refused = attempt(to("127.0.0.1", 1)).await;
    assert!(matches!(refused, ConnectError::Refused { port: 1, .. }), "{refused:?}");
    let unknown = attempt(to("no-such-host.invalid", 22)).await;
    assert!(matches!(unknown, ConnectError::Dns { .. }), "{unknown:?}");
}
