//! Pages of a workspace, for windows of their own: those of this computer as they are, those of a server through a proxy
//! on this computer.

use super::{Desk, told_by};
use protocol::desk::HERE;
use protocol::view::{AgentRow, SignInState};
use protocol::{ApiError, Code, Response};
use remote::{Forward, Preview, PreviewTo};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::Mutex;

/// A page to be shown, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub place: String,
    pub host: String,
    pub url: String,
}

/// What leads from this computer to a server, by the server's port.
#[derive(Default)]
pub struct Ways {
    previews: Mutex<BTreeMap<(String, String), Preview>>,
    callbacks: Mutex<BTreeMap<(String, u16), Forward>>,
}

impl Desk {
    pub async fn page(&self, place: &str, url: &str) -> Result<Page, ApiError> {
        let spot = self.spot(place)?;
        let mut page = Page { place: place.to_owned(), host: spot.row().name, url: url.to_owned() };
        if place == HERE {
            return Ok(page);
        }
        let wrong =
            || ApiError::new(Code::BadInput, "this is no page of the server").next("open it in the browser");
        let (port, host, path) = port_and_path(url).ok_or_else(wrong)?;
        let server = self.servers.get(place).ok_or_else(wrong)?;
        let mut previews = self.ways.previews.lock().await;
        let key = (place.to_owned(), host.to_owned());
        if !previews.contains_key(&key) {
            let to = PreviewTo::Port { port, host: host.to_owned() };
            let opened = Preview::open(server.tunnel()?, to).await;
            previews.insert(
                key.clone(),
                opened.map_err(|e| told_by(&e, "close other programs, then try again"))?,
            );
        }
        page.url = previews.get(&key).ok_or_else(wrong)?.url(path);
        Ok(page)
    }

    /// While an agent on a server waits for the browser to come back, that port of this computer leads there: the browser
    /// is here.
    pub async fn callbacks(&self, place: &str, response: &Response) {
        let rows: &[AgentRow] = match response {
            Response::Agents { rows } => rows,
            Response::Home(home) => &home.agents,
            _ => return,
        };
        let Some(server) = self.servers.get(place) else { return };
        let wanted: BTreeSet<u16> = rows.iter().filter_map(callback).collect();
        let mut open = self.ways.callbacks.lock().await;
        open.retain(|(of, port), _| of != place || wanted.contains(port));
        for port in wanted {
            if open.contains_key(&(place.to_owned(), port)) {
                continue;
            }
            let Ok(tunnel) = server.tunnel() else { return };
            match remote::forward(tunnel, port, port).await {
                Ok(forward) => drop(open.insert((place.to_owned(), port), forward)),
                Err(error) => tracing::warn!(place, port, %error, "the sign-in's way back is not open"),
            }
        }
    }
}

fn callback(row: &AgentRow) -> Option<u16> {
    match &row.now.as_ref()?.sign_in.as_ref()?.state {
        SignInState::Yours { callback, .. } => *callback,
        SignInState::Starting
        | SignInState::Working
        | SignInState::Done { .. }
        | SignInState::Failed { .. } => None,
    }
}

/// The server's port that a page comes from, the name that it is asked for by, and the page: a preview on the server's own
/// loopback, or a site, which its port 80 serves by name.
fn port_and_path(url: &str) -> Option<(u16, &str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
    if host.is_empty() || !host.chars().all(plain) {
        return None;
    }
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()?),
        _ => (host, 80),
    };
    let is_site = !name.is_empty() && port == 80;
    (matches!(name, "127.0.0.1" | "localhost") || is_site).then_some((port, host, path))
}

#[cfg(test)]
mod tests {
    use super::port_and_path;

    #[test]
    fn only_loopback_pages_of_a_server_and_its_sites_are_led_to() {
        assert_eq!(port_and_path("http://127.0.0.1:4173/a?b#c"), Some((4173, "127.0.0.1:4173", "/a?b#c")));
        assert_eq!(port_and_path("http://localhost"), Some((80, "localhost", "")));
        assert_eq!(port_and_path("http://203.0.113.7/"), Some((80, "203.0.113.7", "/")));
        assert_eq!(port_and_path("http://[2001:db8::1]/x"), Some((80, "[2001:db8::1]", "/x")));
        for bad in [
            "https://127.0.0.1/",
            "http://10.0.0.1:1/",
            "http://127.0.0.1:x/",
            "http://127.0.0.1@evil:1/",
            "http:///",
        ] {
            assert_eq!(port_and_path(bad), None, "{bad}");
        }
    }
}
