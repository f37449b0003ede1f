//! Agents: the state of each coding agent, what it means, and its one next step.

use crate::app::{App, Load, Views, part, read};
use crate::backend::Answer;
use crate::parts::attempt::practice_badge;
use crate::parts::states;
use crate::parts::time::ago;
use crate::words::agents;
use leptos::prelude::*;
use protocol::Request;
use protocol::view::AgentRow;

#[component]
pub fn Agents() -> impl IntoView {
    let app = App::here();
    let load = read(app, move || {
        app.head.track();
        Some(Request::Agents { fresh: false })
    });
    let looking = RwSignal::new(false);
    let look = move |_| {
        looking.set(true);
        leptos::task::spawn_local(async move {
            let answer = app.call(&Request::Agents { fresh: true }).await;
            let _ = looking.try_set(false);
            match answer {
                Ok(rows) => {
                    let _ = load.try_set(Load::Ready(rows));
                    app.head.update(|_| {});
                }
                Err(refused) => app.warn(&refused),
            }
        });
    };
    let body = part(move || match load.get() {
        Load::Loading => states::loading(4),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Agents { rows }) if rows.is_empty() => {
            states::empty("No agent is known", "Look again; if it stays so, run `loopwrightd doctor`.")
        }
        Load::Ready(Answer::Agents { rows }) => {
            view! { <div class="agents">{rows.into_iter().map(|row| agent(app, row)).views()}</div> }
                .into_any()
        }
        Load::Ready(_) => ().into_any(),
    });
    view! {
        <div class="sheet">
            <header class="sheet-head">
                <h1>"Agents"</h1>
                <span class="grow"></span>
                <button data-testid="look-again" disabled=move || looking.get() on:click=look>
                    {move || if looking.get() { "Looking…" } else { "Look again" }}
                </button>
                <p class="muted">"Hermes gives work to the first one that is ready. A state is only claimed when it was proven."</p>
            </header>
            {body}
            <section class="stack">
                <h3>"What the colours mean"</h3>
                <ul class="legend">
                    {agents::LEGEND.map(|(light, means)| view! { <li><i class=light.class()></i><span>{means}</span></li> }).into_iter().views()}
                </ul>
            </section>
        </div>
    }
}

fn agent(app: App, row: AgentRow) -> AnyView {
    let known = agents::known(&row.readiness, app.now.get_untracked(), app.zone);
    let record = agents::record(&row);
    view! {
        <article class="card agent" data-testid="agent" data-agent=row.agent.to_string()>
            <h2>
                <i class=known.light.class()></i>
                {row.title}
                {row.readiness.is_practice().then(practice_badge)}
            </h2>
            <p><b class="state">{known.state}</b>{known.version.map(|v| view! { <span class="muted small">" "{v}</span> })}</p>
            <p class="muted">{known.means}</p>
            {known.next.map(|next| view! { <p class="next"><span class="muted small">"Next: "</span>{next}</p> })}
            <p class="muted small">{record}{row.probed.map(|at| view! { " · looked at "{ago(app, at)} })}</p>
        </article>
    }
    .into_any()
}
