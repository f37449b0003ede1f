//! Whether a name leads to this server: by its addresses, and where one is not this machine's own (it may stand behind a
//! gateway), by asking there for something that only we know.

use super::trouble::{Kind, Trouble};
use super::{CHALLENGE, Domain, Tokens, authority};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LOOKUP: Duration = Duration::from_secs(20);
const PROBE: Duration = Duration::from_secs(5);
/// Bytes of the answer to a probe that are looked at.
const PROBED: u64 = 8 * 1024;

pub(super) async fn look(domain: &Domain, tokens: &Tokens) -> Result<(), Trouble> {
    let own = own_address();
    let found = match tokio::time::timeout(LOOKUP, tokio::net::lookup_host((domain.as_str(), 80))).await {
        Ok(Ok(found)) => found.map(|address| address.ip().to_canonical()).collect::<BTreeSet<IpAddr>>(),
        Ok(Err(cause)) => return Err(unknown(domain, own, &cause.to_string())),
        Err(_) => return Err(unknown(domain, own, "the name server did not answer within 20 s")),
    };
    // This machine's own name may be one of them in its hosts file: that says nothing of what others see.
    for address in found.into_iter().filter(|address| !address.is_loopback() && !is_own(*address)) {
        if !answers(domain, address, tokens).await? {
            return Err(elsewhere(domain, address, own));
        }
    }
    Ok(())
}

fn unknown(domain: &Domain, own: Option<IpAddr>, cause: &str) -> Trouble {
    let next = match own {
        Some(own) => format!("at the domain's provider, add an {} record for it with {own}", record(own)),
        None => "at the domain's provider, add a record for it with this server's address".to_owned(),
    };
    Trouble::new(
        Kind::Elsewhere,
        format!("{domain} has no address that this server can find ({cause})"),
        next,
    )
}

fn elsewhere(domain: &Domain, address: IpAddr, own: Option<IpAddr>) -> Trouble {
    let kind = record(address);
    let same = own.filter(|own| own.is_ipv4() == address.is_ipv4());
    let (says, next) = match (same, own) {
        (Some(own), _) if is_private(own) => (
            format!("{domain} points to {address}, where this server does not answer"),
            format!("at the domain's provider, set its {kind} record to this server's public address"),
        ),
        (Some(own), _) => (
            format!("{domain} points to {address}, but this server is {own}"),
            format!("at the domain's provider, set its {kind} record to {own}"),
        ),
        (None, own) => {
            let own = own.map(|own| format!(", but this server is {own}")).unwrap_or_default();
            (
                format!("{domain} points to {address}, too{own}"),
                format!("at the domain's provider, remove its {kind} record with {address}"),
            )
        }
    };
    Trouble::new(Kind::Elsewhere, says, next)
}

fn record(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "A" } else { "AAAA" }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.is_private() || v4.is_link_local() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64)
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// The kernel gives a socket this address only if it is one of this machine's.
fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// The address that others see us by where no gateway is in between. Nothing is sent: the kernel says which one it would
/// use. Both others are documentation addresses.
fn own_address() -> Option<IpAddr> {
    let by = |own: &str, other: &str| {
        let socket = UdpSocket::bind((own, 0)).ok()?;
        socket.connect((other, 9)).ok()?;
        socket.local_addr().ok().map(|address| address.ip()).filter(|ip| !ip.is_unspecified())
    };
    by("0.0.0.0", "192.0.2.1").or_else(|| by("::", "2001:db8::1"))
}

/// Whether it is we who answer there.
async fn answers(domain: &Domain, address: IpAddr, tokens: &Tokens) -> Result<bool, Trouble> {
    let (name, secret) = (authority::nonce()?, authority::nonce()?);
    let _answered = tokens.put(&name, &secret);
    let ask = async {
        let mut stream = TcpStream::connect(SocketAddr::new(address, 80)).await?;
        let request =
            format!("GET {CHALLENGE}{name} HTTP/1.1\r\nHost: {domain}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(PROBED).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    Ok(match tokio::time::timeout(PROBE, ask).await {
        Ok(Ok(answer)) => String::from_utf8_lossy(&answer).ends_with(&secret),
        Ok(Err(_)) | Err(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_name_both_addresses_and_one_thing_to_do() {
        let domain = Domain::parse("bakery.example").unwrap();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let table = [
            (
                "203.0.113.9",
                Some("198.51.100.10"),
                "points to 203.0.113.9, but this server is 198.51.100.10",
                "A record to 198.51.100.10",
            ),
            (
                "203.0.113.9",
                Some("10.0.0.5"),
                "points to 203.0.113.9, where this server does not answer",
                "public address",
            ),
            (
                "2001:db8::9",
                Some("198.51.100.10"),
                "points to 2001:db8::9, too, but this server is 198.51.100.10",
                "remove its AAAA record",
            ),
            ("203.0.113.9", None, "points to 203.0.113.9, too", "remove its A record"),
        ];
        for (there, own, says, next) in table {
            let trouble = elsewhere(&domain, ip(there), own.map(ip));
            assert!(trouble.says.contains(says), "{}", trouble.says);
            assert!(trouble.next.contains(next), "{}", trouble.next);
        }
        let trouble = unknown(&domain, Some(ip("198.51.100.10")), "no such name");
        assert!(
            trouble.says.contains("no such name")
                && trouble.next.contains("A record for it with 198.51.100.10")
        );
    }

    #[test]
    fn only_addresses_of_this_machine_are_its_own() {
        assert!(is_own(IpAddr::from([127, 0, 0, 1])));
        assert!(!is_own(IpAddr::from([192, 0, 2, 1])));
    }
}
