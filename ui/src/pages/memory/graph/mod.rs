//! The graph of what notes are about. At first those entities that have the most relations; from there by name or by
//! click to what is around one, along a way between two, or to all of them at once.

mod brush;
mod find;
mod hands;
mod panel;
mod stage;

use super::switches;
use crate::app::{App, Load, Memo, RwSignal, effect, memo, part, read};
use crate::backend::Answer;
use crate::parts::plain::{self, changed};
use crate::parts::states;
use crate::words::graph::{KINDS, kind_of, shapes};
use crate::words::memory::Place;
use crate::words::route::{Route, View};
use crate::words::{counted, figures};
use leptos::html::Canvas;
use leptos::prelude::*;
use protocol::At;
use protocol::Request;
use protocol::api::GraphAsk;
use protocol::view::GraphView;
use stage::{Hand, Stage, wake};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

/// Entities at first sight, around one, and at most.
const FIRST: u32 = 60;
const AROUND: u32 = 120;
const MOST: u32 = 5_000;

type Ears = Closure<dyn FnMut(web_sys::Event)>;

#[derive(Clone, Copy)]
pub struct Graph {
    app: App,
    focus: Memo<Option<String>>,
    canvas: NodeRef<Canvas>,
    hand: StoredValue<Option<Hand>, LocalStorage>,
    /// What hears the canvas, kept as long as the page is open.
    ears: StoredValue<Option<Ears>, LocalStorage>,
    /// Moves when something else is shown.
    shown: RwSignal<u32>,
    way: RwSignal<Vec<String>>,
    all: RwSignal<bool>,
    far: RwSignal<bool>,
    kinds: RwSignal<Vec<String>>,
    since: RwSignal<Option<i64>>,
    until: RwSignal<Option<i64>>,
}

impl Graph {
    fn with<T>(self, act: impl FnOnce(&Hand) -> T) -> Option<T> {
        self.hand.try_with_value(|hand| hand.as_ref().map(act)).flatten()
    }

    fn focus_on(self, name: &str) {
        let open = Place::Graph(Some(name.to_owned())).open();
        self.app.go(Route { view: View::Memory, open });
    }

    fn ask(self) -> GraphAsk {
        let focus = self.focus.get();
        let limit = match (&focus, self.all.get()) {
            (Some(_), _) => AROUND,
            (None, true) => MOST,
            (None, false) => FIRST,
        };
        let depth = focus.as_ref().map(|_| if self.far.get() { 2 } else { 1 });
        GraphAsk {
            project: self.app.active(),
            focus,
            depth,
            limit: Some(limit),
            kinds: self.kinds.get(),
            since: self.since.get().map(At),
            until: self.until.get().map(At),
            find: None,
        }
    }

    /// Whether it is not simply all that there is.
    fn is_narrowed(self) -> bool {
        let by_kind = self.kinds.look(|kinds| !kinds.is_empty());
        by_kind || self.focus.look(Option::is_some) || self.since.get().or(self.until.get()).is_some()
    }

    /// What is around this one as well, beside what is there.
    fn expand(self, name: String) {
        let ask = GraphAsk {
            project: self.app.active_untracked(),
            focus: Some(name),
            depth: Some(1),
            limit: Some(40),
            ..GraphAsk::default()
        };
        self.app.act(Request::Graph(Box::new(ask)), "", move |answer| {
            if let Answer::Graph(view) = answer {
                self.change(|stage| stage.add(*view));
            }
        });
    }

    /// The shortest way from the focus.
    fn lead(self, to: String) {
        let Some(from) = self.focus.get_untracked() else { return };
        let ask =
            Request::GraphPath { project: self.app.active_untracked(), from: from.clone(), to: to.clone() };
        self.app.act(ask, "", move |answer| {
            let Answer::Graph(view) = answer else { return };
            let mut names = Vec::new();
            self.change(|stage| {
                if stage.lead(*view, &from, &to) {
                    names = stage.way.iter().map(|i| stage.space.spot(*i).name.clone()).collect();
                }
            });
            if names.is_empty() {
                self.app.tell("No way leads from one to the other.");
            }
            let _ = self.way.try_set(names);
        });
    }

