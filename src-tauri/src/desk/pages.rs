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
    previews: Mutex<BTreeMap<(String, u16), Preview>>,
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
        let (port, path) = port_and_path(url).ok_or_else(wrong)?;
        let server = self.servers.get(place).ok_or_else(wrong)?;
        let mut previews = self.ways.previews.lock().await;
        let key = (place.to_owned(), port);
        if !previews.contains_key(&key) {
            let to = PreviewTo::Port { port, host: format!("127.0.0.1:{port}") };
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

/// Of a loopback address of the server.
fn port_and_path(url: &str) -> Option<(u16, &str)> {
    let rest = url.strip_prefix("http://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (name, port) = host.split_once(':').map_or((host, Ok(80)), |(name, port)| (name, port.parse()));
    matches!(name, "127.0.0.1" | "localhost").then_some((port.ok()?, path))
}

#[cfg(test)]
mod tests {
    use super::port_and_path;

    #[test]
    fn only_loopback_pages_of_a_server_are_led_to() {
        assert_eq!(port_and_path("http://127.0.0.1:4173/a?b#c"), Some((4173, "/a?b#c")));
        assert_eq!(port_and_path("http://localhost"), Some((80, "")));
        for bad in
            ["https://127.0.0.1/", "http://10.0.0.1:1/", "http://127.0.0.1:x/", "http://127.0.0.1@evil:1/"]
        {
            assert_eq!(port_and_path(bad), None, "{bad}");
        }
    }
}
