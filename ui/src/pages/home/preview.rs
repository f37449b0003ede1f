//! What comes of it: the work in progress, the live site, and the checkpoints on the way.

use super::strip::{Large, Strip};
use crate::app::{App, Memo, RwSignal, effect, memo};
use crate::parts::plain::click;
use crate::words::keys::Act;
use crate::words::stages;
use leptos::prelude::*;
use protocol::view::{CheckpointView, RequestView};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Progress,
    Live,
}

#[component]
pub fn Preview(focus: Memo<Option<RequestView>>) -> impl IntoView {
    let app = App::here();
    let request = memo(move || focus.look(|v| v.as_ref().map(|v| v.row.request.clone())));
    let preview = memo(move || {
        focus.look(|v| v.as_ref().filter(|v| stages::is_open(&v.row.status)).and_then(|v| v.preview.clone()))
    });
    let live = memo(move || {
        let of_request = focus.look(|v| v.as_ref().and_then(|v| v.url.clone()));
        of_request.or_else(|| {
            app.home_with(|h| h.projects.iter().find(|p| p.active).and_then(|p| p.url.clone())).flatten()
        })
    });
    let chosen = RwSignal::new(None::<Shown>);
    let picked = RwSignal::new(None::<CheckpointView>);
    effect(move || {
        request.track();
        chosen.set(None);
        picked.set(None);
    });
    effect(move || {
        if app.act.get() == Some(Act::Close) {
            picked.set(None);
        }
    });
    let shown =
        memo(move || match (chosen.get(), preview.look(Option::is_some), live.look(Option::is_some)) {
            (Some(Shown::Live), _, true) | (_, false, true) => Shown::Live,
            _ => Shown::Progress,
        });
    let url = memo(move || match shown.get() {
        Shown::Progress => preview.get(),
        Shown::Live => live.get(),
    });
    let turn = RwSignal::new(0u32);
    view! {
        <section class="pane preview" aria-label="Preview">
            <header class="pane-head">
                <div class="tabs" role="tablist">
                    {tab("Work in progress", "tab-preview", move || shown.get() == Shown::Progress, move || preview.look(Option::is_none), move || chosen.set(Some(Shown::Progress)))}
                    {tab("Live site", "tab-live", move || shown.get() == Shown::Live, move || live.look(Option::is_none), move || chosen.set(Some(Shown::Live)))}
                </div>
                <span class="grow"></span>
                <button class="quiet" title="Load the page again" aria-label="Load the page again" disabled=move || url.look(Option::is_none) on:click=click(move |_| turn.update(|t| *t += 1))>"↻"</button>
                {move || url.get().map(|u| view! { <a class="quiet button" href=u target="_blank" rel="noopener" title="Open in a new tab" aria-label="Open in a new tab">"↗"</a> })}
            </header>
            <p class="preview-label" data-shown=move || match (shown.get(), url.look(Option::is_some)) {
                (_, false) => "nothing",
                (Shown::Live, true) => "live",
                (Shown::Progress, true) => "progress",
            }>
                <b>{move || label(shown.get(), url.look(Option::is_some))}</b>
                <span class="muted clip code">{move || url.get()}</span>
            </p>
            <div class="frame">
                {move || frame(url.get(), turn.get())}
                <Large picked=picked/>
            </div>
            <Strip focus=focus picked=picked/>
        </section>
    }
}

fn label(shown: Shown, there: bool) -> &'static str {
    match (shown, there) {
        (_, false) => "Nothing to show yet",
        (Shown::Progress, true) => "Preview of the work in progress",
        (Shown::Live, true) => "Live site",
    }
}

/// `turn` makes it a new frame: the page is another origin and cannot be told to reload.
fn frame(url: Option<String>, turn: u32) -> AnyView {
    match url {
        #[cfg(feature = "desktop")]
        Some(url) if crate::backend::desk::there() => beside(url),
        Some(url) => view! {
            <iframe
                data-testid="preview-frame"
                data-turn=turn.to_string()
                title="The page"
                sandbox="allow-scripts allow-forms allow-same-origin"
                referrerpolicy="no-referrer"
                src=url
            ></iframe>
        }
        .into_any(),
        None => view! {
            <div class="blank">
                <h2>"No page yet"</h2>
                <p class="muted">"As soon as an agent writes code, the page appears here and changes while it works."</p>
            </div>
        }
        .into_any(),
    }
}

/// What agents made does not run in the desktop's own window: it gets one without any rights.
#[cfg(feature = "desktop")]
fn beside(url: String) -> AnyView {
    let app = App::here();
    let open = move |_| {
        let url = url.clone();
        leptos::task::spawn_local(async move {
            if let Err(refused) = crate::backend::desk::preview(url).await {
                app.warn(&refused);
            }
        });
    };
    view! {
        <div class="blank">
            <h2>"In a window of its own"</h2>
            <p class="muted">"The page opens beside this window and changes while the agent works."</p>
            <button class="primary" data-testid="preview-open" on:click=click(open)>"Open the page"</button>
        </div>
    }
    .into_any()
}

fn tab(
    title: &'static str,
    testid: &'static str,
    on: impl Fn() -> bool + Copy + Send + Sync + 'static,
    off: impl Fn() -> bool + Copy + Send + Sync + 'static,
    pick: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    view! {
        <button
            role="tab"
            class="tab"
            data-testid=testid
            aria-selected=move || on().to_string()
            disabled=off
            on:click=click(move |_| pick())
        >
            {title}
        </button>
    }
}
