//! The edge's world doors with a domain: HTTPS by its certificate, the way from HTTP, and nothing for other names. No authority
//! is asked: its terms are not agreed to, and the certificate is on the disk already.

use crate::edge::{Bench, release, shop, until};
use crate::web::{DEADLINE, read_until, soon};
use deploy::certificates::{Consent, Domain};
use deploy::edge::{EdgeError, Refusal};
use protocol::setup::CertificateState;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const NAME: &str = "shop.example";

fn domain() -> Domain {
    Domain::parse(NAME).unwrap()
}

/// Puts a certificate for the name where the edge looks; what vouches for it comes back.
fn store(folder: &Path) -> TlsConnector {
    let mut above = CertificateParams::new(Vec::new()).unwrap();
    above.distinguished_name.push(DnType::CommonName, "Test authority");
    above.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let root = above.self_signed(&key).unwrap();
    let own = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&own, &Issuer::new(above, key)).unwrap();
    std::fs::create_dir(folder).unwrap();
    std::fs::write(folder.join(format!("{NAME}.pem")), own.serialize_pem() + &leaf.pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

struct World {
    bench: Bench,
    plain: u16,
    https: u16,
    tls: TlsConnector,
}

impl World {
    async fn new() -> World {
        let [plain, https] = [0; 2].map(|_| Arc::new(TcpListener::bind(("127.0.0.1", 0)).unwrap()));
        let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
        let (plain_port, https_port) = (port(&plain), port(&https));
        let mut tls = None;
        let bench = Bench::new(|config| {
            config.doors = vec![plain, https];
            config.https = https_port;
            config.limits.handshake = Duration::from_millis(300);
            tls = Some(store(&config.certificates));
        });
        let bench = bench.await;
        World { bench, plain: plain_port, https: https_port, tls: tls.unwrap() }
    }

    async fn ask(&self, host: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.plain)).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        read_until(&mut stream, "never").await
    }

    /// `name`: what the connection is for; `host`: what the request is for.
    async fn ask_encrypted(&self, name: &'static str, host: &str) -> Result<String, String> {
        let stream = TcpStream::connect(("127.0.0.1", self.https)).await.unwrap();
        let name = ServerName::try_from(name).unwrap();
        let mut stream = self.tls.connect(name, stream).await.map_err(|cause| cause.to_string())?;
        let request = format!("GET /headers HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        Ok(answer)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_with_a_certificate_is_served_encrypted_and_no_other_name_is() {
    let world = World::new().await;
    world.bench.live("app").await;
    let client = &world.bench.client;
    assert!(world.ask(NAME, "/").await.ends_with("app"), "no domain is set yet");
    assert!(world.ask_encrypted(NAME, NAME).await.is_err());

    client.set_domain(Some(&shop()), Some(&domain()), Consent::default()).await.unwrap();
    let state = until(client, |state| !state.domains.is_empty()).await;
    let named = state.domain_of(&shop()).unwrap();
    assert_eq!(named.certificate.state, CertificateState::Standing);
    assert_eq!(named.certificate.issuer.as_deref(), Some("Test authority"));
    assert_eq!(named.address().as_deref(), Some("https://shop.example/"));

    let answer = world.ask_encrypted(NAME, NAME).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-forwarded-proto: https"), "{answer}");
    let sent_on = format!("location: https://{NAME}:{}/x?y=1\r\n", world.https);
    for (host, path, part) in [
        (NAME, "/x?y=1", sent_on.as_str()),
        ("SHOP.example:80", "/x?y=1", &sent_on),
        (NAME, "/x?y=1", "HTTP/1.1 308"),
        ("127.0.0.1", "/", "HTTP/1.1 200"),
        ("www.shop.example", "/", "HTTP/1.1 200"),
    ] {
        let answer = world.ask(host, path).await;
        assert!(answer.contains(part), "{host}{path}: no {part} in {answer}");
    }
    // An authority's old question is not sent on, and is nobody else's.
    let old = world.ask(NAME, "/.well-known/acme-challenge/gone").await;
    assert!(!old.contains("308"), "{old}");
    let other = world.ask_encrypted("other.example", "other.example").await.unwrap_err();
    assert!(other.contains("AccessDenied"), "{other}");
    let misled = world.ask_encrypted(NAME, "other.example").await.unwrap();
    assert!(misled.starts_with("HTTP/1.1 421"), "{misled}");

    // Who never finishes the handshake is let go, and holds nobody up meanwhile.
    let mut silent = TcpStream::connect(("127.0.0.1", world.https)).await.unwrap();
    assert!(world.ask_encrypted(NAME, NAME).await.is_ok());
    assert_eq!(soon(silent.read(&mut [0])).await.unwrap(), 0);

    client.set_domain(None, None, Consent::default()).await.unwrap();
    assert!(client.state().await.unwrap().domains.is_empty());
    assert!(world.ask(NAME, "/").await.ends_with("app"));
    assert!(world.ask_encrypted(NAME, NAME).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_one_projects_own() {
    let world = World::new().await;
    let client = &world.bench.client;
    let second = protocol::id::ProjectId::new("second").unwrap();
    client.ensure_project(&second, None).await.unwrap();
    let mut spec = world.bench.spec("other");
    spec.project = second.clone();
    client.start(spec).await.unwrap();
    client.health(&release("other"), "/healthz", DEADLINE).await.unwrap();
    client.switch(&second, &release("other")).await.unwrap();
    world.bench.live("app").await;

    client.set_domain(Some(&second), Some(&domain()), Consent::default()).await.unwrap();
    let answer = world.ask_encrypted(NAME, NAME).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let taken = client.set_domain(None, Some(&domain()), Consent::default()).await.unwrap_err();
    assert!(matches!(taken, EdgeError::Refused { why: Refusal::Invalid, .. }), "{taken}");
    // Another name for the same project takes the first one's place.
    let other = Domain::parse("www.shop.example").unwrap();
    client.set_domain(Some(&second), Some(&other), Consent::default()).await.unwrap();
    let state = client.state().await.unwrap();
    let names: Vec<_> = state.domains.iter().map(|domain| domain.certificate.name.as_str()).collect();
    assert_eq!(names, ["www.shop.example"]);
    assert_eq!(state.domains[0].certificate.state, CertificateState::NotAsked);
    assert!(world.ask("www.shop.example", "/").await.ends_with("other"));
    assert!(world.ask("127.0.0.1", "/").await.ends_with("app"));
    let saved = std::fs::metadata(world.bench.dir.path().join("edge.json")).unwrap();
    assert_eq!(saved.permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn an_edge_without_the_worlds_ports_has_no_domains() {
    let bench = Bench::new(|_| {}).await;
    let refused = bench.client.set_domain(None, Some(&domain()), Consent::default()).await.unwrap_err();
    assert!(refused.to_string().contains("the world does not reach them"), "{refused}");
}
