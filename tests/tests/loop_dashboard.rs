//! The dashboard's face on loopback. Loopback is no reason for trust: every program and every web page of this machine
//! can reach it.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod harness;

use harness::{BAKERY, House, tcp};
use protocol::{ApiError, Code, Request, Response};
use std::io::BufRead;

const HELLO: &str = "{\"ask\":\"hello\"}";

/// The dashboard's address and a fresh one-time key.
fn link(house: &House) -> (String, String) {
    let (status, body) = house.daemon.exchange("POST", "/api/link", b"{}").unwrap();
    assert_eq!(status, 200);
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let (page, key) = answer["url"].as_str().unwrap().split_once("#key=").unwrap();
    (tcp::parts(page).0, key.to_owned())
}

fn trade(address: &str, key: &str) -> tcp::Answer {
    let body = format!("{{\"key\":\"{key}\"}}");
    let headers = [("host", address), ("content-type", "application/json")];
    tcp::send(address, "POST", "/api/session", &headers, &body)
}

fn token(answer: &tcp::Answer) -> String {
    let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    answer["token"].as_str().unwrap().to_owned()
}

/// The address, and the header of somebody who is signed in.
fn signed_in(house: &House) -> (String, String) {
    let (address, key) = link(house);
    let bearer = format!("Bearer {}", token(&trade(&address, &key)));
    (address, bearer)
}

fn refusal(answer: &tcp::Answer) -> ApiError {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| unreachable!("{answer:?}"))
}

#[test]
fn a_one_time_key_works_once_and_its_token_from_then_on() {
    let house = House::practice();
    let (address, key) = link(&house);
    let first = trade(&address, &key);
    assert_eq!(first.status, 200);
    let bearer = format!("Bearer {}", token(&first));
    let again = trade(&address, &key);
    assert_eq!((again.status, refusal(&again).code), (401, Code::SignedOut));
    assert_eq!(trade(&address, "guess").status, 401);

    let headers = [("host", address.as_str()), ("authorization", bearer.as_str())];
    let hello = tcp::send(&address, "POST", "/api/request", &headers, HELLO);
    assert_eq!(hello.status, 200);
    let answer: Response = serde_json::from_str(&hello.body).unwrap();
    assert_eq!(answer, house.call(&Request::Hello), "both faces give the same answer");
    let log = house.daemon.printed();
    assert!(!log.contains(&token(&first)) && !log.contains(&key), "a secret is in the log");
}

#[test]
fn without_a_token_nothing_is_told() {
    let house = House::practice();
    let (address, _) = link(&house);
    let host = ("host", address.as_str());
    let tries: [&[(&str, &str)]; 4] = [
        &[host],
        &[host, ("authorization", "Bearer guess")],
        &[host, ("authorization", "Basic Og==")],
        &[host, ("cookie", "token=guess")],
    ];
    for (method, path) in [("POST", "/api/request"), ("GET", "/api/head"), ("GET", "/api/blob/abc")] {
        for headers in tries {
            let answer = tcp::send(&address, method, path, headers, HELLO);
            assert_eq!(answer.status, 401, "{method} {path} {headers:?}");
            let refused = refusal(&answer);
            assert_eq!(refused.code, Code::SignedOut);
            assert!(refused.next.unwrap().contains("loopwrightd link"));
        }
    }
    // What only the socket has is not there at all.
    let (address, bearer) = signed_in(&house);
    for path in ["/api/link", "/api/stop"] {
        let headers = [("host", address.as_str()), ("authorization", bearer.as_str())];
        let answer = tcp::send(&address, "POST", path, &headers, "{}");
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
    }
    house.call(&Request::Hello);
}

