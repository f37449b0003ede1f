//! One note, opened.

use super::kind_word;
use crate::app::{App, Memo, memo, part};
use crate::parts::confirm::Confirm;
use crate::parts::time::ago;
use crate::words::route::{Route, View};
use leptos::prelude::*;
use protocol::Request;
use protocol::view::NoteRow;

#[component]
pub fn Note(rows: Memo<Vec<NoteRow>>) -> impl IntoView {
    let app = App::here();
    let open = memo(move || {
        let id = app.route.look(|r| r.open.clone())?;
        rows.look(|rows| rows.iter().find(|r| r.note.as_str() == id).cloned())
    });
    part(move || {
        match open.get() {
        Some(row) => note(app, row),
        None => view! { <div class="card blank"><p class="muted">"Open a note to read it whole: click it, or j k and Enter."</p></div> }.into_any(),
    }
    })
}

fn note(app: App, row: NoteRow) -> AnyView {
    let id = row.note.clone();
    let forget = Callback::new(move |()| {
        app.act(Request::Forget { note: id.clone() }, "Forgotten: its text is deleted.", move |_| {
            app.go(Route::to(View::Memory))
        });
    });
    let look = row.request.as_ref().map(|r| Route::open(View::Home, r.to_string()).hash());
    // A request is named by the link below, not by its number.
    let source = if row.request.is_some() { "a request".to_owned() } else { row.source };
    let agent = row.agent.as_ref().map(|a| format!(", by {}", app.agent_title(a)));
    view! {
        <article class="card card-body" data-testid="note-open">
            <header class="item-head"><h2 dir="auto">{row.title}</h2><span class="badge">{kind_word(row.note_kind)}</span></header>
            <p class="muted small">"From "{source}{agent}", "{ago(app, row.at)}</p>
            <p class="item-text" dir="auto">{row.text}</p>
            <div class="actions">
                <Confirm label="Forget" question="Delete its text for ever?" testid="forget" danger=true act=forget/>
                {look.map(|href| view! { <a class="small" href=href>"The request it came from"</a> })}
            </div>
        </article>
    }
    .into_any()
}
