//! A server that is set up, for the tests that need one: what a set-up is told, how a command runs there, how the site
//! answers, and what a removal may leave.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses the part that it needs")]

pub mod desk;

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use testkit::server::{Manifest, Ran, Server};

pub const PROGRAM: &str = "/opt/loopwright/current/loopwrightd";
pub const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKkYdW5rVbq0y2Tn5i8mNqgY1v6dXrH8g3mX2Vh7y9aB desk";
pub const WISH: &str = r#"{"project":"Bakery","starter":"static"}"#;

/// What a removal may leave, as docs/server.md lists it: the copies that the system's own programs keep of their last
/// state, sudo's marks of who has used it, and the export.
const LEFT: [&str; 8] = [
    "/etc/passwd-",
    "/etc/group-",
    "/etc/shadow-",
    "/etc/gshadow-",
    "/var/lib/dpkg/",
    "/var/backups/loopwright-",
    "/.sudo_as_admin_successful",
    "/var/lib/sudo/lectured/",
];

pub fn exec(server: &Server, command: &str) -> Ran {
    server.exec_with(command, None, 300).unwrap()
}

#[track_caller]
pub fn ok(server: &Server, command: &str) -> String {
    let ran = exec(server, command);
    assert_eq!(ran.code, 0, "{command}\n{}{}", ran.out, ran.err);
    ran.out.trim_end().to_owned()
}

pub fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The site's answer to somebody on the internet, whole.
pub fn answer(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Its first line.
pub fn visit(port: u16) -> Option<String> {
    answer(port)?.lines().next().map(str::to_owned)
}

/// What differs from the bare server and is not for others to leave.
pub fn left_over(bare: &Manifest, server: &Server) -> Vec<String> {
    let changes = bare.changes(&server.manifest().unwrap());
    changes.into_iter().filter(|line| !LEFT.iter().any(|path| line.contains(path))).collect()
}

/// After a removal the server is as it was.
#[track_caller]
pub fn removed(bare: &Manifest, server: &Server, what: &str) {
    assert_eq!(left_over(bare, server), [""; 0], "{what}");
    assert_eq!(server.open_ports().unwrap(), [22], "{what}");
    let units = ok(server, "systemctl list-units 'loopwright*' --all --no-legend --plain");
    assert_eq!(units, "", "{what}");
}
