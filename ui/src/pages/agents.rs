//! Agents.

use leptos::prelude::*;

#[component]
pub fn Agents() -> impl IntoView {
    view! { <p>"soon"</p> }
}
