//! What answers a server's neighbours, by both families of addresses.

use crate::setup::desk::now;
use crate::setup::ok;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use testkit::server::Server;
use tokio::net::TcpStream;

/// Every TCP port on which anything on the server listens, be it on loopback alone.
pub fn listening(server: &Server) -> Vec<u16> {
    let shown = ok(server, "ss -Hltn | awk '{print $4}'");
    let mut ports: Vec<u16> =
        shown.lines().filter_map(|line| line.rsplit(':').next()?.parse().ok()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Those of them that answer from here.
pub async fn answering(host: IpAddr, ports: &[u16]) -> Vec<u16> {
    let mut open = Vec::new();
    for port in ports {
        let tried = TcpStream::connect(SocketAddr::new(host, *port));
        if matches!(tokio::time::timeout(Duration::from_secs(5), tried).await, Ok(Ok(_))) {
            open.push(*port);
        }
    }
    open
}

/// What the app shows about it.
pub async fn shown(host: IpAddr) -> Vec<u16> {
    let seen = remote::expose(&host.to_string(), &remote::doors(22), now).await;
    assert_eq!(seen.wrong().count(), 0, "{seen:?}");
    seen.tried.iter().filter(|tried| tried.open).map(|tried| tried.port).collect()
}
