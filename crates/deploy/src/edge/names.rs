//! Which project a name of the user's own is for.

use super::server::Target;
use crate::certificates::{Certificates, Domain};
use arc_swap::ArcSwap;
use http::HeaderValue;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the world's doors need beside the front's target.
#[derive(Clone)]
pub(super) struct World {
    pub names: Names,
    pub certificates: Certificates,
    /// Where the same sites answer over TLS; none: another web server sees to that.
    pub https: Option<u16>,
}

#[derive(Clone, Default)]
pub(super) struct Names(Arc<ArcSwap<BTreeMap<Domain, Target>>>);

impl Names {
    pub(super) fn set(&self, names: BTreeMap<Domain, Target>) {
        self.0.store(Arc::new(names));
    }

    /// The name in a request's host, if it is one of ours, and its target.
    pub(super) fn of(&self, host: &HeaderValue) -> Option<(Domain, Target)> {
        let name = Domain::parse(without_port(host.to_str().ok()?)).ok()?;
        let target = self.0.load().get(&name)?.clone();
        Some((name, target))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_written() {
        let names = Names::default();
        names.set([(Domain::parse("bakery.example").unwrap(), Target::default())].into());
        for (host, found) in [
            ("bakery.example", true),
            ("BAKERY.example:80", true),
            ("bakery.example.:8080", true),
            ("www.bakery.example", false),
            ("198.51.100.10", false),
            ("[2001:db8::1]:80", false),
            ("bakery.example:x", false),
            ("", false),
        ] {
            assert_eq!(names.of(&HeaderValue::from_static(host)).is_some(), found, "{host}");
        }
    }
}
