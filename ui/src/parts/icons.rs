//! The few pictures that are drawn in the page.

use leptos::prelude::*;

/// The product's mark: a loop that is closed by hand.
pub fn mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
            <path class="mark-loop" d="M12 3.5a8.5 8.5 0 1 1-7.4 4.3" fill="none" stroke-width="2.4" stroke-linecap="round"/>
            <path class="mark-tip" d="M3.2 3.6l1.1 5 4.8-1.6z"/>
            <circle class="mark-dot" cx="12" cy="12" r="2.6"/>
        </svg>
    }
}
