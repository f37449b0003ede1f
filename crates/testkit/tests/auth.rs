//! The scripted sign-in server as a client sees it, for both wires.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use testkit::auth::{AuthPlan, AuthServer, CODEX_CODE, KIMI_CODE};

fn post(server: &AuthServer, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap())
}

const KIMI_POLL: &str = "/api/oauth/token";
const CODEX_POLL: &str = "/api/accounts/deviceauth/token";

#[test]
fn a_person_who_takes_their_time_is_waited_for() {
    let server = AuthServer::start(AuthPlan::approve_after(2)).unwrap();
    let (_, code) = post(&server, "/api/oauth/device_authorization", "");
    assert_eq!(
        (code["user_code"].as_str(), code["verification_uri"].as_str()),
        (Some(KIMI_CODE), Some("http://here/device"))
    );
    let polls: Vec<_> = (0..3).map(|_| post(&server, KIMI_POLL, "device_code=x").0).collect();
    assert_eq!(polls, [400, 400, 200]);
    server.plan(AuthPlan::approve_after(1));
    assert_eq!(post(&server, "/api/accounts/deviceauth/usercode", "{}").1["user_code"], CODEX_CODE);
    assert_eq!([post(&server, CODEX_POLL, "{}").0, post(&server, CODEX_POLL, "{}").0], [403, 200]);
    let (_, tokens) = post(&server, "/oauth/token", "grant_type=authorization_code&code=x");
    assert_eq!(tokens["id_token"].as_str().unwrap().split('.').count(), 3);
    assert_eq!((server.issued(), server.log().len()), (2, 8));
}

#[test]
fn a_refusal_and_an_old_code_are_told_apart() {
    let server = AuthServer::start(AuthPlan::refuse()).unwrap();
    assert_eq!(post(&server, KIMI_POLL, "").1["error"], "access_denied");
    assert_eq!(post(&server, CODEX_POLL, "").0, 400);
    server.plan(AuthPlan::expire());
    assert_eq!(post(&server, KIMI_POLL, "").1["error"], "expired_token");
    assert_eq!(post(&server, CODEX_POLL, "").0, 410);
    assert_eq!(server.issued(), 0);
}

#[test]
fn a_refresh_token_works_once_and_not_after_the_account_was_taken_back() {
    let server = AuthServer::start(AuthPlan::approve_after(0)).unwrap();
    let refresh = |tokens: &Value| {
        let token = tokens["refresh_token"].as_str().unwrap();
        post(&server, KIMI_POLL, &format!("grant_type=refresh_token&refresh_token={token}"))
    };
    let (_, first) = post(&server, KIMI_POLL, "device_code=x");
    let (status, second) = refresh(&first);
    assert_eq!(status, 200);
    assert_eq!(refresh(&first).0, 401);
    server.plan(AuthPlan { refreshes: false, ..AuthPlan::approve_after(0) });
    assert_eq!(refresh(&second).0, 401);
}
