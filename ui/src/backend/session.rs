//! What the browser keeps: the session's token and small settings. In `localStorage`, which belongs to this origin with
//! its port; a cookie would be sent to every site on this host, whatever its port.

const TOKEN: &str = "loopwright.token";

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}

pub fn token() -> Option<String> {
    remembered(TOKEN)
}

pub fn keep(token: &str) {
    remember(TOKEN, token);
}

pub fn drop_token() {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(TOKEN);
    }
}

/// A setting of this browser. Without storage (private windows may refuse it) nothing is kept.
pub fn remember(name: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(name, value);
    }
}

pub fn remembered(name: &str) -> Option<String> {
    storage()?.get_item(name).ok().flatten()
}
