//! The project menu: which project is active, switching, and making a new one from a starter.

use super::App;
use super::kept::{RwSignal, memo};
use super::signals::{Views, effect};
use crate::backend::Answer;
use crate::parts::plain::{changed, click, typed};
use crate::words::route::{Route, View};
use leptos::prelude::*;
use protocol::Request;
use protocol::view::ProjectRow;

/// The starters that a daemon of this version has.
pub const STARTERS: [(&str, &str, &str); 2] = [
    ("react", "React app", "Vite, React Router and Tailwind on Node: pages, forms, a server"),
    ("static", "Plain site", "HTML and CSS files, nothing to build"),
];

#[component]
pub fn ProjectMenu() -> impl IntoView {
    let app = App::here();
    let open = RwSignal::new(false);
    let active = memo(move || {
        app.home_with(|h| h.projects.iter().find(|p| p.active).map(|p| p.name.clone())).flatten()
    });
    effect(move || {
        if app.act.get().is_some() {
            open.set(false);
        }
    });
    view! {
        <div class="menu">
            <button
                class="project"
                data-testid="project-menu"
                aria-haspopup="true"
                aria-expanded=move || open.get().to_string()
                on:click=click(move |_| open.update(|o| *o = !*o))
            >
                <span class="muted">"Project"</span>
                <b>{move || active.get().unwrap_or_else(|| "…".to_owned())}</b>
                <span aria-hidden="true">"▾"</span>
            </button>
            <Show when=move || open.get()>
                <div class="menu-veil" on:click=click(move |_| open.set(false))></div>
                <div class="menu-sheet">
                    <Switch open=open/>
                    <NewProject open=open/>
                </div>
            </Show>
        </div>
    }
}

#[component]
fn Switch(open: RwSignal<bool>) -> impl IntoView {
    let app = App::here();
    let projects = memo(move || app.home_with(|h| h.projects.clone()).unwrap_or_default());
    view! {
        <h3>"Switch to"</h3>
        <ul class="menu-list">
            {move || projects.get().into_iter().map(|row| project(app, row, open)).views()}
        </ul>
    }
}

fn project(app: App, row: ProjectRow, open: RwSignal<bool>) -> impl IntoView {
    let name = row.name.clone();
    let activate = move |_| {
        app.act(Request::ActivateProject { project: row.project.clone() }, "", move |_| {
            app.go(Route::to(View::Home));
            let _ = open.try_set(false);
        });
    };
    view! {
        <li>
            <button class="menu-item" disabled=row.active data-testid="project-item" on:click=activate>
                <span>{name}</span>
                <span class="muted small">{row.starter}</span>
                <span aria-hidden="true">{if row.active { "✓" } else { "" }}</span>
            </button>
        </li>
    }
}

#[component]
fn NewProject(open: RwSignal<bool>) -> impl IntoView {
    let app = App::here();
    let name = RwSignal::new(String::new());
    let starter = RwSignal::new(STARTERS[0].0);
    let busy = RwSignal::new(false);
    let create = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let wanted = name.get_untracked().trim().to_owned();
        if wanted.is_empty() || busy.get_untracked() {
            return;
        }
        busy.set(true);
        leptos::task::spawn_local(async move {
            let request =
                Request::CreateProject { name: wanted, starter: starter.get_untracked().to_owned() };
            let answer = app.call(&request).await;
            let _ = busy.try_set(false);
            match answer {
                Ok(Answer::Project { project }) => {
                    let _ = open.try_set(false);
                    app.act(
                        Request::ActivateProject { project },
                        "The project is made. Hermes works on it now.",
                        move |_| {
                            app.go(Route::to(View::Home));
                        },
                    );
                }
                Ok(_) => {}
                Err(refused) => app.warn(&refused),
            }
        });
    };
    view! {
        <h3>"New project"</h3>
        <form class="stack" on:submit=create>
            <label class="field">
                <span>"Name"</span>
                <input
                    data-testid="project-name"
                    placeholder="Bakery Sauerteig"
                    prop:value=name.shown()
                    on:input=typed(name)
                />
            </label>
            <fieldset class="choices">
                <legend>"Starts from"</legend>
                {STARTERS
                    .into_iter()
                    .map(|(id, title, says)| {
                        view! {
                            <label class="choice">
                                <input
                                    type="radio"
                                    name="starter"
                                    value=id
                                    prop:checked=move || starter.get() == id
                                    on:change=changed(move |_| starter.set(id))
                                />
                                <span><b>{title}</b><br/><span class="muted small">{says}</span></span>
                            </label>
                        }
                    })
                    .views()}
            </fieldset>
            <button class="primary" data-testid="project-create" disabled=move || busy.get()>
                {move || if busy.get() { "Making it…" } else { "Create project" }}
            </button>
        </form>
    }
}
