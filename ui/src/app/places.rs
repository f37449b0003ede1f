//! The menu that names the workspace that is open, and opens another one. Its name also stands on every pane, so that
//! nobody works on another machine than the one that is meant.

use super::kept::{RwSignal, memo};
use super::signals::{Views, effect, part};
use super::{App, desk::Desk};
use crate::backend::desk;
use crate::parts::plain::{self, click};
use crate::words::route::{Route, View};
use crate::words::servers::{css_text, link};
use leptos::prelude::*;
use protocol::desk::{HERE, PlaceRow};
use wasm_bindgen::JsCast;

#[component]
pub fn PlaceMenu() -> impl IntoView {
    let app = App::here();
    let open = RwSignal::new(false);
    let here = memo(move || app.desk.row(&desk::place()));
    name_panes(app.desk);
    effect(move || {
        if app.act.get().is_some() {
            open.set(false);
        }
    });
    effect(move || {
        app.route.track();
        open.set(false);
    });
    let name = move || here.get().map_or_else(desk::place, |row| row.name);
    let light = move || {
        here.get().map_or("light grey", |row| {
            link::link(&row.link, app.now.get_untracked(), app.zone).light.class()
        })
    };
    view! {
        <div class="menu places">
            <button
                class="project"
                data-testid="place-menu"
                aria-haspopup="true"
                aria-expanded=move || open.get().to_string()
                title="The workspace that is open (g v: all of them)"
                on:click=click(move |_| open.update(|o| *o = !*o))
            >
                <i class=light></i>
                <b data-testid="host">{name}</b>
                <span aria-hidden="true">"▾"</span>
            </button>
            <Show when=move || open.get()>
                <div class="menu-veil" on:click=click(move |_| open.set(false))></div>
                <div class="menu-sheet">
                    <h3>"Work on"</h3>
                    <ul class="menu-list">{part(move || app.desk.rows().into_iter().map(|row| item(app, row)).views())}</ul>
                    <div class="actions">
                        {plain::link("All servers", Route::to(View::Servers).hash(), "button small-button", "all-servers")}
                        {plain::link("Set up a server", Route::open(View::Servers, "new").hash(), "button small-button", "menu-new-server")}
                    </div>
                </div>
            </Show>
        </div>
    }
}

fn item(app: App, row: PlaceRow) -> AnyView {
    let said = link::link(&row.link, app.now.get_untracked(), app.zone);
    let current = row.place == desk::place();
    let place = row.place.clone();
    view! {
        <li>
            <button class="menu-item" data-testid="place-item" data-place=row.place aria-current=current.then_some("true") disabled=current on:click=click(move |_| desk::go_to(&place))>
                <i class=said.light.class()></i>
                <b>{row.name}</b>
                <span class="muted small">{said.word}</span>
                <span aria-hidden="true">{if current { "✓" } else { "" }}</span>
            </button>
        </li>
    }
    .into_any()
}

/// The style sheet puts this name on every pane's head.
fn name_panes(known: Desk) {
    effect(move || {
        let place = desk::place();
        let name = known
            .row(&place)
            .map(|row| row.name)
            .unwrap_or_else(|| if place == HERE { "this computer".to_owned() } else { place });
        if let Some(root) = document().document_element() {
            let root: web_sys::HtmlElement = root.unchecked_into();
            let _ = root.style().set_property("--host", &css_text(&name));
        }
    });
}
