//! Instructions.

use leptos::prelude::*;

#[component]
pub fn Instructions() -> impl IntoView {
    view! { <p>"soon"</p> }
}
