//! What an attempt was told of the memory: in its brief, and when its agent asked.

use crate::app::{App, Load, Views, read};
use crate::backend::Answer;
use crate::parts::{plain, states};
use crate::words::memory::Place;
use crate::words::sentence;
use leptos::prelude::*;
use protocol::Request;
use protocol::id::AttemptId;
use protocol::view::{KnewRow, KnewVia};

pub fn knew(app: App, attempt: AttemptId) -> AnyView {
    super::attempt::fold("What did this run know?", false, move || {
        let attempt = attempt.clone();
        let load = read(app, move || {
            app.head.track();
            Some(Request::Knew { attempt: attempt.clone() })
        });
        let body = crate::app::part(move || match load.get() {
            Load::Loading => states::loading(2),
            Load::Failed(why) => states::failed(&why),
            Load::Ready(Answer::Knew { rows }) if rows.is_empty() => plain::p(
                "muted small",
                "Nothing of the memory: none of it matched, and the agent did not ask.",
            ),
            Load::Ready(Answer::Knew { rows }) => {
                view! { <ul class="lines" data-testid="knew">{rows.into_iter().map(line).views()}</ul> }
                    .into_any()
            }
            Load::Ready(_) => ().into_any(),
        });
        view! { {body} }.into_any()
    })
    .into_any()
}

fn line(row: KnewRow) -> AnyView {
    let via = match row.via {
        KnewVia::Brief => "in its brief",
        KnewVia::Asked => "it asked",
    };
    let what = match row.title {
        Some(title) => plain::link(title, Place::Note(row.note.to_string()).hash(), "", "knew-note"),
        None => plain::span("muted", "a note that was forgotten since"),
    };
    let kind = row.note_kind.map(|kind| plain::span("badge", kind.word()));
    view! { <li class="small">{what}" "{kind}" "<span class="muted">{via}". "{sentence(&row.why)}</span></li> }.into_any()
}
