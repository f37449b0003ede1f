//! A page of a workspace in a window of its own: a work in progress, or a live site. What runs in it was made by agents:
//! the window has no capability, and stays on the one origin that it was opened for.

use super::page as window;
use crate::desk::Page;
use protocol::{ApiError, Code};
use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, Runtime, Url, WebviewUrl, WebviewWindowBuilder};

/// Labels of these windows begin so; no capability names them.
const LABEL: &str = "preview-";

pub fn open<R: Runtime>(app: &AppHandle<R>, page: &Page) -> Result<(), ApiError> {
    let url = loopback(&page.url)?;
    let origin = url.origin();
    let label = format!("{LABEL}{}-{}", page.place, url.port_or_known_default().unwrap_or_default());
    let failed = |e: tauri::Error| {
        ApiError::new(Code::Internal, format!("the preview could not be opened: {e}"))
            .next("open the page in the browser instead")
    };
    if let Some(window) = app.get_webview_window(&label) {
        return window.navigate(url).and_then(|()| window.set_focus()).map_err(failed);
    }
    WebviewWindowBuilder::new(app, label, WebviewUrl::External(url))
        .title(format!("Preview · {}", page.host))
        .inner_size(1000.0, 760.0)
        .incognito(true)
        .on_navigation(move |to| {
            to.origin() == origin || to.as_str() == "about:blank" || window::elsewhere(to)
        })
        .on_new_window(|to, _| {
            window::elsewhere(&to);
            NewWindowResponse::Deny
        })
        .build()
        .map_err(failed)?;
    Ok(())
}

/// In the system's browser.
pub fn outside(url: &str) -> Result<(), ApiError> {
    let wrong =
        |_| ApiError::new(Code::BadInput, "this is no address of a page").next("look at it once more");
    window::elsewhere(&Url::parse(url).map_err(wrong)?);
    Ok(())
}

/// Previews and sites are reached on this computer's loopback only, by themselves or through the tunnel.
fn loopback(url: &str) -> Result<Url, ApiError> {
    let wrong = || {
        ApiError::new(Code::BadInput, "this is no page of the workspace")
            .next("open it in the browser instead")
    };
    let url = Url::parse(url).map_err(|_| wrong())?;
    let local = url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost"));
    if local && url.username().is_empty() && url.password().is_none() { Ok(url) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_pages_on_loopback_are_previews() {
        for good in ["http://127.0.0.1:4173/", "http://localhost:80/x?y"] {
            assert!(super::loopback(good).is_ok(), "{good}");
        }
        for bad in [
            "https://example.org/",
            "http://127.0.0.1.example.org/",
            "file:///etc/passwd",
            "http://me@127.0.0.1/",
            "tauri://localhost/",
            "x",
        ] {
            assert!(super::loopback(bad).is_err(), "{bad}");
        }
    }
}
