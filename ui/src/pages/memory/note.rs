//! One note, opened: its words, where it comes from, what it is about, who was told of it, and what can be done with it.

use super::edit::{self, Draft};
use crate::app::{App, Load, Memo, RwSignal, Views, effect, memo, part, read};
use crate::backend::Answer;
use crate::parts::plain::{self, fact};
use crate::parts::states;
use crate::parts::time::ago;
use crate::words::memory::Place;
use crate::words::route::{Route, View};
use crate::words::{figures, memory, sentence};
use leptos::prelude::*;
use protocol::Request;
use protocol::api::RecallAsk;
use protocol::id::NoteId;
use protocol::view::{NoteRow, NoteView, ReadingRow, RecalledBy};

/// What one is about to do with the note.
#[derive(Clone, Copy, PartialEq)]
enum Doing {
    Reading,
    Editing,
    Superseding,
    Forgetting,
    /// It was told to be forgotten: nothing more is asked of it.
    Leaving,
}

pub fn note(app: App, place: Memo<Place>) -> AnyView {
    let open = memo(move || {
        place.look(|p| match p {
            Place::Note(id) => NoteId::new(id.clone()).ok(),
            _ => None,
        })
    });
    let doing = RwSignal::new(Doing::Reading);
    effect(move || {
        open.track();
        doing.set(Doing::Reading);
    });
    let head = memo(move || app.head.get());
    let leaving = memo(move || doing.get() == Doing::Leaving);
    let load = read(app, move || {
        head.track();
        open.get().filter(|_| !leaving.get()).map(|note| Request::Note { note })
    });
    part(move || match (open.get(), load.get()) {
        (None, _) => view! { <div class="card blank nothing"><p class="muted">"Open a note to read it whole: click it, or j k and Enter."</p></div> }.into_any(),
        (Some(_), Load::Failed(why)) => view! { <div class="card">{back()}{states::failed(&why)}</div> }.into_any(),
        (Some(id), Load::Ready(Answer::Note(view))) if view.row.note == id => whole(app, doing, *view),
        (Some(_), _) => view! { <div class="card">{states::loading(4)}</div> }.into_any(),
    })
    .into_any()
}

fn back() -> AnyView {
    plain::link("‹ All notes", Place::Notes.hash(), "back small", "note-back")
}

fn whole(app: App, doing: RwSignal<Doing>, view: NoteView) -> AnyView {
    let row = view.row.clone();
    let agent = row.agent.as_ref().map(|a| format!(", by {}", app.agent_title(a)));
    let look = row.request.as_ref().map(|r| {
        plain::link(
            "The request it came from",
            Route::open(View::Home, r.to_string()).hash(),
            "small",
            "note-request",
        )
    });
    let newer = row.superseded_by.clone().map(|by| {
        view! { <p class="now-line" data-status="waiting">"A newer note says it better: "{to(&by)}"."</p> }
    });
    let doing_now = part(move || act(app, doing, &row));
    let row = view.row.clone();
    let parts = [
        listed("It supersedes", view.supersedes.iter().map(|id| item(to(id), None)).collect()),
        listed("It is about", vec![entities(&view)]).filter(|_| !view.entities.is_empty()),
        listed("Told to", view.recalled_by.iter().map(|told| told_to(app, told)).collect()),
        listed("Read by", view.readings.iter().map(|read| reading(app, read)).collect()),
    ];
    view! {
        <article class="card card-body" data-testid="note-open" data-note=row.note.to_string()>
            {back()}
            <header class="item-head"><h2 dir="auto">{row.title.clone()}</h2><span class="badge">{row.note_kind.word()}</span></header>
            <p class="muted small" data-testid="note-from">"From "{memory::source(&row)}{agent}", "{ago(app, row.at)}{format!(", ≈ {} tokens", figures::grouped(row.tokens))}</p>
            {newer}
            <p class="item-text" dir="auto" data-testid="note-text">{row.text.clone()}</p>
            {doing_now}
            {look}
            {parts.into_iter().flatten().views()}
        </article>
    }
    .into_any()
}

/// A link to another note, by its id.
fn to(note: &NoteId) -> AnyView {
    plain::link(note.to_string(), Place::Note(note.to_string()).hash(), "code", "note-link")
}

fn listed(title: &'static str, items: Vec<AnyView>) -> Option<AnyView> {
    if items.is_empty() {
        return None;
    }
    Some(view! { <section class="stack"><h3>{title}</h3><ul class="lines">{items}</ul></section> }.into_any())
}

fn item(what: AnyView, more: Option<AnyView>) -> AnyView {
    view! { <li class="small">{what}" "{more}</li> }.into_any()
}

fn entities(view: &NoteView) -> AnyView {
    let one = |e: &protocol::view::EntityRow| {
        let href = Place::Graph(Some(e.name.clone())).hash();
        let title =
            if e.description.is_empty() { e.kind.clone() } else { format!("{}: {}", e.kind, e.description) };
        view! { <a class="badge entity" href=href title=title data-testid="note-entity" data-kind=e.kind.clone()>{e.name.clone()}</a> }
    };
    let all = view.entities.iter().take(60).map(one).views();
    view! { <li class="actions">{all}</li> }.into_any()
}

