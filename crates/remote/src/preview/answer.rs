//! One request of the webview: let in or not, carried over, and its answer carried back; sockets included.

use super::{Place, PreviewTo, head};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, LOCATION, SET_COOKIE, UPGRADE};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::io::copy_bidirectional;

type Body = BoxBody<Bytes, hyper::Error>;

pub(super) async fn answer(
    place: Arc<Place>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let answered = match admit(&place, &request) {
        Admitted::In => carry(&place, request).await,
        Admitted::ByAddress(to) => Ok(enter(&place, &to)),
        Admitted::No => Ok(words(StatusCode::FORBIDDEN, "this preview belongs to a window of Loopwright")),
    };
    Ok(answered.unwrap_or_else(|why| {
        let text = format!(
            "the preview cannot be reached: {why}\nIt is shown again once the server answers: reload."
        );
        words(StatusCode::BAD_GATEWAY, &text)
    }))
}

enum Admitted {
    In,
    /// It came with the secret in its path: to this path without it.
    ByAddress(String),
    No,
}

fn admit(place: &Place, request: &Request<Incoming>) -> Admitted {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if host != Some(place.here.as_str()) {
        return Admitted::No;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let (first, rest) =
        path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    if head::same(first, &place.secret) {
        return Admitted::ByAddress(format!("/{}", rest.trim_start_matches('/')));
    }
    if head::holds(request.headers(), &place.here, &place.secret) { Admitted::In } else { Admitted::No }
}

fn enter(place: &Place, to: &str) -> Response<Body> {
    let mut response = words(StatusCode::FOUND, "");
    let headers = response.headers_mut();
    let pairs = [(LOCATION, to.to_owned()), (SET_COOKIE, head::set_cookie(&place.here, &place.secret))];
    for (name, value) in pairs {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    response
}

fn words(status: StatusCode, text: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(text.to_owned())).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")] {
        response.headers_mut().insert(name, hyper::header::HeaderValue::from_static(value));
    }
    response
}

async fn carry(place: &Place, mut request: Request<Incoming>) -> Result<Response<Body>, String> {
    let session = place.tunnel.session().ok_or("the server is not connected")?;
    let (pipe, host) = match &place.to {
        PreviewTo::Port { port, host } => (session.tcp("127.0.0.1", *port).await, host),
        PreviewTo::Socket { path, host } => (session.socket(path).await, host),
    };
    let pipe = pipe.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(pipe)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection.with_upgrades());
    let upgrade = request.headers().contains_key(UPGRADE);
    let ours = upgrade.then(|| hyper::upgrade::on(&mut request));
    head::outward(request.headers_mut(), &place.here, host, upgrade);
    let mut response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if let (true, Some(ours)) = (switched, ours) {
        let theirs = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            if let (Ok(ours), Ok(theirs)) = tokio::join!(ours, theirs) {
                let _ = copy_bidirectional(&mut TokioIo::new(ours), &mut TokioIo::new(theirs)).await;
            }
        });
    }
    head::inward(response.headers_mut(), &place.here, host, switched);
    Ok(response.map(BodyExt::boxed))
}
