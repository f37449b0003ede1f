//! Finding an entity by some letters of its name.

use super::mark;
use crate::app::{App, Load, RwSignal, Views, part, read};
use crate::backend::Answer;
use crate::parts::plain::{self, click};
use leptos::prelude::*;
use protocol::Request;
use protocol::api::GraphAsk;
use protocol::view::GraphNode;

pub fn find(
    app: App,
    testid: &'static str,
    label: &'static str,
    first: bool,
    then: Callback<String>,
) -> AnyView {
    let letters = RwSignal::new(String::new());
    let load = read(app, move || {
        let find = letters.get().trim().to_owned();
        let ask =
            GraphAsk { project: app.active(), limit: Some(10), find: Some(find), ..GraphAsk::default() };
        ask.find.as_ref().is_some_and(|f| !f.is_empty()).then(|| Request::Graph(Box::new(ask)))
    });
    let found = part(move || {
        if letters.look(|l| l.trim().is_empty()) {
            return ().into_any();
        }
        let Load::Ready(Answer::Graph(view)) = load.get() else { return ().into_any() };
        if view.nodes.is_empty() {
            return view! { <div class="found">{plain::p("muted small", "No entity has these letters.")}</div> }.into_any();
        }
        let one = |node: GraphNode| {
            let (name, kind) = (node.name.clone(), node.kind);
            let act = click(move |_| {
                letters.set(String::new());
                then.run(name.clone());
            });
            view! {
                <button type="button" class="menu-item" data-row data-testid=format!("{testid}-found") on:click=act>
                    {mark(&kind)}<span class="clip">{node.name}</span>
                </button>
            }
        };
        view! { <div class="found">{view.nodes.into_iter().map(one).views()}</div> }.into_any()
    });
    // The first of them is taken by Enter.
    let send = plain::sent(move || {
        let name = load.with_untracked(|load| match load {
            Load::Ready(Answer::Graph(view)) => view.nodes.first().map(|n| n.name.clone()),
            _ => None,
        });
        if let Some(name) = name.filter(|_| letters.with_untracked(|l| !l.trim().is_empty())) {
            letters.set(String::new());
            then.run(name);
        }
    });
    view! {
        <form class="finder" on:submit=send>
            <input type="search" autocomplete="off" dir="auto" data-focus=first.then_some("") data-testid=testid aria-label=label placeholder=label prop:value=letters.shown() on:input=plain::typed(letters)/>
            {found}
        </form>
    }
    .into_any()
}