fn told_to(app: App, told: &RecalledBy) -> AnyView {
    let href = Route::open(View::Home, told.request.to_string()).hash();
    let when = if told.attempt.is_some() { "an agent asked" } else { "Hermes woke up" };
    let more = view! { <span class="muted">{when}", "{ago(app, told.at)}". "{sentence(&told.why)}</span> }
        .into_any();
    item(plain::link(told.request.to_string(), href, "code", "note-told"), Some(more))
}

fn reading(app: App, read: &ReadingRow) -> AnyView {
    let cost = read.usage.cost_usd.map(|usd| format!(", {}", figures::dollars(usd)));
    let why = read.why.as_deref().map(|why| format!(" Nothing came of it: {why}."));
    let tokens = figures::tokens_in_cell(&read.usage, false);
    let more =
        view! { <span class="muted">{ago(app, read.at)}", tokens: "{tokens}{cost}"."{why}</span> }.into_any();
    item(plain::span("", read.by.clone()), Some(more))
}

fn act(app: App, doing: RwSignal<Doing>, row: &NoteRow) -> AnyView {
    let switch = move |label: &'static str, class, testid, to| {
        plain::button(label, class, testid, move || doing.set(to))
    };
    let stop = move || switch("Never mind", "small-button", "note-stop", Doing::Reading);
    match doing.get() {
        Doing::Reading | Doing::Leaving => view! {
            <div class="actions">
                {switch("Edit", "small-button", "edit-note", Doing::Editing)}
                {switch("Another says it better…", "small-button", "supersede-note", Doing::Superseding)}
                {switch("Forget…", "small-button danger", "forget", Doing::Forgetting)}
            </div>
        }
        .into_any(),
        Doing::Editing => {
            let draft = Draft {
                kind: row.note_kind,
                title: row.title.clone(),
                text: row.text.clone(),
                instead_of: Some(row.note.clone()),
            };
            let then = Callback::new(move |note: NoteId| app.go(Route::open(View::Memory, note.to_string())));
            view! { <div class="next stacked">{edit::form(app, "edit", draft, then)}{stop()}</div> }
                .into_any()
        }
        Doing::Superseding => {
            view! { <div class="next stacked">{better(app, doing, row.note.clone())}{stop()}</div> }
                .into_any()
        }
        Doing::Forgetting => {
            let id = row.note.clone();
            let forget =
                plain::button("Forget it for ever", "small-button danger", "forget-yes", move || {
                    doing.set(Doing::Leaving);
                    app.act(
                        Request::Forget { note: id.clone() },
                        "Forgotten: its text is deleted.",
                        move |_| app.go(Route::to(View::Memory)),
                    );
                });
            view! {
                <div class="next stacked" role="group" aria-label="Forget this note">
                    <p><b>"This deletes for ever:"</b></p>
                    <ul class="lines small">
                        <li>"its words and title, and what was read out of them"</li>
                        <li>"its entries in the search index and its vectors"</li>
                        <li>"entities and relations that no other note names"</li>
                        <li>"the briefs and transcripts that held it"</li>
                    </ul>
                    <p class="muted small">"The journal keeps that a note was there, and when, without its words. Notes that it superseded are current again."</p>
                    <div class="actions">{forget}{stop()}</div>
                </div>
            }
            .into_any()
        }
    }
}

/// Finding the note that says it better.
fn better(app: App, doing: RwSignal<Doing>, old: NoteId) -> AnyView {
    let query = RwSignal::new(String::new());
    let load = read(app, move || {
        let query = query.get().trim().to_owned();
        let ask = RecallAsk { project: app.active(), query, limit: Some(8), ..RecallAsk::default() };
        (!ask.query.is_empty()).then(|| Request::Recall(Box::new(ask)))
    });
    let found = part(move || {
        let Load::Ready(Answer::Recalled(found)) = load.get() else { return ().into_any() };
        let others = found.rows.into_iter().filter(|row| row.note != old);
        let one = |row: NoteRow| {
            let (note, by) = (old.clone(), row.note.clone());
            let act = move || {
                let request = Request::Supersede { note: note.clone(), by: by.clone() };
                app.act(request, "Superseded: the other one is recalled from now on.", move |_| {
                    let _ = doing.try_set(Doing::Reading);
                });
            };
            item(
                plain::button("This one", "small-button", "supersede-by", act),
                Some(plain::span("", row.title)),
            )
        };
        let rows = others.map(one).views();
        if rows.is_empty() {
            plain::p("muted small", "No other note matches.")
        } else {
            view! { <ul class="lines">{rows}</ul> }.into_any()
        }
    });
    view! {
        <label class="field"><span>"Which note says it better?"</span>
            {plain::line(query, "supersede-search".to_owned(), "Search".to_owned(), "Type what it says".to_owned(), false)}
        </label>
        {found}
    }
    .into_any()
}

/// A list of facts about one thing.
pub fn facts(all: Vec<(&'static str, String)>) -> AnyView {
    let one = |(name, value): (&'static str, String)| fact(name, plain::span("figure", value));
    view! { <dl class="facts">{all.into_iter().map(one).views()}</dl> }.into_any()
}
