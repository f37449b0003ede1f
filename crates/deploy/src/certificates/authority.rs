//! The way to the authority: HTTPS to its directory and what that names. One connection for each request; an order takes
//! about ten of them, every two months.

use super::trouble::{Trouble, away};
use super::{lock, now, on_disk};
use bytes::Bytes;
use http::header::{HOST, RETRY_AFTER};
use http::{Request, Uri};
use http_body_util::{BodyExt, Limited};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use protocol::At;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Of one request.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of one answer.
const ANSWER: usize = 1024 * 1024;

/// Which authority is asked, and how it is known to be the one.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Address of its ACME directory.
    pub directory: String,
    /// The certificates (PEM) that vouch for the authority's own server. None: those that the system trusts.
    pub roots: Option<PathBuf>,
}

impl Default for Authority {
    fn default() -> Authority {
        Authority { directory: instant_acme::LetsEncrypt::Production.url().to_owned(), roots: None }
    }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Random bytes in hexadecimal.
pub(super) fn nonce() -> Result<String, Trouble> {
    let mut bytes = [0_u8; 16];
    let failed = |_| Trouble::machine("this machine gives no random numbers".to_owned());
    provider().secure_random.fill(&mut bytes).map_err(failed)?;
    Ok(protocol::hex(bytes))
}

#[derive(Clone)]
pub(super) struct Line {
    tls: TlsConnector,
    /// What the authority last said on when to ask again.
    not_before: Arc<Mutex<Option<At>>>,
}

impl Line {
    pub(super) async fn to(authority: &Authority) -> Result<Line, Trouble> {
        let roots = authority.roots.clone();
        let roots = on_disk(move || match roots {
            Some(path) => own_roots(&path),
            None => Ok(system_roots()),
        });
        let roots = roots.await.map_err(|cause| {
            let file = authority.roots.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
            Trouble::machine(format!("the authority's own certificates in {file} cannot be read: {cause}"))
        })?;
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|cause| Trouble::machine(format!("TLS cannot be spoken: {cause}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Line { tls: TlsConnector::from(Arc::new(config)), not_before: Arc::default() })
    }

    pub(super) fn not_before(&self) -> Option<At> {
        *lock(&self.not_before)
    }

    async fn exchange(self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let exchange = tokio::time::timeout(PATIENCE, self.talk(request));
        let response = exchange.await.map_err(|_| other("it did not answer within 30 s"))??;
        let wanted = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        *lock(&self.not_before) =
            wanted.filter(|_| !response.status().is_success()).and_then(|text| moment(text, now()));
        Ok(BytesResponse::from(response.map(|bytes| BodyWrapper::from(Vec::from(bytes)))))
    }

    async fn talk(&self, request: Request<BodyWrapper<Bytes>>) -> Result<http::Response<Bytes>, Error> {
        let (mut parts, body) = request.into_parts();
        let authority = parts.uri.authority().cloned().ok_or_else(|| other("its address has no host"))?;
        if parts.uri.scheme_str() != Some("https") {
            return Err(other("its address does not begin with https://"));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(443);
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(other)?;
        let name = ServerName::try_from(host).map_err(other)?;
        let stream = self.tls.connect(name, stream).await.map_err(other)?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(other)?;
        let path = parts.uri.path_and_query().cloned();
        parts.headers.insert(HOST, authority.as_str().parse().map_err(other)?);
        parts.uri = path.map_or(Uri::from_static("/"), Uri::from);
        let asked = async {
            let response = sender.send_request(Request::from_parts(parts, body)).await.map_err(other)?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, ANSWER).collect().await.map_err(Error::Other)?;
            Ok(http::Response::from_parts(parts, body.to_bytes()))
        };
        tokio::pin!(asked, connection);
        // The connection carries the answer, and may end with it.
        tokio::select! {
            answer = &mut asked => answer,
            ended = &mut connection => {
                ended.map_err(other)?;
                asked.await
            }
        }
    }
}

impl HttpClient for Line {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        Box::pin(self.clone().exchange(request))
    }
}

fn other(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Other(cause.into())
}

fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for cause in found.errors {
        tracing::debug!(%cause, "some of the system's certificates cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

fn own_roots(path: &std::path::Path) -> std::io::Result<RootCertStore> {
    let bytes = std::fs::read(path)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        roots.add(certificate.map_err(std::io::Error::other)?).map_err(std::io::Error::other)?;
    }
    if roots.is_empty() {
        return Err(std::io::Error::other("there is none in it"));
    }
    Ok(roots)
}

/// RFC 9110 §10.2.3: seconds, or a date.
fn moment(text: &str, now: At) -> Option<At> {
    match text.trim().parse::<i64>() {
        Ok(seconds) => Some(At(now.0.saturating_add(seconds.saturating_mul(1000)))),
        Err(_) => {
            let date = httpdate::parse_http_date(text.trim()).ok()?;
            i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok().map(At)
        }
    }
}

/// What went wrong between us and the authority, down to its cause.
pub(super) fn unreachable(error: &Error) -> Trouble {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = inner.source();
    }
    away(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_is_said_in_seconds_or_as_a_date() {
        assert_eq!(moment("120", At(5)), Some(At(120_005)));
        assert_eq!(moment("Thu, 01 Jan 1970 00:01:00 GMT", At(5)), Some(At(60_000)));
        assert_eq!(moment("soon", At(5)), None);
    }

    #[tokio::test]
    async fn roots_that_cannot_be_read_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("roots.pem");
        let of = |path: &std::path::Path| Authority { roots: Some(path.into()), ..Authority::default() };
        for text in [None, Some(""), Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")] {
            if let Some(text) = text {
                std::fs::write(&path, text).unwrap();
            }
            let trouble = Line::to(&of(&path)).await.err().unwrap();
            assert!(trouble.says.contains("roots.pem"), "{}", trouble.says);
        }
    }
}
