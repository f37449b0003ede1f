//! The proxy before the dev servers: one address per project, made for being shown inside the dashboard.
//!
//! It speaks to the dev server in the name of this computer (a dev server refuses others), so it must itself refuse whoever
//! is not this computer: requests for another host name (DNS rebinding) and from another site's page are turned away. What is
//! ours (sign-in headers and cookies) never reaches the agent's code.

use crate::relay::{self, Body, BoxError, Peer, RelayLimits, page};
use futures_util::{StreamExt, stream};
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY, ETAG, HOST,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, ORIGIN, REFERER, UPGRADE,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Where a page that waits listens for the end of its waiting.
const EVENTS: &str = "/__loopwright/preview";
const LIMITS: RelayLimits =
    RelayLimits { answer: Duration::from_secs(120), body_idle: Duration::from_secs(60) };

/// What the proxy shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// No dev server, and why, in words for the user.
    Nothing(String),
    Starting,
    Ready(SocketAddr),
}

/// A proxy at one address until it is dropped.
#[derive(Debug)]
pub struct PreviewProxy {
    pub address: SocketAddr,
    target: watch::Sender<Target>,
    _open: DropGuard,
}

impl PreviewProxy {
    /// Listens on `wish`, or on any free port where that cannot be had.
    pub async fn start(listen: IpAddr, wish: Option<u16>) -> io::Result<PreviewProxy> {
        let wished = match wish {
            Some(port) => TcpListener::bind((listen, port)).await.ok(),
            None => None,
        };
        let listener = match wished {
            Some(listener) => listener,
            None => TcpListener::bind((listen, 0)).await?,
        };
        let address = listener.local_addr()?;
        let (target, seen) = watch::channel(Target::Nothing("Nothing is being made right now.".into()));
        let open = CancellationToken::new();
        tokio::spawn(serve(listener, seen, open.clone()));
        Ok(PreviewProxy { address, target, _open: open.drop_guard() })
    }

    /// Swaps what is shown; pages that wait reload themselves.
    pub fn show(&self, target: Target) {
        self.target.send_if_modified(|now| {
            let other = *now != target;
            *now = target;
            other
        });
    }
}

async fn serve(listener: TcpListener, target: watch::Receiver<Target>, open: CancellationToken) {
    let places = Arc::new(Semaphore::new(256));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = open.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (target, open) = (target.clone(), open.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = connection(stream, target) => {}
                () = open.cancelled() => {}
            }
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, target: watch::Receiver<Target>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let target = target.clone();
        async move { Ok::<_, Infallible>(answer(request, target).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(cause) = served {
        tracing::debug!(%cause, "a preview connection ended early");
    }
}

async fn answer(request: Request<Incoming>, target: watch::Receiver<Target>) -> Response<Body> {
    if let Some(says) = foreign(&request) {
        return page(StatusCode::FORBIDDEN, "Not for other sites", says, "");
    }
    if request.uri().path() == EVENTS {
        return events(target);
    }
    let now = target.borrow().clone();
    match now {
        Target::Ready(address) => match hand_on(request, address).await {
            Ok(response) => response,
            Err(cause) => {
                tracing::debug!(%cause, "the dev server gave no answer");
                let says = "The dev server gave no answer; this page tries again by itself.";
                page(
                    StatusCode::BAD_GATEWAY,
                    "The preview does not answer",
                    says,
                    "<meta http-equiv=refresh content=2>",
                )
            }
        },
        Target::Starting => waiting("The preview is starting", "It appears here by itself in a moment."),
        Target::Nothing(says) => waiting("No preview", &escape(&says)),
    }
}

fn waiting(title: &str, says: &str) -> Response<Body> {
    let script = format!(
        "<script>new EventSource({EVENTS:?}).addEventListener('change',()=>location.reload())</script>\
         <noscript><meta http-equiv=refresh content=2></noscript>"
    );
    page(StatusCode::SERVICE_UNAVAILABLE, title, says, &script)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>")
}

/// Server-sent events: one `change` when something else is shown than when it was asked for, then the end.
fn events(mut target: watch::Receiver<Target>) -> Response<Body> {
    // A page that asks late, or again after a cut, has missed the change already.
    let missed = matches!(*target.borrow_and_update(), Target::Ready(_));
    let change = stream::once(async move {
        if !missed {
            let _ = target.changed().await;
        }
        "event: change\ndata: \n\n"
    });
    relay::events(stream::once(async { ": waiting\n\n" }).chain(change))
}

/// Why a request is not from this computer's own pages, if it is not.
fn foreign(request: &Request<Incoming>) -> Option<&'static str> {
    let host = relay::host_of(request.uri(), request.headers());
    if !host.as_ref().and_then(|host| host.to_str().ok()).is_some_and(relay::loopback_name) {
        return Some("The preview is for this computer only.");
    }
    // A form or a link of another site may lead here; a script of it may not speak with the app.
    let guarded = request.headers().contains_key(UPGRADE) || !request.method().is_safe();
    let origin = request.headers().get(ORIGIN)?;
    if guarded && !origin.to_str().ok().and_then(authority_of).is_some_and(relay::loopback_name) {
        return Some("A page of another site may not speak with the preview.");
    }
    None
}

fn authority_of(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    rest.split(['/', '?', '#']).next()
}

async fn hand_on(mut request: Request<Incoming>, address: SocketAddr) -> Result<Response<Body>, BoxError> {
    if request.method() == Method::CONNECT {
        return Ok(page(StatusCode::METHOD_NOT_ALLOWED, "Not a proxy", "This is a preview.", ""));
    }
    to_dev_server(request.headers_mut(), address)?;
    let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    let wire = relay::connect(&Peer::Tcp(address)).await?;
    let mut response = relay::exchange(wire, request, (), &LIMITS).await?;
    to_dashboard(response.headers_mut(), address);
    Ok(response)
}

/// The request's headers as the dev server wants them: asked by this computer, with nothing of ours.
fn to_dev_server(headers: &mut HeaderMap, address: SocketAddr) -> Result<(), BoxError> {
    relay::drop_own_cookies(headers);
    let own: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("loopwright") || name.as_str().starts_with("x-loopwright"))
        .cloned()
        .collect();
    for name in own.into_iter().chain([AUTHORIZATION, IF_NONE_MATCH, IF_MODIFIED_SINCE]) {
        headers.remove(name);
    }
    headers.insert(HOST, HeaderValue::from_str(&address.to_string())?);
    let from_here = |value: &HeaderValue| {
        let text = value.to_str().ok()?;
        let authority = authority_of(text).filter(|authority| relay::loopback_name(authority))?;
        let rest = text.split_once(authority).map_or("", |(_, rest)| rest);
        HeaderValue::from_str(&format!("http://{address}{rest}")).ok()
    };
    for name in [ORIGIN, REFERER] {
        if let Some(value) = headers.get(&name).and_then(from_here) {
            headers.insert(name, value);
        }
    }
    Ok(())
}

