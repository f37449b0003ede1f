//! A rating of 1 to 5. Empty until the user gives one.

use crate::app::{App, Memo, RwSignal, Views, effect};
use crate::parts::plain::{click, pressed};
use leptos::prelude::*;
use protocol::Request;
use protocol::id::DeploymentId;
use wasm_bindgen::JsCast;

const WORDS: [&str; 5] = ["poor", "weak", "fair", "good", "great"];

#[component]
pub fn Stars(deployment: DeploymentId, rating: Memo<Option<u8>>) -> impl IntoView {
    let app = App::here();
    // Shown at once; the daemon's word replaces it with the next read.
    let given = RwSignal::new(None::<u8>);
    effect(move || {
        rating.track();
        given.set(None);
    });
    let shown = move || given.get().or(rating.get()).unwrap_or(0);
    let rate = move |n: u8| {
        given.set(Some(n));
        let deployment = deployment.clone();
        leptos::task::spawn_local(async move {
            match app.call(&Request::Rate { deployment, rating: n }).await {
                Ok(_) => app.head.update(|_| {}),
                Err(refused) => {
                    let _ = given.try_set(None);
                    app.warn(&refused);
                }
            }
        });
    };
    view! {
        <span class="stars" role="radiogroup" aria-label="Rating" on:keydown=pressed(move |e| arrows(&e))>
            {(1..=5u8)
                .map(|n| {
                    let rate = rate.clone();
                    view! {
                        <button
                            role="radio"
                            type="button"
                            class="star"
                            class:on=move || n <= shown()
                            data-testid=format!("rate-{n}")
                            aria-checked=move || (shown() == n).to_string()
                            tabindex=move || if shown() == n || (shown() == 0 && n == 1) { "0" } else { "-1" }
                            aria-label=format!("{n} of 5, {}", WORDS[usize::from(n) - 1])
                            title=format!("{n} of 5: {}", WORDS[usize::from(n) - 1])
                            on:click=click(move |e| { e.stop_propagation(); rate(n) })
                        >
                            "★"
                        </button>
                    }
                })
                .views()}
        </span>
    }
}

/// Left and right move between the stars; Enter and Space give the rating; nothing of it reaches the row.
fn arrows(event: &web_sys::KeyboardEvent) {
    event.stop_propagation();
    let Some(star) = event.target().map(JsCast::unchecked_into::<web_sys::HtmlElement>) else { return };
    let next = match event.key().as_str() {
        "ArrowRight" | "ArrowUp" => star.next_element_sibling(),
        "ArrowLeft" | "ArrowDown" => star.previous_element_sibling(),
        _ => return,
    };
    event.prevent_default();
    if let Some(next) = next {
        let _ = next.unchecked_into::<web_sys::HtmlElement>().focus();
    }
}
