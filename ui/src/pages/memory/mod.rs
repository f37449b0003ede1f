//! Memory: search as one types, read a note, push one, forget one.

mod note;
mod push;

use crate::app::{App, Load, RwSignal, Views, memo, part, read};
use crate::backend::Answer;
use crate::parts::plain::{click, typed};
use crate::parts::states;
use crate::words::route::{Route, View};
use leptos::prelude::*;
use protocol::Request;
use protocol::api::RecallAsk;
use protocol::fact::NoteKind;
use protocol::view::NoteRow;

/// Every kind, with the word that people read.
pub const KINDS: [(NoteKind, &str); 7] = [
    (NoteKind::Decision, "decision"),
    (NoteKind::Preference, "preference"),
    (NoteKind::Document, "document"),
    (NoteKind::Glossary, "glossary"),
    (NoteKind::Step, "step"),
    (NoteKind::Deployment, "deployment"),
    (NoteKind::Failure, "failure"),
];

pub fn kind_word(kind: NoteKind) -> &'static str {
    KINDS.iter().find(|(k, _)| *k == kind).map_or("note", |(_, word)| word)
}

#[component]
pub fn Memory() -> impl IntoView {
    let app = App::here();
    let query = RwSignal::new(String::new());
    let load = read(app, move || {
        app.head.track();
        let query = query.get().trim().to_owned();
        Some(if query.is_empty() {
            Request::Notes { project: app.active(), limit: Some(200), superseded: false }
        } else {
            Request::Recall(Box::new(RecallAsk {
                project: app.active(),
                query,
                limit: Some(50),
                ..RecallAsk::default()
            }))
        })
    });
    let rows = memo(move || match load.get() {
        Load::Ready(Answer::Notes { rows }) => rows,
        Load::Ready(Answer::Recalled(found)) => found.rows,
        _ => Vec::new(),
    });
    let list = part(move || match load.get() {
        Load::Loading => states::loading(6),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Recalled(found)) if found.rows.is_empty() => states::empty(
            "Nothing in memory matches",
            "Try fewer or other words: recall looks for the words themselves.",
        ),
        Load::Ready(_) if rows.look(Vec::is_empty) => states::empty(
            "Memory is empty",
            "Every finished request leaves notes here. You can also push one: a decision, a preference, a document.",
        ),
        Load::Ready(_) => rows.get().into_iter().map(|row| item(app, row)).views().into_any(),
    });
    view! {
        <div class="sheet">
            <header class="sheet-head">
                <h1>"Memory"</h1>
                <span class="grow"></span>
                <input
                    type="search"
                    data-focus
                    data-testid="memory-search"
                    placeholder="Recall: type what you look for ( / )"
                    aria-label="Search memory"
                    prop:value=query.shown()
                    on:input=typed(query)
                />
                <p class="muted">"What Hermes remembers of this project, and reads before each request. Each note says where it came from."</p>
            </header>
            <push::Push/>
            <div class="two">
                <div class="card items" data-testid="notes">{list}</div>
                <note::Note rows=rows/>
            </div>
        </div>
    }
}

fn item(app: App, row: NoteRow) -> AnyView {
    let id = row.note.to_string();
    let route = Route::open(View::Memory, id.clone());
    let open = move || app.route.look(|r| r.open.as_deref() == Some(id.as_str()));
    let why = row.why.as_deref().map(crate::words::sentence);
    view! {
        <button class="item" class:open=open data-row data-testid="note" on:click=click(move |_| app.go(route.clone()))>
            <span class="item-head"><b dir="auto">{row.title}</b><span class="badge">{kind_word(row.note_kind)}</span></span>
            <span class="item-text short muted small" dir="auto">{row.text}</span>
            {why.map(|w| view! { <span class="small" data-testid="note-why">{w}</span> })}
        </button>
    }
    .into_any()
}
