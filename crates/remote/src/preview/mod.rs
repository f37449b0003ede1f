//! The live preview: a web address on this computer that leads to a port or a socket of the server. Only the webview that
//! was given the address with the secret gets anything: the first request trades the secret for a cookie that scripts
//! cannot read. Nothing is cached, and nothing of ours goes over with a request.

mod answer;
mod head;

use crate::link::Tunnel;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// What the preview shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviewTo {
    /// A loopback port of the server; `host` is what the site there expects to be called.
    Port { port: u16, host: String },
    /// A unix socket of the server.
    Socket { path: String, host: String },
}

/// Open until it is dropped.
#[derive(Debug)]
pub struct Preview {
    place: Arc<Place>,
    work: JoinHandle<()>,
}

/// One preview, as its requests see it.
#[derive(Debug)]
struct Place {
    tunnel: Tunnel,
    to: PreviewTo,
    /// "127.0.0.1:PORT": the only name under which it may be asked, so that no site's name can be bent to lead here.
    here: String,
    secret: String,
}

impl Preview {
    pub async fn open(tunnel: Tunnel, to: PreviewTo) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let here = format!("127.0.0.1:{}", listener.local_addr()?.port());
        let place = Arc::new(Place { tunnel, to, here, secret: secret()? });
        let work = tokio::spawn(serve(listener, Arc::clone(&place)));
        Ok(Self { place, work })
    }

    /// The address for the webview, to a path of the site. It holds the secret: it is given to nobody else.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{}/{}", self.place.here, self.place.secret, path.trim_start_matches('/'))
    }

    /// "http://127.0.0.1:PORT": where the webview may stay.
    pub fn origin(&self) -> String {
        format!("http://{}", self.place.here)
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn serve(listener: TcpListener, place: Arc<Place>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            Ok((socket, _)) = listener.accept() => {
                let place = Arc::clone(&place);
                open.spawn(async move {
                    let service = service_fn(move |request| answer::answer(Arc::clone(&place), request));
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service)
                        .with_upgrades();
                    let _ = connection.await;
                });
            }
            Some(_) = open.join_next() => {}
        }
    }
}

fn secret() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(protocol::hex(bytes))
}