/// The answer's headers as the dashboard wants them: may be shown in a frame, is never kept, and stays at our address.
fn to_dashboard(headers: &mut HeaderMap, address: SocketAddr) {
    relay::drop_own_cookies(headers);
    headers.remove("x-frame-options");
    for name in [CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY] {
        let policies: Vec<HeaderValue> =
            headers.get_all(&name).iter().filter_map(without_ancestors).collect();
        headers.remove(&name);
        for policy in policies {
            headers.append(&name, policy);
        }
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(ETAG);
    headers.remove(LAST_MODIFIED);
    let own = format!("http://{address}");
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok()?.strip_prefix(&own));
    let place =
        location.and_then(|rest| HeaderValue::from_str(if rest.is_empty() { "/" } else { rest }).ok());
    if let Some(place) = place {
        headers.insert(LOCATION, place);
    }
}

/// A policy without its word on who may show the page in a frame.
fn without_ancestors(policy: &HeaderValue) -> Option<HeaderValue> {
    let text = policy.to_str().ok()?;
    let kept: Vec<&str> = text
        .split(';')
        .map(str::trim)
        .filter(|rule| !rule.is_empty() && !rule.to_ascii_lowercase().starts_with("frame-ancestors"))
        .collect();
    if kept.is_empty() { None } else { HeaderValue::from_str(&kept.join("; ")).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_loses_only_its_frame_ancestors() {
        let left = |text: &'static str| without_ancestors(&HeaderValue::from_static(text));
        assert_eq!(
            left("default-src 'self'; Frame-Ancestors 'none'; img-src *").unwrap(),
            "default-src 'self'; img-src *"
        );
        assert_eq!(left("frame-ancestors 'none'"), None);
    }

    #[test]
    fn a_location_of_the_dev_server_becomes_ours_and_others_stay() {
        let address = SocketAddr::from(([127, 0, 0, 1], 5000));
        for (sent, seen) in [
            ("http://127.0.0.1:5000/a?b", "/a?b"),
            ("http://127.0.0.1:5000", "/"),
            ("/x", "/x"),
            ("https://example.com/", "https://example.com/"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, HeaderValue::from_static(sent));
            to_dashboard(&mut headers, address);
            assert_eq!(headers[LOCATION], seen);
        }
    }

    #[test]
    fn origins_of_this_computer_are_renamed_and_our_secrets_are_gone() {
        let address = SocketAddr::from(([127, 0, 0, 1], 5000));
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_static("http://localhost:9000"));
        headers.insert(REFERER, HeaderValue::from_static("http://localhost:9000/page?q"));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
        headers.insert("x-loopwright-key", HeaderValue::from_static("secret"));
        to_dev_server(&mut headers, address).unwrap();
        assert_eq!(headers[ORIGIN], "http://127.0.0.1:5000");
        assert_eq!(headers[REFERER], "http://127.0.0.1:5000/page?q");
        assert_eq!(headers.len(), 3, "{headers:?}");
    }
}
