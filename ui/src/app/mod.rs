//! The shell around every page: who is signed in, where one is, what is known, which key was pressed.

mod bar;
#[cfg(feature = "desktop")]
pub mod desk;
mod kept;
mod keyboard;
#[cfg(feature = "desktop")]
mod places;
mod projects;
mod reading;
mod signals;
mod signed_out;
mod state;

use crate::backend::{self, Nudge};
use crate::pages;
use crate::parts::plain::click;
use crate::words::route::{Route, View, sign_in_key};
pub use kept::{Memo, RwSignal, memo};
use leptos::prelude::*;
#[cfg(feature = "desktop")]
pub use projects::STARTERS;
pub use reading::{Load, read};
pub use signals::{Views, each, effect, part};
pub use state::{App, Session};

/// The whole app.
#[component]
pub fn Root() -> impl IntoView {
    let app = App::new();
    provide_context(app);
    enter(app);
    let _ = window_event_listener(leptos::ev::hashchange, move |_| enter(app));
    move || match app.session.get() {
        Session::Entering => view! { <p class="entering muted">"Signing in…"</p> }.into_any(),
        Session::Out(why) => signed_out::page(why).into_any(),
        Session::In => view! { <Shell/> }.into_any(),
    }
}

/// Reads the address: a sign-in link is traded for a session and removed from the address; all else is a place.
fn enter(app: App) {
    let hash = state::hash();
    let Some(key) = sign_in_key(&hash).map(str::to_owned) else {
        app.route.set(Route::parse(&hash));
        if app.session.get_untracked() == Session::Entering {
            app.session.set(if backend::signed_in() { Session::In } else { Session::Out(None) });
        }
        return;
    };
    state::replace_hash(&Route::to(View::Home).hash());
    app.route.set(Route::to(View::Home));
    leptos::task::spawn_local(async move {
        match backend::sign_in(&key).await {
            Ok(()) => app.session.set(Session::In),
            // An old link in a browser that is signed in already harms nothing.
            Err(_) if backend::signed_in() => app.session.set(Session::In),
            Err(why) => app.session.set(Session::Out(Some(why))),
        }
    });
}

#[component]
fn Shell() -> impl IntoView {
    let app = App::here();
    app.follow_home();
    keyboard::listen(app);
    #[cfg(feature = "desktop")]
    app.desk.listen();
    let watch = StoredValue::new_local(backend::watch_head(move |nudge| match nudge {
        Nudge::Head(head) => app.hear(head),
        Nudge::Lost => app.lose(),
        Nudge::SignedOut => app.sign_out(None),
        #[cfg(feature = "desktop")]
        Nudge::Since(since) => app.offline.set(since),
    }));
    on_cleanup(move || {
        let _ = watch.try_with_value(backend::Watch::stop);
    });
    let view = memo(move || app.route.look(|r| r.view));
    view! {
        <bar::Bar/>
        <Warnings/>
        <main class="page" data-view=move || view.get().slug()>
            {move || pages::page(view.get())}
        </main>
        <keyboard::Help/>
        <Notice/>
    }
}

/// What stands in the way of everything: a full disk, a lost connection.
#[component]
fn Warnings() -> impl IntoView {
    let app = App::here();
    let full = memo(move || app.home_with(|h| h.disk_full).unwrap_or(false));
    view! {
        <Show when=move || full.get()>
            <p class="warning" role="alert">
                <b>"The disk is full."</b>
                " New requests are refused until there is room; nothing was harmed. Free some space, then ask again."
            </p>
        </Show>
        {offline(app)}
    }
}

#[cfg(not(feature = "desktop"))]
fn offline(_: App) {}

/// The workspace's daemon is not reached: the pages show the copy on this computer.
#[cfg(feature = "desktop")]
fn offline(app: App) -> impl IntoView {
    use crate::words::time;
    move || {
        app.offline.get().map(|since| {
            let ago = move || time::relative(app.now.get(), since, app.zone);
            let host = app.home_with(|h| h.hello.host.clone()).unwrap_or_else(|| "this workspace".into());
            view! {
                <p class="warning" role="status" data-testid="offline">
                    <b>{format!("{host} is not reached.")}</b>
                    " You see the copy on this computer, as of "
                    <time title=time::exact(since, app.zone)>{ago}</time>
                    ". Nothing can be changed until it is back."
                </p>
            }
        })
    }
}

/// One short remark about what was just done.
#[component]
fn Notice() -> impl IntoView {
    let app = App::here();
    move || {
        app.notice.get().map(|notice| {
            let class = if notice.bad { "notice bad" } else { "notice" };
            view! {
                <div class=class role="status">
                    <span>{notice.text}</span>
                    <button class="quiet" aria-label="Close" on:click=click(move |_| app.notice.set(None))>"✕"</button>
                </div>
            }
        })
    }
}
