//! Telling memory something.

use super::KINDS;
use crate::app::{App, RwSignal, Views};
use crate::parts::plain::{changed, typed};
use leptos::prelude::*;
use protocol::Request;
use protocol::api::NewNote;

#[component]
pub fn Push() -> impl IntoView {
    let app = App::here();
    let kind = RwSignal::new(0usize);
    let title = RwSignal::new(String::new());
    let text = RwSignal::new(String::new());
    let incomplete = move || title.look(|t| t.trim().is_empty()) || text.look(|t| t.trim().is_empty());
    let push = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if incomplete() {
            return;
        }
        let note_kind = KINDS.get(kind.get_untracked()).map_or(KINDS[0].0, |k| k.0);
        let request = Request::Push {
            project: app.active_untracked(),
            note: NewNote {
                kind: note_kind,
                title: title.get_untracked(),
                text: text.get_untracked(),
                source: None,
                supersedes: Vec::new(),
            },
        };
        app.act(request, "Remembered.", move |_| {
            let _ = title.try_set(String::new());
            let _ = text.try_set(String::new());
        });
    };
    let kinds = KINDS
        .into_iter()
        .enumerate()
        .map(|(i, (_, word))| view! { <option value=i.to_string()>{word}</option> })
        .views();
    view! {
        <details class="card fold">
            <summary class="card-body">"Push a note"</summary>
            <form class="card-body" on:submit=push>
                <label class="field"><span>"Kind"</span>
                    <select data-testid="push-kind" on:change=changed(move |e| kind.set(event_target_value(&e).parse().unwrap_or(0)))>{kinds}</select>
                </label>
                <label class="field"><span>"Title"</span>
                    <input data-testid="push-title" dir="auto" prop:value=title.shown() on:input=typed(title)/>
                </label>
                <label class="field"><span>"What should be remembered"</span>
                    <textarea rows="3" data-testid="push-text" dir="auto" prop:value=text.shown() on:input=typed(text)></textarea>
                </label>
                <div class="actions"><button class="primary" data-testid="push" disabled=incomplete>"Push"</button></div>
            </form>
        </details>
    }
}
