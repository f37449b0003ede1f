//! The control API over a real sshd, by every route; and the tunnel that comes back by itself.

use crate::daemon::{Daemon, daemon};
use crate::sshd::{Sshd, now};
use protocol::desk::{Link, Route};
use protocol::{BlobId, Request, Response};
use remote::{
    Control, ControlError, Entry, Local, OurKey, Preview, PreviewTo, Session, SignIn, Tunnel, TunnelTo, Way,
    connect, forward,
};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server on which the first contact is done.
fn ready(settings: &str) -> (Sshd, OurKey) {
    let server = Sshd::start(settings);
    let key = OurKey::make("x").unwrap();
    let program = server.path("current");
    let script = include_str!("program.sh").replace("@D@", &server.folder.path().display().to_string());
    std::fs::write(&program, script).unwrap();
    crate::sshd::open_to_all(&program);
    let line = key.public_line().unwrap();
    let options = format!("restrict,port-forwarding,command=\"{} ssh-entry\"", program.display());
    server.let_in("loopwright-desk", &format!("{options} {line}"));
    (server, key)
}

async fn local(server: &Sshd) -> Local {
    let local = server.local();
    let target = server.target("loopwright-desk");
    let ask = Some(crate::sshd::somebody("x").0);
    // Pins the key, as the first contact does.
    let way = Way { target: &target, with: SignIn::Key(OurKey::make("y").unwrap()), jumps: vec![], ask };
    assert!(connect(&local, way).await.is_err());
    local
}

async fn enter(server: &Sshd, key: &OurKey) -> Session {
    let target = server.target("loopwright-desk");
    let way = Way { target: &target, with: SignIn::Key(key.clone()), jumps: vec![], ask: None };
    connect(&local(server).await, way).await.unwrap()
}

async fn open(server: &Sshd, key: &OurKey, loopback: Option<u16>) -> Result<Control, ControlError> {
    let session = enter(server, key).await;
    let greeting = Entry::new(session.clone()).hello().await.unwrap();
    Control::open(&session, &greeting, loopback).await
}

async fn works(control: &Control, daemon: &Daemon) {
    let before = daemon.dialled.load(std::sync::atomic::Ordering::SeqCst);
    for _ in 0..5 {
        let answer = control.request(&Request::Requests { project: None, limit: None }).await.unwrap();
        assert!(matches!(answer, Response::Requests { rows } if rows.is_empty()));
    }
    let dialled = daemon.dialled.load(std::sync::atomic::Ordering::SeqCst) - before;
    assert_eq!(dialled, 1, "a connection for each request");
    let refused = control.request(&Request::Home).await.unwrap_err();
    assert!(matches!(&refused, ControlError::Api(error) if error.message == "not now"), "{refused:?}");
    assert_eq!((refused.cause().as_str(), refused.next().as_str()), ("not now", "later"));
    let mut heads = control.heads().await.unwrap();
    assert_eq!(heads.next().await, Some(8));
    assert_eq!(heads.next().await, None);
    assert!(control.blob(&BlobId::new("none").unwrap()).await.unwrap().is_none());
    assert!(matches!(control.blob(&BlobId::new("x").unwrap()).await, Err(ControlError::Garbled { .. })));
}

#[tokio::test]
async fn the_socket_first_then_a_port_then_a_program() {
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = tcp.local_addr().unwrap().port();
    let table = [
        ("", None, Route::Streamlocal, None),
        ("AllowStreamLocalForwarding no", Some(port), Route::Loopback, Some("AllowStreamLocalForwarding")),
        ("AllowStreamLocalForwarding no", None, Route::Stdio, Some("AllowStreamLocalForwarding")),
        ("DisableForwarding yes", Some(port), Route::Stdio, Some("DisableForwarding")),
        ("AllowTcpForwarding no", Some(port), Route::Stdio, Some("AllowTcpForwarding")),
    ];
    for (settings, loopback, route, why) in table {
        let (server, key) = ready(settings);
        let daemon = daemon(&server.path("control.sock"));
        let control = open(&server, &key, loopback).await.unwrap();
        assert_eq!(control.route(), route, "{settings}");
        assert_eq!(control.why().is_some(), why.is_some(), "{settings}: {:?}", control.why());
        assert!(control.why().unwrap_or_default().contains(why.unwrap_or_default()), "{:?}", control.why());
        if route != Route::Loopback {
            works(&control, &daemon).await;
        }
    }
}

