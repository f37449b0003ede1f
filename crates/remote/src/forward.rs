//! A loopback port of this computer that leads to one of the server's: for the answer of a sign-in page, which goes to
//! "localhost" and means the server's.

use crate::link::Tunnel;
use std::io;
use std::net::Ipv4Addr;
use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// Open until it is dropped.
#[derive(Debug)]
pub struct Forward {
    port: u16,
    work: JoinHandle<()>,
}

impl Forward {
    /// The port on this computer.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.work.abort();
    }
}

/// `here` is the wished port, 0 for any. An error says that it is taken on this computer.
pub async fn forward(tunnel: Tunnel, here: u16, there: u16) -> io::Result<Forward> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, here)).await?;
    let port = listener.local_addr()?.port();
    let work = tokio::spawn(async move {
        let mut open = JoinSet::new();
        loop {
            tokio::select! {
                Ok((mut socket, _)) = listener.accept() => {
                    let tunnel = tunnel.clone();
                    open.spawn(async move {
                        let Some(session) = tunnel.session() else { return };
                        if let Ok(mut pipe) = session.tcp("127.0.0.1", there).await {
                            let _ = copy_bidirectional(&mut socket, &mut pipe).await;
                        }
                    });
                }
                Some(_) = open.join_next() => {}
            }
        }
    });
    Ok(Forward { port, work })
}
