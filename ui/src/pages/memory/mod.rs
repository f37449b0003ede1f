//! Memory: search as one types, a note with where it comes from and who recalled it, the graph, and how it all stands.

mod edit;
mod graph;
mod list;
mod note;
mod push;
mod state;

use crate::app::{App, Memo, RwSignal, Views, memo, part};
use crate::parts::plain::{self, clicked};
use crate::words::memory::Place;
use leptos::prelude::*;

#[component]
pub fn Memory() -> impl IntoView {
    let app = App::here();
    let place = memo(move || app.route.look(|r| Place::of(r.open.as_deref())));
    let tab = memo(move || {
        place.look(|p| match p {
            Place::Notes | Place::Note(_) => 0usize,
            Place::Graph(_) => 1,
            Place::State => 2,
        })
    });
    let query = RwSignal::new(String::new());
    let body = part(move || match tab.get() {
        0 => list::list(app, place, query),
        1 => graph::page(app, place),
        _ => state::page(app),
    });
    view! {
        <div class="sheet">
            <header class="sheet-head">
                <h1>"Memory"</h1>
                {tabs(tab)}
                <span class="grow"></span>
                {part(move || (tab.get() == 0).then(|| list::search(query)))}
            </header>
            {body}
        </div>
    }
}

fn tabs(tab: Memo<usize>) -> AnyView {
    let all = [
        (Place::Notes, "Notes", "memory-notes"),
        (Place::Graph(None), "Graph", "memory-graph"),
        (Place::State, "State", "memory-state-tab"),
    ];
    let link = |(i, (place, name, testid)): (usize, (Place, &'static str, &'static str))| {
        let here = move || (tab.get() == i).then_some("page");
        view! { <a class="tab button" href=place.hash() aria-current=here data-testid=testid>{name}</a> }
    };
    view! { <nav class="tabs" aria-label="Memory">{all.into_iter().enumerate().map(link).views()}</nav> }
        .into_any()
}

/// Small switches, each on or off.
pub fn switches(on: RwSignal<Vec<String>>, options: Vec<(String, AnyView)>, testid: &'static str) -> AnyView {
    let one = |(id, label): (String, AnyView)| {
        let (mine, name) = (id.clone(), id.clone());
        let pressed = move || on.look(|on| on.contains(&mine)).to_string();
        let act: plain::Act = Box::new(move || {
            on.update(|all| match all.iter().position(|one| *one == id) {
                Some(at) => drop(all.remove(at)),
                None => all.push(id.clone()),
            })
        });
        view! {
            <button type="button" class="switch" aria-pressed=pressed data-testid=testid data-kind=name on:click=clicked(act)>{label}</button>
        }
    };
    options.into_iter().map(one).views().into_any()
}
