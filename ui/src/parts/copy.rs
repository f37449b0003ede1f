//! A text that one takes elsewhere: shown as it is, with a button that copies it.

use super::plain;
use crate::app::App;
use leptos::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// The button alone.
pub fn copy(app: App, text: String) -> AnyView {
    plain::button("Copy", "small-button", "copy", move || {
        let text = text.clone();
        leptos::task::spawn_local(async move {
            let copied = JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
            match copied {
                Ok(_) => app.tell("Copied."),
                Err(_) => app.tell("The browser does not let a page copy here: select the text and copy it."),
            }
        });
    })
}
