//! The conversation: what was asked, and what Hermes says of it.

use super::composer::Composer;
use super::turn::Turn;
use crate::app::{App, each, memo};
use leptos::prelude::*;

#[component]
pub fn Chat() -> impl IntoView {
    let app = App::here();
    let rows = memo(move || app.home_with(|h| h.requests.clone()).unwrap_or_default());
    let project = memo(move || {
        app.home_with(|h| h.projects.iter().find(|p| p.project == h.active).map(|p| p.name.clone())).flatten()
    });
    // The newest few tell their whole story; older ones do so when asked.
    let shown = move || {
        let mut all: Vec<(usize, _)> = rows.get().into_iter().enumerate().collect();
        all.reverse();
        all
    };
    view! {
        <section class="pane chat" aria-label="Chat with Hermes">
            <header class="pane-head">
                <h2>"Hermes"</h2>
                <span class="muted clip">"is working on " <b class="ink">{move || project.get().unwrap_or_default()}</b></span>
            </header>
            <div class="turns"><div class="turns-in" role="log">
                <Show when=move || rows.look(Vec::is_empty)>
                    <div class="blank" data-testid="empty">
                        <h2>"Say what you want to have"</h2>
                        <p class="muted">
                            "In plain words. Hermes remembers what was done before, picks one of your agents, has it built, tested and put live, and tells you here how it goes."
                        </p>
                        <p class="muted">"For example: “A page for a bakery called Sauerteig with opening hours and an order form”."</p>
                    </div>
                </Show>
                {each(shown, |(_, r)| r.request.to_string(), |item| view! { <Turn first=item.1 newest=item.0 < 3/> }.into_any())}
            </div></div>
            <Composer/>
        </section>
    }
}
