//! A client with nothing clever in it: one connection, one request, the whole answer.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

pub const DEADLINE: Duration = Duration::from_secs(60);

/// A future that must not take for ever.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("it did not happen in time")
}

pub async fn get(port: u16, path: &str) -> Response<Bytes> {
    send(port, Request::get(path).header("host", format!("127.0.0.1:{port}")).body(Bytes::new()).unwrap())
        .await
}

pub async fn text(port: u16, path: &str) -> String {
    String::from_utf8(get(port, path).await.into_body().to_vec()).unwrap()
}

pub async fn send(port: u16, request: Request<Bytes>) -> Response<Bytes> {
    exchange(TcpStream::connect(("127.0.0.1", port)).await.unwrap(), request).await
}

/// Past the edge, straight to an app.
pub async fn get_on_socket(socket: &Path, path: &str) -> Response<Bytes> {
    let request = Request::get(path).header("host", "x").body(Bytes::new()).unwrap();
    exchange(UnixStream::connect(socket).await.unwrap(), request).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Bytes>,
) -> Response<Bytes> {
    soon(async {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let (head, body) = sender.send_request(request.map(Full::new)).await.unwrap().into_parts();
        Response::from_parts(head, body.collect().await.unwrap().to_bytes())
    })
    .await
}

/// Sends raw bytes and reads until `end` has come, or the other side has closed.
pub async fn raw(stream: &mut TcpStream, bytes: &str, end: &str) -> String {
    stream.write_all(bytes.as_bytes()).await.unwrap();
    read_until(stream, end).await
}

pub async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    soon(async {
        let mut seen = Vec::new();
        let mut buffer = [0; 1024];
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(read) => seen.extend_from_slice(&buffer[..read]),
            }
            if String::from_utf8_lossy(&seen).contains(end) {
                break;
            }
        }
        String::from_utf8(seen).unwrap()
    })
    .await
}
