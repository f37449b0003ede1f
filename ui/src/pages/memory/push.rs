//! Telling memory something.

use super::edit::{self, Draft};
use crate::app::App;
use leptos::prelude::*;
use protocol::fact::NoteKind;

#[component]
pub fn Push() -> impl IntoView {
    let draft =
        Draft { kind: NoteKind::Decision, title: String::new(), text: String::new(), instead_of: None };
    let form = edit::form(App::here(), "push", draft, Callback::new(|_| {}));
    view! {
        <details class="card fold">
            <summary class="card-body">"Push a note"</summary>
            {form}
        </details>
    }
}
