//! The preview: a dev server behind the proxy.

use crate::edge::marked;
use crate::own_argv;
use crate::web::{DEADLINE, get, raw, read_until, send, soon, text};
use bytes::Bytes;
use deploy::preview::{Preview, PreviewError, PreviewProxy, PreviewSpec, kill_leftovers};
use hyper::Request;
use protocol::id::AttemptId;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpStream;

fn spec(dir: &std::path::Path, attempt: &str) -> PreviewSpec {
    let env = [("TEST_ROLE", "app"), ("APP_NAME", attempt)].map(|(name, value)| (name.into(), value.into()));
    PreviewSpec {
        attempt: AttemptId::new(attempt).unwrap(),
        argv: own_argv(),
        cwd: dir.to_owned(),
        env: env.into(),
        run_as: None,
        ready_path: "/healthz".into(),
        ready_limit: DEADLINE,
        grace: Duration::from_secs(1),
        log: dir.join("dev.log"),
        log_bytes: 100_000,
    }
}

async fn proxy() -> PreviewProxy {
    PreviewProxy::start(IpAddr::from([127, 0, 0, 1]), None).await.unwrap()
}

#[tokio::test]
async fn a_page_that_waits_is_told_when_the_preview_is_there_and_the_address_stays() {
    let dir = tempfile::tempdir().unwrap();
    let proxy = proxy().await;
    let port = proxy.address.port();
    let waiting = get(port, "/deep/link").await;
    assert_eq!(waiting.status(), 503);
    assert!(String::from_utf8_lossy(waiting.body()).contains("No preview"));
    let mut events = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    raw(&mut events, "GET /__loopwright/preview HTTP/1.1\r\nhost: localhost\r\n\r\n", ": waiting").await;

    let first = Preview::start(spec(dir.path(), "first"), &proxy).await.unwrap();
    assert!(read_until(&mut events, "event: change").await.contains("event: change"));
    assert_eq!(text(port, "/").await, "first");
    let second = Preview::start(spec(dir.path(), "second"), &proxy).await.unwrap();
    assert_eq!(text(port, "/").await, "second");
    first.stop().await;
    assert_eq!(marked("LOOPWRIGHT_PREVIEW=first"), 0);
    second.stop().await;
    assert_eq!(get(port, "/").await.status(), 502);
}

#[tokio::test]
async fn web_sockets_pass_with_their_protocol_and_a_local_origin() {
    let dir = tempfile::tempdir().unwrap();
    let proxy = proxy().await;
    let preview = Preview::start(spec(dir.path(), "ws"), &proxy).await.unwrap();
    let port = proxy.address.port();
    let upgrade = |origin: &str| {
        format!(
            "GET /?token=x HTTP/1.1\r\nhost: localhost:{port}\r\norigin: {origin}\r\nconnection: keep-alive, Upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-protocol: vite-hmr\r\n\r\n"
        )
    };
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = raw(&mut socket, &upgrade(&format!("http://localhost:{port}")), "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(head.contains("sec-websocket-protocol: vite-hmr"), "{head}");
    assert!(head.contains(&format!("x-seen-origin: http://{}", preview.address)), "{head}");
    assert_eq!(raw(&mut socket, "hmr", "HMR").await, "HMR");

    let mut evil = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head = raw(&mut evil, &upgrade("https://evil.example"), "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    let rebound = Request::get("/").header("host", "evil.example").body(Bytes::new()).unwrap();
    assert_eq!(send(port, rebound).await.status(), 403);
    preview.stop().await;
    assert_eq!(read_until(&mut socket, "never").await, "", "the end of the dev server closes its sockets");
}

#[tokio::test]
async fn secrets_stay_with_us_and_the_page_may_be_framed() {
    let dir = tempfile::tempdir().unwrap();
    let proxy = proxy().await;
    let preview = Preview::start(spec(dir.path(), "headers"), &proxy).await.unwrap();
    let request = Request::get("/headers")
        .header("host", "127.0.0.1:9999")
        .header("authorization", "Bearer secret")
        .header("loopwright-key", "secret")
        .header("cookie", "loopwright_session=secret; theirs=1")
        .body(Bytes::new())
        .unwrap();
    let response = send(proxy.address.port(), request).await;
    assert_eq!(response.headers()["content-security-policy"], "img-src *");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(!response.headers().contains_key("x-frame-options"));
    assert_eq!(response.headers().get_all("set-cookie").iter().collect::<Vec<_>>(), ["own=1"]);
    let seen = String::from_utf8(response.into_body().to_vec()).unwrap();
    assert!(!seen.contains("secret") && seen.contains("cookie: theirs=1"), "{seen}");
    assert!(seen.contains(&format!("host: {}", preview.address)), "{seen}");
}

#[tokio::test]
async fn a_dev_server_that_cannot_start_says_why_on_the_page_too() {
    let dir = tempfile::tempdir().unwrap();
    let proxy = proxy().await;
    let mut broken = spec(dir.path(), "broken");
    broken.argv = ["/bin/sh", "-c", "echo 'no <vite> on {port}'; exit 1"].map(String::from).into();
    broken.ready_limit = DEADLINE * 10;
    let cause = soon(Preview::start(broken, &proxy)).await.unwrap_err();
    assert!(matches!(&cause, PreviewError::NotReady(says) if says.contains("no <vite> on ")), "{cause}");
    assert!(text(proxy.address.port(), "/").await.contains("no &lt;vite&gt; on "));
}

#[tokio::test]
async fn the_whole_tree_of_a_dev_server_ends_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let proxy = proxy().await;
    let mut forker = spec(dir.path(), "forker");
    forker.argv =
        vec!["/bin/sh".into(), "-c".into(), format!("setsid sleep 1000 & {}", own_argv().join(" "))];
    let preview = Preview::start(forker, &proxy).await.unwrap();
    assert!(marked("LOOPWRIGHT_PREVIEW=forker") >= 2);
    preview.stop().await;
    assert_eq!(marked("LOOPWRIGHT_PREVIEW=forker"), 0);

    let mut left = tokio::process::Command::new("sleep");
    let mut left = left.arg("1000").env("LOOPWRIGHT_PREVIEW", "lost").spawn().unwrap();
    // Until the child is the other program, its environment is still ours.
    soon(async {
        while marked("LOOPWRIGHT_PREVIEW=lost") == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    kill_leftovers(&AttemptId::new("lost").unwrap()).await;
    assert!(!soon(left.wait()).await.unwrap().success());
}
