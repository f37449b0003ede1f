//! Deployments.

use leptos::prelude::*;

#[component]
pub fn Deployments() -> impl IntoView {
    view! { <p>"soon"</p> }
}
