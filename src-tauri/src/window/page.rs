//! The main window. It shows the pages that are built into this program and nothing else: every other address is opened
//! by the system.

use super::MAIN;
use crate::desk::Desk;
use std::sync::Arc;
use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, Runtime, Url, WebviewUrl, WebviewWindowBuilder};

pub fn open<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    let desk = app.state::<Arc<Desk>>();
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("Loopwright")
        .inner_size(1280.0, 840.0)
        .min_inner_size(420.0, 480.0)
        .data_directory(desk.data().join("webview"))
        .visible(!super::links::starts_hidden() || !super::tray::can_be())
        .on_navigation(|url| ours(url) || elsewhere(url))
        .on_new_window(|url, _| {
            elsewhere(&url);
            NewWindowResponse::Deny
        })
        .build()?;
    Ok(())
}

/// Brings the window to the front.
pub fn show<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(MAIN) {
        let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
        if let Err(error) = shown {
            tracing::warn!(%error, "the window could not be shown");
        }
    }
}

/// The pages in this program; the system decides how they are addressed.
fn ours(url: &Url) -> bool {
    url.scheme() == "tauri"
        || (matches!(url.scheme(), "http" | "https") && url.host_str() == Some("tauri.localhost"))
}

/// Opened by the system; never in a window of ours. Only pages: no file, no other program.
pub fn elsewhere(url: &Url) -> bool {
    if matches!(url.scheme(), "http" | "https")
        && let Err(error) = tauri_plugin_opener::open_url(url.as_str(), None::<&str>)
    {
        tracing::warn!(%error, "the system did not open a page");
    }
    false
}
