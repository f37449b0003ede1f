//! Doctor.

use leptos::prelude::*;

#[component]
pub fn Doctor() -> impl IntoView {
    view! { <p>"soon"</p> }
}
