//! Instructions: the four guarded files. The user edits them here; agents only read them.

mod editor;

use crate::app::{App, Load, Memo, Views, memo, part, read};
use crate::backend::Answer;
use crate::parts::plain::click;
use crate::parts::states;
use crate::words::figures;
use crate::words::route::{Route, View};
use leptos::prelude::*;
use protocol::Request;
use protocol::view::InstructionRow;

#[component]
pub fn Instructions() -> impl IntoView {
    let app = App::here();
    let load = read(app, move || {
        app.head.track();
        Some(Request::Instructions { project: app.active() })
    });
    let open = memo(move || {
        let first = match load.get() {
            Load::Ready(Answer::Instructions { rows }) => rows.first().map(|r| r.path.clone()),
            _ => None,
        };
        app.route.look(|r| r.open.clone()).or(first)
    });
    let list = part(move || match load.get() {
        Load::Loading => states::loading(4),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Instructions { rows }) if rows.is_empty() => {
            states::empty("No files yet", "They are made with a project: create one in the project menu.")
        }
        Load::Ready(Answer::Instructions { rows }) => {
            rows.into_iter().map(|row| file(app, row, open)).views().into_any()
        }
        Load::Ready(_) => ().into_any(),
    });
    let editor = part(move || open.get().map(|path| view! { <editor::Editor path=path/> }));
    view! {
        <div class="sheet">
            <header class="sheet-head">
                <h1>"Instructions"</h1>
                <p class="muted">"What Hermes and every agent read before they work. Agents cannot change these files; each save is a commit."</p>
            </header>
            <div class="files">
                <nav class="card items" aria-label="Files">{list}</nav>
                {editor}
            </div>
        </div>
    }
}

fn file(app: App, row: InstructionRow, open: Memo<Option<String>>) -> AnyView {
    let route = Route::open(View::Instructions, row.path.clone());
    let path = row.path.clone();
    view! {
        <button
            class="item"
            class:open=move || open.look(|o| o.as_deref() == Some(path.as_str()))
            data-row
            data-testid="instruction"
            on:click=click(move |_| app.go(route.clone()))
        >
            <b class="code">{row.path}</b>
            <span class="muted small">{row.purpose}</span>
            <span class="muted small">{figures::bytes(row.bytes)}</span>
        </button>
    }
    .into_any()
}
