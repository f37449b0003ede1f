//! Links of our own, `loopwright://servers/…`: the window goes to that view. They come from anywhere, so that they can
//! only say where to look, never what to do.

use super::{EVENT, MAIN, page};
use protocol::desk::DeskEvent;
use tauri::{AppHandle, Emitter, Url, Wry};
use tauri_plugin_deep_link::DeepLinkExt;

/// How the system starts this program when the user signs in: in the tray.
pub const HIDDEN: &str = "--hidden";

pub fn starts_hidden() -> bool {
    std::env::args().any(|word| word == HIDDEN)
}

pub fn listen(app: &AppHandle<Wry>) {
    let to = app.clone();
    app.deep_link().on_open_url(move |event| {
        for url in event.urls() {
            tell(&to, &url);
        }
    });
}

/// Links among the words of a second start.
pub fn open(app: &AppHandle<Wry>, words: &[String]) {
    for url in words.iter().filter_map(|word| Url::parse(word).ok()) {
        tell(app, &url);
    }
}

fn tell(app: &AppHandle<Wry>, url: &Url) {
    if let Some(path) = view(url) {
        page::show(app);
        let _ = app.emit_to(MAIN, EVENT, DeskEvent::Open { path });
    }
}

/// The view that a link names.
fn view(url: &Url) -> Option<String> {
    let path = format!("{}{}", url.host_str()?, url.path());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    (url.scheme() == "loopwright" && path.len() <= 200 && path.chars().all(plain)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_a_view_and_nothing_else() {
        let of = |text: &str| view(&Url::parse(text).unwrap());
        assert_eq!(of("loopwright://servers/bakery-1"), Some("servers/bakery-1".into()));
        assert_eq!(of("loopwright://home"), Some("home".into()));
        for bad in
            ["https://servers/x", "loopwright:servers", "loopwright://a/%22onload", "loopwright://key=abc/x"]
        {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
