//! The states that every view has besides the full one: loading, failed, empty.

use crate::app::Views;
use leptos::prelude::*;
use protocol::ApiError;

/// Grey bars where the rows will be.
pub fn loading(rows: usize) -> AnyView {
    view! {
        <div class="skeleton" role="status" aria-label="Loading">
            {(0..rows).map(|_| view! { <div class="bone"></div> }).views()}
        </div>
    }
    .into_any()
}

/// What happened and the one next step.
pub fn failed(why: &ApiError) -> AnyView {
    let what = crate::words::sentence(&why.message);
    let next = why.next.as_deref().map(crate::words::sentence);
    view! {
        <div class="blank" role="alert" data-testid="error">
            <h2>"This could not be read"</h2>
            <p>{what}</p>
            {next.map(|n| view! { <p class="muted">{n}</p> })}
        </div>
    }
    .into_any()
}

/// Nothing there yet, and what to do first.
pub fn empty(title: &'static str, first: &'static str) -> AnyView {
    view! {
        <div class="blank" data-testid="empty">
            <h2>{title}</h2>
            <p class="muted">{first}</p>
        </div>
    }
    .into_any()
}
