//! Trying a server's ports from here, which is outside: what answers, and what should not.

use crate::Clock;
use protocol::setup::{Exposure, Tried};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A port that something of ours, or of what people install beside it, would answer on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Door {
    pub port: u16,
    pub what: &'static str,
    pub meant: bool,
}

/// A firewall that drops says nothing: then the wait is all there is.
const LIMIT: Duration = Duration::from_secs(4);

pub fn doors(ssh: u16) -> Vec<Door> {
    let meant = [(ssh, "SSH"), (80, "the sites"), (443, "the sites, encrypted")];
    let ours = [
        (9119, "the dashboard"),
        (9621, "the memory"),
        (3210, "an agent's bridge"),
        (3211, "an agent's bridge"),
        (3212, "an agent's bridge"),
        (3213, "an agent's bridge"),
        (3214, "an agent's bridge"),
        (3000, "a development server"),
        (5173, "a development server"),
        (4173, "a development server"),
        (8000, "a development server"),
        (8080, "a development server"),
        (2019, "a web server's administration"),
        (2375, "Docker's administration"),
        (5432, "a database"),
        (6379, "a database"),
    ];
    let door = |meant| move |(port, what)| Door { port, what, meant };
    let mut doors: Vec<Door> = meant.map(door(true)).into();
    doors.extend(ours.map(door(false)).into_iter().filter(|door| door.port != ssh));
    doors
}

/// All of them at once; at most one wait.
pub async fn expose(host: &str, doors: &[Door], clock: Clock) -> Exposure {
    let mut trying = JoinSet::new();
    for door in doors.iter().copied() {
        let host = host.to_owned();
        trying.spawn(async move { (door, timeout(LIMIT, TcpStream::connect((host, door.port))).await) });
    }
    let mut address = host.to_owned();
    let mut tried = Vec::new();
    while let Some(done) = trying.join_next().await {
        let Ok((door, connected)) = done else { continue };
        let socket = connected.ok().and_then(Result::ok);
        if let Some(peer) = socket.as_ref().and_then(|socket| socket.peer_addr().ok()) {
            address = peer.ip().to_string();
        }
        tried.push(Tried {
            port: door.port,
            what: door.what.to_owned(),
            open: socket.is_some(),
            meant: door.meant,
        });
    }
    tried.sort_by_key(|tried| (!tried.meant, tried.port));
    Exposure { at: clock(), address, tried }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::At;

    #[tokio::test]
    async fn what_answers_is_open_and_what_should_not_is_named() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap().port();
        let closed = {
            let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            gone.local_addr().unwrap().port()
        };
        let door = |port, meant| Door { port, what: "x", meant };
        let seen = expose("127.0.0.1", &[door(open, false), door(closed, false)], || At(5)).await;
        assert_eq!((seen.address.as_str(), seen.at, seen.tried.len()), ("127.0.0.1", At(5), 2));
        assert_eq!(seen.wrong().map(|tried| tried.port).collect::<Vec<_>>(), [open]);
    }

    #[test]
    fn the_doors_hold_what_is_promised_and_another_ssh_port_is_meant() {
        let doors = doors(3000);
        for port in [80, 443, 9119, 9621, 3210, 3214, 5173, 2019] {
            assert!(doors.iter().any(|door| door.port == port));
        }
        assert!(doors.iter().filter(|door| door.port == 3000).all(|door| door.meant));
    }
}
