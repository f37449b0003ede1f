//! What the edge does with hostile or unusual HTTP.

use crate::edge::Bench;
use crate::web::{raw, read_until, send, text};
use bytes::Bytes;
use hyper::Request;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn the_app_learns_who_asked_and_nothing_that_is_ours() {
    let bench = Bench::new(|_| {}).await;
    bench.live("app").await;
    let request = Request::get("/headers")
        .header("host", "shop.example")
        .header("x-forwarded-for", "6.6.6.6")
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .header("cookie", "a=1; loopwright_session=secret")
        .body(Bytes::new())
        .unwrap();
    let response = send(bench.port, request).await;
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["own=1"]);
    let body = response.into_body();
    let mut seen: Vec<&str> = std::str::from_utf8(&body).unwrap().lines().collect();
    seen.sort_unstable();
    let expected = [
        "connection: close",
        "cookie: a=1",
        "host: shop.example",
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-host: shop.example",
        "x-forwarded-proto: http",
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_request_hidden_in_the_body_of_another_is_never_one() {
    let bench = Bench::new(|_| {}).await;
    bench.live("app").await;
    // Content-Length ends before the chunks do, or after; either way "GET /crash" must not be run.
    let cases = [
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n\
         1c\r\nGET /crash HTTP/1.1\r\nhost: x\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 44\r\n\r\n\
         0\r\n\r\nGET /crash HTTP/1.1\r\nx: y",
        "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\nGET /crash HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: 30\r\n\r\nGET /crash HTTP/1.1\r\nhost: x\r\n\r\n",
    ];
    for case in cases {
        let mut stream = TcpStream::connect(("127.0.0.1", bench.port)).await.unwrap();
        stream.write_all(case.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = read_until(&mut stream, "never").await;
        let status: Vec<&str> = answer.matches("HTTP/1.1 ").collect();
        assert!(status.len() <= 1, "{case}\n{answer}");
    }
    assert_eq!(text(bench.port, "/").await, "app");
    assert_eq!(bench.client.state().await.unwrap().releases[0].restarts, 0);
}

#[tokio::test]
async fn odd_requests_are_answered_in_words_and_slow_ones_are_cut() {
    let bench = Bench::new(|config| {
        config.limits.head = Duration::from_millis(100);
        config.limits.body_idle = Duration::from_millis(100);
    })
    .await;
    bench.live("app").await;
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(1_000_000));
    for (request, status) in [
        ("CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 405"),
        ("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"),
        ("nonsense\r\n\r\n", "HTTP/1.1 400"),
        (&long, "HTTP/1.1 431"),
        ("GET http://shop.example/ HTTP/1.1\r\nhost: other\r\n\r\n", "HTTP/1.1 200"),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", bench.port)).await.unwrap();
        let answer = raw(&mut stream, request, "\r\n\r\n").await;
        assert!(answer.starts_with(status), "{}\n{answer}", &request[..30.min(request.len())]);
    }
    // A head that never ends, and a body that never comes.
    let mut head = TcpStream::connect(("127.0.0.1", bench.port)).await.unwrap();
    raw(&mut head, "GET / HTTP/1.1\r\nhost: x\r\n", "never").await;
    let mut body = TcpStream::connect(("127.0.0.1", bench.port)).await.unwrap();
    raw(&mut body, "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12", "never").await;
    assert_eq!(text(bench.port, "/").await, "app");
}

#[tokio::test]
async fn a_body_goes_through_while_it_is_being_sent() {
    let bench = Bench::new(|_| {}).await;
    bench.live("app").await;
    let mut stream = TcpStream::connect(("127.0.0.1", bench.port)).await.unwrap();
    let head = "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
    let answer = raw(&mut stream, head, "first").await;
    assert!(answer.contains("first"), "the first half came back before the second was sent: {answer}");
    let rest = raw(&mut stream, "6\r\nsecond\r\n0\r\n\r\n", "second").await;
    assert!(rest.contains("second"));
    let big = Bytes::from(vec![b'x'; 5 * 1024 * 1024]);
    let request = Request::post("/echo").header("host", "x").body(big.clone()).unwrap();
    assert_eq!(send(bench.port, request).await.into_body(), big);
}
