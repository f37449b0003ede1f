//! Connections: so many at once, and none that says nothing. What a client sends or reads slowly holds one of its places
//! and nothing else.

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// Connections of one bridge. More wait in the system's queue.
const CONNECTIONS: usize = 64;
/// The head of a request must be there by then; the wait for the next request counts.
const HEAD: Duration = Duration::from_secs(30);
/// Enough for all headers; the same is read ahead of a body at most.
const BUFFER: usize = 32 * 1024;
/// After a failed accept, when the process is out of files for example.
const PAUSE: Duration = Duration::from_millis(200);

pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, router.clone(), place, stop.clone()));
            }
            Err(e) => {
                warn!(error = %e, "failed to take a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    _place: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(BUFFER);
    let served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::select! {
        ended = served => if let Err(e) = ended {
            debug!(error = %e, "a connection ended early");
        },
        () = stop.cancelled() => {}
    }
}
