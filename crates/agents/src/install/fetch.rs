//! Fetches packages from the registry. A file counts only when its hash is the one in our lock file; what was fetched
//! before an interruption is not fetched again.

use super::error::Error;
use super::lockfile::{Hash, Package};
use super::npmrc::{Source, Words, without_password};
use serde::Deserialize;
use sha2::{Digest, Sha512};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::{Agent, Body};

/// Fetches that go on at once.
const AT_ONCE: usize = 6;
const TRIES: u32 = 3;
const CONNECT: Duration = Duration::from_secs(20);
/// A connection that gives nothing for this long is given up.
const SILENCE: Duration = Duration::from_secs(60);
/// No answer about a package is longer.
const MAX_ANSWER: u64 = 64 << 20;
/// And no archive: its hash is known only when the disk has it.
const MAX_ARCHIVE: u64 = 1 << 30;

pub(super) struct Registry {
    source: Source,
    /// Through the proxy for `https`, that for `http`, and through none.
    agents: Mutex<BTreeMap<Option<String>, Agent>>,
    certificates: RootCerts,
    /// Where fetched files lie, each under the name of its hash.
    files: PathBuf,
}

/// Why one try came to nothing.
pub(super) enum Trouble {
    /// It may work a moment later.
    Passing(String),
    Lasting {
        reason: String,
        next: String,
    },
    NotThere,
    Failed(Error),
}

