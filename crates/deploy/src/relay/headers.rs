//! Which headers pass, and which are ours.

use http::header::{CONNECTION, COOKIE, FORWARDED, HOST, SET_COOKIE, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use std::net::IpAddr;

/// Cookies know no port: what listens on another port of 127.0.0.1 gets the dashboard's cookies, and can set them.
const OWN: &str = "loopwright";

const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Removes what concerns one connection only (RFC 9110 §7.6.1), and what `Connection` names.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // A client must not be able to take the framing or the host away from the app.
        .filter(|name: &HeaderName| name != HOST && name != http::header::CONTENT_LENGTH)
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// The protocol a request asks to change to, if it asks.
pub(crate) fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    if asked { headers.get(UPGRADE).cloned() } else { None }
}

/// Who asked, and under which name. A client's own words on that are dropped: nobody trusted stands before us.
pub(crate) fn set_forwarded(headers: &mut HeaderMap, peer: IpAddr, proto: &'static str) {
    headers.remove(FORWARDED);
    if let Ok(value) = HeaderValue::from_str(&peer.to_string()) {
        headers.insert("x-forwarded-for", value);
    }
    headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
    match headers.get(HOST).cloned() {
        Some(host) => headers.insert("x-forwarded-host", host),
        None => headers.remove("x-forwarded-host"),
    };
}

/// Takes our own cookies out of a request or an answer.
pub(crate) fn drop_own_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<HeaderValue> = headers.get_all(COOKIE).iter().cloned().collect();
    if !cookies.is_empty() {
        headers.remove(COOKIE);
        for value in cookies {
            if let Some(kept) = without_own(&value) {
                headers.append(COOKIE, kept);
            }
        }
    }
    let set: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    if set.iter().any(is_own) {
        headers.remove(SET_COOKIE);
        for value in set.into_iter().filter(|value| !is_own(value)) {
            headers.append(SET_COOKIE, value);
        }
    }
}

fn is_own(cookie: &HeaderValue) -> bool {
    let bytes = cookie.as_bytes().trim_ascii_start();
    let name = bytes.strip_prefix(b"__Host-").or(bytes.strip_prefix(b"__Secure-")).unwrap_or(bytes);
    name.get(..OWN.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN.as_bytes()))
}

fn without_own(cookies: &HeaderValue) -> Option<HeaderValue> {
    let kept: Vec<&[u8]> = cookies
        .as_bytes()
        .split(|byte| *byte == b';')
        .filter(|pair| HeaderValue::from_bytes(pair).is_ok_and(|pair| !is_own(&pair)))
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
        .collect();
    if kept.is_empty() { None } else { HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok() }
}

/// The host that a request is for: of an absolute address, else of the header (RFC 9112 §3.2.2).
pub(crate) fn host_of(uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
    match uri.authority() {
        Some(authority) => {
            let host = authority.as_str().rsplit('@').next().unwrap_or_default();
            HeaderValue::from_str(host).ok()
        }
        None => headers.get(HOST).cloned(),
    }
}

/// Whether `authority` (`host[:port]`) names this computer itself. A page of another site that got its name pointed at
/// 127.0.0.1 still says its own name.
pub(crate) fn loopback_name(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_connection_names_is_removed_but_never_the_host() {
        let mut map = headers(&[
            ("connection", "close, X-Secret, Host"),
            ("x-secret", "1"),
            ("host", "a"),
            ("te", "gzip"),
        ]);
        strip_hop_by_hop(&mut map);
        assert_eq!(map, headers(&[("host", "a")]));
    }

    #[test]
    fn only_our_cookies_are_dropped() {
        let mut map = headers(&[("cookie", "a=1; loopwright_session=x; b=2; __Host-loopwright=y")]);
        drop_own_cookies(&mut map);
        assert_eq!(map["cookie"], "a=1; b=2");
        let mut map = headers(&[("cookie", "loopwright=x")]);
        drop_own_cookies(&mut map);
        assert!(map.is_empty());
        let mut map = HeaderMap::new();
        map.append("set-cookie", HeaderValue::from_static("LoopWright_session=evil"));
        map.append("set-cookie", HeaderValue::from_static("mine=1"));
        drop_own_cookies(&mut map);
        assert_eq!(map.get_all("set-cookie").iter().collect::<Vec<_>>(), ["mine=1"]);
    }

    #[test]
    fn names_of_this_computer() {
        for name in ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:5", "app.localhost:1", "127.9.9.9"] {
            assert!(loopback_name(name), "{name}");
        }
        for name in ["evil.example", "localhost.evil.example:80", "10.0.0.1", "", "127.0.0.1.evil.example"] {
            assert!(!loopback_name(name), "{name}");
        }
    }

    #[test]
    fn forwarded_words_of_a_client_are_replaced() {
        let mut map =
            headers(&[("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=6.6.6.6"), ("host", "shop")]);
        set_forwarded(&mut map, IpAddr::from([127, 0, 0, 1]), "http");
        assert_eq!(map["x-forwarded-for"], "127.0.0.1");
        assert_eq!(map["x-forwarded-host"], "shop");
        assert!(map.get("forwarded").is_none());
    }
}
