//! HTTPS on names of the user's own: certificates asked of an authority that speaks ACME (RFC 8555), kept on the disk and
//! renewed while they still hold.
//!
//! - `domain`: a name that a certificate can be for.
//! - `lookup`: whether the name leads to this server. The authority is not asked before it does.
//! - `authority`: the way to the authority; `order`: one certificate, from the account to the chain.
//! - `held`: a certificate that can be served, and what it says of itself; `read`: its dates and issuer.
//! - `schedule`: when what is tried again. Pure.
//! - `keeper`: one task for each name. `store`: what survives.
//!
//! Invariants: what is served is on the disk; a key never leaves its file but for the TLS stack; a failure never takes a
//! certificate away that still holds; nothing is asked of an authority whose terms the user has not agreed to.

mod authority;
mod domain;
mod held;
mod keeper;
mod lookup;
mod order;
mod read;
mod schedule;
mod store;
mod trouble;

pub use authority::Authority;
pub use domain::{BadDomain, Domain};

use arc_swap::ArcSwap;
use held::Held;
use keeper::Kept;
use protocol::At;
use protocol::setup::Certificate;
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use store::Store;
use tokio_util::sync::CancellationToken;

/// What the user said about a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// To the authority's terms of service.
    pub agreed: bool,
    /// Where the authority may write to; an e-mail address.
    #[serde(default)]
    pub contact: Option<String>,
}

/// All names and their certificates.
#[derive(Clone)]
pub(crate) struct Certificates(Arc<Inner>);

struct Inner {
    store: Store,
    authority: Authority,
    /// Ports 80 and 443 are ours, so that a certificate can be had and used.
    ours: bool,
    shelf: Shelf,
    tokens: Tokens,
    kept: Mutex<BTreeMap<Domain, Kept>>,
    quit: CancellationToken,
}

/// What is served, by name.
#[derive(Debug, Clone, Default)]
struct Shelf(Arc<ArcSwap<BTreeMap<Domain, Arc<Held>>>>);

/// What is answered to an authority that looks whether a name is ours, by the last part of the path.
#[derive(Debug, Clone, Default)]
struct Tokens(Arc<Mutex<BTreeMap<String, String>>>);

/// Where an authority looks (RFC 8555 §8.3).
pub(crate) const CHALLENGE: &str = "/.well-known/acme-challenge/";

impl Certificates {
    pub(crate) fn new(
        folder: PathBuf,
        authority: Authority,
        ours: bool,
        quit: CancellationToken,
    ) -> Certificates {
        Certificates(Arc::new(Inner {
            store: Store::new(folder),
            authority,
            ours,
            shelf: Shelf::default(),
            tokens: Tokens::default(),
            kept: Mutex::default(),
            quit,
        }))
    }

    /// Serves what is on the disk at once, and sees to the rest. For a name that is kept already: looks again now.
    pub(crate) fn keep(&self, domain: &Domain, consent: Consent) {
        let mut kept = lock(&self.0.kept);
        match kept.get(domain) {
            Some(known) => known.again(consent),
            None => drop(kept.insert(domain.clone(), keeper::start(&self.0, domain, consent))),
        }
    }

    /// Serves the name no longer. Its files stay, should it come back.
    pub(crate) fn drop(&self, domain: &Domain) {
        if let Some(kept) = lock(&self.0.kept).remove(domain) {
            kept.stop();
        }
        self.0.shelf.remove(domain);
    }

    pub(crate) fn of(&self, domain: &Domain) -> Option<Certificate> {
        lock(&self.0.kept).get(domain).map(Kept::view)
    }

    /// A certificate is served for the name, and its time is not over.
    pub(crate) fn stands(&self, domain: &Domain) -> bool {
        self.0.shelf.0.load().get(domain).is_some_and(|held| held.until > now())
    }

    /// The answer to an authority that asks for this path.
    pub(crate) fn token(&self, path: &str) -> Option<String> {
        lock(&self.0.tokens.0).get(path.strip_prefix(CHALLENGE)?).cloned()
    }

    /// TLS with these certificates, each for its own name. Who names none of them gets an alert.
    pub(crate) fn tls(&self) -> Result<Arc<ServerConfig>, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(authority::provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.0.shelf.clone()));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl Shelf {
    fn put(&self, domain: &Domain, held: Held) {
        let held = Arc::new(held);
        self.0.rcu(|shelf| {
            let mut shelf = BTreeMap::clone(shelf);
            shelf.insert(domain.clone(), held.clone());
            shelf
        });
    }

    fn remove(&self, domain: &Domain) {
        self.0.rcu(|shelf| {
            let mut shelf = BTreeMap::clone(shelf);
            shelf.remove(domain);
            shelf
        });
    }

    fn get(&self, domain: &Domain) -> Option<Arc<Held>> {
        self.0.load().get(domain).cloned()
    }
}

impl ResolvesServerCert for Shelf {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = Domain::parse(hello.server_name()?).ok()?;
        self.0.load().get(&name).map(|held| held.key.clone())
    }
}

impl Tokens {
    /// Answers with `text` until the guard is dropped.
    fn put(&self, token: &str, text: &str) -> Token {
        lock(&self.0).insert(token.to_owned(), text.to_owned());
        Token { tokens: self.clone(), token: token.to_owned() }
    }
}

struct Token {
    tokens: Tokens,
    token: String,
}

impl Drop for Token {
    fn drop(&mut self) {
        lock(&self.tokens.0).remove(&self.token);
    }
}

/// What is in there is whole at any moment, so that a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn now() -> At {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    At(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Runs what touches the disk where it holds nobody up.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
