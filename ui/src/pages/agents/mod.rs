//! Agents: what is proven of each coding agent, and the one thing to do about it. With an agent in the address, the
//! dialog in which it is signed in.

mod account;
mod card;
mod job;
mod ladder;
mod sign_in;

use crate::app::{App, Load, Memo, RwSignal, Views, each, memo, part, read};
use crate::backend::Answer;
use crate::parts::{plain, states};
use crate::words::agents;
use leptos::prelude::*;
use protocol::Request;
use protocol::view::AgentRow;

type Rows = Memo<Vec<AgentRow>>;

#[component]
pub fn Agents() -> impl IntoView {
    let app = App::here();
    let load = read(app, move || {
        app.head.track();
        Some(Request::Agents { fresh: false })
    });
    let rows: Rows = memo(move || match load.get() {
        Load::Ready(Answer::Agents { rows }) => rows,
        _ => Vec::new(),
    });
    let state = memo(move || match load.get() {
        Load::Loading => Err(None),
        Load::Failed(why) => Err(Some(why)),
        Load::Ready(_) => Ok(rows.look(Vec::is_empty)),
    });
    let looking = RwSignal::new(false);
    let look = plain::clicked(Box::new(move || {
        looking.set(true);
        leptos::task::spawn_local(async move {
            look_again(app, load).await;
            let _ = looking.try_set(false);
        });
    }));
    let body = part(move || match state.get() {
        Err(None) => states::loading(4),
        Err(Some(why)) => states::failed(&why),
        Ok(true) => {
            states::empty("No agent is known", "Look again; if it stays so, run `loopwrightd doctor`.")
        }
        Ok(false) => cards(app, rows, load),
    });
    view! {
        <div class="sheet">
            <header class="sheet-head">
                <h1>"Agents"</h1>
                <span class="grow"></span>
                <button data-testid="look-again" disabled=move || looking.get() on:click=look>
                    {part(move || if looking.get() { "Looking…" } else { "Look again" })}
                </button>
                {plain::p("muted", "Hermes gives work to the first one that is ready. A state is only claimed when it was proven, each rung by itself.")}
            </header>
            {body}
            <section class="stack">
                <h3>"What the colours mean"</h3>
                <ul class="legend">
                    {agents::LEGEND.map(|(light, means)| view! { <li><i class=light.class()></i><span>{means}</span></li> }).into_iter().views()}
                </ul>
                {plain::p("muted small", "A check plays every case against a scripted service: it needs no account and costs nothing.")}
                {plain::p("muted small", "A bridge that is up is not an account that is signed in: they are shown apart, and neither says anything of the other.")}
            </section>
        </div>
        {sign_in::dialog(app, rows, load)}
    }
}

fn cards(app: App, rows: Rows, load: RwSignal<Load>) -> AnyView {
    let ids = memo(move || rows.look(|rows| rows.iter().map(|r| r.agent.clone()).collect::<Vec<_>>()));
    view! {
        <div class="agents">
            {each(move || ids.get(), ToString::to_string, move |id| {
                let row = memo(move || rows.look(|rows| rows.iter().find(|r| r.agent == id).cloned()));
                view! { {part(move || row.get().map(|row| card::card(app, row, load)))} }.into_any()
            })}
        </div>
    }
    .into_any()
}

/// Asks every program again, now, and shows what was found.
async fn look_again(app: App, load: RwSignal<Load>) {
    match app.call(&Request::Agents { fresh: true }).await {
        Ok(rows) => {
            let _ = load.try_set(Load::Ready(rows));
            app.head.update(|_| {});
        }
        Err(refused) => app.warn(&refused),
    }
}