#[tokio::test]
async fn the_daemon_of_this_computer_is_asked_the_same_way() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control.sock");
    let none = Control::local(&socket).request(&Request::Home).await.unwrap_err();
    assert!(matches!(none, ControlError::NoDaemon { .. }) && none.not_sent(), "{none:?}");
    let daemon = daemon(&socket);
    works(&Control::local(&socket), &daemon).await;
}

#[tokio::test]
async fn a_daemon_that_does_not_run_is_told_as_that_and_not_as_a_setting() {
    for settings in ["", "AllowStreamLocalForwarding no"] {
        let (server, key) = ready(settings);
        let error = open(&server, &key, None).await.unwrap_err();
        assert!(matches!(error, ControlError::NoDaemon { .. }), "{error:?}");
        assert_eq!(error.to_string(), "no daemon answers: on the control socket");
    }
}

async fn wait(tunnel: &Tunnel, what: impl Fn(&Link) -> bool) -> Link {
    let mut states = tunnel.states();
    let seen =
        tokio::time::timeout(std::time::Duration::from_secs(60), states.wait_for(|link| what(link))).await;
    assert!(seen.is_ok(), "it stays {:?}", tunnel.link());
    seen.unwrap().unwrap().clone()
}

async fn tunnel(server: &Sshd, key: &OurKey) -> Tunnel {
    let to = TunnelTo {
        target: server.target("loopwright-desk"),
        key: key.clone(),
        jumps: vec![],
        loopback: None,
    };
    Tunnel::start(local(server).await, to)
}

#[tokio::test]
async fn it_comes_back_by_itself_and_stops_for_good_at_another_key() {
    let (server, key) = ready("");
    let daemon = daemon(&server.path("control.sock"));
    let tunnel = tunnel(&server, &key).await;
    works(&tunnel.up().await.unwrap(), &daemon).await;
    assert_eq!(tunnel.greeting().unwrap().host, "box");
    server.signal(Signal::KILL);
    let lost = wait(&tunnel, |link| matches!(link, Link::Lost { .. })).await;
    assert!(
        matches!(&lost, Link::Lost { why, retry_at, since } if why.contains("cut") && retry_at > since),
        "{lost:?}"
    );
    assert!(tunnel.control().is_none());
    tunnel.nudge();
    works(&tunnel.up().await.unwrap(), &daemon).await;
    tunnel.want(false);
    wait(&tunnel, |link| matches!(link, Link::Off)).await;
    assert!(tunnel.session().is_none());
    let server = server.again("ecdsa", "");
    tunnel.want(true);
    let refused = tunnel.up().await.unwrap_err();
    let Link::Refused { host_key: Some(shown), next, .. } = refused else { panic!("{refused:?}") };
    assert!(!shown.recorded.contains(&shown.presented) && next.contains("stop"));
    drop(server);
}

#[tokio::test]
async fn a_key_that_is_not_taken_any_more_stops_it_and_a_server_that_is_away_does_not() {
    let (server, key) = ready("");
    let other = OurKey::make("other").unwrap();
    let refused = tunnel(&server, &other).await.up().await.unwrap_err();
    assert!(matches!(refused, Link::Refused { host_key: None, .. }), "{refused:?}");
    let tunnel = tunnel(&server, &key).await;
    // The daemon is away, the server is not: over its session it can be repaired.
    let lost = wait(&tunnel, |link| matches!(link, Link::Lost { .. })).await;
    assert!(matches!(&lost, Link::Lost { why, .. } if why.contains("no daemon")), "{lost:?}");
    Entry::new(tunnel.session().unwrap()).hello().await.unwrap();
    let _daemon = daemon(&server.path("control.sock"));
    wait(&tunnel, |link| matches!(link, Link::Up { .. })).await;
}