impl Registry {
    pub fn new(source: Source, files: PathBuf) -> Result<Self, Error> {
        let certificates = match &source.cafile {
            Some(file) => certificates(file)?,
            None => system_certificates(),
        };
        Ok(Self { source, agents: Mutex::default(), certificates, files })
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Fetches all of them, some at once. The first failure ends it. `told` is given how many are there after each.
    pub fn fetch_all(&self, packages: &[Package], told: &(dyn Fn(usize) + Sync)) -> Result<(), Error> {
        let (next, there, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        let failure = Mutex::new(None);
        let work = || {
            while let (false, Some(package)) =
                (stop.load(Ordering::Relaxed), packages.get(next.fetch_add(1, Ordering::Relaxed)))
            {
                match self.fetch(package) {
                    Ok(_) => told(there.fetch_add(1, Ordering::Relaxed) + 1),
                    Err(e) => {
                        stop.store(true, Ordering::Relaxed);
                        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE.min(packages.len()) {
                scope.spawn(work);
            }
        });
        failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    /// The package's archive, with the right hash.
    pub fn fetch(&self, package: &Package) -> Result<PathBuf, Error> {
        let file = self.files.join(package.file());
        if has_hash(&file, &package.hash).map_err(|e| Error::at("read", &file, e))? {
            return Ok(file);
        }
        let mut tries = 1;
        loop {
            let tried = self.archive(package, &file);
            let (reason, next) = match tried {
                Ok(()) => return Ok(file),
                Err(Trouble::Failed(error)) => return Err(error),
                Err(Trouble::Passing(_)) if tries < TRIES => {
                    tries += 1;
                    continue;
                }
                Err(Trouble::Passing(reason)) => (
                    reason,
                    "see whether this machine is online and reaches its registry; where that takes a proxy, put https_proxy=ADDRESS into /etc/environment; then install again"
                        .to_owned(),
                ),
                Err(Trouble::Lasting { reason, next }) => (reason, next),
                Err(Trouble::NotThere) => (
                    format!("{} does not have it", without_password(self.source.registry_of(&package.name))),
                    "name a registry that has it in ~/.npmrc, or update Loopwright".to_owned(),
                ),
            };
            return Err(Error::Fetch { package: package.label(), reason, next });
        }
    }

    /// Nearly every registry keeps an archive where npm's own does; the others are asked where.
    fn archive(&self, package: &Package, to: &Path) -> Result<(), Trouble> {
        let registry = self.source.registry_of(&package.name);
        let base = package.name.rsplit('/').next().unwrap_or(&package.name);
        let usual = format!("{registry}/{}/-/{base}-{}.tgz", package.name, package.version);
        match self.save(&usual, package, to) {
            Err(Trouble::NotThere) => self.save(&self.ask_where(registry, package)?, package, to),
            other => other,
        }
    }

    fn ask_where(&self, registry: &str, package: &Package) -> Result<String, Trouble> {
        #[derive(Deserialize)]
        struct About {
            versions: BTreeMap<String, Version>,
        }
        #[derive(Deserialize)]
        struct Version {
            dist: Dist,
        }
        #[derive(Deserialize)]
        struct Dist {
            tarball: String,
        }
        let url = format!("{registry}/{}", package.name.replace('/', "%2f"));
        let body = self.get(&url)?.take(MAX_ANSWER);
        let about: About = serde_json::from_reader(body)
            .map_err(|e| Trouble::Passing(format!("{}: {e}", without_password(&url))))?;
        about
            .versions
            .get(&package.version)
            .map(|version| version.dist.tarball.clone())
            .ok_or(Trouble::NotThere)
    }

    fn save(&self, url: &str, package: &Package, to: &Path) -> Result<(), Trouble> {
        let mut body = self.get(url)?.take(MAX_ARCHIVE);
        let part = to.with_extension("part");
        let failed = |e| Trouble::Failed(Error::at("write", &part, e));
        let mut file = File::create(&part).map_err(failed)?;
        let mut hash = Sha512::new();
        let mut buffer = vec![0u8; 1 << 16];
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => buffer.get(..read).unwrap_or_default(),
                Err(e) => return Err(Trouble::Passing(format!("the connection broke off: {e}"))),
            };
            hash.update(read);
            file.write_all(read).map_err(failed)?;
        }
        if hash.finalize().as_slice() != package.hash {
            let _ = fs::remove_file(&part);
            return Err(Trouble::Failed(Error::Integrity { package: package.label() }));
        }
        fs::rename(&part, to).map_err(failed)
    }

    fn get(&self, url: &str) -> Result<impl Read + use<>, Trouble> {
        Ok(self.request(url, &[])?.into_body().into_reader())
    }

    /// A good answer, with its body unread. The headers go beside the usual ones.
    pub fn request(&self, url: &str, headers: &[(&str, &str)]) -> Result<Response<Body>, Trouble> {
        let agent = self.agent(url)?;
        let mut request = agent.get(url);
        if let Some(key) = self.source.key_for(url) {
            request = request.header("authorization", key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let words = self.source.words;
        let response = request.call().map_err(|e| trouble(words, url, &e.to_string()))?;
        let (status, shown) = (response.status(), without_password(url));
        match status.as_u16() {
            200..=299 => Ok(response),
            404 | 410 => Err(Trouble::NotThere),
            401 | 403 => Err(Trouble::Lasting {
                reason: format!("{shown} answered {status}"),
                next: words.sign_in.to_owned(),
            }),
            _ => Err(Trouble::Passing(format!("{shown} answered {status}"))),
        }
    }

    fn agent(&self, url: &str) -> Result<Agent, Trouble> {
        let proxy = self.source.proxy_for(url).map(str::to_owned);
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agents.get(&proxy) {
            return Ok(agent.clone());
        }
        let through = proxy.as_deref().map(ureq::Proxy::new).transpose().map_err(|e| Trouble::Lasting {
            reason: format!("its proxy cannot be used: {e}"),
            next: self.source.words.proxy.to_owned(),
        })?;
        let tls = TlsConfig::builder()
            .root_certs(self.certificates.clone())
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .tls_config(tls)
            .proxy(through)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .user_agent(concat!("loopwright/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        agents.insert(proxy, agent.clone());
        Ok(agent)
    }
}

fn trouble(words: &Words, url: &str, says: &str) -> Trouble {
    let reason = format!("{}: {says}", without_password(url));
    if says.contains("certificate") {
        Trouble::Lasting { reason, next: words.certificate.to_owned() }
    } else {
        Trouble::Passing(reason)
    }
}

/// Those that the system trusts. Without any, a registry over HTTPS is refused by name; one on loopback needs none.
fn system_certificates() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    let certs: Vec<_> = found.iter().map(|cert| Certificate::from_der(cert).to_owned()).collect();
    RootCerts::new_with_certs(&certs)
}

fn certificates(file: &Path) -> Result<RootCerts, Error> {
    let unusable = |reason: String| Error::Certificates { file: file.to_owned(), reason };
    let pem = fs::read(file).map_err(|e| unusable(e.to_string()))?;
    let items = ureq::tls::parse_pem(&pem).filter_map(Result::ok);
    let found: Vec<Certificate<'static>> = items
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(unusable("it holds none".to_owned()));
    }
    Ok(RootCerts::new_with_certs(&found))
}

fn has_hash(file: &Path, wanted: &Hash) -> io::Result<bool> {
    let mut file = match File::open(file) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e),
    };
    let mut hash = Sha512::new();
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hash.finalize().as_slice() == wanted);
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}
