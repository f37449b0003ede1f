//! The command line's end of the control socket.

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use protocol::{ApiError, BlobId, Request, Response};
use std::path::PathBuf;
use tokio::net::UnixStream;

/// The header in which a blob's salt stands, in hex.
pub const SALT: &str = "x-loopwright-salt";

/// 16 bytes out of 32 hex digits.
fn salt(hex: &[u8]) -> Option<[u8; 16]> {
    let mut salt = [0; 16];
    let digit = |at: usize| char::from(*hex.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (at, byte) in salt.iter_mut().enumerate() {
        *byte = digit(2 * at)? << 4 | digit(2 * at + 1)?;
    }
    (hex.len() == 32).then_some(salt)
}

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

    /// A blob with its salt, as a mirror needs it; none when it was forgotten.
    pub async fn blob(&self, id: &BlobId) -> Result<Option<([u8; 16], Vec<u8>)>> {
        let response = self.send("GET", &format!("/api/blob/{id}"), Vec::new()).await?;
        let status = response.status();
        let salt = response.headers().get(SALT).and_then(|hex| salt(hex.as_bytes()));
        let body = response.into_body().collect().await?.to_bytes();
        match (status.is_success(), salt) {
            (true, Some(salt)) => Ok(Some((salt, body.to_vec()))),
            (true, None) => anyhow::bail!("the daemon gave no {SALT}; are both of one version?"),
            (false, _) if status == hyper::StatusCode::NOT_FOUND => Ok(None),
            (false, _) => anyhow::bail!("the daemon answered {status}: {}", String::from_utf8_lossy(&body)),
        }
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

#[cfg(test)]
mod tests {
    #[test]
    fn a_salt_is_32_hex_digits() {
        assert_eq!(
            super::salt(b"000102030405060708090a0b0c0d0eff").map(|salt| (salt[1], salt[15])),
            Some((1, 255))
        );
        for wrong in ["", "00", "zz0102030405060708090a0b0c0d0eff", "000102030405060708090a0b0c0d0eff0"] {
            assert_eq!(super::salt(wrong.as_bytes()), None);
        }
    }
}
