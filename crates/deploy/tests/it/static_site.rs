//! Plain sites: what is served, and what is not.

use crate::web::{get, get_on_socket, raw, read_until, send, soon, text};
use bytes::Bytes;
use deploy::static_site::serve_static;
use hyper::Request;
use std::net::TcpListener;
use std::path::Path;
use tempfile::TempDir;
use tokio::net::{TcpStream, UnixStream};

fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("secret", "secret"),
        ("site/index.html", "<body>home</body>"),
        ("site/about.html", "about"),
        ("site/docs/index.html", "docs"),
        ("site/empty/a.txt", "0123456789"),
        ("site/.env", "secret"),
        ("site/.git/config", "secret"),
        ("site/.well-known/x", "known"),
        ("site/404.html", "own 404"),
    ] {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::os::unix::fs::symlink("../secret", dir.path().join("site/out")).unwrap();
    std::os::unix::fs::symlink("..", dir.path().join("site/up")).unwrap();
    std::os::unix::fs::symlink("about.html", dir.path().join("site/in.html")).unwrap();
    dir
}

async fn serve(dir: &Path, live: bool) -> u16 {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let root = dir.join("site");
    tokio::spawn(async move { serve_static(&root, &port.to_string(), live).await.unwrap() });
    soon(async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    port
}

#[tokio::test]
async fn files_are_served_with_their_kind_and_nothing_else_is() {
    let dir = folder();
    let port = serve(dir.path(), false).await;
    for (path, body) in [
        ("/", "<body>home</body>"),
        ("/about", "about"),
        ("/about.html", "about"),
        ("/in.html", "about"),
        ("/docs/", "docs"),
        ("/.well-known/x", "known"),
        ("/healthz", "ok\n"),
    ] {
        let response = get(port, path).await;
        assert_eq!((response.status().as_u16(), &response.body()[..]), (200, body.as_bytes()), "{path}");
    }
    assert_eq!(get(port, "/").await.headers()["content-type"], "text/html; charset=utf-8");
    for path in ["/docs", "//docs"] {
        let response = get(port, path).await;
        assert_eq!(
            (response.status().as_u16(), response.headers()["location"].to_str().unwrap()),
            (308, "/docs/")
        );
    }
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/docs/../../secret",
        "/out",
        "/up/secret",
        "/.env",
        "/.git/config",
        "/empty/",
        "/nothing",
        "/about.html/",
        "/%00",
        "/a%5c..%5csecret",
    ] {
        let response = get(port, path).await;
        assert_eq!((response.status().as_u16(), &response.body()[..]), (404, &b"own 404"[..]), "{path}");
    }
    let post = Request::post("/").header("host", "x").body(Bytes::new()).unwrap();
    assert_eq!(send(port, post).await.status(), 405);
}

#[tokio::test]
async fn what_a_browser_knows_already_is_not_sent_again() {
    let dir = folder();
    let port = serve(dir.path(), false).await;
    let first = get(port, "/empty/a.txt").await;
    let ask = |name: &str, value: &str, method: &str| {
        let request = Request::builder().method(method).uri("/empty/a.txt").header("host", "x");
        send(port, request.header(name, value).body(Bytes::new()).unwrap())
    };
    let tag = first.headers()["etag"].to_str().unwrap();
    let date = first.headers()["last-modified"].to_str().unwrap();
    assert_eq!(ask("if-none-match", &format!("\"x\", W/{tag}"), "GET").await.status(), 304);
    assert_eq!(ask("if-modified-since", date, "GET").await.status(), 304);
    assert_eq!(ask("if-none-match", "\"x\"", "GET").await.status(), 200);
    let head = ask("accept", "*/*", "HEAD").await;
    assert_eq!((head.headers()["content-length"].to_str().unwrap(), head.body().len()), ("10", 0));
    let part = ask("range", "bytes=2-4", "GET").await;
    assert_eq!((part.status().as_u16(), &part.body()[..]), (206, &b"234"[..]));
    assert_eq!(part.headers()["content-range"], "bytes 2-4/10");
    assert_eq!(ask("range", "bytes=99-", "GET").await.status(), 416);
}

#[tokio::test]
async fn a_live_page_is_told_of_changes_and_a_socket_serves_as_a_port_does() {
    let dir = folder();
    let port = serve(dir.path(), true).await;
    assert!(text(port, "/").await.contains("EventSource"));
    let mut events = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    raw(&mut events, "GET /__loopwright/live HTTP/1.1\r\nhost: x\r\n\r\n", ": waiting").await;
    std::fs::write(dir.path().join("site/docs/index.html"), "changed").unwrap();
    assert!(read_until(&mut events, "data: changed").await.contains("data: changed"));

    // A change between the page and its listening is not missed.
    let page = text(port, "/docs/").await;
    let listens = page.split_once("EventSource('").unwrap().1.split_once('\'').unwrap().0;
    std::fs::write(dir.path().join("site/docs/index.html"), "changed").unwrap();
    read_until(&mut events, "data: changed").await;
    let mut late = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    raw(&mut late, &format!("GET {listens} HTTP/1.1\r\nhost: x\r\n\r\n"), "data: changed").await;

    let (root, socket) = (dir.path().join("site"), dir.path().join("socket"));
    let path = socket.display().to_string();
    tokio::spawn(async move { serve_static(&root, &path, false).await.unwrap() });
    soon(async {
        while UnixStream::connect(&socket).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(&get_on_socket(&socket, "/docs/").await.body()[..], b"changed");
}
