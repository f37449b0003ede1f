//! The box to ask in.

use super::side::Side;
use crate::app::{App, RwSignal, Views, memo, part};
use crate::backend;
use crate::parts::plain::typed;
use crate::words::route::{Route, View};
use leptos::prelude::*;
use protocol::fact::{Channel, Readiness};
use protocol::id::{AgentId, ClientId};
use protocol::{ApiError, Request};

#[component]
pub fn Composer() -> impl IntoView {
    let app = App::here();
    let draft = RwSignal::new(String::new());
    let agent = RwSignal::new(String::new());
    let busy = RwSignal::new(false);
    let refused = RwSignal::new(None::<ApiError>);
    // A text that may have got through is asked again under the same id, so that it is never two requests.
    let tried = StoredValue::new(None::<(String, ClientId)>);
    let side = Side::of(draft);
    let send = move || {
        let text = draft.get_untracked();
        if text.trim().is_empty() || busy.get_untracked() {
            return;
        }
        let same = tried.get_value().filter(|(asked, _)| *asked == text).map(|(_, client)| client);
        let Some(client) = same.or_else(backend::new_client) else { return };
        tried.set_value(Some((text.clone(), client.clone())));
        let project = app.home_with(|h| h.active.clone());
        let agent = AgentId::new(agent.get_untracked()).ok().or_else(|| side.only());
        let (text, race, parts) = side.asked();
        let agent = agent.filter(|_| race.is_empty() && parts.is_empty());
        let request = Request::Ask {
            client,
            text,
            project,
            agent,
            race,
            parts,
            step: None,
            channel: Channel::Dashboard,
        };
        busy.set(true);
        leptos::task::spawn_local(async move {
            let answer = app.call(&request).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(_) => {
                    let _ = tried.try_update_value(|t| *t = None);
                    let _ = draft.try_set(String::new());
                    side.clear();
                    let _ = refused.try_set(None);
                    app.go(Route::to(View::Home));
                    app.head.update(|_| {});
                }
                Err(why) => {
                    let _ = refused.try_set(Some(why));
                }
            }
        });
    };
    let key = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            send();
        }
    };
    view! {
        <form class="composer" on:submit=move |e| { e.prevent_default(); send() }>
            {move || refused.get().map(|why| view! {
                <p class="say bad" role="alert" data-testid="ask-refused">
                    <span class="say-mark" aria-hidden="true">"✕"</span>{crate::words::sentence(&why.to_string())}
                </p>
            })}
            <textarea
                data-testid="ask-box"
                data-focus
                rows="3"
                dir="auto"
                aria-label="What do you want?"
                placeholder="What do you want? In plain words"
                prop:value=draft.shown()
                on:input=typed(draft)
                on:keydown=key
            ></textarea>
            {side.view(app)}
            <div class="composer-row">
                {part(move || (!side.several()).then(|| view! { <AgentChoice agent=agent/> }))}
                <span class="grow"></span>
                <button class="primary" data-testid="ask-send" disabled=move || busy.get() || draft.look(|d| d.trim().is_empty())>
                    {move || if busy.get() { "Sending…" } else { "Ask Hermes" }}
                </button>
            </div>
        </form>
    }
}

#[component]
fn AgentChoice(agent: RwSignal<String>) -> impl IntoView {
    let app = App::here();
    let catalogue = memo(move || {
        app.home_with(|h| {
            let row = |a: &protocol::view::AgentRow| {
                let note = match &a.readiness {
                    Readiness::Practice => " (practice)",
                    Readiness::Busy { .. } => " (busy)",
                    other if other.is_ready() => "",
                    _ => " (not ready)",
                };
                (a.agent.to_string(), format!("{}{note}", a.title))
            };
            h.agents.iter().map(row).collect::<Vec<_>>()
        })
        .unwrap_or_default()
    });
    view! {
        <select
            data-testid="ask-agent"
            aria-label="Which agent"
            prop:value=agent.shown()
            on:change=typed(agent)
        >
            <option value="">"Agent: auto"</option>
            {move || catalogue.get().into_iter().map(|(id, title)| view! { <option value=id>{title}</option> }).views()}
        </select>
    }
}
