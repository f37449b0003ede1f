//! A connection to the control socket that is kept, as the dashboard or a mirror has one.

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use protocol::{ApiError, Request, Response};
use std::path::Path;
use tokio::net::UnixStream;

pub struct Kept {
    sender: SendRequest<Full<Bytes>>,
}

impl Kept {
    pub async fn open(socket: &Path) -> Result<Kept> {
        let stream = UnixStream::connect(socket).await.context("failed to reach the control socket")?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Kept { sender })
    }

    pub async fn ask(&mut self, request: &Request) -> Result<Response> {
        let body = Full::new(Bytes::from(serde_json::to_vec(request)?));
        let asked = hyper::Request::post("/api/request").header("host", "localhost").body(body)?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(asked).await?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await?.to_bytes();
        if status.is_success() {
            return Ok(serde_json::from_slice(&bytes)?);
        }
        match serde_json::from_slice::<ApiError>(&bytes) {
            Ok(error) => Err(error.into()),
            Err(_) => bail!("HTTP {status}"),
        }
    }
}

/// Runs a client on one thread, so that most of the machine is left to the daemon.
pub fn alone<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
