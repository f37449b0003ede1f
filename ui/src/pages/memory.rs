//! Memory.

use leptos::prelude::*;

#[component]
pub fn Memory() -> impl IntoView {
    view! { <p>"soon"</p> }
}
