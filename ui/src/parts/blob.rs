//! Blobs on a page: pictures, texts, diffs. All text is text; nothing of it becomes markup.

use crate::app::{App, Load, RwSignal, Views, read};
use crate::backend;
use crate::backend::Answer;
use crate::parts::states;
use crate::words::diff;
use leptos::prelude::*;
use protocol::id::BlobId;
use protocol::{ApiError, Request};

/// A screenshot. Its object URL is given back when the picture goes.
#[component]
pub fn Picture(blob: BlobId, #[prop(into)] says: String) -> impl IntoView {
    let found = RwSignal::new(None::<Result<String, ApiError>>);
    leptos::task::spawn_local(async move {
        let answer = backend::picture(&blob).await;
        if let Ok(url) = &answer
            && found.try_set(Some(answer.clone())).is_some()
        {
            let _ = web_sys::Url::revoke_object_url(url);
        } else if answer.is_err() {
            let _ = found.try_set(Some(answer));
        }
    });
    on_cleanup(move || {
        if let Some(Some(Ok(url))) = found.try_get_untracked() {
            let _ = web_sys::Url::revoke_object_url(&url);
        }
    });
    move || match found.get() {
        None => view! { <div class="bone picture-bone"></div> }.into_any(),
        Some(Ok(url)) => view! { <img src=url alt=says.clone()/> }.into_any(),
        Some(Err(_)) => view! { <p class="muted small">"The picture is no longer kept."</p> }.into_any(),
    }
}

/// A text that is only read when it is looked at.
#[component]
pub fn TextOf(blob: BlobId) -> impl IntoView {
    let app = App::here();
    let load = read(app, move || Some(Request::Text { blob: blob.clone() }));
    move || match load.get() {
        Load::Loading => states::loading(3),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Text { text }) => view! { <pre class="text">{text}</pre> }.into_any(),
        Load::Ready(_) => ().into_any(),
    }
}

/// An attempt's change, coloured.
#[component]
pub fn DiffOf(attempt: protocol::id::AttemptId) -> impl IntoView {
    let app = App::here();
    let load = read(app, move || Some(Request::Diff { attempt: attempt.clone() }));
    move || match load.get() {
        Load::Loading => states::loading(4),
        Load::Failed(why) => states::failed(&why),
        Load::Ready(Answer::Text { text }) if text.trim().is_empty() => {
            view! { <p class="muted">"Nothing was changed."</p> }.into_any()
        }
        Load::Ready(Answer::Text { text }) => coloured(&text).into_any(),
        Load::Ready(_) => ().into_any(),
    }
}

fn coloured(text: &str) -> impl IntoView + use<> {
    let (lines, left_out) = diff::lines(text);
    let rows = lines
        .into_iter()
        .map(|(kind, line)| view! { <span class=kind.class()>{format!("{line}\n")}</span> })
        .views();
    view! {
        <pre class="diff" tabindex="0">{rows}</pre>
        {(left_out > 0).then(|| view! { <p class="muted small">{format!("{left_out} more lines are not shown.")}</p> })}
    }
}