    /// Does something to what is on the canvas, and draws it.
    fn stir(self, act: impl FnOnce(&mut Stage)) {
        self.with(|hand| {
            act(&mut hand.borrow_mut());
            wake(hand);
        });
    }

    /// The same, when it shows something else then.
    fn change(self, act: impl FnOnce(&mut Stage)) {
        self.stir(act);
        let _ = self.shown.try_update(|n| *n += 1);
    }
}

pub fn page(app: App, place: Memo<Place>) -> AnyView {
    let focus = memo(move || {
        place.look(|p| match p {
            Place::Graph(focus) => focus.clone(),
            _ => None,
        })
    });
    let graph = Graph {
        app,
        focus,
        canvas: NodeRef::new(),
        hand: StoredValue::new_local(None),
        ears: StoredValue::new_local(None),
        shown: RwSignal::new(0),
        way: RwSignal::new(Vec::new()),
        all: RwSignal::new(false),
        far: RwSignal::new(false),
        kinds: RwSignal::new(Vec::new()),
        since: RwSignal::new(None),
        until: RwSignal::new(None),
    };
    let head = memo(move || app.head.get());
    let load = read(app, move || {
        // A few entities follow what happens; thousands are read when one asks for them.
        if !graph.all.get() || graph.focus.look(Option::is_some) {
            head.track();
        }
        Some(Request::Graph(Box::new(graph.ask())))
    });
    on_stage(graph, load);
    let state = memo(move || match load.get() {
        Load::Loading => Err(None),
        Load::Failed(why) => Err(Some(why)),
        Load::Ready(Answer::Graph(view)) => Ok((view.nodes.len() as u64, view.edges.len() as u64, view.of)),
        Load::Ready(_) => Ok((0, 0, 0)),
    });
    let over = part(move || match state.get() {
        Err(None) => states::loading(3),
        Err(Some(why)) => states::failed(&why),
        Ok((0, _, 0)) if !graph.is_narrowed() => states::empty(
            "There is no graph yet",
            "Notes bring it with them: files, packages, routes, errors and terms that they name, and what stands together.",
        ),
        Ok((0, _, _)) => {
            states::empty("No entity is left", "Switch kinds off, widen the time, or look for another name.")
        }
        Ok(_) => ().into_any(),
    });
    let covered = move || !matches!(state.get(), Ok((1.., _, _)));
    view! {
        <div class="stack" data-testid="graph">
            {tools(graph, state)}
            <div class="graph">
                <div class="card graph-stage">
                    {hands::canvas(graph)}
                    {hands::buttons(graph)}
                    <div class="graph-over" class:off=move || !covered()>{over}</div>
                </div>
                {panel::panel(graph)}
            </div>
            {panel::list(graph)}
        </div>
    }
    .into_any()
}

/// Brings what was read onto the canvas, and makes it anew when the page's colours or size change.
fn on_stage(graph: Graph, load: RwSignal<Load>) {
    let shown = StoredValue::new((None::<String>, GraphView::default()));
    effect(move || {
        let Some(canvas) = graph.canvas.get() else { return };
        if graph.with(|_| ()).is_none() {
            hands::listen(graph, &canvas);
            graph.hand.set_value(Stage::on(canvas));
        }
        let focus = graph.focus.get();
        let Load::Ready(Answer::Graph(view)) = load.get() else { return };
        let there = |name: &String| view.nodes.iter().any(|n| n.name == *name);
        // The answer to another question: what is around the focus is on its way.
        if focus.as_ref().is_some_and(|f| !view.nodes.is_empty() && !there(f)) {
            return;
        }
        let same = shown.with_value(|(f, v)| *f == focus && *v == *view);
        if same && graph.shown.get_untracked() > 0 {
            return;
        }
        shown.set_value((focus.clone(), (*view).clone()));
        graph.way.set(Vec::new());
        graph.change(|stage| stage.show(*view, focus.as_deref()));
    });
    let again = move || graph.stir(Stage::stale);
    effect(move || {
        graph.app.theme.track();
        again();
    });
    let resized = window_event_listener(leptos::ev::resize, move |_| again());
    on_cleanup(move || resized.remove());
}

