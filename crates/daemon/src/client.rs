//! The command line's end of the control socket.

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use protocol::blobs::{self, Kept};
use protocol::{ApiError, BlobId, Request, Response};
use std::path::PathBuf;
use tokio::net::UnixStream;

pub struct Client {
    socket: PathBuf,
}

impl Client {
    pub fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    pub async fn call(&self, request: &Request) -> Result<Response> {
        let body = self.post("/api/request", serde_json::to_vec(request)?).await?;
        serde_json::from_slice(&body).context("failed to read the daemon's answer; are both of one version?")
    }

    pub async fn link(&self) -> Result<String> {
        let body = self.post("/api/link", b"{}".to_vec()).await?;
        let value: serde_json::Value = serde_json::from_slice(&body)?;
        value.get("url").and_then(|u| u.as_str()).map(str::to_owned).context("the daemon gave no link")
    }

    pub async fn stop(&self, sites: bool) -> Result<()> {
        self.post("/api/stop", serde_json::to_vec(&serde_json::json!({ "sites": sites }))?).await.map(drop)
    }

    async fn post(&self, path: &str, body: Vec<u8>) -> Result<Bytes> {
        let response = self.send("POST", path, body).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        match serde_json::from_slice::<ApiError>(&body) {
            Ok(error) => Err(error.into()),
            Err(_) => anyhow::bail!("the daemon answered {status}: {}", String::from_utf8_lossy(&body)),
        }
    }

    /// Several blobs, in order: at least the first one, and as many as one answer holds.
    pub async fn blobs(&self, ids: &[BlobId]) -> Result<Vec<Kept>> {
        let body = self.post("/api/blobs", serde_json::to_vec(ids)?).await?;
        blobs::take(&body).context("the daemon's blobs are not whole; are both of one version?")
    }

    async fn send(&self, method: &str, path: &str, body: Vec<u8>) -> Result<hyper::Response<Incoming>> {
        let stream = UnixStream::connect(&self.socket).await.with_context(|| {
            format!(
                "no daemon answers on {} (start one with ./dev run, or name its folder with --home)",
                self.socket.display()
            )
        })?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header("host", "loopwright")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        Ok(sender.send_request(request).await?)
    }

    /// Follows the journal's head: `next` gives a number whenever there is something new to read.
    pub async fn heads(&self) -> Result<Heads> {
        let response = self.send("GET", "/api/head", Vec::new()).await?;
        anyhow::ensure!(response.status().is_success(), "the daemon answered {}", response.status());
        Ok(Heads { body: response.into_body(), buffer: Vec::new() })
    }
}

pub struct Heads {
    body: Incoming,
    buffer: Vec<u8>,
}

impl Heads {
    /// The newest head, or `None` when the daemon went away.
    pub async fn next(&mut self) -> Option<u64> {
        loop {
            if let Some(end) = self.buffer.windows(2).rposition(|w| w == b"\n\n") {
                let text = String::from_utf8_lossy(self.buffer.get(..end)?).into_owned();
                self.buffer.drain(..end + 2);
                let newest = text.lines().rev().find_map(|line| line.strip_prefix("data: ")?.parse().ok());
                if newest.is_some() {
                    return newest;
                }
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }
}