#[test]
fn another_name_and_another_page_are_refused_even_with_a_token() {
    let house = House::practice();
    let (address, bearer) = signed_in(&house);
    let port = address.rsplit(':').next().unwrap();
    let auth = ("authorization", bearer.as_str());
    for host in ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", ""] {
        let answer = tcp::send(&address, "POST", "/api/request", &[("host", host), auth], HELLO);
        assert!(matches!(answer.status, 400 | 403), "host {host:?}: {answer:?}");
        let page = tcp::send(&address, "GET", "/", &[("host", host)], "");
        assert!(matches!(page.status, 400 | 403), "host {host:?}: {page:?}");
    }
    let answer = tcp::send(&address, "POST", "/api/request", &[("host", "evil.example"), auth], HELLO);
    assert_eq!(answer.status, 403);
    assert!(refusal(&answer).next.unwrap().contains(&address));
    let other_port = format!("http://127.0.0.1:{}", port.parse::<u32>().unwrap() - 1);
    for origin in ["http://evil.example", "null", "https://127.0.0.1", &other_port] {
        let headers = [("host", address.as_str()), ("origin", origin), auth];
        let answer = tcp::send(&address, "POST", "/api/request", &headers, HELLO);
        assert_eq!(answer.status, 403, "origin {origin}: {answer:?}");
    }
    let local = format!("localhost:{port}");
    for name in [&address, &local] {
        let origin = format!("http://{name}");
        let headers = [("host", name.as_str()), ("origin", origin.as_str()), auth];
        assert_eq!(tcp::send(&address, "POST", "/api/request", &headers, HELLO).status, 200);
    }
}

#[test]
fn every_answer_tells_the_browser_to_be_strict() {
    let house = House::practice();
    let (address, bearer) = signed_in(&house);
    let host = ("host", address.as_str());
    let answers = [
        tcp::send(&address, "GET", "/", &[host], ""),
        tcp::send(&address, "GET", "/some/view", &[host], ""),
        tcp::send(&address, "POST", "/api/request", &[host], HELLO),
        tcp::send(&address, "POST", "/api/request", &[host, ("authorization", &bearer)], HELLO),
        tcp::send(&address, "GET", "/", &[("host", "evil.example")], ""),
    ];
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("'unsafe-inline'") && !policy.contains("'unsafe-eval'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn blobs_are_given_as_bytes_that_cannot_run() {
    let house = House::practice();
    let request = house.live("A page that says <script>alert(1)</script>");
    let (address, bearer) = signed_in(&house);
    let headers = [("host", address.as_str()), ("authorization", bearer.as_str())];
    let brief = house.show(&request).attempts[0].brief.clone().unwrap();
    let blob = tcp::send(&address, "GET", &format!("/api/blob/{}", brief.blob), &headers, "");
    assert_eq!(blob.status, 200);
    assert_eq!(blob.body, house.text(&brief));
    assert!(blob.header("content-type").unwrap().starts_with("text/plain"), "{blob:?}");
    let missing = tcp::send(&address, "GET", "/api/blob/nothing", &headers, "");
    assert_eq!((missing.status, refusal(&missing).code), (404, Code::NotFound));
    let ids = format!("[{:?}, \"nothing\"]", brief.blob.as_str());
    let several = tcp::send(&address, "POST", "/api/blobs", &headers, &ids);
    assert_eq!((several.status, several.header("content-type")), (200, Some("application/octet-stream")));
    assert!(several.body.contains(&house.text(&brief)) && several.body.ends_with('\0'), "{several:?}");
    let wrong = tcp::send(&address, "POST", "/api/blobs", &headers, "{}");
    assert_eq!((wrong.status, refusal(&wrong).code), (422, Code::BadInput));
    let climbing = tcp::send(&address, "GET", "/api/blob/..%2F..%2Fjournal.db", &headers, "");
    assert!((400..500).contains(&climbing.status), "{climbing:?}");
}

#[test]
fn the_head_stream_wakes_with_each_new_entry() {
    let house = House::practice();
    let (address, bearer) = signed_in(&house);
    let headers = [("host", address.as_str()), ("authorization", bearer.as_str())];
    let (status, stream) = tcp::stream(&address, "/api/head", &headers);
    assert_eq!(status, 200);
    let mut heads = stream
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("data: ").and_then(|number| number.trim().parse::<u64>().ok()));
    let first = heads.next().unwrap();
    let Response::Hello(hello) = house.call(&Request::Hello) else { unreachable!() };
    assert_eq!(first, hello.head, "the first one tells where it stands");
    house.push("A colour", "Our colour is petrol");
    // It also wakes for what is only read live, with the number that it had.
    assert_eq!(heads.find(|head| *head != first), Some(first + 1));
    let request = house.live(BAKERY);
    let last = house.show(&request).row.head;
    let seen: Vec<u64> = heads.by_ref().take_while(|head| *head < last).collect();
    assert!(seen.windows(2).all(|two| two[0] <= two[1]), "{seen:?}");
}
