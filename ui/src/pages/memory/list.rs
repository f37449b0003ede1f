//! The notes, or what a recall gives while one types.

use super::{note, push, switches};
use crate::app::{App, Load, Memo, RwSignal, Views, memo, part, read};
use crate::backend::Answer;
use crate::parts::plain::{self, changed, click, typed};
use crate::parts::states;
use crate::parts::time::ago;
use crate::words::memory::{self, Place};
use crate::words::route::{Route, View};
use crate::words::sentence;
use leptos::prelude::*;
use protocol::Request;
use protocol::api::RecallAsk;
use protocol::note::RecallMode;
use protocol::view::NoteRow;

pub fn search(query: RwSignal<String>) -> AnyView {
    view! {
        <input
            type="search"
            data-focus
            data-testid="memory-search"
            placeholder="Recall: type what you look for ( / )"
            aria-label="Search memory"
            prop:value=query.shown()
            on:input=typed(query)
        />
    }
    .into_any()
}

/// How one looks.
#[derive(Clone, Copy)]
struct Look {
    query: RwSignal<String>,
    kinds: RwSignal<Vec<String>>,
    mode: RwSignal<String>,
    superseded: RwSignal<bool>,
}

impl Look {
    fn ask(self, app: App) -> Request {
        let query = self.query.get().trim().to_owned();
        if query.is_empty() {
            return Request::Notes {
                project: app.active(),
                limit: Some(200),
                superseded: self.superseded.get(),
            };
        }
        let mode = self.mode.look(|word| RecallMode::ALL.into_iter().find(|m| m.word() == word));
        Request::Recall(Box::new(RecallAsk {
            project: app.active(),
            query,
            mode: mode.unwrap_or_default(),
            limit: Some(50),
            kinds: self.kinds.look(|all| all.iter().map(|word| memory::kind(word)).collect()),
            superseded: self.superseded.get(),
            ..RecallAsk::default()
        }))
    }

    /// The daemon lists notes of all kinds; one's choice is made here.
    fn wants(self, row: &NoteRow) -> bool {
        self.kinds.look(|all| all.is_empty() || all.iter().any(|word| word == row.note_kind.word()))
    }
}

pub fn list(app: App, place: Memo<Place>, query: RwSignal<String>) -> AnyView {
    let look = Look {
        query,
        kinds: RwSignal::new(Vec::new()),
        mode: RwSignal::new(RecallMode::Mix.word().to_owned()),
        superseded: RwSignal::new(false),
    };
    let head = memo(move || app.head.get());
    let load = read(app, move || {
        head.track();
        Some(look.ask(app))
    });
    let open = memo(move || place.look(|p| matches!(p, Place::Note(_))).to_string());
    view! {
        <p class="muted">"What Hermes remembers of this project, and reads before each request. Each note says where it came from."</p>
        <push::Push/>
        <div class="two notes" data-open=move || open.get()>
            <div class="stack">
                {how(look)}
                {part(move || told(&load.get()))}
                <div class="card items" data-testid="notes">{part(move || rows(app, look, place, load.get()))}</div>
            </div>
            {note::note(app, place)}
        </div>
    }
    .into_any()
}

fn how(look: Look) -> AnyView {
    let kinds = memory::kinds().into_iter().map(|(id, word)| (id, plain::span("", word))).collect();
    let modes = RecallMode::ALL.map(|mode| (mode.word().to_owned(), meaning(mode).to_owned()));
    let superseded = changed(move |e| look.superseded.set(event_target_checked(&e)));
    view! {
        <div class="switches" role="group" aria-label="Kinds">{switches(look.kinds, kinds, "kind-filter")}</div>
        <details class="fold small">
            <summary>"How it looks"</summary>
            <div class="actions">
                {plain::choice(look.mode, "recall-mode".to_owned(), "How notes are found", modes.to_vec())}
                <label class="tick"><input type="checkbox" data-testid="with-superseded" on:change=superseded/>"superseded ones as well"</label>
            </div>
        </details>
    }
    .into_any()
}

fn meaning(mode: RecallMode) -> &'static str {
    match mode {
        RecallMode::Naive => "naive: by the text alone",
        RecallMode::Local => "local: by the entities that are named",
        RecallMode::Global => "global: by the relations that are named",
        RecallMode::Hybrid => "hybrid: by entities and relations",
        RecallMode::Mix => "mix: by text, entities and relations",
        RecallMode::Bypass => "bypass: nothing is looked up",
    }
}

fn told(load: &Load) -> Option<AnyView> {
    let Load::Ready(Answer::Recalled(found)) = load else { return None };
    let said = memory::told(found.rows.len(), found.tokens, found.of_tokens, found.model.as_deref());
    let said = format!("An agent would be told {said}.");
    Some(view! { <p class="muted small" role="status" data-testid="told">{said}</p> }.into_any())
}

fn rows(app: App, look: Look, place: Memo<Place>, load: Load) -> AnyView {
    let (rows, recalled) = match load {
        Load::Loading => return states::loading(6),
        Load::Failed(why) => return states::failed(&why),
        Load::Ready(Answer::Recalled(found)) => (found.rows, true),
        Load::Ready(Answer::Notes { rows }) => (rows, false),
        Load::Ready(_) => return ().into_any(),
    };
    let all = rows.len();
    let shown = rows.into_iter().filter(|row| look.wants(row)).map(|row| item(app, place, row)).views();
    match (shown.is_empty(), recalled, all) {
        (true, true, _) => {
            states::empty("Nothing in memory matches", "Try fewer or other words, or another kind.")
        }
        (true, false, 0) => states::empty(
            "Memory is empty",
            "Every finished request leaves notes here. You can also push one: a decision, a preference, a document.",
        ),
        (true, false, _) => {
            states::empty("No note is of this kind", "Switch the kinds above off to see all of them.")
        }
        (false, _, _) => shown.into_any(),
    }
}

fn item(app: App, place: Memo<Place>, row: NoteRow) -> AnyView {
    let id = row.note.to_string();
    let route = Route::open(View::Memory, id.clone());
    let open = move || place.look(|p| matches!(p, Place::Note(here) if *here == id));
    let source = memory::source(&row);
    let why = row.why.as_deref().map(sentence);
    let old = row.superseded_by.as_ref().map(|_| plain::span("badge", "superseded"));
    view! {
        <button class="item" class:open=open data-row data-testid="note" data-note=row.note.to_string() on:click=click(move |_| app.go(route.clone()))>
            <span class="item-head"><b dir="auto">{row.title}</b><span class="badge">{row.note_kind.word()}</span>{old}</span>
            <span class="item-text short muted small" dir="auto">{row.text}</span>
            {why.map(|w| view! { <span class="small" data-testid="note-why">{w}</span> })}
            <span class="muted small">{ago(app, row.at)}" · "{source}</span>
        </button>
    }
    .into_any()
}
