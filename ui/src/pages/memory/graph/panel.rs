//! Beside the canvas: what is known of the focus, and the way that was found. Below it: the same graph as a list.

use super::{Graph, find, mark};
use crate::app::{Load, RwSignal, Views, part, read};
use crate::backend::Answer;
use crate::parts::plain::{self, changed, click};
use crate::parts::states;
use crate::words::graph::{Line, Space};
use crate::words::memory::Place;
use crate::words::{counted, sentence};
use leptos::prelude::*;
use protocol::Request;
use protocol::api::RecallAsk;
use protocol::note::RecallMode;
use protocol::view::{NoteRow, RecalledView};

/// Rows at once; whoever looks for more, looks by name.
const ROWS: usize = 100;

pub fn panel(graph: Graph) -> AnyView {
    let load = read(graph.app, move || {
        let name = graph.focus.get()?;
        let ask = RecallAsk {
            project: graph.app.active(),
            query: name,
            mode: RecallMode::Local,
            limit: Some(8),
            ..RecallAsk::default()
        };
        Some(Request::Recall(Box::new(ask)))
    });
    let body = part(move || match graph.focus.get() {
        Some(name) => of_focus(graph, load, name),
        None => overview(graph),
    });
    view! { <aside class="card card-body graph-panel" aria-label="Entity" data-testid="graph-panel">{body}</aside> }.into_any()
}

fn overview(graph: Graph) -> AnyView {
    let top = part(move || {
        graph.shown.track();
        let rows = graph.with(|hand| {
            let space = &hand.borrow().space;
            space
                .by_degree()
                .into_iter()
                .take(12)
                .map(|i| (i, counted(u64::from(space.spot(i).degree), "relation", "relations")))
                .map(|(i, said)| row(graph, space, i, said))
                .views()
        });
        view! { <ul class="lines">{rows.unwrap_or_default()}</ul> }
    });
    view! {
        <h2>"Most connected"</h2>
        {plain::p("muted small", "Click an entity, here or in the picture, to see what is around it. Drag and turn the wheel to look about.")}
        {top}
    }
    .into_any()
}

/// An entity as a line: to focus on it, and to add what is around it.
fn row(graph: Graph, space: &Space, i: u32, said: String) -> AnyView {
    let spot = space.spot(i);
    let (name, more) = (spot.name.clone(), spot.name.clone());
    let label = format!("Add what is around {}", spot.name);
    view! {
        <li class="entity-row">
            <button type="button" class="link clip" data-row data-testid="graph-entity" data-name=spot.name.clone() on:click=click(move |_| graph.focus_on(&name))>
                {mark(&spot.word)}" "{spot.name.clone()}
            </button>
            <span class="muted small figure">{said}</span>
            <button type="button" class="quiet" data-testid="graph-expand" title=label.clone() aria-label=label on:click=click(move |_| graph.expand(more.clone()))>"+"</button>
        </li>
    }
    .into_any()
}

fn of_focus(graph: Graph, load: RwSignal<Load>, name: String) -> AnyView {
    let heading = name.clone();
    let known = part(move || match load.get() {
        Load::Loading => states::loading(2),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Recalled(found)) => notes(&found, &name),
        Load::Ready(_) => ().into_any(),
    });
    let around = part(move || {
        graph.shown.track();
        graph
            .with(|hand| {
                let stage = hand.borrow();
                let focus = stage.focus?;
                let lines = stage
                    .space
                    .near(focus)
                    .iter()
                    .take(ROWS)
                    .filter_map(|l| stage.space.lines.get(*l as usize));
                let one = |line: &Line| row(graph, &stage.space, line.other(focus), line.kind.clone());
                Some(lines.map(one).views())
            })
            .flatten()
            .map(|rows| view! { <h3>"Relations"</h3><ul class="lines" data-testid="graph-relations">{rows}</ul> })
    });
    let kind = part(move || {
        graph.shown.track();
        let kind = graph.with(|hand| {
            let stage = hand.borrow();
            stage.focus.map(|focus| stage.space.spot(focus).word.clone())
        });
        kind.flatten().map(|kind| view! { <span class="badge">{mark(&kind)}{kind.clone()}</span> })
    });
    let way = part(move || {
        let names = graph.way.get();
        if names.is_empty() {
            return ().into_any();
        }
        let last = names.len().saturating_sub(1);
        let said = counted(last as u64, "step", "steps");
        let one = |name: String| {
            let to = name.clone();
            view! { <li><button type="button" class="link" data-row on:click=click(move |_| graph.focus_on(&to))>{name}</button></li> }
        };
        view! {
            <section class="stack" data-testid="graph-way">
                <h3>"The way: "{said}</h3>
                <ol class="lines lead">{names.into_iter().map(one).views()}</ol>
            </section>
        }
        .into_any()
    });
    view! {
        <header class="item-head"><h2 class="clip-any" dir="auto" data-testid="graph-focus">{heading}</h2>{kind}</header>
        <div class="field"><span class="muted small">"The way to"</span>
            {find::find(graph.app, "graph-path", "Another entity", false, Callback::new(move |to: String| graph.lead(to)))}
        </div>
        {way}
        {known}
        {around}
    }
    .into_any()
}

fn notes(found: &RecalledView, name: &str) -> AnyView {
    let about = found.entities.iter().find(|e| e.name == name).filter(|e| !e.description.is_empty());
    let one = |row: &NoteRow| {
        let href = Place::Note(row.note.to_string()).hash();
        let why = row.why.as_deref().map(sentence);
        view! { <li><a href=href data-testid="graph-note" dir="auto">{row.title.clone()}</a>" "<span class="muted small">{why}</span></li> }
    };
    view! {
        {about.map(|e| plain::p("", e.description.clone()))}
        <h3>"Notes"</h3>
        <ul class="lines">{found.rows.iter().map(one).views()}</ul>
    }
    .into_any()
}

/// The same as the picture, for a keyboard and for a reader of screens.
pub fn list(graph: Graph) -> AnyView {
    let open = RwSignal::new(false);
    let body = part(move || {
        graph.shown.track();
        if !open.get() {
            return ().into_any();
        }
        let made = graph.with(|hand| {
            let space = &hand.borrow().space;
            let rows = space.by_degree().into_iter().take(ROWS).map(|i| entity(graph, space, i)).views();
            (rows, space.spots.len().saturating_sub(ROWS))
        });
        let (rows, left) = made.unwrap_or_default();
        let left = (left > 0).then(|| {
            plain::p(
                "muted small card-body",
                format!(
                    "{} are not in this list: find them by name above.",
                    counted(left as u64, "more entity", "more entities")
                ),
            )
        });
        view! { <ul class="items" data-testid="graph-list">{rows}</ul>{left} }.into_any()
    });
    view! {
        <details class="card fold" data-testid="graph-as-list" on:toggle=changed(move |_| open.set(true))>
            <summary class="card-body">"The same as a list"</summary>
            {body}
        </details>
    }
    .into_any()
}

fn entity(graph: Graph, space: &Space, i: u32) -> AnyView {
    let near = space.near(i).iter().take(12).filter_map(|l| space.lines.get(*l as usize));
    let near: Vec<String> =
        near.map(|line| format!("{} {}", line.kind, space.spot(line.other(i)).name)).collect();
    let said = counted(u64::from(space.spot(i).degree), "relation", "relations");
    let near = crate::words::listed(&near);
    view! {
        <li class="item">
            <ul>{row(graph, space, i, said)}</ul>
            <span class="muted small">{near}</span>
        </li>
    }
    .into_any()
}