#[tokio::test]
async fn a_line_that_slept_through_is_found_dead_when_it_is_asked() {
    let (server, key) = ready("");
    let _daemon = daemon(&server.path("control.sock"));
    let tunnel = tunnel(&server, &key).await;
    tunnel.up().await.unwrap();
    server.signal(Signal::STOP);
    tunnel.nudge();
    let lost = wait(&tunnel, |link| !matches!(link, Link::Up { .. })).await;
    assert!(matches!(&lost, Link::Lost { why, .. } if why.contains("sleep")), "{lost:?}");
    server.signal(Signal::CONT);
    wait(&tunnel, |link| matches!(link, Link::Up { .. })).await;
    assert!(now().0 > 0);
}

async fn raw(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// A site on a loopback port: says what it was asked, and echoes on an upgraded connection.
async fn site() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                if head.to_lowercase().contains("upgrade: websocket") {
                    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
                    stream.write_all(switch.as_bytes()).await.unwrap();
                    let mut word = [0; 4];
                    stream.read_exact(&mut word).await.unwrap();
                    stream.write_all(&word).await.unwrap();
                    return;
                }
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{head}",
                    head.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    });
    port
}

#[tokio::test]
async fn a_preview_is_for_the_window_that_holds_its_address() {
    let (server, key) = ready("");
    let _daemon = daemon(&server.path("control.sock"));
    let tunnel = tunnel(&server, &key).await;
    tunnel.up().await.unwrap();
    let port = site().await;
    let preview =
        Preview::open(tunnel.clone(), PreviewTo::Port { port, host: "shop.test".into() }).await.unwrap();
    let url = preview.url("/a?b");
    let here = preview.origin().trim_start_matches("http://").to_owned();
    let at: u16 = here.rsplit(':').next().unwrap().parse().unwrap();
    let get = |path: &str, host: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}\r\n")
    };
    for stranger in [get("/a", &here, ""), get("/a", &here, "cookie: lw-preview-1=x\r\n")] {
        assert!(raw(at, &stranger).await.starts_with("HTTP/1.1 403"));
    }
    let path = url.strip_prefix(&preview.origin()).unwrap();
    assert!(
        raw(at, &get(path, "evil.test", "")).await.starts_with("HTTP/1.1 403"),
        "another name leads here"
    );
    let entered = raw(at, &get(path, &here, "")).await;
    assert!(entered.starts_with("HTTP/1.1 302") && entered.contains("location: /a?b"), "{entered}");
    let cookie = entered.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    let cookie = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
    let shown = raw(at, &get("/a?b", &here, &cookie)).await;
    assert!(
        shown.starts_with("HTTP/1.1 200")
            && shown.contains("GET /a?b ")
            && shown.contains("cache-control: no-store")
    );
    assert!(shown.contains("host: shop.test") && !shown.contains("lw-preview"), "{shown}");
    let mut stream = TcpStream::connect(("127.0.0.1", at)).await.unwrap();
    let switch = format!(
        "GET /ws HTTP/1.1\r\nhost: {here}\r\nconnection: upgrade\r\nupgrade: websocket\r\n{cookie}\r\n"
    );
    stream.write_all(switch.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    stream.write_all(b"ping").await.unwrap();
    let mut word = [0; 4];
    stream.read_exact(&mut word).await.unwrap();
    assert_eq!(&word, b"ping");
    server.signal(Signal::KILL);
    wait(&tunnel, |link| !matches!(link, Link::Up { .. })).await;
    assert!(raw(at, &get("/a", &here, &cookie)).await.starts_with("HTTP/1.1 502"));
}

#[tokio::test]
async fn a_port_of_the_server_is_a_port_of_this_computer_until_it_is_dropped() {
    let (server, key) = ready("");
    let _daemon = daemon(&server.path("control.sock"));
    let tunnel = tunnel(&server, &key).await;
    tunnel.up().await.unwrap();
    let there = site().await;
    let forward = forward(tunnel.clone(), 0, there).await.unwrap();
    let here = forward.port();
    assert!(
        raw(here, "GET /callback?code=1 HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .contains("/callback?code=1")
    );
    drop(forward);
    while TcpStream::connect(("127.0.0.1", here)).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
