//! HTTP in front of one project: each request goes to the release that is live when it comes.

use super::EdgeLimits;
use super::names::World;
use super::supervisor::Upstream;
use crate::certificates::{CHALLENGE, Domain};
use crate::relay::{self, Body, RelayLimits, page};
use arc_swap::ArcSwapOption;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, LOCATION};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

pub(super) type Target = Arc<ArcSwapOption<Upstream>>;

/// What stands behind a port.
#[derive(Clone)]
pub(super) struct Door {
    pub target: Target,
    pub limits: Arc<EdgeLimits>,
    pub quit: CancellationToken,
    /// Connections that are not at their end.
    pub connections: TaskTracker,
    /// The world is behind it: other names may be asked for than the one site's. None: one project's own port.
    pub world: Option<World>,
}

/// How a request came.
#[derive(Clone)]
pub(super) enum Via {
    Plain,
    /// With the name that the certificate is for.
    Tls(Arc<str>),
}

impl Via {
    fn scheme(&self) -> &'static str {
        match self {
            Via::Plain => "http",
            Via::Tls(_) => "https",
        }
    }
}

/// Accepts until `quit`.
pub(super) async fn serve(listener: TcpListener, door: Door) {
    accept(listener, door, |stream, peer, door| {
        let _ = stream.set_nodelay(true);
        connection(stream, peer, door, Via::Plain)
    })
    .await;
}

/// Gives each connection a task of its own, which holds one of the door's places.
pub(super) async fn accept<F, T>(listener: TcpListener, door: Door, talk: F)
where
    F: Fn(TcpStream, IpAddr, Door) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(door.limits.connections));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = door.quit.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = talk(stream, peer.ip(), door.clone());
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

pub(super) async fn connection<S>(stream: S, peer: IpAddr, door: Door, via: Via)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (limits, quit) = (door.limits.clone(), door.quit.clone());
    let asked = CancellationToken::new();
    let service = {
        let asked = asked.clone();
        service_fn(move |request| {
            asked.cancel();
            let (door, via) = (door.clone(), via.clone());
            async move { Ok::<_, Infallible>(answer(request, peer, &door, &via).await) }
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

/// Which site a request is for, or the answer to one that is for none.
fn site_of(
    request: &Request<Incoming>,
    host: &HeaderValue,
    door: &Door,
    via: &Via,
) -> Result<Target, Box<Response<Body>>> {
    let Some(world) = &door.world else { return Ok(door.target.clone()) };
    let path = request.uri().path();
    if let (Via::Plain, Some(token)) = (via, world.certificates.token(path)) {
        let mut response = Response::new(relay::full(token));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        return Err(Box::new(response));
    }
    let named = world.names.of(host);
    match (via, named) {
        (Via::Plain, None) => Ok(door.target.clone()),
        (Via::Plain, Some((name, target))) => match world.https {
            // An authority looks over HTTP, for a path that may be gone by now: it is told so here.
            Some(port) if world.certificates.stands(&name) && !path.starts_with(CHALLENGE) => {
                Err(Box::new(elsewhere(&name, port, request.uri())))
            }
            Some(_) | None => Ok(target),
        },
        (Via::Tls(certified), Some((name, target))) if name.as_str().eq_ignore_ascii_case(certified) => {
            Ok(target)
        }
        (Via::Tls(certified), _) => {
            let says = format!("This connection is for {certified} alone. Please ask again.");
            Err(Box::new(page(StatusCode::MISDIRECTED_REQUEST, "Another site", &says, "")))
        }
    }
}

/// The same page over TLS. Browsers remember it for some minutes only, should the name lose its certificate.
fn elsewhere(name: &Domain, port: u16, uri: &Uri) -> Response<Body> {
    let port = if port == HTTPS { String::new() } else { format!(":{port}") };
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut response = Response::new(relay::empty());
    // What came as a path can stand in a header, since it was parsed from one line.
    if let Ok(location) = HeaderValue::from_str(&format!("https://{name}{port}{path}")) {
        *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
        response.headers_mut().insert(LOCATION, location);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    } else {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

const HTTPS: u16 = 443;

async fn answer(mut request: Request<Incoming>, peer: IpAddr, door: &Door, via: &Via) -> Response<Body> {
    let limits = &*door.limits;
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
    let target = match site_of(&request, &host, door, via) {
        Ok(target) => target,
        Err(response) => return *response,
    };
    request.headers_mut().insert(HOST, host);
    relay::set_forwarded(request.headers_mut(), peer, via.scheme());
    relay::drop_own_cookies(request.headers_mut());
    let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);

    let (wire, token) = match reach(&target, limits).await {
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
