//! HTTP in front of one project: each request goes to the release that is live when it comes.

use super::EdgeLimits;
use super::supervisor::Upstream;
use crate::relay::{self, Body, RelayLimits, page};
use arc_swap::ArcSwapOption;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

pub(super) type Target = Arc<ArcSwapOption<Upstream>>;

/// Where browsers speak TLS.
pub(super) const ENCRYPTED: u16 = 443;

/// A port that is ours and has no certificate: who comes is told at once that nobody answers, and no other program can
/// take the port meanwhile.
pub(super) async fn turn_away(listener: TcpListener, quit: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = quit.cancelled() => return,
        };
        if let Err(cause) = accepted {
            tracing::debug!(%cause, "a connection was not accepted");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// What stands behind a port.
#[derive(Clone)]
pub(super) struct Door {
    pub target: Target,
    pub limits: Arc<EdgeLimits>,
    pub quit: CancellationToken,
    /// Connections that are not at their end.
    pub connections: TaskTracker,
}

/// Accepts until `quit`.
pub(super) async fn serve(listener: TcpListener, door: Door) {
    let places = Arc::new(Semaphore::new(door.limits.connections));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = door.quit.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection(stream, peer.ip(), door.clone());
                door.connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(cause) => {
                // Out of file descriptors, or a client that left at once: neither may end the site.
                tracing::debug!(%cause, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: IpAddr, door: Door) {
    let Door { target, limits, quit, .. } = door;
    let _ = stream.set_nodelay(true);
    let asked = CancellationToken::new();
    let service = {
        let (limits, asked) = (limits.clone(), asked.clone());
        service_fn(move |request| {
            asked.cancel();
            let (target, limits) = (target.clone(), limits.clone());
            async move { Ok::<_, Infallible>(answer(request, peer, &target, &limits).await) }
        })
    };
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = quit.cancelled() => {
            // Who came at the last moment has not asked yet, and would otherwise be sent away unheard.
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = first_words(&asked) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(cause) = ended {
        tracing::debug!(%cause, "a connection ended early");
    }
}

/// How long somebody who connected just before the end may take to ask.
const FIRST_WORDS: Duration = Duration::from_secs(1);

async fn first_words(asked: &CancellationToken) {
    let _ = tokio::time::timeout(FIRST_WORDS, asked.cancelled()).await;
}

async fn answer(
    mut request: Request<Incoming>,
    peer: IpAddr,
    target: &Target,
    limits: &EdgeLimits,
) -> Response<Body> {
    if request.method() == Method::CONNECT {
        return page(StatusCode::METHOD_NOT_ALLOWED, "Not a proxy", "This is a web site.", "");
    }
    let Some(host) = relay::host_of(request.uri(), request.headers()) else {
        return page(
            StatusCode::BAD_REQUEST,
            "No host",
            "The request does not say which site it is for.",
            "",
        );
    };
    request.headers_mut().insert(HOST, host);
    relay::set_forwarded(request.headers_mut(), peer, "http");
    relay::drop_own_cookies(request.headers_mut());
    let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);

    let (wire, token) = match reach(target, limits).await {
        Ok(reached) => reached,
        Err(response) => return *response,
    };
    let relay_limits = RelayLimits { answer: limits.answer, body_idle: limits.body_idle };
    match relay::exchange(wire, request, token, &relay_limits).await {
        Ok(mut response) => {
            relay::drop_own_cookies(response.headers_mut());
            response
        }
        Err(cause) => {
            tracing::warn!(%cause, "the live release gave no answer");
            page(
                StatusCode::BAD_GATEWAY,
                "No answer",
                "The site's program gave no answer. Please try again.",
                "",
            )
        }
    }
}

type Reached = (Box<dyn relay::Wire>, TaskTrackerToken);

/// A connection to the live release, counted among those it must finish before it may end. While a crashed release is
/// being started again, the request waits for it.
async fn reach(target: &Target, limits: &EdgeLimits) -> Result<Reached, Box<Response<Body>>> {
    let until = Instant::now() + limits.patience;
    let mut pause = Duration::from_millis(5);
    loop {
        let Some(upstream) = target.load_full() else {
            let says = "This site has no release yet. It appears here as soon as the first one is live.";
            return Err(Box::new(page(StatusCode::SERVICE_UNAVAILABLE, "Nothing is live yet", says, "")));
        };
        let token = upstream.in_flight.token();
        // Counted before this look, so that a drain which began after it waits for us.
        let replaced = upstream.in_flight.is_closed();
        if replaced && target.load().as_ref().is_some_and(|now| !Arc::ptr_eq(now, &upstream)) {
            continue;
        }
        match relay::connect(&upstream.peer).await {
            Ok(wire) => return Ok((wire, token)),
            Err(cause) if Instant::now() + pause >= until || upstream.is_down() => {
                tracing::warn!(%cause, "the live release cannot be reached");
                let says = "The site's program has stopped and is being looked after. Please try again.";
                return Err(Box::new(page(StatusCode::BAD_GATEWAY, "The site is down", says, "")));
            }
            Err(_) => drop(token),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

impl Upstream {
    fn is_down(&self) -> bool {
        use super::Phase::{Failed, Stopping};
        matches!(self.view.borrow().phase, Failed | Stopping)
    }
}
