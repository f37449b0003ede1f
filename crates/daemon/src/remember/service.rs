//! One call of a service that speaks OpenAI's wire: a JSON body to an address, a JSON answer back. Blocking.

use serde_json::Value;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// An answer with a thousand vectors is less.
const MAX_ANSWER: u64 = 32 << 20;
const CONNECT: Duration = Duration::from_secs(15);
/// Words of an answer that are shown.
const SHOWN: usize = 300;

/// Where it is and who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Up to `/v1`.
    pub url: String,
    /// The variable of the environment that holds the key: it is read at each call and kept nowhere.
    pub key_env: Option<String>,
}

/// Why a call gave nothing, by what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// It may work later; after so long, if the service said so.
    #[error("{why}")]
    Passing { why: String, after: Option<Duration> },
    /// Nothing will work until the settings are changed.
    #[error("{why}")]
    Refused { why: String },
    /// It does not take this very text.
    #[error("{why}")]
    Unfit { why: String },
    /// It answered, and perhaps billed, and the answer is of no use.
    #[error("{why}")]
    Useless { why: String },
}

impl Service {
    /// Sends the body to the address with `path` added; `limit` is for all of it.
    pub fn post(&self, path: &str, body: &Value, limit: Duration) -> Result<Value, Failed> {
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let mut request = client(&url, limit).post(&url).header("content-type", "application/json");
        if let Some(key) = self.key()? {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let sent = request.send(body.to_string());
        let response = sent.map_err(|e| passing(format!("{} does not answer: {e}", self.shown())))?;
        let status = response.status().as_u16();
        let after =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut bytes = Vec::new();
        let read = response.into_body().into_reader().take(MAX_ANSWER + 1).read_to_end(&mut bytes);
        if !(200..300).contains(&status) {
            return Err(self.refusal(status, after.map(Duration::from_secs), &bytes));
        }
        read.map_err(|e| passing(format!("the answer of {} broke off: {e}", self.shown())))?;
        if bytes.len() as u64 > MAX_ANSWER {
            return Err(Failed::Useless { why: format!("the answer of {} has no end", self.shown()) });
        }
        serde_json::from_slice(&bytes)
            .map_err(|e| Failed::Useless { why: format!("the answer of {} is no JSON: {e}", self.shown()) })
    }

    fn key(&self) -> Result<Option<String>, Failed> {
        let Some(name) = &self.key_env else { return Ok(None) };
        match std::env::var(name).ok().filter(|key| !key.trim().is_empty()) {
            Some(key) => Ok(Some(key.trim().to_owned())),
            None => Err(Failed::Refused {
                why: format!("the daemon's environment has no {name}: set it to the key of {}", self.shown()),
            }),
        }
    }

    fn refusal(&self, status: u16, after: Option<Duration>, body: &[u8]) -> Failed {
        let said = protocol::clean::line(&String::from_utf8_lossy(body.get(..4096).unwrap_or(body)), SHOWN);
        let why = format!("{} answered {status}: {said}", self.shown());
        match status {
            408 | 409 | 425 | 429 | 500..=599 => Failed::Passing { why, after },
            400 | 413 | 422 => Failed::Unfit { why },
            _ => Failed::Refused { why },
        }
    }

    /// The address without what may be secret in it.
    pub fn shown(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else { return "the service".to_owned() };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{host}/{path}").trim_end_matches('/').to_owned()
    }
}

fn passing(why: String) -> Failed {
    Failed::Passing { why, after: None }
}

/// Made for each call: between calls nothing of it is held.
pub(super) fn client(url: &str, limit: Duration) -> ureq::Agent {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        // A key does not follow where somebody else points.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_global(Some(limit))
        .user_agent(concat!("loopwright/", env!("CARGO_PKG_VERSION")));
    if url.starts_with("https:") {
        let found = rustls_native_certs::load_native_certs().certs;
        let certificates: Vec<_> = found.iter().map(|cert| Certificate::from_der(cert).to_owned()).collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&certificates))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        config = config.tls_config(tls);
    }
    config.build().new_agent()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(url: &str) -> Service {
        Service { url: url.to_owned(), key_env: None }
    }

    #[test]
    fn what_a_status_means_for_the_next_call() {
        let of = |status| service("http://x.test/v1").refusal(status, None, b"no");
        for (statuses, kind) in [
            (&[429, 500, 503, 408][..], "Passing"),
            (&[400, 413, 422][..], "Unfit"),
            (&[401, 403, 404, 301][..], "Refused"),
        ] {
            for status in statuses {
                assert!(format!("{:?}", of(*status)).starts_with(kind), "{status}");
            }
        }
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let shown = service("https://me:s3cret@x.test:8/v1/?key=abc").shown();
        assert_eq!(shown, "https://x.test:8/v1");
    }

    #[test]
    fn a_dead_service_may_live_again_and_a_missing_key_is_said_by_name() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        drop(listener);
        let dead = service(&url).post("/embeddings", &Value::Null, Duration::from_secs(5)).unwrap_err();
        assert!(matches!(dead, Failed::Passing { .. }), "{dead}");
        let keyed = Service { key_env: Some("NO_SUCH_KEY_OF_OURS".into()), ..service(&url) };
        let failed = keyed.post("/x", &Value::Null, Duration::from_secs(5)).unwrap_err();
        assert!(
            matches!(&failed, Failed::Refused { why } if why.contains("NO_SUCH_KEY_OF_OURS")),
            "{failed}"
        );
    }
}
