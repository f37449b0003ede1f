//! A small web app that the edge and the preview are tested with: a real process, told by its environment how to behave.
//!
//! `APP_NAME` what it says it is · `APP_HEALTH` the status of /healthz · PORT a socket's path or a port.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Runs until killed.
pub async fn run() {
    let port = std::env::var("PORT").unwrap();
    let (let_go, gate) = watch::channel(false);
    if let Ok(port) = port.parse::<u16>() {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(connection(stream, let_go.clone(), gate.clone()));
        }
    }
    let listener = UnixListener::bind(port).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(connection(stream, let_go.clone(), gate.clone()));
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    let_go: watch::Sender<bool>,
    gate: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let (let_go, gate) = (let_go.clone(), gate.clone());
        async move { Ok::<_, Infallible>(answer(request, let_go, gate).await) }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}

fn text(text: impl Into<String>) -> Response<Body> {
    Response::new(Full::new(Bytes::from(text.into())).boxed_unsync())
}

fn name() -> String {
    std::env::var("APP_NAME").unwrap_or_default()
}

async fn answer(
    mut request: Request<Incoming>,
    let_go: watch::Sender<bool>,
    mut gate: watch::Receiver<bool>,
) -> Response<Body> {
    if request.headers().contains_key("upgrade") {
        return echo_tunnel(&mut request);
    }
    match request.uri().path() {
        "/healthz" => {
            let mut response = text("ok");
            let status = std::env::var("APP_HEALTH").map_or(200, |status| status.parse().unwrap());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response
        }
        // Answers when somebody asks for /let-go.
        "/hold" => {
            gate.wait_for(|open| *open).await.unwrap();
            text(name())
        }
        "/events" => {
            let first = stream::once(async { format!("data: {}\n\n", name()) });
            let second = stream::once(async move {
                gate.wait_for(|open| *open).await.unwrap();
                "data: end\n\n".to_owned()
            });
            let pieces = first.chain(second).map(|piece| Ok(Frame::data(Bytes::from(piece))));
            Response::new(StreamBody::new(pieces).boxed_unsync())
        }
        "/let-go" => {
            let_go.send_replace(true);
            text("")
        }
        "/crash" => std::process::exit(7),
        "/env" => text(std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect::<String>()),
        "/headers" => {
            let lines = request
                .headers()
                .iter()
                .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
            let mut response = text(lines.collect::<String>());
            let headers = response.headers_mut();
            headers.insert("x-frame-options", "DENY".parse().unwrap());
            headers.insert("content-security-policy", "frame-ancestors 'none'; img-src *".parse().unwrap());
            headers.append("set-cookie", "loopwright_session=evil".parse().unwrap());
            headers.append("set-cookie", "own=1".parse().unwrap());
            response
        }
        "/echo" => Response::new(
            request
                .into_body()
                .map_err(|cause| -> Infallible { panic!("the body was cut: {cause}") })
                .boxed_unsync(),
        ),
        _ => text(name()),
    }
}

/// Echoes every byte in capitals over an upgraded connection, and says which sub-protocol was asked for.
fn echo_tunnel(request: &mut Request<Incoming>) -> Response<Body> {
    let protocol = request.headers().get("sec-websocket-protocol").cloned();
    let origin = request.headers().get("origin").cloned();
    let upgrade = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgrade.await.unwrap());
        let mut buffer = [0; 64];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            buffer[..read].make_ascii_uppercase();
            if stream.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    });
    let mut response = text("");
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert("connection", "upgrade".parse().unwrap());
    response.headers_mut().insert("upgrade", "echo".parse().unwrap());
    for (name, value) in [("sec-websocket-protocol", protocol), ("x-seen-origin", origin)] {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
