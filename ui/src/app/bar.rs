//! The bar at the top: where one can go, which project is active, whether the daemon is heard, light or dark.

use super::App;
use super::kept::RwSignal;
use super::projects::ProjectMenu;
use super::signals::Views;
use super::state::Link;
use crate::backend;
use crate::parts::icons;
use crate::parts::plain::click;
use crate::words::route::{Route, View};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

#[component]
pub fn Bar() -> impl IntoView {
    let app = App::here();
    view! {
        <header class="bar">
            <a class="brand" href="#/home" aria-label="Loopwright: home">{icons::mark()}<span>"Loopwright"</span></a>
            <nav aria-label="Views">
                {tabs().map(|view| tab(app, view)).views()}
            </nav>
            {places()}
            <ProjectMenu/>
            <Heard/>
            <ThemeButton/>
            <button class="quiet" title="Keys (?)" aria-label="Keys" on:click=click(move |_| app.help.set(true))>"?"</button>
        </header>
    }
}

/// Servers are reached by the menu that names the one that is open.
#[cfg(feature = "desktop")]
fn tabs() -> impl Iterator<Item = View> {
    View::ALL.into_iter().filter(|view| *view != View::Servers)
}

#[cfg(feature = "desktop")]
fn places() -> impl IntoView {
    view! { <super::places::PlaceMenu/> }
}

#[cfg(not(feature = "desktop"))]
fn tabs() -> impl Iterator<Item = View> {
    View::ALL.into_iter()
}

#[cfg(not(feature = "desktop"))]
fn places() {}

fn tab(app: App, view: View) -> impl IntoView {
    let here = move || app.route.look(|r| r.view) == view;
    view! {
        <a
            href=Route::to(view).hash()
            data-testid=format!("nav-{}", view.slug())
            aria-current=move || here().then_some("page")
            title=format!("{} (g {})", view.title(), view.key())
        >
            {view.title()}
        </a>
    }
}

/// Whether the live connection stands, in a word.
#[component]
fn Heard() -> impl IntoView {
    let app = App::here();
    let said = move || match app.link.get() {
        #[cfg(feature = "desktop")]
        _ if app.offline.look(Option::is_some) => offline(app),
        Link::Opening => ("light grey", "Connecting", "Connecting to the daemon".to_owned()),
        Link::Live => {
            let host = app.home_with(|h| h.hello.host.clone()).unwrap_or_default();
            ("light green", "Live", format!("Connected to the daemon on {host}: this page follows by itself"))
        }
        Link::Lost => {
            ("light amber", "Reconnecting", "The daemon is not heard; trying again by itself".to_owned())
        }
    };
    view! {
        <span class="heard" role="status" title=move || said().2>
            <i class=move || said().0></i>
            <span>{move || said().1}</span>
        </span>
    }
}

/// What is shown is the copy on this computer, and as of when.
#[cfg(feature = "desktop")]
fn offline(app: App) -> (&'static str, &'static str, String) {
    let when = app.offline.get().map(|since| crate::words::time::exact(since, app.zone)).unwrap_or_default();
    (
        "light amber",
        "Offline",
        format!("The daemon is not reached. Shown is the copy on this computer, as of {when}"),
    )
}

const THEME: &str = "loopwright.theme";

/// System, light, dark: one button that goes round. `boot.js` reads the same setting before the first paint.
#[component]
fn ThemeButton() -> impl IntoView {
    let app = App::here();
    follow_system(app);
    let theme = RwSignal::new(backend::remembered(THEME).unwrap_or_default());
    let turn = move |_| {
        let next = match theme.get_untracked().as_str() {
            "" => "light",
            "light" => "dark",
            _ => "",
        };
        backend::remember(THEME, next);
        if let Some(root) = document().document_element() {
            let _ = if next.is_empty() {
                root.remove_attribute("data-theme")
            } else {
                root.set_attribute("data-theme", next)
            };
        }
        theme.set(next.to_owned());
        app.theme.set(());
    };
    let (glyph, name) = (
        move || match theme.get().as_str() {
            "light" => "☀",
            "dark" => "☾",
            _ => "◐",
        },
        move || match theme.get().as_str() {
            "light" => "Light. Click for dark",
            "dark" => "Dark. Click for the system's setting",
            _ => "Light or dark as the system says. Click for light",
        },
    );
    view! { <button class="quiet" data-testid="theme" title=name aria-label=name on:click=turn>{glyph}</button> }
}

/// The system may change its mind while the page is open. The listener stays as long as the page does.
fn follow_system(app: App) {
    let Ok(Some(dark)) = window().match_media("(prefers-color-scheme: dark)") else { return };
    let told = Closure::<dyn FnMut()>::new(move || app.theme.set(()));
    if dark.add_event_listener_with_callback("change", told.as_ref().unchecked_ref()).is_ok() {
        told.forget();
    }
}