fn tools(graph: Graph, state: Memo<Result<(u64, u64, u64), Option<protocol::ApiError>>>) -> AnyView {
    let says = part(move || {
        graph.shown.track();
        let Ok((_, _, of)) = state.get() else { return ().into_any() };
        let (nodes, edges) = graph
            .with(|hand| {
                let space = &hand.borrow().space;
                (space.spots.len() as u64, space.lines.len() as u64)
            })
            .unwrap_or_default();
        let said = format!(
            "{} of {}, {}",
            figures::grouped(nodes),
            counted(of, "entity", "entities"),
            counted(edges, "relation", "relations")
        );
        view! { <span class="muted small figure" role="status" data-testid="graph-says">{said}</span> }
            .into_any()
    });
    let more = part(move || {
        let of = state.get().map_or(0, |(_, _, of)| of);
        if graph.focus.look(Option::is_some) {
            let (far, label) = if graph.far.get() { (false, "One step only") } else { (true, "Two steps") };
            return view! {
                {plain::button("‹ Back", "small-button", "graph-back", || { let _ = window().history().map(|h| h.back()); })}
                {plain::link("Overview", Place::Graph(None).hash(), "button small-button", "graph-overview")}
                {plain::button(label, "small-button", "graph-depth", move || graph.far.set(far))}
            }
            .into_any();
        }
        let all = graph.all.get();
        let label = if all {
            "The most connected".to_owned()
        } else {
            format!("Show all {}", figures::grouped(of.min(u64::from(MOST))))
        };
        (all || of > u64::from(FIRST))
            .then(|| plain::button(label, "small-button", "graph-all", move || graph.all.set(!all)))
            .into_any()
    });
    let kinds = KINDS
        .iter()
        .take(KINDS.len() - 1)
        .map(|kind| ((*kind).to_owned(), view! { {mark(kind)}<span>{*kind}</span> }.into_any()));
    view! {
        <div class="graph-tools">
            {find::find(graph.app, "graph-find", "Find an entity ( / )", true, Callback::new(move |name: String| graph.focus_on(&name)))}
            {more}
            <span class="grow"></span>
            {day(graph.since, 0, "From", "graph-since")}
            {day(graph.until, 86_400_000, "to", "graph-until")}
            {says}
        </div>
        <div class="switches" role="group" aria-label="Kinds: those that are pressed are shown; none: all">
            {switches(graph.kinds, kinds.collect(), "graph-kind")}
        </div>
    }
    .into_any()
}

/// A day; `end` is what is added to its beginning, in milliseconds.
fn day(value: RwSignal<Option<i64>>, end: i64, label: &'static str, testid: &'static str) -> AnyView {
    let zone = i64::from(App::here().zone) * 60_000;
    let set = changed(move |e| {
        let chosen = e.target().map(|t| t.unchecked_into::<web_sys::HtmlInputElement>().value_as_number());
        value.set(chosen.filter(|ms| ms.is_finite()).map(|ms| ms as i64 - zone + end));
    });
    view! { <label class="tick">{label}<input type="date" data-testid=testid on:change=set/></label> }
        .into_any()
}

/// A kind's mark: its shape in its colour.
pub fn mark(kind: &str) -> AnyView {
    let place = kind_of(kind);
    view! {
        <svg class="kind-mark" viewBox="0 0 160 160" width="12" height="12" data-kind=place.to_string() role="img" aria-label=kind.to_owned()>
            <polygon points=shapes::points(place)/>
        </svg>
    }
    .into_any()
}
