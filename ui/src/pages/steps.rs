//! Steps.

use leptos::prelude::*;

#[component]
pub fn Steps() -> impl IntoView {
    view! { <p>"soon"</p> }
}
