//! What one writes: the fields of a note, new or as a newer version of another.

use crate::app::{App, RwSignal};
use crate::backend::Answer;
use crate::parts::plain::{self, typed};
use crate::words::memory;
use leptos::prelude::*;
use protocol::Request;
use protocol::api::NewNote;
use protocol::fact::NoteKind;
use protocol::id::NoteId;

/// What stands in the fields at first.
pub struct Draft {
    pub kind: NoteKind,
    pub title: String,
    pub text: String,
    /// The note that the new one supersedes.
    pub instead_of: Option<NoteId>,
}

/// `name` begins every test id; `then` gets the new note.
pub fn form(app: App, name: &'static str, draft: Draft, then: Callback<NoteId>) -> AnyView {
    let kind = RwSignal::new(draft.kind.word().to_owned());
    let [title, text, source] = [draft.title, draft.text, String::new()].map(RwSignal::new);
    let instead_of = StoredValue::new(draft.instead_of);
    let fresh = instead_of.with_value(Option::is_none);
    let incomplete = move || text.look(|t| t.trim().is_empty());
    let send = plain::sent(move || {
        if incomplete() {
            return;
        }
        let note = NewNote {
            kind: kind.with_untracked(|word| memory::kind(word)),
            title: title.get_untracked(),
            text: text.get_untracked(),
            source: Some(source.get_untracked()).filter(|s| !s.trim().is_empty()),
            supersedes: instead_of.get_value().into_iter().collect(),
        };
        let request = Request::Push { project: app.active_untracked(), note };
        app.act(request, "Remembered.", move |answer| {
            if fresh {
                for field in [title, text, source] {
                    let _ = field.try_set(String::new());
                }
            }
            if let Answer::Pushed { notes } = answer
                && let Some(pushed) = notes.into_iter().next()
            {
                then.run(pushed.note);
            }
        });
    });
    let from = fresh.then(|| {
        let hint =
            "From where, if that matters: a file, a meeting. A newer note from there replaces this one.";
        view! {
            <label class="field"><span>"Source"</span>
                {plain::line(source, format!("{name}-source"), "Source".to_owned(), hint.to_owned(), false)}
            </label>
        }
    });
    view! {
        <form class="card-body" on:submit=send>
            <label class="field"><span>"Kind"</span>
                {plain::choice(kind, format!("{name}-kind"), "Kind", memory::kinds())}
            </label>
            <label class="field"><span>"Title"</span>
                {plain::line(title, format!("{name}-title"), "Title".to_owned(), "The first line, if you leave it empty".to_owned(), false)}
            </label>
            <label class="field"><span>"What should be remembered"</span>
                <textarea rows="5" data-testid=format!("{name}-text") dir="auto" prop:value=text.shown() on:input=typed(text)></textarea>
            </label>
            {from}
            <div class="actions"><button class="primary" data-testid=name disabled=incomplete>{if fresh { "Push" } else { "Save as the newer version" }}</button></div>
        </form>
    }
    .into_any()
}
