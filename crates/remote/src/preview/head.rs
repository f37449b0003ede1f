//! What is taken off and put on the heads of requests and answers. Pure.

use hyper::header::{
    CACHE_CONTROL, CONNECTION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, ORIGIN, REFERER,
    SET_COOKIE, UPGRADE,
};

/// Named by the port too: cookies do not know ports, and two previews may be open.
pub(super) fn cookie_name(here: &str) -> String {
    format!("lw-preview-{}", here.rsplit(':').next().unwrap_or_default())
}

pub(super) fn set_cookie(here: &str, secret: &str) -> String {
    format!("{}={secret}; Path=/; HttpOnly; SameSite=Strict", cookie_name(here))
}

/// The request holds the secret.
pub(super) fn holds(headers: &HeaderMap, here: &str, secret: &str) -> bool {
    let name = cookie_name(here);
    let pairs = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .any(|(key, value)| key == name && same(value, secret))
}

/// Takes as long for a near miss as for a far one.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

/// Only between two neighbours, whatever they say (RFC 9110, 7.6.1).
const HOP: [&str; 6] =
    ["keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "proxy-connection"];

/// The request as the site is to see it: addressed to itself, without anything of ours.
pub(super) fn outward(headers: &mut HeaderMap, here: &str, host: &str, upgrade: bool) {
    for name in HOP {
        headers.remove(name);
    }
    let ours: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("x-loopwright")).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
    if !upgrade {
        headers.remove(CONNECTION);
        headers.remove(UPGRADE);
    }
    if let Ok(host) = HeaderValue::from_str(host) {
        headers.insert(HOST, host);
    }
    let (mine, theirs) = (format!("http://{here}"), format!("http://{host}"));
    for name in [ORIGIN, REFERER] {
        replace(headers, &name, &mine, &theirs);
    }
    let name = cookie_name(here);
    let kept: Vec<String> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .map(str::trim)
        .filter(|pair| !pair.starts_with("lw-preview-") && !pair.starts_with(&name) && !pair.is_empty())
        .map(str::to_owned)
        .collect();
    headers.remove(COOKIE);
    if let (false, Ok(value)) = (kept.is_empty(), HeaderValue::from_str(&kept.join("; "))) {
        headers.insert(COOKIE, value);
    }
}

/// The answer as the webview is to see it.
pub(super) fn inward(headers: &mut HeaderMap, here: &str, host: &str, upgrade: bool) {
    for name in HOP {
        headers.remove(name);
    }
    if !upgrade {
        headers.remove(CONNECTION);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    replace(headers, &LOCATION, &format!("http://{host}"), &format!("http://{here}"));
    // The site must not be able to take the secret's place.
    let name = cookie_name(here);
    let kept: Vec<HeaderValue> = headers
        .get_all(SET_COOKIE)
        .iter()
        .filter(|value| !value.as_bytes().starts_with(name.as_bytes()))
        .cloned()
        .collect();
    headers.remove(SET_COOKIE);
    for value in kept {
        headers.append(SET_COOKIE, value);
    }
}

fn replace(headers: &mut HeaderMap, name: &HeaderName, from: &str, to: &str) {
    let rest =
        headers.get(name).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix(from));
    // "http://a" must not match "http://a.example".
    let rest = rest.filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
    if let Some(value) = rest.and_then(|rest| HeaderValue::from_str(&format!("{to}{rest}")).ok()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "127.0.0.1:4711";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_the_whole_secret_under_its_own_name_opens() {
        let good = headers(&[("cookie", "a=b; lw-preview-4711=s3cret")]);
        assert!(holds(&good, HERE, "s3cret"));
        for bad in ["lw-preview-4711=s3cre", "lw-preview-4712=s3cret", "s3cret", ""] {
            assert!(!holds(&headers(&[("cookie", bad)]), HERE, "s3cret"), "{bad}");
        }
    }

    #[test]
    fn the_site_sees_itself_and_nothing_of_ours() {
        let mut seen = headers(&[
            ("host", HERE),
            ("origin", "http://127.0.0.1:4711"),
            ("referer", "http://127.0.0.1:4711/a?b"),
            ("cookie", "a=b; lw-preview-4711=s3cret; lw-preview-1=old; c=d"),
            ("x-loopwright-session", "x"),
            ("connection", "keep-alive"),
        ]);
        outward(&mut seen, HERE, "shop.example", false);
        let expected = headers(&[
            ("host", "shop.example"),
            ("origin", "http://shop.example"),
            ("referer", "http://shop.example/a?b"),
            ("cookie", "a=b; c=d"),
        ]);
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_webview_stays_here_and_caches_nothing() {
        let mut seen = headers(&[
            ("location", "http://shop.example/next"),
            ("set-cookie", "lw-preview-4711=stolen"),
            ("cache-control", "max-age=9"),
        ]);
        seen.append(SET_COOKIE, HeaderValue::from_static("a=b"));
        inward(&mut seen, HERE, "shop.example", false);
        assert_eq!(seen[LOCATION], "http://127.0.0.1:4711/next");
        assert_eq!(seen[CACHE_CONTROL], "no-store");
        assert_eq!(seen.get_all(SET_COOKIE).iter().collect::<Vec<_>>(), ["a=b"]);
        let mut other = headers(&[("location", "http://shop.example.evil/")]);
        inward(&mut other, HERE, "shop.example", false);
        assert_eq!(other[LOCATION], "http://shop.example.evil/");
    }
}
