//! The dashboard of Loopwright, compiled to wasm. `words` says things, `backend` reaches the daemon, `parts` and `pages`
//! show, `app` holds them together. Whatever users and agents wrote is put on the page as text, never as markup.

mod app;
mod backend;
mod pages;
mod parts;
pub mod words;

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the browser once the wasm is there.
#[wasm_bindgen(start)]
pub fn start() {
    leptos::mount::mount_to_body(app::Root);
}
