//! A certificate that can be served.

use super::{Domain, authority, read};
use protocol::At;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Held {
    pub key: Arc<CertifiedKey>,
    pub from: At,
    pub until: At,
    pub issuer: Option<String>,
}

/// From the file's text: the key, and the chain with the name's own certificate first. Why it cannot be served, else.
pub(super) fn held(pem: &str, domain: &Domain) -> Result<Held, String> {
    let words = |cause: rustls::Error| cause.to_string();
    let chain = chain(pem)?;
    let leaf = chain.first().ok_or("there is no certificate in it")?;
    let found = read::read(leaf).ok_or("its certificate cannot be read")?;
    let name = ServerName::try_from(domain.as_str()).map_err(|cause| cause.to_string())?;
    verify_server_name(&ParsedCertificate::try_from(leaf).map_err(words)?, &name).map_err(words)?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|cause| format!("its key: {cause}"))?;
    // Refuses a key of another certificate.
    let key = CertifiedKey::from_der(chain, key, &authority::provider()).map_err(words)?;
    Ok(Held { key: Arc::new(key), from: found.from, until: found.until, issuer: found.issuer })
}

pub(super) fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|cause| format!("its certificates: {cause}"))
}

#[cfg(test)]
pub(in crate::certificates) mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    /// A file as it is stored: key and certificate of `name` by an authority of its own.
    pub(in crate::certificates) fn made(name: &str, from: At, until: At) -> String {
        let mut above = CertificateParams::new(Vec::new()).unwrap();
        above.distinguished_name.push(DnType::CommonName, "Test authority");
        above.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = Issuer::new(above, KeyPair::generate().unwrap());
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let day = |at: At| {
            let (year, month, day) = protocol::date::civil(at.0.div_euclid(86_400_000));
            rcgen::date_time_ymd(
                i32::try_from(year).unwrap(),
                u8::try_from(month).unwrap(),
                u8::try_from(day).unwrap(),
            )
        };
        let rest = |at: At| std::time::Duration::from_millis(at.0.rem_euclid(86_400_000).unsigned_abs());
        params.not_before = day(from) + rest(from);
        params.not_after = day(until) + rest(until);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap();
        format!("{}{}", key.serialize_pem(), leaf.pem())
    }

    #[test]
    fn what_cannot_be_served_is_refused_with_the_reason() {
        let (from, until) = (At(1_793_000_000_000), At(1_800_776_000_000));
        let domain = Domain::parse("bakery.example").unwrap();
        let good = made("bakery.example", from, until);
        assert_eq!(held(&good, &domain).unwrap().until, until);
        let other = made("other.example", from, until);
        let (key, _) = other.split_at(other.find("-----BEGIN CERT").unwrap());
        let (own, leaf) = good.split_at(good.find("-----BEGIN CERT").unwrap());
        for (pem, part) in [
            (other.clone(), "not valid for name"),
            (format!("{key}{leaf}"), "KeyMismatch"),
            (own.to_owned(), "no certificate"),
            (leaf.to_owned(), "its key"),
            (String::new(), "no certificate"),
        ] {
            let says = held(&pem, &domain).unwrap_err();
            assert!(says.contains(part), "{part}: {says}");
        }
    }
}
